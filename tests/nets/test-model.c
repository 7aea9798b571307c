/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models: those that PyTorch wrote compute what PyTorch computed; others are refused; new ones have the
 * right first values.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "graph/plan.h"
#include "nets/model.h"
#include "temporary.h"

#define X2 TEST_FOLDER "/sr-resnet-x2.safetensors"

/* A tensor of a file; freed by atl_floats_free (). */
static float *
read_tensor (const AtlWeightFile *file, const char *name, size_t size)
{
  const AtlTensorInfo *info = atl_weight_file_find (file, name);
  float *values = atl_floats_new (size, "a test", NULL);

  CU_ASSERT_FATAL (info != NULL && info->size == size);
  CU_ASSERT_FATAL (atl_weight_file_read (file, info, values, NULL));
  return values;
}

static void
check_output (int scale, int width, int blocks)
{
  g_autofree char *stem = g_strdup_printf (TEST_FOLDER "/sr-resnet-x%d", scale);
  g_autofree char *path = g_strconcat (stem, ".safetensors", NULL);
  g_autofree char *expected_path = g_strconcat (stem, ".expected.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = atl_model_load (path, "upscale", &error);
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (expected_path, NULL);

  atl_test_no_error (error);
  CU_ASSERT_FATAL (model != NULL && file != NULL);
  CU_ASSERT (model->config.scale == scale && model->config.width == width
             && model->config.blocks == blocks);

  const AtlRegion whole = { 0, 0, 7 * scale, 5 * scale };
  const size_t output_size = (size_t) 3 * whole.width * whole.height;
  g_autoptr (AtlFloats) input = read_tensor (file, "input", 3 * 5 * 7);
  g_autoptr (AtlFloats) expected = read_tensor (file, "output", output_size);
  g_autoptr (AtlPrepared)
      prepared = atl_prepared_new (model->graph, model->parameters, atl_backend_reference (), NULL);
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, 7, 5, &whole);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  g_autoptr (AtlFloats) output = atl_floats_new (output_size, "a test", NULL);

  atl_plan_infer (plan, workspace, output, input);
  /* PyTorch computed in double. */
  atl_test_close ("output", output, expected, output_size, 2e-6);
}

static void
computes_what_pytorch_computes (void)
{
  check_output (2, 4, 2);
  check_output (4, 5, 1);
}

/* A copy of the small network's file with a part of its text replaced by another one of the same
 * length. */
static char *
changed_file (const AtlTestFolder *folder, const char *from, const char *to)
{
  g_autofree char *bytes = NULL;
  size_t size = 0;

  CU_ASSERT_EQUAL_FATAL (strlen (from), strlen (to));
  CU_ASSERT_FATAL (g_file_get_contents (X2, &bytes, &size, NULL));
  char *place = memmem (bytes, size, from, strlen (from));
  CU_ASSERT_PTR_NOT_NULL_FATAL (place);
  memcpy (place, to, strlen (to));
  return atl_test_file_new (folder, "changed.safetensors", bytes, size);
}

static void
refuses_other_files (void)
{
  static const struct
  {
    const char *from, *to, *message;
    int code;
  } cases[] = {
    { "\"upscale\"", "\"stylize\"", "is for the task 'stylize', but one for 'upscale' is needed",
      ATL_ERROR_MODEL },
    { "\"sr-resnet\"", "\"sr-resnex\"", "the architecture 'sr-resnex' is unknown",
      ATL_ERROR_MODEL },
    { "{\\\"scale\\\"", "{\\\"scalf\\\"", "'scalf' is unknown", ATL_ERROR_FORMAT },
    { "\\\"width\\\": 4", "\\\"width\\\": 8",
      "tensor 'features.0.0.weight' is 4x3x3x3, but 'sr-resnet' expects 8x3x3x3", ATL_ERROR_SHAPE },
    { "\\\"blocks\\\": 2", "\\\"blocks\\\": 1", "tensor 'features.2.0.weight' is missing",
      ATL_ERROR_SHAPE },
    { "\\\"blocks\\\": 2", "\\\"blocks\\\": 3", "tensor 'features.3.m.0.0.weight' is missing",
      ATL_ERROR_SHAPE },
    { "\\\"scale\\\": 2", "\\\"scale\\\": 4", "tensor 'features.4.2.0.weight' is missing",
      ATL_ERROR_SHAPE },
    { "features.6.0.bias", "features.6.1.bias", "tensor 'features.6.0.bias' is missing",
      ATL_ERROR_SHAPE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
      g_autofree char *path = changed_file (folder, cases[i].from, cases[i].to);
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (atl_model_load (path, "upscale", &error));
      CU_ASSERT (g_str_has_prefix (error->message, "'/"));
      CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "/changed.safetensors': "));
      atl_test_error (&error, ATL_ERROR, cases[i].code, cases[i].message);
    }
}

