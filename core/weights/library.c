/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where weight files are found.
 */

#include "weights/library.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "weights/weight-file.h"

#define EXTENSION ".safetensors"

static void
entry_free (void *data)
{
  AtlLibraryEntry *entry = data;

  g_free (entry->name);
  g_free (entry->path);
  atl_card_free (entry->card);
  g_free (entry);
}

char **
atl_library_folders (void)
{
  g_autoptr (GStrvBuilder) folders = g_strv_builder_new ();
  const char *variable = g_getenv ("ATELIER_MODEL_PATH");
  g_auto (GStrv) own = g_strsplit (variable != NULL ? variable : "", ":", -1);
  g_autofree char *user = g_build_filename (g_get_user_data_dir (), "atelier", "models", NULL);
  const gboolean for_all = strcmp (user, ATELIER_MODELS_DIR) != 0;

  for (char **folder = own; *folder != NULL; folder++)
    if (**folder != '\0')
      g_strv_builder_add (folders, *folder);
  g_strv_builder_add (folders, user);
  if (for_all)
    g_strv_builder_add (folders, ATELIER_MODELS_DIR);
  return g_strv_builder_end (folders);
}

/* What is shown in lists, dialogs and JSON must be text, without anything that moves a terminal's cursor. */
static gboolean
check_name (const char *folder, const char *file, GPtrArray *problems)
{
  if (atl_text_is_shown (file, ""))
    return TRUE;

  g_autofree char *shown_folder = g_filename_display_name (folder);
  g_autofree char *shown_file = atl_text_shown (file);

  g_ptr_array_add (problems, g_strdup_printf (_ ("'%s/%s': the file's name is not printable UTF-8"),
                                              shown_folder, shown_file));
  return FALSE;
}

/* Adds the files of a folder by name -> path, but for names that are there already. */
static void
add_folder (GHashTable *paths, const char *folder, GPtrArray *problems)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    {
      if (! g_str_has_suffix (file, EXTENSION) || *file == '.'
          || ! check_name (folder, file, problems))
        continue;

      g_autofree char *name = g_strndup (file, strlen (file) - strlen (EXTENSION));
      if (! g_hash_table_contains (paths, name))
        g_hash_table_insert (paths, g_steal_pointer (&name), g_build_filename (folder, file, NULL));
    }
}

/* name -> path. Adds a message to 'problems' for each file that cannot have a name. */
static GHashTable *
find_all (GPtrArray *problems)
{
  GHashTable *paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) folders = atl_library_folders ();

  for (char **folder = folders; *folder != NULL; folder++)
    add_folder (paths, *folder, problems);
  return paths;
}

static int
compare_entries (const void *a, const void *b)
{
  const AtlLibraryEntry *const *x = a, *const *y = b;

  return strcmp ((*x)->name, (*y)->name);
}

GPtrArray *
atl_library_list (const char *task, GPtrArray **problems)
{
  g_autoptr (GPtrArray) found_problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) paths = find_all (found_problems);
  GPtrArray *entries = g_ptr_array_new_with_free_func (entry_free);
  GHashTableIter iter;
  void *name, *path;

  g_hash_table_iter_init (&iter, paths);
  while (g_hash_table_iter_next (&iter, &name, &path))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, &error);

      if (file == NULL)
        {
          g_ptr_array_add (found_problems, g_strdup (error->message));
          continue;
        }

      const AtlCard *card = atl_weight_file_card (file);
      if (task != NULL && g_strcmp0 (task, card->task) != 0)
        continue;

      AtlLibraryEntry *entry = g_new0 (AtlLibraryEntry, 1);
      entry->name = g_strdup (name);
      entry->path = g_strdup (path);
      entry->size = atl_weight_file_size (file);
      entry->card = atl_card_copy (card);
      g_ptr_array_add (entries, entry);
    }

  g_ptr_array_sort (entries, compare_entries);
  if (problems != NULL)
    *problems = g_steal_pointer (&found_problems);
  return entries;
}

static void
fail_to_find (const char *name, const char *task, GError **error)
{
  g_autoptr (GPtrArray) entries = atl_library_list (task, NULL);
  g_auto (GStrv) folders = atl_library_folders ();
  g_autofree char *joined = g_strjoinv (", ", folders);
  g_autofree char *searched = g_filename_display_name (joined);
  g_autofree char *shown = atl_text_shown (name);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < entries->len; i++)
    g_string_append_printf (names, i == 0 ? _ ("'%s'") : _ (", '%s'"),
                            ((AtlLibraryEntry *) g_ptr_array_index (entries, i))->name);

  if (entries->len == 0)
    g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                 _ ("There is no model '%s', nor another one for %s, in %s"), shown,
                 task != NULL ? task : _ ("any task"), searched);
  else
    g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                 _ ("There is no model '%s' in %s; there are %s"), shown, searched, names->str);
}

char *
atl_library_find (const char *name_or_path, const char *task, GError **error)
{
  if (strchr (name_or_path, '/') != NULL || g_str_has_suffix (name_or_path, EXTENSION))
    return g_strdup (name_or_path);

  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) paths = find_all (problems);
  const char *path = g_hash_table_lookup (paths, name_or_path);

  if (path == NULL)
    fail_to_find (name_or_path, task, error);
  return g_strdup (path);
}
