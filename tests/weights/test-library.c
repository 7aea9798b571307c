/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The library: which folders are searched, in what order, and what is said of the rest.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "temporary.h"
#include "weights/library.h"
#include "weights/weight-file.h"

/* The folders of a test: two of ATELIER_MODEL_PATH, and the user's. */
typedef struct
{
  AtlTestFolder *first, *second, *user;
} Folders;

static AtlTestFolder *data_home;

static void
write_model (const char *folder, const char *name, const char *task)
{
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  const float value = 1.0f;
  const AtlTensorToWrite tensor = { .name = "x", .values = &value };
  g_autoptr (AtlCard) card = atl_card_new ();

  card->format = g_strdup ("1");
  card->task = g_strdup (task);
  card->arch = g_strdup ("a");
  card->config = g_strdup ("{}");
  card->input = g_strdup (ATL_INPUT_RGB_UNIT);
  card->description = g_strdup (folder);
  CU_ASSERT_FATAL (atl_weight_file_write (path, card, &tensor, 1, ATL_DTYPE_F32, NULL));
}

static void
folders_init (Folders *folders)
{
  folders->first = atl_test_folder_new ();
  folders->second = atl_test_folder_new ();
  folders->user = g_build_filename (data_home, "atelier", "models", NULL);
  CU_ASSERT_EQUAL_FATAL (g_mkdir_with_parents (folders->user, 0700), 0);

  g_autofree char *path = g_strconcat (folders->first, "::/none:", folders->second, NULL);
  g_setenv ("ATELIER_MODEL_PATH", path, TRUE);

  write_model (folders->first, "both", "upscale");
  write_model (folders->second, "both", "upscale");
  write_model (folders->second, "b-second", "upscale");
  write_model (folders->second, "a-style", "stylize");
  write_model (folders->user, "own", "upscale");
  g_free (atl_test_file_new (folders->first, "bad.safetensors", "bad", 3));
  g_free (atl_test_file_new (folders->first, "notes.txt", "", 0));
  g_free (atl_test_file_new (folders->first, ".hidden.safetensors", "", 0));
}

static void
folders_clear (Folders *folders)
{
  atl_test_folder_free (folders->first);
  atl_test_folder_free (folders->second);
  atl_test_folder_free (folders->user);
  g_unsetenv ("ATELIER_MODEL_PATH");
}

static const AtlLibraryEntry *
find_entry (GPtrArray *entries, const char *name)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      if (strcmp (entry->name, name) == 0)
        return entry;
    }
  return NULL;
}

static void
folders_in_order (void)
{
  Folders folders;

  folders_init (&folders);
  g_auto (GStrv) list = atl_library_folders ();
  CU_ASSERT_EQUAL_FATAL (g_strv_length (list), 5);
  CU_ASSERT_STRING_EQUAL (list[0], folders.first);
  CU_ASSERT_STRING_EQUAL (list[1], "/none");
  CU_ASSERT_STRING_EQUAL (list[2], folders.second);
  CU_ASSERT_STRING_EQUAL (list[3], folders.user);
  CU_ASSERT (g_str_has_suffix (list[4], "/atelier/models"));
  folders_clear (&folders);
}

static void
lists_by_task (void)
{
  Folders folders;
  g_autoptr (GPtrArray) problems = NULL;

  folders_init (&folders);
  g_autoptr (GPtrArray) all = atl_library_list (NULL, &problems);
  g_autoptr (GPtrArray) some = atl_library_list ("upscale", NULL);

  const AtlLibraryEntry *both = find_entry (all, "both");
  CU_ASSERT_PTR_NOT_NULL_FATAL (both);
  CU_ASSERT (g_str_has_prefix (both->path, folders.first));
  CU_ASSERT_STRING_EQUAL (both->card->description, folders.first);
  CU_ASSERT (both->size > 100);
  CU_ASSERT_PTR_NOT_NULL (find_entry (all, "a-style"));
  CU_ASSERT_PTR_NOT_NULL (find_entry (all, "b-second"));
  CU_ASSERT_PTR_NOT_NULL (find_entry (all, "own"));
  CU_ASSERT_PTR_NULL (find_entry (all, "bad"));
  CU_ASSERT_PTR_NULL (find_entry (all, ".hidden"));
  for (guint i = 1; i < all->len; i++)
    CU_ASSERT (strcmp (((AtlLibraryEntry *) g_ptr_array_index (all, i - 1))->name,
                       ((AtlLibraryEntry *) g_ptr_array_index (all, i))->name)
               < 0);

  CU_ASSERT_PTR_NULL (find_entry (some, "a-style"));
  CU_ASSERT_PTR_NOT_NULL (find_entry (some, "own"));

  CU_ASSERT_EQUAL_FATAL (problems->len, 1);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (g_ptr_array_index (problems, 0), "/bad.safetensors': 3 bytes are too few"));
  folders_clear (&folders);
}

