/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What plans for inference and for training have in common.
 */

#include "graph/plan-private.h"

void
atl_plan_free (AtlPlan *plan)
{
  if (plan == NULL)
    return;

  g_clear_pointer (&plan->steps, g_array_unref);
  g_free (plan->shapes);
  g_free (plan->values);
  g_free (plan->regions);
  g_free (plan->gradients);
  g_free (plan);
}

size_t
atl_plan_workspace_size (const AtlPlan *plan)
{
  return plan->size;
}

double
atl_plan_multiply_adds (const AtlPlan *plan)
{
  double sum = 0.0;

  for (guint i = 0; i < plan->steps->len; i++)
    {
      const AtlPlanStep *step = atl_plan_step (plan, i);
      const AtlConv2d *conv = &step->conv;

      if (step->step.op == ATL_OP_CONV2D)
        sum += (double) conv->n * conv->c_out * conv->h_out * conv->w_out * conv->c_in
               * conv->kernel * conv->kernel;
    }

  return sum;
}

AtlArenaBuffer *
atl_plan_value_buffers (const AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  AtlArenaBuffer *buffers = g_new (AtlArenaBuffer, n_nodes);

  for (guint i = 0; i < n_nodes; i++)
    {
      buffers[i] = ATL_ARENA_UNUSED;
      buffers[i].size = plan->backend->tensor_size (&plan->shapes[i]);
    }

  return buffers;
}

AtlConv2d
atl_plan_describe_conv (const AtlPlan *plan, const AtlStep *step)
{
  const AtlGraphNode *node = atl_graph_node (plan->graph, step->node);
  const AtlShape *in = &plan->shapes[step->x], *out = &plan->shapes[step->y];
  AtlConv2d conv = atl_graph_conv2d_kind (plan->graph, step->node);

  conv.n = in->n;
  conv.h_in = in->h;
  conv.w_in = in->w;
  conv.h_out = out->h;
  conv.w_out = out->w;
  conv.pad_top = conv.pad_left = node->padding;

  if (plan->regions != NULL)
    {
      const AtlRegion *from = &plan->regions[step->x], *to = &plan->regions[step->y];

      conv.pad_top += from->y - to->y * node->stride;
      conv.pad_left += from->x - to->x * node->stride;
    }

  return conv;
}

AtlOffset
atl_plan_offset (const AtlPlan *plan, AtlNode a, AtlNode y)
{
  if (plan->regions == NULL)
    return (AtlOffset) { 0 };

  return (AtlOffset) { .top = plan->regions[y].y - plan->regions[a].y,
                       .left = plan->regions[y].x - plan->regions[a].x };
}

AtlConvEpilogue
atl_plan_epilogue (const AtlPlan *plan, const AtlStep *step, const float *workspace,
                   const AtlPreparedStep *parameters)
{
  AtlConvEpilogue epilogue = { .bias = parameters->bias,
                               .relu = step->relu,
                               .scale = parameters->scale,
                               .shift = parameters->shift,
                               .gain = step->gain };

  if (step->other != ATL_NO_NODE)
    {
      const AtlOffset offset = atl_plan_offset (plan, step->other, step->y);

      epilogue.residual = workspace + plan->values[step->other];
      epilogue.residual_h = plan->shapes[step->other].h;
      epilogue.residual_w = plan->shapes[step->other].w;
      epilogue.residual_top = offset.top;
      epilogue.residual_left = offset.left;
    }

  return epilogue;
}

void
atl_plan_run_without_parameters (const AtlPlan *plan, const AtlStep *step, float *workspace)
{
  const AtlBackend *backend = plan->backend;
  const AtlShape *shape_x = &plan->shapes[step->x], *shape_y = &plan->shapes[step->y];
  const float *x = workspace + plan->values[step->x];
  float *y = workspace + plan->values[step->y];

  switch (step->op)
    {
    case ATL_OP_RELU:
      backend->relu_forward (y, x, shape_y);
      break;
    case ATL_OP_SCALED_ADD:
      backend->scaled_add_forward (y, x, workspace + plan->values[step->other], shape_y, shape_x,
                                   atl_plan_offset (plan, step->x, step->y), step->gain);
      break;
    case ATL_OP_PIXEL_SHUFFLE:
      backend->pixel_shuffle_forward (y, x, shape_x,
                                      atl_graph_node (plan->graph, step->node)->factor);
      break;
    case ATL_OP_INPUT:
    case ATL_OP_CONV2D:
    case ATL_OP_BATCH_NORM:
      g_return_if_reached ();
    }
}
