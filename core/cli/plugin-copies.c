/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The copies of one of our plug-ins that lie in folders of GIMP's.
 */

#define _GNU_SOURCE /* ST_NOEXEC */
#include "cli/plugin-copies.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/ask-program.h"

static void
copy_free (void *data)
{
  AtlPluginCopy *copy = data;

  g_free (copy->path);
  g_free (copy);
}

static gboolean
is_file (const char *path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS) && ! g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* Two folders of plug-ins may be one, by a link. */
static gboolean
is_known (const GPtrArray *copies, const char *path)
{
  for (guint i = 0; i < copies->len; i++)
    if (strcmp (((const AtlPluginCopy *) g_ptr_array_index (copies, i))->path, path) == 0)
      return TRUE;
  return FALSE;
}

static void
add (GPtrArray *copies, const char *path, AtlPlace place, const char *folder)
{
  if (! is_file (path) || is_known (copies, path))
    return;

  AtlPluginCopy *copy = g_new0 (AtlPluginCopy, 1);
  copy->path = g_strdup (path);
  copy->place = place;
  copy->folder = folder;
  g_ptr_array_add (copies, copy);
}

/* All files of this name in folders below 'folder' that match. */
static void
add_matches (GPtrArray *copies, const char *folder, const char *pattern, const char *name,
             AtlPlace place)
{
  g_autofree char *whole = g_build_filename (pattern, name, NULL);
  g_auto (GStrv) paths = atl_paths_below (folder, whole);

  for (char **path = paths; *path != NULL; path++)
    add (copies, *path, place, place == ATL_PLACE_ELSEWHERE ? NULL : folder);
}

