/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for inference: fused and cut to a region, they give what the operators give one by one.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "graph/graph-private.h"
#include "graph/plan-private.h"
#include "graph/regions.h"
#include "networks.h"
#include "nets/network.h"

/* Two orders of the same float sums; and of those that Winograd's way makes, whose error is up to 2e-5 a layer, though
 * seldom more than a fourth of that. */
#define TOLERANCE 3e-6
#define TOLERANCE_OF_WINOGRAD 1.5e-5

static void
norm_directly (float *y, const AtlGraph *graph, const AtlGraphNode *node, const float *x,
               const AtlShape *shape, const float *parameters)
{
  const float *values[4];

  for (int i = 0; i < 4; i++)
    values[i] = parameters + atl_graph_parameter (graph, node->parameters[i])->offset;

  const size_t n_pixels = (size_t) shape->h * shape->w;
  for (int c = 0; c < shape->c; c++)
    for (size_t i = c * n_pixels; i < (c + 1) * n_pixels; i++)
      y[i] = (float) (values[ATL_NORM_GAMMA][c] * ((double) x[i] - values[ATL_NORM_MEAN][c])
                          / sqrt ((double) values[ATL_NORM_VARIANCE][c] + 1e-5)
                      + values[ATL_NORM_BETA][c]);
}

static void
conv_directly (float *y, const AtlGraph *graph, const AtlGraphNode *node, const float *x,
               const AtlShape *shape_x, const AtlShape *shape_y, const float *parameters)
{
  const AtlBackend *reference = atl_backend_reference ();
  const gboolean transposed = node->op == ATL_OP_CONV_TRANSPOSE2D;
  const AtlShape *in = transposed ? shape_y : shape_x, *out = transposed ? shape_x : shape_y;
  const AtlPass pass = transposed ? ATL_PASS_DATA : ATL_PASS_FORWARD;
  const AtlConv2d conv = { .n = 1,
                           .c_in = in->c,
                           .c_out = out->c,
                           .kernel = node->kernel,
                           .stride = node->stride,
                           .h_in = in->h,
                           .w_in = in->w,
                           .h_out = out->h,
                           .w_out = out->w,
                           .pad_top = node->padding,
                           .pad_left = node->padding };
  const int bias = node->parameters[ATL_CONV_BIAS];
  const AtlConvEpilogue epilogue = { .bias = bias == ATL_NO_PARAMETER
                                                 ? NULL
                                                 : parameters
                                                       + atl_graph_parameter (graph, bias)->offset,
                                     .gain = 1.0f };
  const AtlParameter *weight = atl_graph_parameter (graph, node->parameters[ATL_CONV_WEIGHT]);
  g_autoptr (AtlFloats)
      packed = atl_floats_new (reference->conv2d_packed_size (&conv, pass), "a test", NULL);

  reference->conv2d_pack (packed, parameters + weight->offset, &conv, pass);
  (transposed ? reference->conv_transpose2d_forward
              : reference->conv2d_forward) (y, x, packed, &conv, &epilogue, NULL);
}

