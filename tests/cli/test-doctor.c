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

/* A row of JSON as the line that people read. */
static char *
line_of_row (JsonObject *row)
{
  const gboolean is_found = json_object_has_member (row, "found");
  const gboolean is_problem = json_object_has_member (row, "problem");

  CU_ASSERT (is_found || is_problem);
  CU_ASSERT_EQUAL (json_object_get_size (row), 1 + is_found + is_problem);
  return g_strdup_printf ("%-10s %s%s%s%s\n", json_object_get_string_member (row, "what"),
                          is_found ? json_object_get_string_member (row, "found") : "",
                          is_found && is_problem ? ": " : "", is_problem ? "PROBLEM: " : "",
                          is_problem ? json_object_get_string_member (row, "problem") : "");
}

/* Asserts that doctor tells programs all that it tells people, with the same status. The memory is that of a file:
 * the system's changes meanwhile. */
static void
tells_both_the_same (int status)
{
  g_autofree char *said = NULL, *output = NULL;
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  atl_test_run (status, &said, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_run (status, &output, NULL, ATL_ARGUMENTS ("doctor", "--json"));
  g_autoptr (JsonNode) root = json_from_string (output, &error);
  atl_test_no_error (error);
  CU_ASSERT_FATAL (root != NULL && JSON_NODE_HOLDS_ARRAY (root));
  JsonArray *rows = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      g_autofree char *line = line_of_row (json_array_get_object_element (rows, i));

      g_string_append (lines, line);
    }
  CU_ASSERT_STRING_EQUAL (lines->str, said);
}

static void
tells_programs (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  g_free (atl_test_home_file (home, "proc/meminfo", "MemAvailable:     1048576 kB\n"));
  tells_both_the_same (ATL_EXIT_DONE);
  g_free (atl_test_file_new (home, "bad.safetensors", "nothing", 7));
  g_free (atl_test_home_file (home, "proc/meminfo", "MemAvailable:     1024 kB\n"));
  g_free (atl_test_home_file (home, "snap/gimp/file", ""));
  atl_test_home_script (home, "config/GIMP/2.10/plug-ins/atelier-upscale/atelier-upscale",
                        "echo \"a \\\"b\\\" c\" >&2; exit 1");
  tells_both_the_same (ATL_EXIT_FAILED);
}

/* Programs learn of control characters, but a terminal that shows the JSON does not obey them. */
static void
tells_programs_in_plain_letters (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int n_found = 0;

  atl_test_home_script (home, "usr/bin/gimp-console-2.10",
                        "printf 'ü\\033[2J\\177\\302\\233\\377\\n'");
  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("doctor", "--json"));
  for (const char *at = output; *at != '\0'; at = g_utf8_next_char (at))
    CU_ASSERT (*at == '\n' || ! g_unichar_iscntrl (g_utf8_get_char (at)));

  g_autoptr (JsonNode) root = json_from_string (output, &error);
  atl_test_no_error (error);
  CU_ASSERT_FATAL (root != NULL && JSON_NODE_HOLDS_ARRAY (root));
  JsonArray *rows = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (rows); i++)
    n_found += g_strcmp0 (json_object_get_string_member_with_default (
                              json_array_get_object_element (rows, i), "found", NULL),
                          "gimp-console-2.10: ü\x1b[2J\x7f\xc2\x9b\ufffd")
               == 0;
  CU_ASSERT_EQUAL (n_found, 1);
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
    { "tells programs in plain letters", tells_programs_in_plain_letters },
    { "takes no arguments", takes_no_arguments },
  };

  return atl_suite_run ("cli doctor", tests, G_N_ELEMENTS (tests));
}
