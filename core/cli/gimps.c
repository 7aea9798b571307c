/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GIMPs that are installed here.
 *
 * What GIMP does was read in its sources: libgimpbase/gimpenv.c (folders), libgimpconfig/gimpconfig-path.c (variables
 * in paths), app/plug-in/gimppluginmanager-restore.c (search, and pluginrc). The user's folder is named after the
 * version of the program (3.2), the system's after the first version with the same libraries (3.0).
 */

#include "cli/gimps.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/ask-program.h"

#define DEFAULT_PLUGIN_PATH "${gimp_dir}/plug-ins:${gimp_plug_in_dir}/plug-ins"

static void
gimp_free (void *data)
{
  AtlGimp *gimp = data;

  g_free (gimp->program);
  g_free (gimp->windowed);
  g_free (gimp->answer);
  g_free (gimp->version);
  g_free (gimp->prefix);
  g_free (gimp->directory);
  g_free (gimp->libraries);
  g_free (gimp->gimprc);
  g_free (gimp->problem);
  g_ptr_array_unref (gimp->folders);
  g_free (gimp);
}

/* What is built into GIMP under 'name' (GIMP3_SYSCONFDIR), unless the environment says otherwise. */
static char *
folder_of_environment (const AtlGimp *gimp, const char *name)
{
  g_autofree char *variable = g_strdup_printf ("GIMP%d_%s", gimp->major, name);
  const char *folder = g_getenv (variable);

  /* As GIMP's own folders are compared with it. */
  return folder != NULL ? g_canonicalize_filename (folder, g_get_home_dir ()) : NULL;
}

static char *
api_version (const AtlGimp *gimp)
{
  return g_strdup_printf ("%d.0", gimp->major);
}

char **
atl_paths_below (const char *folder, const char *pattern)
{
  g_autoptr (GString) whole = g_string_new (NULL);
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  glob_t found = { 0 };

  for (const char *at = folder; *at != '\0'; at++)
    g_string_append_printf (whole, strchr ("*?[]\\", *at) != NULL ? "\\%c" : "%c", *at);
  g_string_append_printf (whole, "/%s", pattern);
  if (glob (whole->str, 0, NULL, &found) == 0)
    g_strv_builder_addv (paths, (const char **) found.gl_pathv);
  globfree (&found);
  return g_strv_builder_end (paths);
}

/* lib, lib64, or a folder of the machine's kind in lib (Debian). */
static char *
find_libraries (const AtlGimp *gimp)
{
  static const char *const places[] = { "lib*", "lib/*" };
  g_autofree char *api = api_version (gimp);
  char *folder = folder_of_environment (gimp, "PLUGINDIR");

  for (size_t i = 0; folder == NULL && i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *pattern = g_build_filename (places[i], "gimp", api, "plug-ins", NULL);
      g_auto (GStrv) plugins = atl_paths_below (gimp->prefix, pattern);

      if (plugins[0] != NULL)
        folder = g_path_get_dirname (plugins[0]);
    }
  return folder != NULL ? folder : g_build_filename (gimp->prefix, "lib", "gimp", api, NULL);
}

static char *
find_directory (const AtlGimp *gimp)
{
  g_autofree char *told = folder_of_environment (gimp, "DIRECTORY");

  return told != NULL ? g_steal_pointer (&told)
                      : g_build_filename (g_get_user_config_dir (), "GIMP", gimp->version, NULL);
}

/* The system's settings of what is installed in /usr are in /etc. */
static char *
find_system_settings (const AtlGimp *gimp)
{
  g_autofree char *api = api_version (gimp);
  char *folder = folder_of_environment (gimp, "SYSCONFDIR");

  if (folder == NULL)
    {
      g_autofree char *top = g_str_has_suffix (gimp->prefix, "/usr")
                                 ? g_path_get_dirname (gimp->prefix)
                                 : g_strdup (gimp->prefix);

      folder = g_build_filename (top, "etc", "gimp", api, NULL);
    }
  return folder;
}

/* The value of ${NAME} in a path, or NULL. */
static char *
variable (const AtlGimp *gimp, const char *name)
{
  g_autofree char *api = api_version (gimp);

  if (strcmp (name, "gimp_dir") == 0)
    return g_strdup (gimp->directory);
  if (strcmp (name, "gimp_plug_in_dir") == 0 || strcmp (name, "gimp_plugin_dir") == 0)
    return g_strdup (gimp->libraries);
  if (strcmp (name, "gimp_sysconf_dir") == 0)
    return find_system_settings (gimp);
  if (strcmp (name, "gimp_installation_dir") == 0)
    return g_strdup (gimp->prefix);
  if (strcmp (name, "gimp_data_dir") == 0)
    return g_build_filename (gimp->prefix, "share", "gimp", api, NULL);
  return g_strdup (g_getenv (name));
}