/* y of a node that reads a and b (NULL if it reads one tensor), by the reference backend. */
static void
node_directly (float *y, const AtlGraph *graph, const AtlGraphNode *node, const float *a,
               const AtlShape *shape_a, const float *b, const AtlShape *shape_b,
               const AtlShape *shape_y, const float *parameters)
{
  const AtlBackend *reference = atl_backend_reference ();
  const AtlOffset none = { 0, 0 };

  switch (node->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      conv_directly (y, graph, node, a, shape_a, shape_y, parameters);
      break;
    case ATL_OP_RELU:
      reference->relu_forward (y, a, shape_y);
      break;
    case ATL_OP_SCALED_ADD:
      reference->scaled_add_forward (
          y, a, b, shape_y, shape_a,
          (AtlOffset) { (shape_a->h - shape_y->h) / 2, (shape_a->w - shape_y->w) / 2 }, node->gain);
      break;
    case ATL_OP_PIXEL_SHUFFLE:
      reference->pixel_shuffle_forward (y, a, shape_a, node->factor);
      break;
    case ATL_OP_UPSAMPLE:
      reference->upsample_forward (y, a, shape_a, node->factor);
      break;
    case ATL_OP_MAX_POOL:
      reference->max_pool_forward (y, a,
                                   &(AtlMaxPool) { 1, shape_a->c, node->kernel, node->stride,
                                                   shape_a->h, shape_a->w, shape_y->h, shape_y->w,
                                                   node->padding, node->padding });
      break;
    case ATL_OP_REFLECTION_PAD:
      reference->reflection_pad_forward (
          y, a,
          &(AtlReflectionPad) { 1, shape_a->c, shape_a->h, shape_a->w, shape_a->h, shape_a->w, 0, 0,
                                shape_y->h, shape_y->w, -node->padding, -node->padding });
      break;
    case ATL_OP_CONCAT:
      reference->concat_forward (y, a, shape_y, shape_a, none, 0);
      reference->concat_forward (y, b, shape_y, shape_b, none, shape_a->c);
      break;
    case ATL_OP_BATCH_NORM:
      norm_directly (y, graph, node, a, shape_y, parameters);
      break;
    case ATL_OP_INPUT:
      break;
    }
}

/* The output of every operator, each computed on its own. */
static float **
run_directly (const AtlGraph *graph, const AtlShape *shapes, const float *input,
              const float *parameters)
{
  float **values = g_new0 (float *, graph->nodes->len);

  values[0] = atl_floats_new (atl_shape_size (&shapes[0]), "a test", NULL);
  memcpy (values[0], input, atl_shape_size (&shapes[0]) * sizeof (float));

  for (AtlNode i = 1; i < (AtlNode) graph->nodes->len; i++)
    {
      const AtlGraphNode *node = atl_graph_node (graph, i);
      const AtlNode a = node->inputs[0], b = node->inputs[1];

      values[i] = atl_floats_new (atl_shape_size (&shapes[i]), "a test", NULL);
      node_directly (values[i], graph, node, values[a], &shapes[a],
                     b == ATL_NO_NODE ? NULL : values[b], b == ATL_NO_NODE ? NULL : &shapes[b],
                     &shapes[i], parameters);
    }

  return values;
}

/* Runs a plan for one region, with only the input region given and a workspace full of NaN. */
static float *
run_plan (const AtlPlan *plan, const AtlShape *shapes, const float *input, const AtlRegion *region,
          int n_output_channels)
{
  const AtlRegion in = atl_plan_input_region (plan);
  g_autoptr (AtlFloats)
      part = atl_floats_new ((size_t) shapes[0].c * in.width * in.height, "a test", NULL);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  float *output = atl_floats_new ((size_t) n_output_channels * region->width * region->height,
                                  "a test", NULL);

  for (int c = 0; c < shapes[0].c; c++)
    for (int y = 0; y < in.height; y++)
      memcpy (part + ((size_t) c * in.height + y) * in.width,
              input + ((size_t) c * shapes[0].h + in.y + y) * shapes[0].w + in.x,
              (size_t) in.width * sizeof (float));
  for (size_t i = 0; i < atl_plan_workspace_size (plan); i++)
    workspace[i] = NAN;

  atl_plan_infer (plan, workspace, output, part);
  return output;
}

static float *
cut (const float *whole, const AtlShape *shape, const AtlRegion *region)
{
  float *part = atl_floats_new ((size_t) shape->c * region->width * region->height, "a test", NULL);

  for (int c = 0; c < shape->c; c++)
    for (int y = 0; y < region->height; y++)
      memcpy (part + ((size_t) c * region->height + y) * region->width,
              whole + ((size_t) c * shape->h + region->y + y) * shape->w + region->x,
              (size_t) region->width * sizeof (float));
  return part;
}

