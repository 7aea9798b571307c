/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configs of networks: what is read, written and refused.
 */

#include "suite.h"

#include <math.h>

#include "base/error.h"
#include "nets/network.h"

static void
reads_configs (void)
{
  AtlNetworkConfig config;
  g_autoptr (GError) error = NULL;

  CU_ASSERT (atl_network_config_parse (&config, "sr-resnet", "{}", &error));
  CU_ASSERT (config.scale == 2 && config.width == 64 && config.blocks == 8);
  CU_ASSERT (atl_network_config_parse (&config, "sr-resnet",
                                       "{\"blocks\": 0, \"scale\": 8, \"width\": 512}", &error));
  CU_ASSERT (config.scale == 8 && config.width == 512 && config.blocks == 0);
  atl_test_no_error (error);
}

static void
writes_what_it_reads (void)
{
  const AtlNetworkConfig config = { .scale = 4, .width = 24, .blocks = 3 };
  g_autofree char *json = atl_network_config_to_json ("sr-resnet", &config);
  AtlNetworkConfig again;

  CU_ASSERT_STRING_EQUAL (json, "{\"scale\": 4, \"width\": 24, \"blocks\": 3}");
  CU_ASSERT (atl_network_config_parse (&again, "sr-resnet", json, NULL));
  CU_ASSERT (again.scale == 4 && again.width == 24 && again.blocks == 3);
}

/* Loss networks have nothing that a card could choose. */
static void
configs_without_members (void)
{
  static const char *const names[] = { "vgg16-bn", "vgg19-16x" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      AtlNetworkConfig config;
      g_autoptr (GError) error = NULL;

      CU_ASSERT (atl_network_config_parse (&config, names[i], "{}", &error));
      atl_test_no_error (error);
      CU_ASSERT (config.scale == 0 && config.width == 0 && config.blocks == 0);
      g_autofree char *json = atl_network_config_to_json (names[i], &config);
      CU_ASSERT_STRING_EQUAL (json, "{}");
      g_autoptr (AtlGraph) graph = atl_network_new (names[i], &config, &error);
      atl_test_no_error (error);
      CU_ASSERT_EQUAL (atl_graph_n_taps (graph), ATL_VGG_STAGES);

      CU_ASSERT_FALSE (atl_network_config_parse (&config, names[i], "{\"width\": 64}", &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "'width' is unknown");
    }
}

static void
tells_names_and_tasks (void)
{
  int n = 0;

  for (; atl_network_name (n) != NULL; n++)
    CU_ASSERT_PTR_NOT_NULL (atl_network_task (atl_network_name (n)));
  CU_ASSERT (n >= 3);
  CU_ASSERT_PTR_NULL (atl_network_name (-1));
  CU_ASSERT_STRING_EQUAL (atl_network_task ("sr-resnet"), "upscale");
  CU_ASSERT_STRING_EQUAL (atl_network_task ("vgg16-bn"), "loss");
  CU_ASSERT_STRING_EQUAL (atl_network_task ("vgg19-16x"), "loss");
  CU_ASSERT_PTR_NULL (atl_network_task ("gan"));
}

/* (x - mean) / deviation, as torchvision's transforms.Normalize with ImageNet's numbers has it. */
static void
supplies_the_normalisation_of_the_input (void)
{
  static const double means[] = { 0.485, 0.456, 0.406 };
  static const double deviations[] = { 0.229, 0.224, 0.225 };
  g_autoptr (AtlGraph) graph = atl_vgg16_bn_new (1);
  double numbers[ATL_PARAMETER_RUNNING_VARIANCE + 1][3];
  int n_supplied = 0;

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (graph, i);
      g_autofree float *values = g_new (float, parameter->size);

      if (! atl_network_supply ("vgg16-bn", parameter, values))
        continue;
      n_supplied++;
      for (int c = 0; c < 3; c++)
        numbers[parameter->role][c] = values[c];
      CU_ASSERT_FALSE (atl_network_supply ("vgg19-16x", parameter, values));
    }
  CU_ASSERT_EQUAL_FATAL (n_supplied, 4);

  for (int c = 0; c < 3; c++)
    {
      const double x = 0.8;
      const double y = numbers[ATL_PARAMETER_BETA][c]
                       + numbers[ATL_PARAMETER_GAMMA][c]
                             * (x - numbers[ATL_PARAMETER_RUNNING_MEAN][c])
                             / sqrt (numbers[ATL_PARAMETER_RUNNING_VARIANCE][c] + 1e-5);

      CU_ASSERT_DOUBLE_EQUAL (y, (x - means[c]) / deviations[c], 1e-6);
    }
}