/* A path of a file of GIMP's, with its variables and ~ replaced. NULL if 'unknown', to be freed, is none that is
 * known: GIMP has then no path at all. */
static char *
expand (const AtlGimp *gimp, const char *path, char **unknown)
{
  g_autoptr (GString) expanded = g_string_new (NULL);

  while (*path != '\0')
    {
      const char *end = g_str_has_prefix (path, "${") ? strchr (path, '}') : NULL;

      if (end != NULL)
        {
          g_autofree char *name = g_strndup (path + 2, (gsize) (end - path - 2));
          g_autofree char *value = variable (gimp, name);

          if (value == NULL)
            {
              *unknown = g_steal_pointer (&name);
              return NULL;
            }
          g_string_append (expanded, value);
          path = end + 1;
        }
      else if (*path == '~')
        {
          g_string_append (expanded, g_get_home_dir ());
          path++;
        }
      else
        g_string_append_c (expanded, *path++);
    }
  return g_strdup (expanded->str);
}

/* Reads a file of GIMP's, which is nested lists in parentheses; NULL if there is none. 'text' is freed after it. */
static GScanner *
scanner_new (const char *path, char **text)
{
  gsize size;

  if (! g_file_get_contents (path, text, &size, NULL))
    return NULL;

  GScanner *scanner = g_scanner_new (NULL);
  scanner->config->cset_identifier_first = (char *) G_CSET_a_2_z G_CSET_A_2_Z;
  scanner->config->cset_identifier_nth = (char *) G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_";
  scanner->config->scan_identifier_1char = TRUE;
  scanner->config->store_int64 = TRUE;
  g_scanner_input_text (scanner, *text, (guint) size);
  return scanner;
}

/* Goes on behind the next "(NAME". FALSE at the end. */
static gboolean
seek (GScanner *scanner, const char *name)
{
  GTokenType token;

  while ((token = g_scanner_get_next_token (scanner)) != G_TOKEN_EOF)
    if (token == G_TOKEN_LEFT_PAREN && g_scanner_peek_next_token (scanner) == G_TOKEN_IDENTIFIER
        && strcmp (scanner->next_value.v_identifier, name) == 0)
      {
        g_scanner_get_next_token (scanner);
        return TRUE;
      }
  return FALSE;
}

/* The text that a gimprc sets 'name' to: the last one counts. NULL if it does not. */
static char *
read_setting (const char *gimprc, const char *name)
{
  g_autofree char *text = NULL;
  GScanner *scanner = scanner_new (gimprc, &text);
  char *value = NULL;

  if (scanner == NULL)
    return NULL;
  while (seek (scanner, name))
    if (g_scanner_get_next_token (scanner) == G_TOKEN_STRING)
      {
        g_free (value);
        value = g_strdup (scanner->value.v_string);
      }
  g_scanner_destroy (scanner);
  return value;
}

/* The folders as the user's settings name them, else the system's; notes which file has them. NULL if neither has. */
static char *
plugin_path_setting (AtlGimp *gimp)
{
  g_autofree char *system = find_system_settings (gimp);
  const char *const folders[] = { gimp->directory, system };
  char *value = NULL;

  for (size_t i = 0; value == NULL && i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *file = g_build_filename (folders[i], "gimprc", NULL);

      value = read_setting (file, "plug-in-path");
      if (value != NULL)
        gimp->gimprc = g_steal_pointer (&file);
    }
  return value;
}

static void
find_folders (AtlGimp *gimp)
{
  g_autofree char *set = plugin_path_setting (gimp);
  g_autofree char *unknown = NULL;
  g_autofree char *expanded = expand (gimp, set != NULL ? set : DEFAULT_PLUGIN_PATH, &unknown);

  if (expanded == NULL)
    {
      gimp->problem = g_strdup_printf (
          _ ("'plug-in-path' in %s has ${%s}, which GIMP does not know: remove that line"),
          gimp->gimprc, unknown);
      return;
    }

  g_auto (GStrv) folders = g_strsplit (expanded, G_SEARCHPATH_SEPARATOR_S, -1);
  for (char **folder = folders; *folder != NULL; folder++)
    if (**folder != '\0')
      g_ptr_array_add (gimp->folders, g_canonicalize_filename (*folder, NULL));
  if (gimp->folders->len == 0)
    gimp->problem = g_strdup (
        _ ("GIMP looks for plug-ins in no folder: remove the line 'plug-in-path' from its gimprc"));
}

