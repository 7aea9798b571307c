/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier doctor', in homes where something is wrong with the machine or the models.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "doctor-home.h"
#include "run.h"

static void
all_is_well (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *output = NULL;
  g_autofree char *searched = g_strdup_printf ("searched   %s, ", home);
  g_autofree char *model = g_build_filename (home, "good.safetensors", NULL);

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "backend    cpu (");
  atl_test_contains (output, "threads    ");
  g_setenv ("ATELIER_CPU", "baseline", TRUE);
  g_autofree char *lowered = NULL;
  atl_test_run (ATL_EXIT_DONE, &lowered, NULL, ATL_ARGUMENTS ("doctor"));
  g_unsetenv ("ATELIER_CPU");
  atl_test_contains (lowered, "backend    cpu (baseline): ");
  atl_test_contains (output, model);
  atl_test_contains (output, searched);
}

static void
memory_is_short (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *output = NULL;

  g_free (atl_test_home_file (home, "proc/meminfo", "MemAvailable:     524288 kB\n"));
  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "memory     0.5 GiB free\n");
  g_clear_pointer (&output, g_free);
  g_free (atl_test_home_file (home, "proc/meminfo", "MemAvailable:     524287 kB\n"));
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "memory     0.5 GiB free: PROBLEM: large photos need 512 MiB");
}

static void
no_model (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *model = g_build_filename (home, "good.safetensors", NULL);
  g_autofree char *output = NULL;

  g_unlink (model);
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "model      PROBLEM: there is none in ");
}

static void
model_is_broken (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
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
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
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
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
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
    { "memory is short", memory_is_short },
    { "no model", no_model },
    { "model is broken", model_is_broken },
    { "model is not finite", model_is_not_finite },
    { "tells programs", tells_programs },
    { "takes no arguments", takes_no_arguments },
  };

  return atl_suite_run ("cli doctor", tests, G_N_ELEMENTS (tests));
}
