/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier doctor', in a home where everything is right and in such where something is not.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "run.h"
#include "temporary.h"

/* A folder with a model, a program that could be GIMP 2.10, and its plug-in; the environment leads to
 * them and to nothing else. */
static AtlTestFolder *
home_new (void)
{
  AtlTestFolder *home = atl_test_folder_new ();
  g_autofree char *plugin = g_build_filename (home, "plug-ins", "atelier-upscale", NULL);
  g_autofree char *data = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (
      g_file_get_contents (MODELS_FOLDER "/sr-resnet-x2.safetensors", &data, &size, NULL));
  g_free (atl_test_file_new (home, "good.safetensors", data, size));

  static const char gimp_script[] = "#!/bin/sh\necho Program of pictures $1 2.10.99\necho more\n";
  g_autofree char *gimp = atl_test_file_new (home, "gimp-console-2.10", gimp_script,
                                             sizeof gimp_script - 1);
  g_chmod (gimp, 0755);
  g_mkdir_with_parents (plugin, 0755);
  g_autofree char *program = atl_test_file_new (plugin, "atelier-upscale", "#!/bin/sh\n", 10);
  g_chmod (program, 0755);

  g_setenv ("ATELIER_MODEL_PATH", home, TRUE);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("GIMP2_DIRECTORY", home, TRUE);
  g_setenv ("ATELIER_DOCTOR_ROOT", home, TRUE);
  g_setenv ("PATH", home, TRUE);
  return home;
}

static void
all_is_well (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *output = NULL;
  g_autofree char *searched = g_strdup_printf ("searched   %s, ", home);
  g_autofree char *model = g_build_filename (home, "good.safetensors", NULL);
  g_autofree char *plugin = g_build_filename (home, "plug-ins", "atelier-upscale",
                                              "atelier-upscale", NULL);

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "backend    cpu (");
  atl_test_contains (output, "threads    ");
  g_setenv ("ATELIER_CPU", "baseline", TRUE);
  g_autofree char *lowered = NULL;
  atl_test_run (ATL_EXIT_DONE, &lowered, NULL, ATL_ARGUMENTS ("doctor"));
  g_unsetenv ("ATELIER_CPU");
  atl_test_contains (lowered, "backend    cpu (baseline): ");
  atl_test_contains (output, model);
  atl_test_contains (output,
                     "GIMP 2.10  gimp-console-2.10: Program of pictures --version 2.10.99\n");
  atl_test_contains (output, searched);
  atl_test_contains (output, plugin);
}

static void
without_gimp (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *gimp = g_build_filename (home, "gimp-console-2.10", NULL);
  g_autofree char *output = NULL;

  g_unlink (gimp);
  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "GIMP       not installed");
}

static void
plugin_cannot_be_run (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *plugin = g_build_filename (home, "plug-ins", "atelier-upscale",
                                              "atelier-upscale", NULL);
  g_autofree char *output = NULL;

  g_chmod (plugin, 0644);
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "PROBLEM: cannot be run; make it executable by 'chmod +x ");
}

static void
no_model (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *model = g_build_filename (home, "good.safetensors", NULL);
  g_autofree char *output = NULL;

  g_unlink (model);
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "model      PROBLEM: there is none in ");
}

static void
no_plugin (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *plugin = g_build_filename (home, "plug-ins", "atelier-upscale",
                                              "atelier-upscale", NULL);
  g_autofree char *output = NULL;

  g_unlink (plugin);
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "PROBLEM: the plug-in 'atelier-upscale' is not in ");
}

/* For all users, not in the user's own folder. */
static void
plugin_of_the_system (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *own = g_build_filename (home, "plug-ins", "atelier-upscale", NULL);
  g_autofree char *folder = g_build_filename (home, "usr", "lib", "any", "gimp", "2.0", "plug-ins",
                                              NULL);
  g_autofree char *plugin = g_build_filename (folder, "atelier-upscale", NULL);
  g_autofree char *line = g_strconcat ("GIMP 2.10  ", plugin, "/atelier-upscale\n", NULL);
  g_autofree char *output = NULL;

  g_mkdir_with_parents (folder, 0755);
  CU_ASSERT_EQUAL_FATAL (g_rename (own, plugin), 0);
  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, line);
}

static void
model_is_broken (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *bad = atl_test_file_new (home, "bad.safetensors", "nothing", 7);
  g_autofree char *output = NULL;

  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "PROBLEM: ");
  atl_test_contains (output, "bad.safetensors");
}

/* The file is well formed, but its last number is none. */
static void
model_is_not_finite (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *good = g_build_filename (home, "good.safetensors", NULL);
  g_autofree char *data = NULL, *output = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (g_file_get_contents (good, &data, &size, NULL));
  memset (data + size - 4, 0xff, 4);
  g_autofree char *bad = atl_test_file_new (home, "nan.safetensors", data, size);
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "nan.safetensors: PROBLEM: ");
  atl_test_contains (output, "not finite");
}

static void
tells_programs (void)
{
  g_autoptr (AtlTestFolder) home = home_new ();
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor", "--json"));
  g_autoptr (JsonNode) root = json_from_string (output, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (root);
  JsonObject *first = json_array_get_object_element (json_node_get_array (root), 0);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (first, "what"), "atelier");
}

static void
takes_no_arguments (void)
{
  atl_test_run_fails (ATL_EXIT_USAGE, "'me' is not known here", ATL_ARGUMENTS ("doctor", "me"));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "all is well", all_is_well },
    { "without GIMP", without_gimp },
    { "plug-in cannot be run", plugin_cannot_be_run },
    { "no model", no_model },
    { "no plug-in", no_plugin },
    { "plug-in of the system", plugin_of_the_system },
    { "model is broken", model_is_broken },
    { "model is not finite", model_is_not_finite },
    { "tells programs", tells_programs },
    { "takes no arguments", takes_no_arguments },
  };

  return atl_suite_run ("cli doctor", tests, G_N_ELEMENTS (tests));
}