typedef struct
{
  const AtlTestNetwork *network;
  const AtlPrepared *prepared;
  const AtlShape *shapes;
  const float *input, *whole; /* the network's output */
} NetworkCase;

static void
check_division (const NetworkCase *c, const AtlRegion *region, const AtlDivision *division)
{
  const AtlShape *output = &c->shapes[c->prepared->graph->output];
  g_autoptr (AtlFloats) expected = cut (c->whole, output, region);
  g_autoptr (AtlPlan)
      plan = atl_plan_new_divided (c->prepared, c->shapes[0].w, c->shapes[0].h, region, division);
  g_autoptr (AtlFloats) found = run_plan (plan, c->shapes, c->input, region, output->c);

  atl_test_close (c->network->name, found, expected,
                  (size_t) output->c * region->width * region->height,
                  c->network->by_winograd ? TOLERANCE_OF_WINOGRAD : TOLERANCE);
}

/* With every tail that is possible behind this head. */
static void
check_tails (const NetworkCase *c, const AtlRegion *region, guint head_end)
{
  const guint n_steps = c->prepared->steps->len;
  AtlDivision division = { .head_end = head_end,
                           .n_head_strips = head_end > 0 ? 2 + (int) head_end % 3 : 0 };

  for (guint begin = head_end; begin < n_steps; begin++)
    if (atl_prepared_can_divide_tail (c->prepared, begin))
      {
        division.tail_begin = begin;
        division.n_tail_strips = 2 + (int) begin % 3;
        check_division (c, region, &division);
      }
}

/* The number of heads that were tried. */
static int
check_divisions (const NetworkCase *c, const AtlRegion *region)
{
  int n_heads = 0;

  check_tails (c, region, 0);
  for (guint end = 1; end < c->prepared->steps->len; end++)
    if (atl_prepared_can_divide_head (c->prepared, end))
      {
        check_tails (c, region, end);
        n_heads++;
      }
  return n_heads;
}

/* The whole result and five parts of it by undivided plans; the whole and perhaps one part also by all divisions. The
 * number of heads of divisions. */
static int
check_network (const AtlTestNetwork *network, const AtlBackend *backend, int width, int height,
               AtlRandom *random)
{
  g_autoptr (AtlGraph) graph = network->build ();
  const AtlShape input_shape = { 1, atl_graph_node (graph, 0)->channels,
                                 atl_test_side (network, height), atl_test_side (network, width) };
  g_autofree AtlShape *shapes = atl_graph_shapes (graph, &input_shape);
  const AtlShape *output_shape = &shapes[graph->output];
  g_autoptr (AtlFloats) parameters = atl_test_parameters (graph, random);
  g_autoptr (AtlFloats) input = atl_test_numbers (atl_shape_size (&input_shape), random);
  g_autoptr (AtlPrepared) prepared = atl_prepared_new (graph, parameters, backend, NULL);
  const AtlDivision none = { .tail_begin = prepared->steps->len, .n_tail_strips = 1 };
  float **values = run_directly (graph, shapes, input, parameters);
  const NetworkCase network_case = { network, prepared, shapes, input, values[graph->output] };
  const int n_divided = atl_test_quick () ? 1 : 2;
  int n_heads = 0;

  for (int i = 0; i < 6; i++)
    {
      AtlRegion region = { 0, 0, output_shape->w, output_shape->h };

      if (i > 0)
        {
          region.width = 1 + (int) atl_random_below (random, (guint32) output_shape->w);
          region.height = 1 + (int) atl_random_below (random, (guint32) output_shape->h);
          region.x = (int) atl_random_below (random,
                                             (guint32) (output_shape->w - region.width + 1));
          region.y = (int) atl_random_below (random,
                                             (guint32) (output_shape->h - region.height + 1));
        }

      check_division (&network_case, &region, &none);
      if (i < n_divided)
        n_heads += check_divisions (&network_case, &region);
    }

  for (guint i = 0; i < graph->nodes->len; i++)
    atl_floats_free (values[i]);
  g_free (values);
  return n_heads;
}

