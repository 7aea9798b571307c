/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier models import'.
 */

#include "suite.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "nets/model.h"
#include "run.h"
#include "temporary.h"

#define X2 MODELS_FOLDER "/sr-resnet-x2.pth"
#define X2_CONFIG "{\"width\": 4, \"blocks\": 2}"
#define HOSTILE MODELS_FOLDER "/../weights/hostile.pth"

static char *
path_in (const AtlTestFolder *folder)
{
  return g_build_filename (folder, "new.safetensors", NULL);
}

/* The numbers are those of the file, and the card tells what it was given and where they are from. */
static void
imports (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = path_in (folder);
  g_autofree char *output = NULL, *messages = NULL;
  g_autoptr (GError) error = NULL;

  atl_test_run (ATL_EXIT_DONE, &output, &messages,
                ATL_ARGUMENTS ("models", "import", X2, "-o", path, "--config", X2_CONFIG, "--arch",
                               "sr-resnet", "--name", "Small", "--license", "CC0-1.0",
                               "--trained-on", "nothing"));
  CU_ASSERT_STRING_EQUAL (messages, "");
  atl_test_contains (output,
                     "new.safetensors: sr-resnet for the task 'upscale', 1571 parameters\n");

  g_autoptr (AtlModel) model = atl_model_load (path, "upscale", &error);
  g_autoptr (AtlModel)
      expected = atl_model_load (MODELS_FOLDER "/sr-resnet-x2.safetensors", NULL, NULL);
  atl_test_no_error (error);
  CU_ASSERT_FATAL (model != NULL && expected != NULL);
  CU_ASSERT (memcmp (model->parameters, expected->parameters,
                     atl_graph_parameters_size (model->graph) * sizeof (float))
             == 0);
  CU_ASSERT_STRING_EQUAL (model->card->name, "Small");
  CU_ASSERT_STRING_EQUAL (model->card->license, "CC0-1.0");
  CU_ASSERT_STRING_EQUAL (model->card->trained_on, "nothing");
  CU_ASSERT_STRING_EQUAL (model->card->description, "imported from 'sr-resnet-x2.pth'");
  CU_ASSERT_STRING_EQUAL (model->card->recipe, "{\"imported-from\":\"sr-resnet-x2.pth\"}");
}

static void
imports_half (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = path_in (folder);
  g_autofree char *messages = NULL;

  atl_test_run (ATL_EXIT_DONE, NULL, &messages,
                ATL_ARGUMENTS ("models", "import", X2, "-o", path, "-c", X2_CONFIG, "-p", "f16",
                               "-d", "Mine"));
  atl_test_contains (messages, "the card does not tell the licence");
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT_EQUAL (atl_weight_file_tensor (file, 0)->dtype, ATL_DTYPE_F16);
  CU_ASSERT_STRING_EQUAL (atl_weight_file_card (file)->description, "Mine");
}

