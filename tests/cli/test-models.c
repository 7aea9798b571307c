/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier models'.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "nets/model.h"
#include "run.h"
#include "temporary.h"

static JsonNode *
run_json (const char *const *arguments)
{
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, NULL, arguments);
  JsonNode *node = json_from_string (output, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  return node;
}

static void
lists (void)
{
  g_autofree char *output = NULL;
  g_autofree char *none = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("models"));
  atl_test_contains (output, "NAME ");
  atl_test_contains (output, "\nsr-resnet-x2  ");
  atl_test_contains (output, "  upscale  2 ");
  atl_test_contains (output, "  upscale  4 ");
  atl_test_contains (output, "0.0 MB");
  atl_test_run (ATL_EXIT_DONE, &none, NULL, ATL_ARGUMENTS ("models", "list", "--task", "none"));
  CU_ASSERT_STRING_EQUAL (none, "");
}

/* A loss network stands in the list under its task, and nowhere in what a filter is offered. */
static void
lists_loss_networks (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "thin.safetensors", NULL);
  g_autofree char *before = g_strdup (g_getenv ("ATELIER_MODEL_PATH"));
  g_autofree char *all = NULL, *of_task = NULL, *of_another = NULL, *offered = NULL, *sum = NULL;
  const AtlNetworkConfig config = { 0 };
  g_autoptr (GError) error = NULL;
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlModel) model = atl_model_new ("loss", "vgg19-16x", &config, &random, &error);
  CU_ASSERT_FATAL (model != NULL && atl_model_save (model, path, ATL_DTYPE_F16, &error));
  g_setenv ("ATELIER_MODEL_PATH", folder, TRUE);
  atl_test_run (ATL_EXIT_DONE, &all, NULL, ATL_ARGUMENTS ("models"));
  atl_test_contains (all, "\nthin  loss     -      ");
  atl_test_run (ATL_EXIT_DONE, &of_task, NULL, ATL_ARGUMENTS ("models", "-t", "loss"));
  atl_test_contains (of_task, "\nthin  loss ");
  atl_test_run (ATL_EXIT_DONE, &of_another, NULL, ATL_ARGUMENTS ("models", "-t", "upscale"));
  CU_ASSERT_STRING_EQUAL (of_another, "");
  atl_test_run (ATL_EXIT_DONE, &offered, NULL,
                ATL_ARGUMENTS ("--complete", "upscale", "--model", ""));
  CU_ASSERT_STRING_EQUAL (offered, "files\n");

  atl_test_run (ATL_EXIT_DONE, &sum, NULL,
                ATL_ARGUMENTS ("models", "summary", "thin", "-s", "32x16"));
  atl_test_contains (sum, "conv2d         conv51 ");
  atl_test_contains (sum, " 128x1x2 ");
  g_setenv ("ATELIER_MODEL_PATH", before, TRUE);
}

static void
lists_json (void)
{
  g_autoptr (JsonNode) root = run_json (ATL_ARGUMENTS ("models", "--json", "--task=upscale"));
  JsonArray *array = json_node_get_array (root);
  gboolean found = FALSE;

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *model = json_array_get_object_element (array, i);
      JsonObject *card = json_object_get_object_member (model, "card");

      if (strcmp (json_object_get_string_member (model, "name"), "sr-resnet-x4") != 0)
        continue;
      CU_ASSERT_STRING_EQUAL (json_object_get_string_member (model, "path"),
                              MODELS_FOLDER "/sr-resnet-x4.safetensors");
      CU_ASSERT_STRING_EQUAL (json_object_get_string_member (card, "arch"), "sr-resnet");
      JsonObject *config = json_object_get_object_member (card, "config");
      CU_ASSERT_EQUAL (json_object_get_int_member (config, "scale"), 4);
      found = TRUE;
    }
  CU_ASSERT (found);
}

/* A folder's name need not be UTF-8, but what is told must. */
static void
told_paths_are_utf8 (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *odd = g_build_filename (folder, "\351", NULL);
  g_autofree char *bytes = NULL;
  size_t size = 0;

  g_mkdir (odd, 0700);
  CU_ASSERT_FATAL (
      g_file_get_contents (MODELS_FOLDER "/sr-resnet-x2.safetensors", &bytes, &size, NULL));
  g_autofree char *path = atl_test_file_new (odd, "good.safetensors", bytes, size);
  g_autoptr (JsonNode) root = run_json (ATL_ARGUMENTS ("models", "show", "--json", path));
  const char *told = json_object_get_string_member (json_node_get_object (root), "path");
  CU_ASSERT (g_str_has_suffix (told, "/\357\277\275/good.safetensors"));

  g_autofree char *text = NULL;
  atl_test_run (ATL_EXIT_DONE, &text, NULL, ATL_ARGUMENTS ("models", "show", path));
  atl_test_contains (text, "/\357\277\275/good.safetensors\n");
}

