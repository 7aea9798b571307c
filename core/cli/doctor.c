/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier doctor': what is found here, what is not as it should be, and what to do.
 */

#include <glib/gstdio.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/backend.h"
#include "base/cpu.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "filters/filter.h"
#include "nets/model.h"
#include "weights/library.h"

static const AtlUsage usage = {
  .command = "doctor",
  .summary = N_ ("Tells what is found here: processor, models, GIMP and its plug-ins; and what is\n"
                 "wrong with them. The exit status is 1 if something is."),
  .examples = "  atelier doctor\n"
              "  atelier doctor --json",
};

/* A GIMP that could be installed. */
typedef struct
{
  const char *name;
  const char *const programs[3];  /* the first that is found counts; NULL-ended */
  const char *directory_variable; /* of the environment, replaces the user's folder */
  const char *user_folder;        /* in the user's folder of settings */
  const char *const patterns[4];  /* of the system's plug-in folders; NULL-ended */
} Gimp;

static const Gimp gimps[] = {
  { "GIMP 3.0",
    { "gimp-console-3.0", "gimp-3.0" },
    "GIMP3_DIRECTORY",
    "GIMP/3.0",
    { "/usr/lib/*/gimp/3.0/plug-ins", "/usr/lib/gimp/3.0/plug-ins",
      "/usr/local/lib*/gimp/3.0/plug-ins" } },
  { "GIMP 2.10",
    { "gimp-console-2.10", "gimp-2.10" },
    "GIMP2_DIRECTORY",
    "GIMP/2.10",
    { "/usr/lib/*/gimp/2.0/plug-ins", "/usr/lib/gimp/2.0/plug-ins",
      "/usr/local/lib*/gimp/2.0/plug-ins" } },
};

/* The rows of the table: what, what was found, and what is wrong with it, or NULL. */
typedef struct
{
  char *what, *found, *problem;
} Finding;

static void
finding_clear (void *data)
{
  Finding *finding = data;

  g_free (finding->what);
  g_free (finding->found);
  g_free (finding->problem);
}

/* Takes 'found' and 'problem'. */
static void
add (GArray *findings, const char *what, char *found, char *problem)
{
  const Finding finding = { g_strdup (what), found, problem };

  g_array_append_val (findings, finding);
}

/* Why it is this instruction set. */
static const char *
reason_of_level (void)
{
  if (atl_cpu_is_lowered ())
    return _ ("lowered by ATELIER_CPU");
  switch (atl_cpu_level ())
    {
    case ATL_CPU_BASELINE:
      return _ ("the processor has no AVX2, which would be several times faster");
    case ATL_CPU_AVX2:
      return _ ("the processor has no AVX-512");
    case ATL_CPU_AVX512:
      return _ ("the widest there is");
    }
  return NULL;
}

static void
examine_machine (GArray *findings)
{
  const AtlBackend *backend = atl_backend_default ();
  const size_t memory = atl_memory_available ();

  add (findings, "atelier", g_strdup (ATELIER_VERSION), NULL);
  add (findings, "backend",
       g_strdup_printf ("%s (%s): %s", backend->name, backend->variant, reason_of_level ()), NULL);
  add (findings, "threads", g_strdup_printf ("%d", atl_threads_count ()), NULL);
  if (memory > 0)
    add (findings, "memory",
         g_strdup_printf (_ ("%.1f GiB free"), (double) memory / (1024.0 * 1024.0 * 1024.0)), NULL);
}

static void
examine_models (GArray *findings)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) entries = atl_library_list (NULL, &problems);
  g_auto (GStrv) folders = atl_library_folders ();
  g_autofree char *searched = g_strjoinv (", ", folders);

  add (findings, "searched", g_strdup (searched), NULL);
  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlModel) model = atl_model_load (entry->path, NULL, &error);

      add (findings, "model", g_strdup (entry->path),
           model != NULL ? NULL : g_strdup (error->message));
    }
  for (guint i = 0; i < problems->len; i++)
    add (findings, "model", NULL, g_strdup (g_ptr_array_index (problems, i)));
  if (entries->len == 0)
    add (findings, "model", NULL,
         g_strdup_printf (_ ("there is none in %s; install Atelier with 'ninja install', or set "
                             "ATELIER_MODEL_PATH to a folder that has one"),
                          searched));
}

/* The folders in which a GIMP looks for plug-ins, and which exist. */
static GPtrArray *
plugin_folders (const Gimp *gimp)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  const char *directory = g_getenv (gimp->directory_variable);
  const char *root = g_getenv ("ATELIER_DOCTOR_ROOT"); /* for tests: stands for the system's */
  g_autofree char *settings = directory != NULL ? g_strdup (directory)
                                                : g_build_filename (g_get_user_config_dir (),
                                                                    gimp->user_folder, NULL);
  glob_t found = { 0 };

  g_ptr_array_add (folders, g_build_filename (settings, "plug-ins", NULL));
  for (int i = 0; gimp->patterns[i] != NULL; i++)
    {
      g_autofree char *pattern = g_strconcat (root != NULL ? root : "", gimp->patterns[i], NULL);

      glob (pattern, i > 0 ? GLOB_APPEND : 0, NULL, &found);
    }
  for (size_t i = 0; i < found.gl_pathc; i++)
    g_ptr_array_add (folders, g_strdup (found.gl_pathv[i]));
  globfree (&found);
  return folders;
}