static void
any_task (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = atl_model_load (X2, NULL, &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  CU_ASSERT_STRING_EQUAL (model->card->task, "upscale");
}

static void
refuses_what_has_no_card (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (
      atl_model_load (TEST_FOLDER "/sr-resnet-x2.expected.safetensors", NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL,
                  "expected.safetensors': the file has no card");
  CU_ASSERT_PTR_NULL (atl_model_load (TEST_FOLDER "/none.safetensors", NULL, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "none.safetensors': cannot be read");
}

static void
refuses_numbers_that_are_not_finite (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (g_file_get_contents (X2, &bytes, &size, NULL));
  memset (bytes + size - 100, 0xff, 100);
  g_autofree char *path = atl_test_file_new (folder, "nan.safetensors", bytes, size);
  CU_ASSERT_PTR_NULL (atl_model_load (path, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                  "of tensor 'features.6.0.weight' is not finite");
}

static const AtlParameter *
find_parameter (const AtlModel *model, const char *name)
{
  for (int i = 0; i < atl_graph_n_parameters (model->graph); i++)
    if (strcmp (atl_graph_parameter (model->graph, i)->name, name) == 0)
      return atl_graph_parameter (model->graph, i);

  CU_FAIL_FATAL ("there is no such parameter");
  return NULL;
}

static void
refuses_negative_variances (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "negative.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = atl_model_load (X2, NULL, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  float *variance = model->parameters + find_parameter (model, "features.5.running_var")->offset;
  variance[1] = 0.0f; /* of a channel that is always the same */
  CU_ASSERT (atl_model_save (model, path, ATL_DTYPE_F32, &error));
  atl_test_no_error (error);
  g_autoptr (AtlModel) zero = atl_model_load (path, NULL, &error);
  atl_test_no_error (error);

  variance[2] = -1e-3f;
  CU_ASSERT (atl_model_save (model, path, ATL_DTYPE_F32, &error));
  CU_ASSERT_PTR_NULL (atl_model_load (path, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                  "number 3 of 4 of tensor 'features.5.running_var' is a negative variance");
}

static void
refuses_additional_tensors (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "more.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = atl_model_load (X2, NULL, NULL);
  const int n = atl_graph_n_parameters (model->graph);
  g_autofree AtlTensorToWrite *tensors = g_new0 (AtlTensorToWrite, n + 1);

  for (int i = 0; i < n; i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (model->graph, i);

      tensors[i] = (AtlTensorToWrite) { .name = parameter->name,
                                        .n_dims = parameter->n_dims,
                                        .values = model->parameters + parameter->offset };
      memcpy (tensors[i].dims, parameter->dims, sizeof parameter->dims);
    }
  tensors[n] = (AtlTensorToWrite) { .name = "features.99.weight", .values = model->parameters };
  CU_ASSERT (atl_weight_file_write (path, model->card, tensors, n + 1, ATL_DTYPE_F32, &error));
  CU_ASSERT_PTR_NULL (atl_model_load (path, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_SHAPE,
                  "'sr-resnet' does not know tensor 'features.99.weight'");
}

static AtlModel *
new_model (const AtlNetworkConfig *config, guint64 seed)
{
  AtlRandom random;
  g_autoptr (GError) error = NULL;

  atl_random_init (&random, seed, 0);
  AtlModel *model = atl_model_new ("upscale", "sr-resnet", config, &random, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  return model;
}

static void
saves_what_it_loads (void)
{
  static const AtlNetworkConfig config = { .scale = 2, .width = 6, .blocks = 1 };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = new_model (&config, 1);

  model->card->name = g_strdup ("A name");
  CU_ASSERT (atl_model_save (model, path, ATL_DTYPE_F32, &error));
  g_autoptr (AtlModel) loaded = atl_model_load (path, "upscale", &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (loaded);

  CU_ASSERT_STRING_EQUAL (loaded->card->name, "A name");
  CU_ASSERT_STRING_EQUAL (loaded->card->config, "{\"scale\": 2, \"width\": 6, \"blocks\": 1}");
  const size_t size = atl_graph_parameters_size (model->graph);
  CU_ASSERT_EQUAL_FATAL (atl_graph_parameters_size (loaded->graph), size);
  CU_ASSERT (memcmp (loaded->parameters, model->parameters, size * sizeof (float)) == 0);

  /* Half the digits: 2^-11 of each number, which is a power of two times 1 to 2. */
  CU_ASSERT (atl_model_save (model, path, ATL_DTYPE_F16, &error));
  g_autoptr (AtlModel) half = atl_model_load (path, "upscale", &error);
  atl_test_no_error (error);
  int n_wrong = 0;
  for (size_t i = 0; i < size; i++)
    n_wrong += fabsf (half->parameters[i] - model->parameters[i])
               > fabsf (model->parameters[i]) / 2048.0f + 0x1p-25f;
  CU_ASSERT_EQUAL (n_wrong, 0);
  CU_ASSERT (memcmp (half->parameters, model->parameters, size * sizeof (float)) != 0);
}

static void
first_weights_are_normal (void)
{
  static const AtlNetworkConfig config = { .scale = 1, .width = 64, .blocks = 0 };
  g_autoptr (AtlModel) model = new_model (&config, 5);
  const AtlParameter *weight = find_parameter (model, "features.1.0.weight");
  const float *values = model->parameters + weight->offset;
  double sum = 0.0, squares = 0.0, fourth = 0.0;

  for (size_t i = 0; i < weight->size; i++)
    {
      sum += values[i];
      squares += values[i] * values[i];
      fourth += pow (values[i], 4.0);
    }

  /* 36864 numbers: five deviations are 2.6 % of the deviation and 3.7 % of the variance. */
  const double variance = 2.0 / (64 * 9);
  CU_ASSERT_DOUBLE_EQUAL (sum / weight->size, 0.0, 0.026 * sqrt (variance));
  CU_ASSERT_DOUBLE_EQUAL (squares / weight->size, variance, 0.037 * variance);
  CU_ASSERT_DOUBLE_EQUAL (fourth / weight->size, 3.0 * variance * variance,
                          0.3 * variance * variance);
}

static void
first_weights_of_shuffles_are_shared (void)
{
  static const AtlNetworkConfig config = { .scale = 4, .width = 8, .blocks = 0 };
  static const char *const names[] = { "features.2.0.0.weight", "features.2.2.0.weight" };
  g_autoptr (AtlModel) model = new_model (&config, 5);
  const size_t kernel_size = 8 * 9;

  for (int k = 0; k < 2; k++)
    {
      const AtlParameter *weight = find_parameter (model, names[k]);
      const float *values = model->parameters + weight->offset;

      CU_ASSERT_EQUAL_FATAL (weight->dims[0], 32);
      for (int o = 1; o < 32; o++)
        {
          const gboolean equal = memcmp (values + o * kernel_size, values + (o - 1) * kernel_size,
                                         kernel_size * sizeof values[0])
                                 == 0;
          CU_ASSERT_EQUAL (equal, o % 4 != 0);
        }
    }
}

static void
other_first_values (void)
{
  static const AtlNetworkConfig config = { .scale = 2, .width = 3, .blocks = 1 };
  static const struct
  {
    const char *name;
    float value;
  } cases[] = {
    { "features.0.0.bias", 0.0f },       { "features.3.0.0.bias", 0.0f },
    { "features.4.weight", 1.0f },       { "features.4.bias", 0.0f },
    { "features.4.running_mean", 0.0f }, { "features.4.running_var", 1.0f },
  };
  g_autoptr (AtlModel) model = new_model (&config, 5);

  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      const AtlParameter *parameter = find_parameter (model, cases[k].name);

      for (size_t i = 0; i < parameter->size; i++)
        CU_ASSERT_EQUAL (model->parameters[parameter->offset + i], cases[k].value);
    }
}

static void
the_seed_decides (void)
{
  static const AtlNetworkConfig config = { .scale = 2, .width = 4, .blocks = 1 };
  g_autoptr (AtlModel) a = new_model (&config, 5);
  g_autoptr (AtlModel) b = new_model (&config, 5);
  g_autoptr (AtlModel) c = new_model (&config, 6);
  const size_t n_bytes = atl_graph_parameters_size (a->graph) * sizeof (float);

  CU_ASSERT (memcmp (a->parameters, b->parameters, n_bytes) == 0);
  CU_ASSERT (memcmp (a->parameters, c->parameters, n_bytes) != 0);
}

static AtlModel *
new_loss_network (const char *task)
{
  AtlNetworkConfig config;
  AtlRandom random;
  g_autoptr (GError) error = NULL;

  atl_random_init (&random, 3, 0);
  CU_ASSERT_FATAL (atl_network_config_parse (&config, "vgg19-16x", "{}", NULL));
  AtlModel *model = atl_model_new (task, "vgg19-16x", &config, &random, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  return model;
}

static void
loss_networks_are_models (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "vgg.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = new_loss_network ("loss");

  CU_ASSERT (atl_model_save (model, path, ATL_DTYPE_F32, &error));
  g_autoptr (AtlModel) loaded = atl_model_load (path, "loss", &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (loaded);
  const size_t size = atl_graph_parameters_size (model->graph);
  CU_ASSERT_EQUAL_FATAL (atl_graph_parameters_size (loaded->graph), size);
  CU_ASSERT (memcmp (loaded->parameters, model->parameters, size * sizeof (float)) == 0);
  CU_ASSERT_EQUAL (atl_graph_n_taps (loaded->graph), ATL_VGG_STAGES);

  CU_ASSERT_PTR_NULL (atl_model_load (path, "upscale", &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "is for the task 'loss'");
  CU_ASSERT_EQUAL (atl_card_scale (model->card, &error), 0);
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "does not enlarge");
}

/* A filter that trusted the task alone would be given features in the place of a picture. */
static void
a_card_cannot_give_a_network_another_task (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "vgg.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = new_loss_network ("upscale");

  CU_ASSERT (atl_model_save (model, path, ATL_DTYPE_F32, &error));
  for (int any = 0; any < 2; any++)
    {
      CU_ASSERT_PTR_NULL (atl_model_load (path, any ? NULL : "upscale", &error));
      atl_test_error (
          &error, ATL_ERROR, ATL_ERROR_MODEL,
          "the card is for the task 'upscale', but 'vgg19-16x' is a network for 'loss'");
    }
  CU_ASSERT_EQUAL (atl_card_scale (model->card, NULL), 0);
}

static void
no_model_of_a_bad_config (void)
{
  static const AtlNetworkConfig config = { .scale = 2, .width = 0, .blocks = 1 };
  g_autoptr (GError) error = NULL;
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  CU_ASSERT_PTR_NULL (atl_model_new ("upscale", "sr-resnet", &config, &random, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "'width' is 0");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "computes what PyTorch computes", computes_what_pytorch_computes },
    { "any task", any_task },
    { "refuses other files", refuses_other_files },
    { "refuses what has no card", refuses_what_has_no_card },
    { "refuses numbers that are not finite", refuses_numbers_that_are_not_finite },
    { "refuses negative variances", refuses_negative_variances },
    { "refuses additional tensors", refuses_additional_tensors },
    { "saves what it loads", saves_what_it_loads },
    { "first weights are normal", first_weights_are_normal },
    { "first weights of shuffles are shared", first_weights_of_shuffles_are_shared },
    { "other first values", other_first_values },
    { "the seed decides", the_seed_decides },
    { "loss networks are models", loss_networks_are_models },
    { "a card cannot give a network another task", a_card_cannot_give_a_network_another_task },
    { "no model of a bad config", no_model_of_a_bad_config },
  };

  return atl_suite_run ("model", tests, G_N_ELEMENTS (tests));
}