static void
tells_of_broken_files (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *before = g_strdup (g_getenv ("ATELIER_MODEL_PATH"));
  g_autofree char *messages = NULL;

  g_free (atl_test_file_new (folder, "bad.safetensors", "bad", 3));
  g_setenv ("ATELIER_MODEL_PATH", folder, TRUE);
  atl_test_run (ATL_EXIT_DONE, NULL, &messages, ATL_ARGUMENTS ("models"));
  atl_test_contains (messages, "atelier models: left out: '");
  atl_test_contains (messages, "/bad.safetensors': 3 bytes are too few");
  atl_test_run_fails (ATL_EXIT_FAILED, "/bad.safetensors': 3 bytes are too few",
                      ATL_ARGUMENTS ("models", "show", "bad"));
  atl_test_run_fails (ATL_EXIT_FAILED, "/bad.safetensors': 3 bytes are too few",
                      ATL_ARGUMENTS ("models", "summary", "bad"));
  g_setenv ("ATELIER_MODEL_PATH", before, TRUE);
}

static void
shows (void)
{
  g_autofree char *output = NULL;
  g_autofree char *bytes = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (
      g_file_get_contents (MODELS_FOLDER "/sr-resnet-x2.safetensors", &bytes, &size, NULL));
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) bytes, size);
  g_autofree char *sum_line = g_strdup_printf ("sha256        %s\n", sum);

  atl_test_run (ATL_EXIT_DONE, &output, NULL, ATL_ARGUMENTS ("models", "show", "sr-resnet-x2"));
  atl_test_contains (output, "path          " MODELS_FOLDER "/sr-resnet-x2.safetensors\n");
  atl_test_contains (output, sum_line);
  atl_test_contains (output, "tensors       20\nparameters    1571\n");
  atl_test_contains (output, "\ntask          upscale\n");

  g_autoptr (JsonNode) root = run_json (
      ATL_ARGUMENTS ("models", "show", "--json", MODELS_FOLDER "/sr-resnet-x2.safetensors"));
  JsonObject *object = json_node_get_object (root);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (object, "sha256"), sum);
  CU_ASSERT_EQUAL (json_object_get_int_member (object, "bytes"), (gint64) size);
  CU_ASSERT_EQUAL (json_object_get_int_member (object, "parameters"), 1571);
}

static void
sums_up (void)
{
  g_autofree char *output = NULL;

  /* 3->4 and five of 4->4 at 10x20, 4->16, norm, and 4->3 at 20x40 */
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("models", "summary", "sr-resnet-x2", "--size", "20x10"));
  atl_test_contains (output, "conv2d         features.0.0");
  atl_test_contains (output, "3x20x40 ");
  atl_test_contains (output, "\n1571 parameters, 0.4 million multiply-adds (");

  g_autoptr (JsonNode)
      root = run_json (ATL_ARGUMENTS ("models", "summary", "sr-resnet-x2", "--size=20x10", "-j"));
  JsonObject *object = json_node_get_object (root);
  CU_ASSERT_EQUAL (json_object_get_int_member (object, "parameters"), 1571);
  CU_ASSERT_EQUAL (json_object_get_int_member (object, "multiply-adds"),
                   200 * (108 + 5 * 144 + 576) + 800 * 108);

  JsonArray *layers = json_object_get_array_member (object, "layers");
  JsonObject *last = json_array_get_object_element (layers, json_array_get_length (layers) - 1);
  JsonArray *shape = json_object_get_array_member (last, "output");
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (last, "name"), "features.6.0");
  CU_ASSERT (json_array_get_int_element (shape, 0) == 3
             && json_array_get_int_element (shape, 1) == 20
             && json_array_get_int_element (shape, 2) == 40);
}

static void
wrong_usage (void)
{
  static const char *const sizes[] = { "20", "0x10", "20x", "20x10x3", "-2x10", "ax10", "99999x1" };

  atl_test_run_fails (ATL_EXIT_FAILED, "There is no model 'none' in ",
                      ATL_ARGUMENTS ("models", "show", "none"));
  atl_test_run_fails (ATL_EXIT_FAILED, "none.safetensors': cannot be read",
                      ATL_ARGUMENTS ("models", "show", "none.safetensors"));
  atl_test_run_fails (ATL_EXIT_FAILED, "the file has no card",
                      ATL_ARGUMENTS ("models", "summary", "sr-resnet-x2.expected"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'show' needs one model", ATL_ARGUMENTS ("models", "show"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'show' needs one model",
                      ATL_ARGUMENTS ("models", "show", "a", "b"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'summary' needs one model",
                      ATL_ARGUMENTS ("models", "summary"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'list' takes no arguments",
                      ATL_ARGUMENTS ("models", "list", "a"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'paint' is not known here",
                      ATL_ARGUMENTS ("models", "paint"));
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    atl_test_run_fails (ATL_EXIT_USAGE, "is no size",
                        ATL_ARGUMENTS ("models", "summary", "sr-resnet-x2", "--size", sizes[i]));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "lists", lists },
    { "lists loss networks", lists_loss_networks },
    { "lists as JSON", lists_json },
    { "told paths are UTF-8", told_paths_are_utf8 },
    { "tells of broken files", tells_of_broken_files },
    { "shows", shows },
    { "sums up", sums_up },
    { "wrong usage", wrong_usage },
  };

  g_setenv ("ATELIER_MODEL_PATH", MODELS_FOLDER, TRUE);
  return atl_suite_run ("models", tests, G_N_ELEMENTS (tests));
}