/* The number in "GNU Image Manipulation Program version 3.0.4", or NULL. */
static char *
version_in (const char *answer)
{
  g_autoptr (GRegex) regex = g_regex_new ("version ([0-9]+\\.[0-9]+)", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  return g_regex_match (regex, answer, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

/* gimp-console-3.0 has no windows, and waits for ever if it is started without a command; gimp-3.0 lies beside it. */
static char *
find_windowed (const char *program)
{
  static const char console[] = "gimp-console";
  g_autofree char *folder = g_path_get_dirname (program);
  g_autofree char *name = g_path_get_basename (program);
  g_autofree char *windowed = NULL;

  if (g_str_has_prefix (name, console))
    windowed = g_strconcat (folder, "/gimp", name + strlen (console), NULL);
  return windowed != NULL && g_file_test (windowed, G_FILE_TEST_IS_EXECUTABLE)
             ? g_steal_pointer (&windowed)
             : g_strdup (program);
}

/* Takes 'take_version' and 'take_answer'. */
static AtlGimp *
gimp_new (const char *program, char *take_version, char *take_answer)
{
  g_autofree char *real = realpath (program, NULL);
  g_autofree char *folder = g_path_get_dirname (real != NULL ? real : program);
  AtlGimp *gimp = g_new0 (AtlGimp, 1);

  gimp->program = g_strdup (program);
  gimp->windowed = find_windowed (program);
  gimp->version = take_version;
  gimp->answer = take_answer;
  gimp->major = atoi (gimp->version);
  gimp->prefix = g_path_get_dirname (folder);
  gimp->directory = find_directory (gimp);
  gimp->libraries = find_libraries (gimp);
  gimp->folders = g_ptr_array_new_with_free_func (g_free);
  find_folders (gimp);
  return gimp;
}

/* What was found so far. */
typedef struct
{
  GPtrArray *gimps;    /* AtlGimp */
  GPtrArray *problems; /* char * */
  GHashTable *files;   /* the programs behind all links, char * */
} Search;

static gboolean
is_known (const Search *search, const char *version)
{
  for (guint i = 0; i < search->gimps->len; i++)
    if (strcmp (((const AtlGimp *) g_ptr_array_index (search->gimps, i))->version, version) == 0)
      return TRUE;
  return FALSE;
}

/* Starts the program. 'version' is that in its name; NULL if it has none, and may be no GIMP. */
static void
add_started (Search *search, const char *program, const char *version)
{
  g_auto (AtlAnswer) answer = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *said = NULL, *line = NULL, *late = NULL;

  if (atl_program_ask (&answer, program, ATL_PATIENCE, &error))
    {
      said = version_in (answer.output);
      line = g_strndup (answer.output, strcspn (answer.output, "\n"));
      if (*g_strstrip (line) == '\0')
        g_clear_pointer (&line, g_free);
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    late = g_strdup (error->message);

  if (version == NULL && late != NULL)
    g_ptr_array_add (search->problems, g_strdup_printf ("%s: %s", program, late));
  if (version == NULL)
    version = said;
  if (version == NULL || atoi (version) < 2 || is_known (search, version))
    return;

  AtlGimp *gimp = gimp_new (program, g_strdup (version), g_steal_pointer (&line));
  if (late != NULL)
    {
      g_free (gimp->problem);
      gimp->problem = g_steal_pointer (&late);
    }
  g_ptr_array_add (search->gimps, gimp);
}

/* Adds the program, if it is a GIMP of a version that is not there yet. */
static void
add_program (Search *search, const char *program, const char *name)
{
  g_autoptr (GRegex) regex = g_regex_new ("^gimp(-console)?(-[0-9]+\\.[0-9]+)?$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *file = realpath (program, NULL);

  if (! g_regex_match (regex, name, 0, &match) || file == NULL
      || ! g_file_test (program, G_FILE_TEST_IS_EXECUTABLE)
      || g_file_test (program, G_FILE_TEST_IS_DIR))
    return;

  g_autofree char *ending = g_match_info_fetch (match, 2);
  const gboolean is_new = g_hash_table_add (search->files, g_steal_pointer (&file));
  if (*ending != '\0' && ! is_known (search, ending + 1))
    add_started (search, program, ending + 1);
  /* 'gimp' is mostly a link to one with a version in its name. */
  else if (*ending == '\0' && is_new)
    add_started (search, program, NULL);
}

/* Names with a version first, since they tell it without being started, and gimp-console before gimp. */
static int
compare_names (gconstpointer a, gconstpointer b)
{
  const char *one = *(const char *const *) a, *other = *(const char *const *) b;
  const int with_version = (strpbrk (other, "0123456789") != NULL)
                           - (strpbrk (one, "0123456789") != NULL);
  const int console = g_str_has_prefix (other, "gimp-console")
                      - g_str_has_prefix (one, "gimp-console");

  return with_version != 0 ? with_version : console != 0 ? console : strcmp (one, other);
}

static void
add_folder (Search *search, const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "gimp"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *program = g_build_filename (folder, g_ptr_array_index (names, i), NULL);

      add_program (search, program, g_ptr_array_index (names, i));
    }
}

static int
compare_versions (gconstpointer a, gconstpointer b)
{
  const AtlGimp *one = *(const AtlGimp *const *) a, *other = *(const AtlGimp *const *) b;

  return one->major != other->major
             ? one->major - other->major
             : atoi (strchr (one->version, '.') + 1) - atoi (strchr (other->version, '.') + 1);
}

GPtrArray *
atl_gimps_find (GPtrArray **problems)
{
  g_autoptr (GHashTable) files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Search search = { .gimps = g_ptr_array_new_with_free_func (gimp_free),
                    .problems = g_ptr_array_new_with_free_func (g_free),
                    .files = files };
  const char *path = g_getenv ("PATH");
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "", G_SEARCHPATH_SEPARATOR_S, -1);

  /* A Snap runs apart from the system; another function tells of it. */
  for (char **folder = folders; *folder != NULL; folder++)
    if (! g_str_has_prefix (*folder, "/snap/"))
      add_folder (&search, *folder);
  g_ptr_array_sort (search.gimps, compare_versions);
  *problems = search.problems;
  return search.gimps;
}

char *
atl_gimp_memory_file (const AtlGimp *gimp)
{
  return g_build_filename (gimp->directory, "pluginrc", NULL);
}

/* When a file was changed, moved or got other rights; 0 if there is none. Microseconds. */
static gint64
changed (const char *path)
{
  GStatBuf info;

  if (g_stat (path, &info) != 0)
    return 0;
  return MAX (info.st_ctim.tv_sec * G_USEC_PER_SEC + info.st_ctim.tv_nsec / 1000,
              info.st_mtim.tv_sec * G_USEC_PER_SEC + info.st_mtim.tv_nsec / 1000);
}

/* Whether the file of memory lists this program, as it now is. */
static gboolean
is_listed (const AtlGimp *gimp, const char *memory, const char *plugin)
{
  g_autofree char *text = NULL;
  GScanner *scanner = scanner_new (memory, &text);
  gboolean found = FALSE;
  GStatBuf info;

  if (scanner == NULL)
    return FALSE;
  while (! found && seek (scanner, "plug-in-def")
         && g_scanner_get_next_token (scanner) == G_TOKEN_STRING)
    {
      g_autofree char *unknown = NULL;
      g_autofree char *path = expand (gimp, scanner->value.v_string, &unknown);

      found = path != NULL && strcmp (path, plugin) == 0 && g_stat (plugin, &info) == 0
              && g_scanner_get_next_token (scanner) == G_TOKEN_INT
              && (gint64) scanner->value.v_int64 == info.st_mtime;
    }
  g_scanner_destroy (scanner);
  return found;
}

AtlGimpMemory
atl_gimp_remembers (const AtlGimp *gimp, const char *plugin)
{
  g_autofree char *memory = atl_gimp_memory_file (gimp);
  g_autofree char *folder = g_path_get_dirname (plugin);
  g_autofree char *folders = g_path_get_dirname (folder);

  if (is_listed (gimp, memory, plugin))
    return ATL_MEMORY_LISTED;

  const gint64 newest = MAX (changed (plugin), MAX (changed (folder), changed (folders)));
  return changed (memory) > newest ? ATL_MEMORY_REFUSED : ATL_MEMORY_NOTHING;
}