/* Tensors that the network does not have, for people and for programs. */
static void
tells_what_is_left_out (void)
{
  const char *const arguments[] = {
    "models", "import", NULL, "-o", NULL, "-c", "{\"width\": 3, \"blocks\": 0}", NULL, NULL
  };
  g_autofree const char **full = g_memdup2 (arguments, sizeof arguments);
  const AtlNetworkConfig config = { .scale = 2, .width = 3, .blocks = 0 };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = path_in (folder);
  g_autofree char *foreign = g_build_filename (folder, "foreign.safetensors", NULL);
  g_autofree char *messages = NULL, *output = NULL;
  g_autoptr (GError) error = NULL;
  AtlTensorToWrite tensors[64] = { { NULL } };
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlModel) model = atl_model_new ("upscale", "sr-resnet", &config, &random, NULL);
  g_autoptr (AtlCard) none = atl_card_new ();
  const int n = atl_graph_n_parameters (model->graph);
  for (int i = 0; i < n; i++)
    {
      const AtlParameter *p = atl_graph_parameter (model->graph, i);

      tensors[i] = (AtlTensorToWrite) { p->name, p->n_dims,
                                        .values = model->parameters + p->offset };
      memcpy (tensors[i].dims, p->dims, sizeof p->dims);
    }
  tensors[n] = (AtlTensorToWrite) { "head.weight", .values = model->parameters };
  tensors[n + 1] = (AtlTensorToWrite) { "head.bias", .values = model->parameters };
  CU_ASSERT_FATAL (atl_weight_file_write (foreign, none, tensors, n + 2, ATL_DTYPE_F32, &error));

  full[2] = foreign;
  full[4] = path;
  atl_test_run (ATL_EXIT_DONE, NULL, &messages, full);
  atl_test_contains (messages, "left out 2 tensors that the network does not have: 'head.bias', "
                               "'head.weight'\n");

  full[7] = "--json";
  atl_test_run (ATL_EXIT_DONE, &output, NULL, full);
  g_autoptr (JsonNode) root = json_from_string (output, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (root);
  JsonObject *object = json_node_get_object (root);
  JsonArray *left_out = json_object_get_array_member (object, "left-out");
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (object, "arch"), "sr-resnet");
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (object, "task"), "upscale");
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (object, "output"), path);
  CU_ASSERT_EQUAL (json_object_get_int_member (object, "tensors"), n);
  CU_ASSERT_EQUAL_FATAL (json_array_get_length (left_out), 2);
  CU_ASSERT_STRING_EQUAL (json_array_get_string_element (left_out, 1), "head.weight");
}

/* Nothing is run, and nothing written. */
static void
refuses_files (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = path_in (folder);

  atl_test_run_fails (ATL_EXIT_FAILED, "/hostile.pth': it wants to run 'posix.system'",
                      ATL_ARGUMENTS ("models", "import", HOSTILE, "-o", path));
  atl_test_run_fails (ATL_EXIT_FAILED, "/none.pth': cannot be read",
                      ATL_ARGUMENTS ("models", "import", "/none.pth", "-o", path));
  atl_test_run_fails (ATL_EXIT_FAILED, "none of the architectures 'sr-resnet', ",
                      ATL_ARGUMENTS ("models", "import", X2, "-o", path));
  atl_test_run_fails (ATL_EXIT_FAILED,
                      "78 tensors of 'vgg16-bn' are missing: 'features.0.weight', ",
                      ATL_ARGUMENTS ("models", "import", MODELS_FOLDER "/../weights/state.pth",
                                     "-o", path, "--arch", "vgg16-bn"));
  atl_test_run_fails (ATL_EXIT_FAILED, "the config of 'sr-resnet': 'depth' is unknown",
                      ATL_ARGUMENTS ("models", "import", X2, "-o", path, "-a", "sr-resnet", "-c",
                                     "{\"depth\": 4}"));
  atl_test_run_fails (
      ATL_EXIT_FAILED, "hold control characters",
      ATL_ARGUMENTS ("models", "import", X2, "-o", path, "-c", X2_CONFIG, "-n", "\033[2J"));
  atl_test_folder_holds (folder, "");
}

static void
wrong_usage (void)
{
  atl_test_run_fails (ATL_EXIT_USAGE, "'--output' is missing",
                      ATL_ARGUMENTS ("models", "import", X2));
  atl_test_run_fails (ATL_EXIT_USAGE, "'import' needs one file",
                      ATL_ARGUMENTS ("models", "import", "-o", "a.safetensors"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'gan' is no architecture that is known here",
                      ATL_ARGUMENTS ("models", "import", X2, "-o", "a", "--arch", "gan"));
  atl_test_run_fails (ATL_EXIT_USAGE, "'--precision' is 'f8', but must be f32 or f16",
                      ATL_ARGUMENTS ("models", "import", X2, "-o", "a", "--precision", "f8"));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "imports", imports },
    { "imports half", imports_half },
    { "tells what is left out", tells_what_is_left_out },
    { "refuses files", refuses_files },
    { "wrong usage", wrong_usage },
  };

  return atl_suite_run ("models-import", tests, G_N_ELEMENTS (tests));
}
