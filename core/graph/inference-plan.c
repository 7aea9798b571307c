/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for inference: a part of a result from the part of the picture that it depends on.
 *
 * Time runs 0: the input is imported, 1 to n: the steps, n + 1: the output is exported.
 */

#include <string.h>

#include "graph/plan-private.h"
#include "graph/regions.h"

static AtlPlan *
plan_new (const AtlPrepared *prepared)
{
  AtlPlan *plan = g_new0 (AtlPlan, 1);

  plan->graph = prepared->graph;
  plan->backend = prepared->backend;
  plan->prepared = prepared;
  plan->steps = g_array_new (FALSE, TRUE, sizeof (AtlPlanStep));

  return plan;
}

/* Sets the regions of all nodes and the shapes of these regions. Returns the shapes of the whole picture, a new
 * array. */
static AtlShape *
plan_regions (AtlPlan *plan, int width, int height, const AtlRegion *output)
{
  const AtlShape input = { 1, atl_graph_node (plan->graph, 0)->channels, height, width };

  plan->output = *output;
  AtlShape *whole = atl_graph_shapes (plan->graph, &input);
  plan->shapes = atl_graph_shapes (plan->graph, &input);
  plan->regions = atl_graph_regions (plan->graph, whole, output);

  for (guint i = 0; i < plan->graph->nodes->len; i++)
    {
      plan->shapes[i].h = plan->regions[i].height;
      plan->shapes[i].w = plan->regions[i].width;
    }
  return whole;
}

/* Whether the last operator computed more than was asked for. */
static gboolean
output_is_cut (const AtlPlan *plan)
{
  const AtlRegion *computed = &plan->regions[plan->graph->output];

  return computed->width != plan->output.width || computed->height != plan->output.height;
}

static size_t
plan_scratch_size (const AtlPlan *plan)
{
  size_t size = output_is_cut (plan) ? atl_shape_size (&plan->shapes[plan->graph->output]) : 0;

  for (guint i = 0; i < plan->steps->len; i++)
    {
      const AtlPlanStep *step = atl_plan_step (plan, i);

      if (atl_step_is_conv (&step->step))
        size = MAX (size, plan->backend->conv2d_scratch_size (&step->conv,
                                                              atl_step_forward_pass (&step->step)));
    }

  return size;
}

static void
plan_memory (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  g_autofree AtlArenaBuffer *buffers = atl_plan_value_buffers (plan);

  atl_arena_buffer_use (&buffers[0], 0);
  for (guint i = 0; i < plan->steps->len; i++)
    {
      const AtlStep *step = &atl_plan_step (plan, i)->step;
      const int time = (int) i + 1;

      atl_arena_buffer_use (&buffers[step->x], time);
      atl_arena_buffer_use (&buffers[step->y], time);
      if (step->other != ATL_NO_NODE)
        atl_arena_buffer_use (&buffers[step->other], time);
    }
  atl_arena_buffer_use (&buffers[plan->graph->output], (int) plan->steps->len + 1);

  plan->scratch = atl_arena_place (buffers, (int) n_nodes);
  plan->size = plan->scratch + plan_scratch_size (plan);

  plan->values = g_new (size_t, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    plan->values[i] = buffers[i].offset;
}

AtlPlan *
atl_plan_new_inference (const AtlPrepared *prepared, int width, int height, const AtlRegion *output)
{
  AtlPlan *plan = plan_new (prepared);

  g_autofree AtlShape *whole = plan_regions (plan, width, height, output);
  for (guint i = 0; i < prepared->steps->len; i++)
    atl_plan_add_step (plan, &g_array_index (prepared->steps, AtlStep, i), whole);
  plan_memory (plan);

  return plan;
}

AtlRegion
atl_plan_input_region (const AtlPlan *plan)
{
  return plan->regions[0];
}

static void
run_step (const AtlPlan *plan, guint index, float *workspace)
{
  const AtlPlanStep *plan_step = atl_plan_step (plan, index);
  const AtlStep *step = &plan_step->step;
  const AtlPreparedStep *parameters = &plan->prepared->parameters[index];

  switch (step->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      {
        const AtlConvEpilogue epilogue = atl_plan_epilogue (plan, plan_step, workspace, parameters);

        atl_plan_run_conv (plan, plan_step, workspace, parameters->packed, &epilogue);
        break;
      }
    case ATL_OP_RELU:
    case ATL_OP_SCALED_ADD:
    case ATL_OP_PIXEL_SHUFFLE:
    case ATL_OP_UPSAMPLE:
    case ATL_OP_MAX_POOL:
    case ATL_OP_REFLECTION_PAD:
    case ATL_OP_CONCAT:
      atl_plan_run_without_parameters (plan, plan_step, workspace);
      break;
    case ATL_OP_BATCH_NORM:
      plan->backend->scale_shift (workspace + plan->values[step->y],
                                  workspace + plan->values[step->x], parameters->scale,
                                  parameters->shift, &plan->shapes[step->y]);
      break;
    case ATL_OP_INPUT:
      break;
    }
}

/* Cuts the part that was asked for out of what was computed. */
static void
cut_output (const AtlPlan *plan, float *output, const float *computed)
{
  const AtlShape *shape = &plan->shapes[plan->graph->output];
  const AtlRegion *from = &plan->regions[plan->graph->output], *to = &plan->output;
  const float *corner = computed + (size_t) (to->y - from->y) * (size_t) shape->w
                        + (to->x - from->x);

  for (int c = 0; c < shape->c; c++)
    for (int row = 0; row < to->height; row++)
      memcpy (output + ((size_t) c * to->height + row) * to->width,
              corner + ((size_t) c * shape->h + row) * shape->w,
              (size_t) to->width * sizeof (float));
}

void
atl_plan_infer (const AtlPlan *plan, float *workspace, float *output, const float *input)
{
  const AtlNode last = plan->graph->output;

  plan->backend->tensor_import (workspace + plan->values[0], input, &plan->shapes[0]);
  for (guint i = 0; i < plan->steps->len; i++)
    run_step (plan, i, workspace);

  if (! output_is_cut (plan))
    {
      plan->backend->tensor_export (output, workspace + plan->values[last], &plan->shapes[last]);
      return;
    }

  float *computed = workspace + plan->scratch;
  plan->backend->tensor_export (computed, workspace + plan->values[last], &plan->shapes[last]);
  cut_output (plan, output, computed);
}
