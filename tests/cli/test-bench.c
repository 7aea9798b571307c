/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier bench': what it prints, not how fast this machine is.
 */

#include "suite.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "run.h"

/* A number of an object, positive and finite. */
static void
check_positive (JsonObject *object, const char *name)
{
  CU_ASSERT_FATAL (json_object_has_member (object, name));
  const double value = json_object_get_double_member (object, name);

  if (! (value > 0.0 && value < 1e15))
    {
      printf ("  '%s' is %g\n", name, value);
      CU_FAIL ("a positive number was expected");
    }
}

static JsonObject *
find_case (JsonObject *root, const char *kind, const char *name)
{
  JsonArray *cases = json_object_get_array_member (root, kind);

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *found = json_array_get_object_element (cases, i);

      if (g_str_equal (json_object_get_string_member (found, "name"), name))
        return found;
    }
  return NULL;
}

static void
prints_json (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *output = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("bench", "--rounds", "1", "--threads", "1", "--json",
                               "conv1x1s2-64-128-128", "scale-shift", "step of 16"));
  CU_ASSERT_TRUE_FATAL (json_parser_load_from_data (parser, output, -1, NULL));

  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  JsonObject *conv = find_case (root, "kernels", "conv1x1s2-64-128-128 data gradient");
  JsonObject *mover = find_case (root, "kernels", "scale-shift-64-512");
  JsonObject *network = find_case (root, "networks", "sr-resnet x2, step of 16 48x48, MSE");
  CU_ASSERT_PTR_NOT_NULL_FATAL (conv);
  CU_ASSERT_PTR_NOT_NULL_FATAL (mover);
  CU_ASSERT_PTR_NOT_NULL_FATAL (network);

  check_positive (root, "fma_peak_gflops");
  check_positive (root, "bandwidth_gbytes_per_second");
  CU_ASSERT_EQUAL (json_object_get_int_member (root, "threads"), 1);
  CU_ASSERT_EQUAL (json_array_get_length (json_object_get_array_member (root, "kernels")), 4);

  CU_ASSERT_EQUAL (json_object_get_int_member (conv, "channels_in"), 64);
  CU_ASSERT_EQUAL (json_object_get_int_member (conv, "channels_out"), 128);
  CU_ASSERT_EQUAL (json_object_get_int_member (conv, "stride"), 2);
  check_positive (conv, "gflops");
  check_positive (conv, "share_of_peak");
  /* 2 x 64 x 128 x 64 x 64 operations in the milliseconds that were told. */
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (conv, "gflops")
                              * json_object_get_double_member (conv, "ms"),
                          67.108864, 1e-3);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (mover, "gbytes_per_second")
                              * json_object_get_double_member (mover, "ms"),
                          134.217728, 1e-3);
  check_positive (mover, "share_of_bandwidth");
  check_positive (network, "ms");
  check_positive (network, "gflops");
  check_positive (network, "peak_bytes");
  check_positive (network, "loaded_bytes");
}

static void
prints_a_table (void)
{
  g_autofree char *output = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("bench", "-r", "2", "relu forward"));
  atl_test_contains (output, "FMA peak ");
  atl_test_contains (output, "relu forward-64-512 ");
  atl_test_contains (output, " GB/s ");
  CU_ASSERT_PTR_NULL (strstr (output, "conv"));
}

static void
lists_names (void)
{
  g_autofree char *output = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("bench", "--list", "conv3x3-64-64-"));
  CU_ASSERT_STRING_EQUAL (output, "conv3x3-64-64-512 forward\nconv3x3-64-64-512 data gradient\n"
                                  "conv3x3-64-64-512 weight gradient\nconv3x3-64-64-128 forward\n"
                                  "conv3x3-64-64-128 data gradient\n"
                                  "conv3x3-64-64-128 weight gradient\n");
}

static void
wrong_usage_is_told (void)
{
  atl_test_run_fails (ATL_EXIT_USAGE, "'--rounds' is 0, but must be from 1 to 1000",
                      ATL_ARGUMENTS ("bench", "--rounds", "0"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'--threads' is 0",
                      ATL_ARGUMENTS ("bench", "--threads", "0"));
  atl_test_run_fails (ATL_EXIT_USAGE, "no case is named so",
                      ATL_ARGUMENTS ("bench", "no such thing"));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "prints JSON", prints_json },
    { "prints a table", prints_a_table },
    { "lists names", lists_names },
    { "wrong usage is told", wrong_usage_is_told },
  };

  /* Under valgrind the kernels are in tests/backends; what is timed here would take minutes. */
  g_unsetenv ("ATELIER_TEST_WRAPPER");
  return atl_suite_run ("cli bench", tests, G_N_ELEMENTS (tests));
}
