/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Graphs: what a network says of itself.
 */

#include "suite.h"

#include "nets/network.h"

static void
sr_resnet_has_the_lesson_s_parameters (void)
{
  static const struct
  {
    int index;
    const char *name;
    int dims[4];
    int shuffle;
  } expected[] = {
    { 0, "features.0.0.weight", { 64, 3, 3, 3 }, 1 },
    { 2, "features.1.m.0.0.weight", { 64, 64, 3, 3 }, 1 },
    { 33, "features.8.m.1.0.bias", { 64 }, 1 },
    { 34, "features.9.0.weight", { 64, 64, 3, 3 }, 1 },
    { 36, "features.10.0.0.weight", { 256, 64, 3, 3 }, 2 },
    { 37, "features.10.0.0.bias", { 256 }, 2 },
    { 38, "features.10.2.0.weight", { 256, 64, 3, 3 }, 2 },
    { 40, "features.11.weight", { 64 }, 1 },
    { 43, "features.11.running_var", { 64 }, 1 },
    { 44, "features.12.0.weight", { 3, 64, 3, 3 }, 1 },
  };
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (4, 64, 8);

  CU_ASSERT_EQUAL_FATAL (atl_graph_n_parameters (graph), 46);
  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, expected[i].index);

      CU_ASSERT_STRING_EQUAL (p->name, expected[i].name);
      CU_ASSERT_EQUAL (p->shuffle, expected[i].shuffle);
      for (int k = 0; k < p->n_dims; k++)
        CU_ASSERT_EQUAL (p->dims[k], expected[i].dims[k]);
    }
}

/* Counted by hand: each 3x3 convolution of SrResnet x2 on H x W. */
static void
sr_resnet_has_its_cost (void)
{
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (2, 64, 8);
  const AtlShape input = { 2, 3, 10, 7 };
  const AtlShape output = atl_graph_output_shape (graph, &input);
  const double per_pixel = 9.0 * (3 * 64 + 17 * 64 * 64 + 64 * 256 + 4 * 64 * 3);

  CU_ASSERT (output.n == 2 && output.c == 3 && output.h == 20 && output.w == 14);
  CU_ASSERT_DOUBLE_EQUAL (atl_graph_multiply_adds (graph, &input), 2 * 10 * 7 * per_pixel, 0.5);
  /* 19 convolutions at the small size, and the last one, whose neighbour at the large size lies in the
   * next small pixel. */
  CU_ASSERT_EQUAL (atl_graph_halo (graph), 20);
}

static void
layers_add_up (void)
{
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (2, 16, 3);
  const AtlShape input = { 1, 3, 8, 8 };
  int n_layers = 0;
  g_autofree AtlLayer *layers = atl_graph_layers (graph, &input, &n_layers);
  double multiply_adds = 0.0;
  size_t n_parameters = 0, expected = 0;

  for (int i = 0; i < n_layers; i++)
    {
      multiply_adds += layers[i].multiply_adds;
      n_parameters += layers[i].n_parameters;
    }
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    expected += atl_graph_parameter (graph, i)->size;

  CU_ASSERT_DOUBLE_EQUAL (multiply_adds, atl_graph_multiply_adds (graph, &input), 0.5);
  CU_ASSERT_EQUAL (n_parameters, expected);
  CU_ASSERT_STRING_EQUAL (layers[0].kind, "input");
  CU_ASSERT_STRING_EQUAL (layers[1].name, "features.0.0");
}

static void
parameters_do_not_overlap (void)
{
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (2, 5, 1);
  size_t end = 0;

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);

      CU_ASSERT (p->offset >= end && p->offset % 16 == 0);
      end = p->offset + p->size;
    }
  CU_ASSERT (end <= atl_graph_parameters_size (graph));
}

/* What PyTorch's max_pool2d () makes, with ceil_mode, of sides from the kernel's on; smaller ones are refused there. */
static void
pooling_rounds_up (void)
{
  static const struct
  {
    int kernel, stride, padding, first;
    int sides[8];
  } cases[] = {
    { 3, 2, 0, 1, { 1, 1, 1, 2, 2, 3, 3, 4 } },
    { 2, 2, 1, 2, { 2, 2, 3, 3, 4, 4, 5, 5 } },
    { 3, 3, 1, 3, { 2, 2, 2, 3, 3, 3, 4, 4 } },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (AtlGraph) graph = atl_graph_new (1);

      atl_graph_set_output (graph, atl_graph_max_pool_ceil (graph, atl_graph_input (graph),
                                                            cases[i].kernel, cases[i].stride,
                                                            cases[i].padding));
      for (int k = 0; k < 8; k++)
        {
          const AtlShape input = { 1, 1, cases[i].first + k, cases[i].first + 7 - k };
          const AtlShape output = atl_graph_output_shape (graph, &input);

          CU_ASSERT_EQUAL (output.h, cases[i].sides[k]);
          CU_ASSERT_EQUAL (output.w, cases[i].sides[7 - k]);
        }
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "SrResnet has the lesson's parameters", sr_resnet_has_the_lesson_s_parameters },
    { "SrResnet has its cost", sr_resnet_has_its_cost },
    { "layers add up", layers_add_up },
    { "parameters do not overlap", parameters_do_not_overlap },
    { "pooling rounds up", pooling_rounds_up },
  };

  return atl_suite_run ("graph", tests, G_N_ELEMENTS (tests));
}