static void
check_backend (const AtlBackend *backend)
{
  AtlRandom random;
  int n_heads = 0;

  atl_random_init (&random, 5, 0);
  for (int i = 0; i < atl_n_test_networks; i++)
    {
      n_heads += check_network (&atl_test_networks[i], backend, 23, 17, &random);
      check_network (&atl_test_networks[i], backend, 64, 9, &random);
      check_network (&atl_test_networks[i], backend, 3, 40, &random);
    }
  /* The smallest pictures; a network with a convolution without padding needs three pixels. */
  check_network (&atl_test_networks[0], backend, 1, 1, &random);
  check_network (&atl_test_networks[1], backend, 1, 2, &random);
  check_network (&atl_test_networks[3], backend, 1, 1, &random);
  check_network (&atl_test_networks[5], backend, 1, 1, &random);
  check_network (&atl_test_networks[7], backend, 1, 2, &random);
  CU_ASSERT (n_heads > 5);
}

static void
reference_equals_single_operators (void)
{
  check_backend (atl_backend_reference ());
}

static void
cpu_equals_single_operators (void)
{
  check_backend (atl_backend_cpu ());
}

/* With random parameters. */
static AtlPrepared *
prepared_new (const AtlGraph *graph, const AtlBackend *backend)
{
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlFloats) parameters = atl_test_parameters (graph, &random);
  return atl_prepared_new (graph, parameters, backend, NULL);
}

static void
parts_cost_little_more (void)
{
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (2, 8, 8);
  g_autoptr (AtlPrepared) prepared = prepared_new (graph, atl_backend_reference ());
  const AtlShape tile = { 1, 3, 256, 256 };
  const AtlRegion inner = { 1024, 1024, 512, 512 };
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, 4096, 4096, &inner);
  const AtlRegion input = atl_plan_input_region (plan);
  const double needed = atl_graph_multiply_adds (graph, &tile);

  CU_ASSERT_EQUAL (input.x, 512 - 20);
  CU_ASSERT_EQUAL (input.width, 256 + 40);
  /* Shrinking halos: (1 + 20 / 256)^2 on the average, not (1 + 40 / 256)^2. */
  CU_ASSERT (atl_plan_multiply_adds (plan) < 1.17 * needed);
  CU_ASSERT (atl_plan_multiply_adds (plan) > 1.10 * needed);
}

/* The same result as that of an undivided plan, from less memory. */
static void
check_large_plan (const AtlGraph *graph, int height, int width, gboolean has_head)
{
  const AtlShape shape = { 1, 3, height, width };
  const AtlShape output = atl_graph_output_shape (graph, &shape);
  const AtlRegion whole = { 0, 0, output.w, output.h };
  g_autoptr (AtlPrepared) prepared = prepared_new (graph, atl_backend_cpu ());
  const AtlDivision none = { .tail_begin = prepared->steps->len, .n_tail_strips = 1 };
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, width, height, &whole);
  g_autoptr (AtlPlan) undivided = atl_plan_new_divided (prepared, width, height, &whole, &none);
  AtlRandom random;

  CU_ASSERT (atl_plan_division (plan).n_tail_strips > 1);
  CU_ASSERT_EQUAL (atl_plan_division (plan).n_head_strips > 1, has_head);
  CU_ASSERT (plan->scratch < undivided->scratch * 2 / 3);
  CU_ASSERT (atl_plan_multiply_adds (plan) > atl_plan_multiply_adds (undivided));
  CU_ASSERT (atl_plan_multiply_adds (plan) <= 1.02 * atl_plan_multiply_adds (undivided));

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlFloats) input = atl_test_numbers (atl_shape_size (&shape), &random);
  g_autoptr (AtlFloats) found = run_plan (plan, &shape, input, &whole, output.c);
  g_autoptr (AtlFloats) expected = run_plan (undivided, &shape, input, &whole, output.c);
  atl_test_close ("in strips", found, expected, atl_shape_size (&output), TOLERANCE_OF_WINOGRAD);
}