/* torchvision tells 15.47 thousand million for a whole VGG16 at 224 x 224; 123633664 of them are the classifier's. */
static void
counts_what_torchvision_counts (void)
{
  const AtlShape input = { 1, 3, 224, 224 };
  g_autoptr (AtlGraph) graph = atl_vgg16_bn_new (ATL_VGG_STAGES);

  CU_ASSERT_EQUAL (atl_graph_multiply_adds (graph, &input), 15470264320.0 - 123633664.0);
}

static void
refuses_bad_configs (void)
{
  g_autofree char *deep = g_strnfill (3000000, '[');
  const struct
  {
    const char *json, *message;
  } cases[] = {
    { "", "the config of 'sr-resnet': the JSON text is damaged at byte 0" },
    { "{", "the JSON text is damaged at byte 1" },
    { "{\"scale\": 2, \"scale\": 4}", "'scale' is there twice" },
    { "null", "not a JSON object" },
    { "[]", "not a JSON object" },
    { "2", "not a JSON object" },
    { deep, "a JSON text with 3000000 brackets" },
    { "{\"depth\": 2}", "'depth' is unknown" },
    { "{\"\\u001b[2J\": 2}", "'?[2J' is unknown" },
    { "{\"eine Breite von vierzig Bytes und einemÜ\": 2}",
      "'eine Breite von vierzig Bytes und einemÜ' is unknown" },
    { "{\"scale\": 2.0}", "'scale' is no whole number" },
    { "{\"scale\": \"2\"}", "'scale' is no whole number" },
    { "{\"scale\": true}", "'scale' is no whole number" },
    { "{\"scale\": null}", "'scale' is no whole number" },
    { "{\"scale\": [2]}", "'scale' is no whole number" },
    { "{\"scale\": 3}", "'scale' is 3, but must be 1, 2, 4 or 8" },
    { "{\"scale\": 0}", "'scale' is 0, but must be from 1 to 8" },
    { "{\"scale\": 16}", "'scale' is 16, but must be from 1 to 8" },
    { "{\"scale\": -2}", "must be from 1 to 8" },
    { "{\"width\": 0}", "'width' is 0, but must be from 1 to 512" },
    { "{\"width\": 513}", "must be from 1 to 512" },
    { "{\"width\": 4294967360}", "must be from 1 to 512" },
    { "{\"blocks\": 65}", "'blocks' is 65, but must be from 0 to 64" },
    { "{\"blocks\": -9223372036854775808}", "must be from 0 to 64" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      AtlNetworkConfig config;

      CU_ASSERT_FALSE (atl_network_config_parse (&config, "sr-resnet", cases[i].json, &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, cases[i].message);
    }
}

static void
refuses_unknown_architectures (void)
{
  const AtlNetworkConfig config = { .scale = 2, .width = 4, .blocks = 1 };
  AtlNetworkConfig read;
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (atl_network_config_parse (&read, "gan", "{}", &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "the architecture 'gan' is unknown");
  CU_ASSERT_PTR_NULL (atl_network_new ("gan", &config, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "the architecture 'gan' is unknown");
}

static void
builds_within_limits (void)
{
  AtlNetworkConfig config = { .scale = 2, .width = 64, .blocks = 8 };
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlGraph) graph = atl_network_new ("sr-resnet", &config, &error);
  size_t n = 0;

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (graph);
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    n += atl_graph_parameter (graph, i)->size;
  /* 3->64, 17 of 64->64, 64->256, norm, 64->3 */
  CU_ASSERT_EQUAL (n, 1792 + 17 * 36928 + 147712 + 4 * 64 + 1731);

  config.scale = 6;
  CU_ASSERT_PTR_NULL (atl_network_new ("sr-resnet", &config, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "'scale' is 6");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reads configs", reads_configs },
    { "writes what it reads", writes_what_it_reads },
    { "configs without members", configs_without_members },
    { "tells names and tasks", tells_names_and_tasks },
    { "supplies the normalisation of the input", supplies_the_normalisation_of_the_input },
    { "counts what torchvision counts", counts_what_torchvision_counts },
    { "refuses bad configs", refuses_bad_configs },
    { "refuses unknown architectures", refuses_unknown_architectures },
    { "builds within limits", builds_within_limits },
  };

  return atl_suite_run ("network", tests, G_N_ELEMENTS (tests));
}