/* Other versions' folders, and this version's own ones if its settings name others. */
static void
add_elsewhere (GPtrArray *copies, const AtlGimp *gimp, const char *name)
{
  g_autofree char *versions = g_path_get_dirname (gimp->directory);
  g_autofree char *apis = g_path_get_dirname (gimp->libraries);
  const struct
  {
    const char *folder, *pattern;
  } places[] = {
    { gimp->directory, "plug-ins/*" },
    { versions, "[0-9]*/plug-ins/*" },
    { gimp->libraries, "plug-ins/*" },
    { apis, "[0-9]*/plug-ins/*" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (places); i++)
    add_matches (copies, places[i].folder, places[i].pattern, name, ATL_PLACE_ELSEWHERE);
}

GPtrArray *
atl_plugin_copies_find (const AtlGimp *gimp, const char *name)
{
  GPtrArray *copies = g_ptr_array_new_with_free_func (copy_free);
  /* GIMP 2.10 still takes programs without a folder of their own. */
  const AtlPlace bare = gimp->major == 2 ? ATL_PLACE_RIGHT : ATL_PLACE_BARE;
  static const AtlPlace order[] = { ATL_PLACE_RIGHT, ATL_PLACE_BARE };

  for (size_t o = 0; o < G_N_ELEMENTS (order); o++)
    for (guint i = 0; i < gimp->folders->len; i++)
      {
        const char *folder = g_ptr_array_index (gimp->folders, i);
        g_autofree char *right = g_build_filename (folder, name, name, NULL);
        g_autofree char *direct = g_build_filename (folder, name, NULL);

        if (order[o] == ATL_PLACE_RIGHT)
          add (copies, right, ATL_PLACE_RIGHT, folder);
        if (order[o] == bare)
          add (copies, direct, bare, folder);
      }
  for (guint i = 0; i < gimp->folders->len; i++)
    {
      add_matches (copies, g_ptr_array_index (gimp->folders, i), "*", name, ATL_PLACE_NAMED);
      add_matches (copies, g_ptr_array_index (gimp->folders, i), "*/*", name, ATL_PLACE_NAMED);
    }
  add_elsewhere (copies, gimp, name);
  return copies;
}

char *
atl_plugin_copy_blocked (const AtlPluginCopy *copy)
{
  g_autofree char *quoted = atl_text_quoted (copy->path);
  struct statvfs disk;
  GStatBuf info;

  if (g_access (copy->path, X_OK) == 0)
    return NULL;
  if (statvfs (copy->path, &disk) == 0 && (disk.f_flag & ST_NOEXEC) != 0)
    return g_strdup (_ ("lies on a disk from which no programs may be started (mounted 'noexec'): "
                        "install Atelier for all users, or move the folder to another disk and add "
                        "it in GIMP's Preferences > Folders > Plug-ins"));
  if (g_stat (copy->path, &info) != 0)
    return g_strdup_printf (_ ("cannot be reached: %s"), g_strerror (errno));
  return g_strdup_printf (_ ("is not allowed to run; allow it by: chmod +x %s"), quoted);
}

/* The library in what the system's loader says: "libvips.so.42". NULL if it speaks of none. */
static char *
missing_library (const char *messages)
{
  g_autoptr (GRegex) regex = g_regex_new ("loading shared libraries: ([^:\\s]+):", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  return g_regex_match (regex, messages, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

/* What to do to have the plug-in for this GIMP. */
static char *
other_gimp (const AtlGimp *gimp, const char *built_for)
{
  return g_strdup_printf (_ ("was built for GIMP %s and cannot work in %s: build Atelier with "
                             "'meson setup build-gimp%d -Dgimp=%d' and install it by 'ninja -C "
                             "build-gimp%d install'"),
                          built_for, gimp->version, gimp->major, gimp->major, gimp->major);
}

static char *
library_problem (const AtlGimp *gimp, const char *library)
{
  const int of = g_str_has_prefix (library, "libgimp") && strstr (library, "-2.0.so") != NULL   ? 2
                 : g_str_has_prefix (library, "libgimp") && strstr (library, "-3.0.so") != NULL ? 3
                                                                                                : 0;

  if (of != 0 && of != gimp->major)
    return other_gimp (gimp, of == 2 ? "2.10" : "3.0");
  if (g_str_has_prefix (library, "libatelier"))
    return g_strdup_printf (
        _ ("does not find Atelier's own library '%s': install Atelier anew, and do not copy the "
           "plug-in by hand without it; after an installation for all users run 'sudo ldconfig'"),
        library);
  return g_strdup_printf (_ ("needs the library '%s', which is not installed: install the package "
                             "that has it ('apt-file search %s' tells in Debian)"),
                          library, library);
}

/* Reads "atelier-upscale 0.1.0 for GIMP 3.0", which plugins/host/version.c prints. */
static gboolean
read_answer (const char *output, char **version, char **built_for)
{
  g_autoptr (GRegex) regex = g_regex_new ("^atelier-\\S+ (\\S+) for GIMP ([0-9.]+)\n$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (! g_regex_match (regex, output, 0, &match))
    return FALSE;
  *version = g_match_info_fetch (match, 1);
  *built_for = g_match_info_fetch (match, 2);
  return TRUE;
}

/* What a program that does not answer as it should has said or done. */
static AtlPluginTrial
judge (const AtlGimp *gimp, const char *messages, int wait_status)
{
  g_autofree char *library = missing_library (messages);
  g_autofree char *line = g_strndup (messages, strcspn (messages, "\n"));
  g_autofree char *shown = atl_text_shown (line);
  AtlPluginTrial trial = { 0 };

  if (library != NULL)
    trial.problem = library_problem (gimp, library);
  else if (WIFSIGNALED (wait_status))
    trial.problem = g_strdup_printf (_ ("crashes when it is started (%s): install Atelier anew"),
                                     g_strsignal (WTERMSIG (wait_status)));
  /* libgimp's answer to whoever is not GIMP. */
  else if (strstr (messages, "is a GIMP plug-in") != NULL)
    trial.remark = g_strdup (_ ("of an old Atelier, which does not tell its version"));
  else
    trial.problem = g_strdup_printf (_ ("does not start ('%s'): install Atelier anew"), shown);
  return trial;
}

AtlPluginTrial
atl_plugin_copy_try (const AtlPluginCopy *copy, const AtlGimp *gimp)
{
  g_auto (AtlAnswer) answer = { 0 };
  g_autofree char *built_for = NULL;
  g_autoptr (GError) error = NULL;
  AtlPluginTrial trial = { 0 };

  if (! atl_program_ask (&answer, copy->path, ATL_PATIENCE, &error))
    {
      trial.problem = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
                          ? g_strdup_printf (_ ("%s: install Atelier anew"), error->message)
                          : g_strdup_printf (_ ("cannot be started (%s): install Atelier anew"),
                                             error->message);
      return trial;
    }
  if (answer.wait_status != 0 || ! read_answer (answer.output, &trial.version, &built_for))
    return judge (gimp, answer.messages, answer.wait_status);
  if (atoi (built_for) != gimp->major)
    trial.problem = other_gimp (gimp, built_for);
  return trial;
}

void
atl_plugin_trial_clear (AtlPluginTrial *trial)
{
  g_clear_pointer (&trial->problem, g_free);
  g_clear_pointer (&trial->version, g_free);
  g_clear_pointer (&trial->remark, g_free);
}