static void
is_found (const char *name, const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = atl_library_find (name, "upscale", &error);
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *expected = g_build_filename (folder, file, NULL);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (path);
  CU_ASSERT_STRING_EQUAL (path, expected);
}

static void
finds_the_first (void)
{
  Folders folders;

  folders_init (&folders);
  is_found ("both", folders.first);
  is_found ("b-second", folders.second);
  is_found ("own", folders.user);
  /* A broken file is named by whoever loads it, not passed over silently. */
  is_found ("bad", folders.first);
  folders_clear (&folders);
}

static void
takes_paths_as_they_are (void)
{
  g_autofree char *a = atl_library_find ("./own", NULL, NULL);
  g_autofree char *b = atl_library_find ("own.safetensors", NULL, NULL);

  CU_ASSERT_STRING_EQUAL (a, "./own");
  CU_ASSERT_STRING_EQUAL (b, "own.safetensors");
}

static void
tells_what_there_is (void)
{
  Folders folders;
  g_autoptr (GError) error = NULL;

  folders_init (&folders);
  CU_ASSERT_PTR_NULL (atl_library_find ("nothing", "stylize", &error));
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, folders.first));
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, folders.user));
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "; there are 'a-style'"));
  CU_ASSERT_PTR_NULL (strstr (error->message, "'own'"));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "There is no model 'nothing' in ");

  CU_ASSERT_PTR_NULL (atl_library_find ("nothing", "no-such-task", &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL,
                  "There is no model 'nothing', nor another one for no-such-task, in ");
  CU_ASSERT_PTR_NULL (atl_library_find ("", "upscale", &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "There is no model ''");
  folders_clear (&folders);
}

/* File systems know bytes, and lists and dialogs text. */
static void
leaves_out_names_that_are_no_text (void)
{
  Folders folders;
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;

  folders_init (&folders);
  write_model (folders.second, "caf\xe9", "upscale");
  write_model (folders.second, "red\x1b[31m", "upscale");
  write_model (folders.second, "Größe ×2", "upscale");

  g_autoptr (GPtrArray) all = atl_library_list (NULL, &problems);
  CU_ASSERT_PTR_NOT_NULL (find_entry (all, "Größe ×2"));
  for (guint i = 0; i < all->len; i++)
    CU_ASSERT (atl_text_is_shown (((AtlLibraryEntry *) g_ptr_array_index (all, i))->name, ""));

  g_ptr_array_add (problems, NULL);
  g_autofree char *joined = g_strjoinv ("|", (char **) problems->pdata);
  CU_ASSERT (g_utf8_validate (joined, -1, NULL));
  CU_ASSERT_PTR_NOT_NULL (
      strstr (joined, "/caf\ufffd.safetensors': the file's name is not printable UTF-8"));
  CU_ASSERT_PTR_NOT_NULL (strstr (joined, "/red?[31m.safetensors': the file's name is not"));
  CU_ASSERT_PTR_NULL (strchr (joined, '\x1b'));

  CU_ASSERT_PTR_NULL (atl_library_find ("caf\xe9", "upscale", &error));
  CU_ASSERT (error != NULL && g_utf8_validate (error->message, -1, NULL));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "There is no model 'caf\ufffd' in ");
  folders_clear (&folders);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "folders in order", folders_in_order },
    { "lists by task", lists_by_task },
    { "finds the first", finds_the_first },
    { "takes paths as they are", takes_paths_as_they_are },
    { "tells what there is", tells_what_there_is },
    { "leaves out names that are no text", leaves_out_names_that_are_no_text },
  };

  /* Before GLib reads it for the first time. */
  data_home = g_dir_make_tmp ("atelier-test-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", data_home, TRUE);

  const int status = atl_suite_run ("library", tests, G_N_ELEMENTS (tests));
  atl_test_folder_free (data_home);
  return status;
}