static const char *
find_program (const Gimp *gimp)
{
  for (int i = 0; gimp->programs[i] != NULL; i++)
    {
      g_autofree char *path = g_find_program_in_path (gimp->programs[i]);

      if (path != NULL)
        return gimp->programs[i];
    }
  return NULL;
}

/* GIMP starts FOLDER/NAME/NAME. */
static void
examine_plugin (GArray *findings, const Gimp *gimp, const AtlFilter *filter)
{
  g_autoptr (GPtrArray) folders = plugin_folders (gimp);
  g_autofree char *name = g_strconcat ("atelier-", filter->name, NULL);
  g_autoptr (GString) searched = g_string_new (NULL);

  for (guint i = 0; i < folders->len; i++)
    {
      const char *folder = g_ptr_array_index (folders, i);
      g_autofree char *path = g_build_filename (folder, name, name, NULL);

      g_string_append_printf (searched, i == 0 ? "%s" : ", %s", folder);
      if (! g_file_test (path, G_FILE_TEST_EXISTS))
        continue;
      add (findings, gimp->name, g_strdup (path),
           g_access (path, X_OK) == 0
               ? NULL
               : g_strdup_printf (_ ("cannot be run; make it executable by 'chmod +x %s'"), path));
      return;
    }
  add (findings, gimp->name, NULL,
       g_strdup_printf (_ ("the plug-in '%s' is not in %s; install Atelier for this version by "
                           "'ninja install'"),
                        name, searched->str));
}

/* "gimp-console-2.10: GNU Image Manipulation Program version 2.10.34", or the program alone if it does not
 * tell. */
static char *
describe_program (const char *program)
{
  const char *const command[] = { program, "--version", NULL };
  g_autofree char *output = NULL;

  if (! g_spawn_sync (NULL, (char **) command, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                      NULL, NULL)
      || output == NULL || *g_strstrip (output) == '\0')
    return g_strdup (program);

  output[strcspn (output, "\n")] = '\0';
  return g_strdup_printf ("%s: %s", program, output);
}

static void
examine_gimps (GArray *findings)
{
  gboolean any = FALSE;

  for (size_t i = 0; i < G_N_ELEMENTS (gimps); i++)
    {
      const char *program = find_program (&gimps[i]);

      if (program == NULL)
        continue;
      any = TRUE;
      add (findings, gimps[i].name, describe_program (program), NULL);
      for (const AtlFilter *const *filter = atl_filters (); *filter != NULL; filter++)
        examine_plugin (findings, &gimps[i], *filter);
    }
  if (! any)
    add (findings, "GIMP", g_strdup (_ ("not installed; the command line works without it")), NULL);
}

static void
print_findings (const GArray *findings)
{
  for (guint i = 0; i < findings->len; i++)
    {
      const Finding *f = &g_array_index (findings, Finding, i);

      printf ("%-10s %s%s%s%s\n", f->what, f->found != NULL ? f->found : "",
              f->found != NULL && f->problem != NULL ? ": " : "",
              f->problem != NULL ? _ ("PROBLEM: ") : "", f->problem != NULL ? f->problem : "");
    }
}

static void
print_findings_json (const GArray *findings)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < findings->len; i++)
    {
      const Finding *f = &g_array_index (findings, Finding, i);
      const char *const members[] = { "what", f->what, "found", f->found, "problem", f->problem };

      json_builder_begin_object (builder);
      for (size_t m = 0; m < G_N_ELEMENTS (members); m += 2)
        if (members[m + 1] != NULL)
          atl_json_add_text (builder, members[m], members[m + 1]);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  atl_print_json (builder);
}

static int
examine (gboolean json)
{
  g_autoptr (GArray) findings = g_array_new (FALSE, FALSE, sizeof (Finding));
  int status = ATL_EXIT_DONE;

  g_array_set_clear_func (findings, finding_clear);
  examine_machine (findings);
  examine_models (findings);
  examine_gimps (findings);

  if (json)
    print_findings_json (findings);
  else
    print_findings (findings);

  for (guint i = 0; i < findings->len; i++)
    if (g_array_index (findings, Finding, i).problem != NULL)
      status = ATL_EXIT_FAILED;
  return status;
}

static int
run (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &json, N_ ("Print JSON, for programs"),
      NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = atl_options_new (&usage);
  g_auto (GStrv) arguments = NULL;
  int status;

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (! atl_options_parse (context, &usage, argc, argv, &arguments, &status))
    return status;
  if (arguments[0] != NULL)
    return atl_say_usage (usage.command, _ ("'%s' is not known here"), arguments[0]);
  return examine (json);
}

const AtlCommand atl_command_doctor = {
  .name = "doctor",
  .blurb = N_ ("tell what is found here, and what is wrong"),
  .run = run,
};
