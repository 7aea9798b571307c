/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configs of networks: what is read, written and refused.
 */

#include "suite.h"

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
  g_autofree char *json = atl_network_config_to_json (&config);
  AtlNetworkConfig again;

  CU_ASSERT_STRING_EQUAL (json, "{\"scale\": 4, \"width\": 24, \"blocks\": 3}");
  CU_ASSERT (atl_network_config_parse (&again, "sr-resnet", json, NULL));
  CU_ASSERT (again.scale == 4 && again.width == 24 && again.blocks == 3);
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
    { "refuses bad configs", refuses_bad_configs },
    { "refuses unknown architectures", refuses_unknown_architectures },
    { "builds within limits", builds_within_limits },
  };

  return atl_suite_run ("network", tests, G_N_ELEMENTS (tests));
}