static void
large_plans_run_in_strips (void)
{
  const AtlRegion small = { 0, 0, 128, 128 };
  g_autoptr (AtlGraph) enlarging = atl_sr_resnet_new (2, 64, 1);
  g_autoptr (AtlGraph) shrinking = atl_style_resnet_new (32);
  g_autoptr (AtlPrepared) prepared = prepared_new (enlarging, atl_backend_cpu ());
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, 64, 64, &small);

  check_large_plan (enlarging, 190, 210, FALSE);
  check_large_plan (shrinking, 380, 410, TRUE);
  CU_ASSERT_EQUAL (atl_plan_division (plan).n_head_strips, 0);
  CU_ASSERT_EQUAL (atl_plan_division (plan).n_tail_strips, 1);
}

/* Results would differ with it in their last bits. */
static void
division_is_the_same_on_any_number_of_threads (void)
{
  static const int n_threads[] = { 1, 3, 16 };
  const int n_threads_before = atl_threads_count ();
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (2, 64, 1);
  g_autoptr (AtlPrepared) prepared = prepared_new (graph, atl_backend_cpu ());
  int n_divided = 0, n_whole = 0;

  /* From sides that are not divided to ones that are. */
  for (int side = 100; side < 200; side += 3)
    {
      const AtlRegion whole = { 0, 0, 2 * side, 2 * side };
      AtlDivision first = { 0 };

      for (size_t i = 0; i < G_N_ELEMENTS (n_threads); i++)
        {
          atl_threads_set_count (n_threads[i]);
          g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, side, side, &whole);
          const AtlDivision division = atl_plan_division (plan);

          if (i == 0)
            first = division;
          CU_ASSERT_EQUAL (division.tail_begin, first.tail_begin);
          CU_ASSERT_EQUAL (division.n_tail_strips, first.n_tail_strips);
        }
      if (first.n_tail_strips > 1)
        n_divided++;
      else
        n_whole++;
    }
  CU_ASSERT (n_divided > 0 && n_whole > 0);
  atl_threads_set_count (n_threads_before);
}

/* An undivided plan of the whole picture does what the graph says. */
static void
whole_plans_cost_what_the_graph_says (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    {
      const AtlTestNetwork *network = &atl_test_networks[i];
      g_autoptr (AtlGraph) graph = network->build ();
      const AtlShape input = { 1, atl_graph_node (graph, 0)->channels, atl_test_side (network, 21),
                               atl_test_side (network, 30) };
      const AtlShape output = atl_graph_output_shape (graph, &input);
      const AtlRegion whole = { 0, 0, output.w, output.h };
      g_autoptr (AtlPrepared) prepared = prepared_new (graph, atl_backend_reference ());
      g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, input.w, input.h, &whole);

      if (strcmp (network->name, "loose ends") != 0) /* what no output needs is left out */
        CU_ASSERT_DOUBLE_EQUAL (atl_plan_multiply_adds (plan),
                                atl_graph_multiply_adds (graph, &input), 0.5);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reference equals single operators", reference_equals_single_operators },
    { "cpu equals single operators", cpu_equals_single_operators },
    { "parts cost little more", parts_cost_little_more },
    { "whole plans cost what the graph says", whole_plans_cost_what_the_graph_says },
    { "large plans run in strips", large_plans_run_in_strips },
    { "division is the same on any number of threads",
      division_is_the_same_on_any_number_of_threads },
  };

  return atl_suite_run ("inference plan", tests, G_N_ELEMENTS (tests));
}
