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

  g_clear_pointer (&plan->head, g_ptr_array_unref);
  g_clear_pointer (&plan->tail, g_ptr_array_unref);
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

size_t
atl_plan_tensors_size (const AtlPlan *plan)
{
  return plan->scratch;
}

/* A transposed convolution is described by the one whose gradient it is: it stores the latter's input, of which
 * stride^2 pixels share its taps. */
static double
multiply_adds_of_step (const AtlPlanStep *step)
{
  const AtlConv2d *conv = &step->conv;
  const double n_taps = (double) conv->n * conv->c_in * conv->c_out * conv->kernel * conv->kernel;

  if (! atl_step_is_conv (&step->step))
    return 0.0;
  if (step->step.op == ATL_OP_CONV_TRANSPOSE2D)
    return n_taps * conv->h_in * conv->w_in / (conv->stride * conv->stride);
  return n_taps * conv->h_out * conv->w_out;
}

static double
multiply_adds_of_strips (const GPtrArray *strips)
{
  double sum = 0.0;

  for (guint i = 0; strips != NULL && i < strips->len; i++)
    sum += atl_plan_multiply_adds (g_ptr_array_index (strips, i));
  return sum;
}

double
atl_plan_multiply_adds (const AtlPlan *plan)
{
  double sum = multiply_adds_of_strips (plan->head) + multiply_adds_of_strips (plan->tail);

  for (guint i = 0; i < plan->steps->len; i++)
    sum += multiply_adds_of_step (atl_plan_step (plan, i));
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

/* The first pixel of a node's part, in the whole. */
static AtlOffset
corner_of (const AtlPlan *plan, AtlNode node)
{
  if (plan->regions == NULL)
    return (AtlOffset) { 0 };
  return (AtlOffset) { .top = plan->regions[node].y, .left = plan->regions[node].x };
}

static AtlConv2d
describe_conv (const AtlPlan *plan, const AtlStep *step)
{
  const AtlGraphNode *node = atl_graph_node (plan->graph, step->node);
  const gboolean transposed = step->op == ATL_OP_CONV_TRANSPOSE2D;
  const AtlNode in_node = transposed ? step->node : step->x;
  const AtlNode out_node = transposed ? step->x : step->node;
  const AtlShape *in = &plan->shapes[in_node], *out = &plan->shapes[out_node];
  const AtlOffset from = corner_of (plan, in_node), to = corner_of (plan, out_node);
  const int enlargement = step->enlargement;
  AtlConv2d conv = atl_step_conv2d_kind (step, plan->graph);

  conv.n = in->n;
  conv.h_in = in->h * enlargement;
  conv.w_in = in->w * enlargement;
  conv.h_out = out->h;
  conv.w_out = out->w;
  conv.pad_top = node->padding + from.top * enlargement - to.top * node->stride;
  conv.pad_left = node->padding + from.left * enlargement - to.left * node->stride;
  return conv;
}

static AtlMaxPool
describe_pool (const AtlPlan *plan, const AtlStep *step)
{
  const AtlGraphNode *node = atl_graph_node (plan->graph, step->node);
  const AtlShape *in = &plan->shapes[step->x], *out = &plan->shapes[step->y];
  const AtlOffset from = corner_of (plan, step->x), to = corner_of (plan, step->y);

  return (AtlMaxPool) {
    .n = in->n,
    .c = in->c,
    .kernel = node->kernel,
    .stride = node->stride,
    .h_in = in->h,
    .w_in = in->w,
    .h_out = out->h,
    .w_out = out->w,
    .pad_top = node->padding + from.top - to.top * node->stride,
    .pad_left = node->padding + from.left - to.left * node->stride,
  };
}

static AtlReflectionPad
describe_pad (const AtlPlan *plan, const AtlStep *step, const AtlShape *whole)
{
  const int padding = atl_graph_node (plan->graph, step->node)->padding;
  const AtlShape *in = &plan->shapes[step->x], *out = &plan->shapes[step->y];
  const AtlOffset from = corner_of (plan, step->x), to = corner_of (plan, step->y);

  return (AtlReflectionPad) {
    .n = in->n,
    .c = in->c,
    .height = whole[step->x].h,
    .width = whole[step->x].w,
    .h_x = in->h,
    .w_x = in->w,
    .x_top = from.top,
    .x_left = from.left,
    .h_y = out->h,
    .w_y = out->w,
    .top = to.top - padding,
    .left = to.left - padding,
  };
}

/* Where the part of node 'a' has the first pixel of the part of y, which is the middle of the whole of 'a'. */
static AtlOffset
describe_offset (const AtlPlan *plan, AtlNode a, AtlNode y, const AtlShape *whole)
{
  const AtlOffset from = corner_of (plan, a), to = corner_of (plan, y);

  return (AtlOffset) { .top = to.top + (whole[a].h - whole[y].h) / 2 - from.top,
                       .left = to.left + (whole[a].w - whole[y].w) / 2 - from.left };
}

void
atl_plan_add_step (AtlPlan *plan, const AtlStep *step, const AtlShape *whole)
{
  AtlPlanStep plan_step = { .step = *step };

  switch (step->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      plan_step.conv = describe_conv (plan, step);
      if (step->other != ATL_NO_NODE)
        plan_step.offset = describe_offset (plan, step->other, step->y, whole);
      break;
    case ATL_OP_MAX_POOL:
      plan_step.pool = describe_pool (plan, step);
      break;
    case ATL_OP_REFLECTION_PAD:
      plan_step.pad = describe_pad (plan, step, whole);
      break;
    case ATL_OP_SCALED_ADD:
      plan_step.offset = describe_offset (plan, step->x, step->y, whole);
      break;
    case ATL_OP_CONCAT:
      plan_step.offset = describe_offset (plan, step->x, step->y, whole);
      plan_step.offset_other = describe_offset (plan, step->other, step->y, whole);
      break;
    case ATL_OP_INPUT:
    case ATL_OP_RELU:
    case ATL_OP_PIXEL_SHUFFLE:
    case ATL_OP_UPSAMPLE:
    case ATL_OP_BATCH_NORM:
      break;
    }
  g_array_append_val (plan->steps, plan_step);
}

AtlConvEpilogue
atl_plan_epilogue (const AtlPlan *plan, const AtlPlanStep *plan_step, const float *workspace,
                   const AtlPreparedStep *parameters)
{
  const AtlStep *step = &plan_step->step;
  AtlConvEpilogue epilogue = { .bias = parameters->bias,
                               .relu = step->relu,
                               .scale = parameters->scale,
                               .shift = parameters->shift,
                               .gain = step->gain,
                               .relu_last = step->relu_last,
                               .y_channels = plan->shapes[step->y].c,
                               .y_channel = step->y_channel };

  if (step->other != ATL_NO_NODE)
    {
      epilogue.residual = workspace + plan->values[step->other];
      epilogue.residual_h = plan->shapes[step->other].h;
      epilogue.residual_w = plan->shapes[step->other].w;
      epilogue.residual_top = plan_step->offset.top;
      epilogue.residual_left = plan_step->offset.left;
    }

  return epilogue;
}

void
atl_plan_run_conv (const AtlPlan *plan, const AtlPlanStep *step, float *workspace,
                   const float *packed, const AtlConvEpilogue *epilogue)
{
  const AtlBackend *backend = plan->backend;

  (step->step.op == ATL_OP_CONV_TRANSPOSE2D ? backend->conv_transpose2d_forward
                                            : backend->conv2d_forward) (
      workspace + plan->values[step->step.y], workspace + plan->values[step->step.x], packed,
      &step->conv, epilogue, workspace + plan->scratch);
}

void
atl_plan_run_without_parameters (const AtlPlan *plan, const AtlPlanStep *plan_step,
                                 float *workspace)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
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
                                   plan_step->offset, step->gain);
      break;
    case ATL_OP_PIXEL_SHUFFLE:
      backend->pixel_shuffle_forward (y, x, shape_x,
                                      atl_graph_node (plan->graph, step->node)->factor);
      break;
    case ATL_OP_UPSAMPLE:
      backend->upsample_forward (y, x, shape_x, atl_graph_node (plan->graph, step->node)->factor);
      break;
    case ATL_OP_MAX_POOL:
      backend->max_pool_forward (y, x, &plan_step->pool);
      break;
    case ATL_OP_REFLECTION_PAD:
      backend->reflection_pad_forward (y, x, &plan_step->pad);
      break;
    case ATL_OP_CONCAT:
      backend->concat_forward (y, x, shape_y, shape_x, plan_step->offset, 0);
      backend->concat_forward (y, workspace + plan->values[step->other], shape_y,
                               &plan->shapes[step->other], plan_step->offset_other, shape_x->c);
      break;
    case ATL_OP_INPUT:
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
    case ATL_OP_BATCH_NORM:
      g_return_if_reached ();
    }
}
