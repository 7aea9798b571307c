/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Running a plan for training: a batch forward, then its gradients backward.
 */

#include <string.h>

#include "base/memory.h"
#include "graph/plan-private.h"

/* running = 0.9 running + 0.1 statistic of the batch; the variance is the unbiased one, as PyTorch's. */
static void
update_running_statistics (const AtlPlan *plan, const AtlPlanStep *step, const float *workspace,
                           float *parameters)
{
  const AtlGraph *graph = plan->graph;
  const AtlShape *shape = &plan->shapes[step->step.y];
  const float *mean = workspace + step->mean, *variance = workspace + step->variance;
  float *running_mean = parameters
                        + atl_graph_parameter_offset (graph, step->step.node, ATL_NORM_MEAN);
  float *running_variance = parameters
                            + atl_graph_parameter_offset (graph, step->step.node,
                                                          ATL_NORM_VARIANCE);
  const double n = (double) shape->n * shape->h * shape->w;
  const float unbiased = (float) (n / MAX (n - 1.0, 1.0));

  for (int c = 0; c < shape->c; c++)
    {
      running_mean[c] += ATL_BATCH_NORM_MOMENTUM * (mean[c] - running_mean[c]);
      running_variance[c] += ATL_BATCH_NORM_MOMENTUM
                             * (unbiased * variance[c] - running_variance[c]);
    }
}

/* y = scale x + shift with the running statistics, as in inference. */
static void
frozen_norm_forward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
                     const float *parameters)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape = &plan->shapes[step->y];
  float *scale = workspace + plan_step->mean, *shift = workspace + plan_step->variance;
  float *y = workspace + plan->values[step->y];

  memset (scale, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  memset (shift, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  atl_graph_norm_scale_shift (scale, shift, plan->graph, step->node, parameters);

  backend->scale_shift (y, workspace + plan->values[step->x], scale, shift, shape);
  if (step->other != ATL_NO_NODE)
    backend->scaled_add_forward (y, workspace + plan->values[step->other], y, shape, shape,
                                 (AtlOffset) { 0 }, step->gain);
  if (step->relu_last)
    backend->relu_forward (y, y, shape);
}

/* dx = gain scale dy. The scale and shift of the forward pass are done with: their places hold the factors. */
static void
frozen_norm_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape = &plan->shapes[step->y];
  float *dy = workspace + plan->gradients[step->y], *dx = workspace + plan->gradients[step->x];
  float *scale = workspace + plan_step->mean, *zero = workspace + plan_step->variance;

  if (! plan_step->wants_x)
    return;

  memset (zero, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  for (int c = 0; c < shape->c; c++)
    scale[c] *= step->gain;
  backend->scale_shift (plan_step->adds_to_x ? dy : dx, dy, scale, zero, shape);
  if (plan_step->adds_to_x)
    backend->scaled_add_backward (dx, dy, shape, shape, (AtlOffset) { 0 }, 1.0f, TRUE);
}

static void
norm_forward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
              float *parameters)
{
  const AtlStep *step = &plan_step->step;

  if (atl_plan_has_flag (plan, ATL_TRAINING_FROZEN_NORM))
    {
      frozen_norm_forward (plan, plan_step, workspace, parameters);
      return;
    }

  const AtlNormEpilogue epilogue = {
    .residual = step->other != ATL_NO_NODE ? workspace + plan->values[step->other] : NULL,
    .gain = step->gain,
    .relu = step->relu_last,
  };

  plan->backend->batch_norm_forward (
      workspace + plan->values[step->y], workspace + plan_step->mean,
      workspace + plan_step->variance, workspace + plan->values[step->x],
      parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_NORM_GAMMA),
      parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_NORM_BETA),
      &plan->shapes[step->y], ATL_BATCH_NORM_EPSILON, &epilogue, workspace + plan->scratch);
  update_running_statistics (plan, plan_step, workspace, parameters);
}

static void
norm_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
               const float *parameters, float *gradients)
{
  const AtlStep *step = &plan_step->step;
  const size_t gamma = atl_graph_parameter_offset (plan->graph, step->node, ATL_NORM_GAMMA);
  const size_t beta = atl_graph_parameter_offset (plan->graph, step->node, ATL_NORM_BETA);

  if (atl_plan_has_flag (plan, ATL_TRAINING_FROZEN_NORM))
    {
      frozen_norm_backward (plan, plan_step, workspace);
      return;
    }

  plan->backend->batch_norm_backward (
      workspace + plan->gradients[step->x], plan_step->wants_weight ? gradients + gamma : NULL,
      plan_step->wants_bias ? gradients + beta : NULL, workspace + plan->gradients[step->y],
      workspace + plan->values[step->x], parameters + gamma, workspace + plan_step->mean,
      workspace + plan_step->variance, &plan->shapes[step->y], ATL_BATCH_NORM_EPSILON, step->gain,
      plan_step->adds_to_x, plan_step->masks_x, workspace + plan->scratch);
}

/* The weights of a convolution, packed for a pass. Returns its bias, or NULL if it has none. */
static const float *
pack_weights (const AtlPlan *plan, const AtlPlanStep *plan_step, AtlPass pass, float *workspace,
              const float *parameters)
{
  const AtlGraph *graph = plan->graph;
  const AtlStep *step = &plan_step->step;
  const float *weight = parameters
                        + atl_graph_parameter_offset (graph, step->node, ATL_CONV_WEIGHT);
  const float *bias = NULL;

  if (step->norm_in_weights != ATL_NO_NODE)
    {
      float *folded = workspace + plan->folded;
      float *folded_bias = folded + atl_floats_aligned (atl_step_weight_size (step, graph));

      atl_step_weights (folded, folded_bias, step, graph, parameters);
      weight = folded;
      bias = folded_bias;
    }
  else if (atl_graph_node (graph, step->node)->parameters[ATL_CONV_BIAS] != ATL_NO_PARAMETER)
    bias = parameters + atl_graph_parameter_offset (graph, step->node, ATL_CONV_BIAS);

  plan->backend->conv2d_pack (workspace + plan->packed, weight, &plan_step->conv, pass);
  return bias;
}

static void
conv_forward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
              const float *parameters)
{
  const AtlStep *step = &plan_step->step;
  const AtlPreparedStep bias = {
    .bias = pack_weights (plan, plan_step, atl_step_forward_pass (step), workspace, parameters),
  };
  const AtlConvEpilogue epilogue = atl_plan_epilogue (plan, plan_step, workspace, &bias);

  atl_plan_run_conv (plan, plan_step, workspace, workspace + plan->packed, &epilogue);
}

static void
step_forward (const AtlPlan *plan, guint index, float *workspace, float *parameters)
{
  const AtlPlanStep *plan_step = atl_plan_step (plan, index);

  switch (plan_step->step.op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      conv_forward (plan, plan_step, workspace, parameters);
      break;
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
      norm_forward (plan, plan_step, workspace, parameters);
      break;
    case ATL_OP_INPUT:
      break;
    }
}

/* The tensor that masks the gradient of x, or NULL. */
static const float *
mask_of_x (const AtlPlan *plan, const AtlPlanStep *step, const float *workspace)
{
  return step->masks_x ? workspace + plan->values[step->step.x] : NULL;
}

/* dy: the gradient of what the convolution itself computed. */
static void
conv_backward_plain (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
                     const float *packed, const float *dy, float *dw, float *db)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  float *scratch = workspace + plan->scratch;

  if (plan_step->wants_weight)
    backend->conv2d_backward_weight (dw, db, workspace + plan->values[step->x], dy,
                                     &plan_step->conv, step->gain, scratch);
  if (plan_step->wants_x)
    backend->conv2d_backward_data (workspace + plan->gradients[step->x], dy, packed,
                                   &plan_step->conv, step->gain, plan_step->adds_to_x,
                                   mask_of_x (plan, plan_step, workspace), scratch);
}

/* The same for a transposed one: 'conv' is the convolution from its output to its input. */
static void
conv_backward_transposed (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
                          const float *packed, const float *dy, float *dw, float *db)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape_x = &plan->shapes[step->x];
  float *scratch = workspace + plan->scratch, *dx = workspace + plan->gradients[step->x];

  if (plan_step->wants_weight)
    backend->conv2d_backward_weight (dw, NULL, dy, workspace + plan->values[step->x],
                                     &plan_step->conv, step->gain, scratch);
  if (db != NULL)
    backend->bias_backward (db, dy, &plan->shapes[step->y], step->gain, scratch);
  if (plan_step->wants_x)
    {
      const AtlConvEpilogue add = { .residual = plan_step->adds_to_x ? dx : NULL,
                                    .residual_h = shape_x->h,
                                    .residual_w = shape_x->w,
                                    .gain = step->gain,
                                    .mask = mask_of_x (plan, plan_step, workspace) };

      backend->conv2d_forward (dx, dy, packed, &plan_step->conv, &add, scratch);
    }
}

static void
conv_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
               const float *parameters, float *gradients)
{
  const AtlStep *step = &plan_step->step;
  const size_t weight = atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_WEIGHT);
  float *dy = workspace + plan->gradients[step->y];
  float *packed = workspace + plan->packed;
  float *db = plan_step->wants_bias
                  ? gradients + atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_BIAS)
                  : NULL;

  if (plan_step->wants_x)
    pack_weights (plan, plan_step, atl_step_data_pass (step), workspace, parameters);

  (step->op == ATL_OP_CONV_TRANSPOSE2D ? conv_backward_transposed : conv_backward_plain) (
      plan, plan_step, workspace, packed, dy, plan_step->wants_weight ? gradients + weight : NULL,
      db);
}

/* The gradient of the tensor a of a scaled add, of the residual of a step, of which y is the middle, or of what a lone
 * ReLU reads. It may lie where that of y did: then it is there. */
static void
add_backward (const AtlPlan *plan, float *workspace, AtlNode a, const AtlPlanStep *plan_step,
              gboolean adds)
{
  if (plan->gradients[a] == plan->gradients[plan_step->step.y])
    return;

  plan->backend->scaled_add_backward (
      workspace + plan->gradients[a], workspace + plan->gradients[plan_step->step.y],
      &plan->shapes[plan_step->step.y], &plan->shapes[a], plan_step->offset, 1.0f, adds);
}

static void
scaled_add_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace)
{
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape = &plan->shapes[step->y];

  if (plan_step->wants_other)
    plan->backend->scaled_add_backward (workspace + plan->gradients[step->other],
                                        workspace + plan->gradients[step->y], shape, shape,
                                        (AtlOffset) { 0 }, step->gain, plan_step->adds_to_other);
  if (plan_step->wants_x)
    add_backward (plan, workspace, step->x, plan_step, plan_step->adds_to_x);
}

static void
concat_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape_y = &plan->shapes[step->y], *shape_x = &plan->shapes[step->x];
  const float *dy = workspace + plan->gradients[step->y];

  if (plan_step->wants_other)
    backend->concat_backward (workspace + plan->gradients[step->other], dy, shape_y,
                              &plan->shapes[step->other], plan_step->offset_other, shape_x->c,
                              plan_step->adds_to_other);
  if (plan_step->wants_x)
    backend->concat_backward (workspace + plan->gradients[step->x], dy, shape_y, shape_x,
                              plan_step->offset, 0, plan_step->adds_to_x);
}

static void
step_backward (const AtlPlan *plan, guint index, float *workspace, const float *parameters,
               float *gradients)
{
  const AtlBackend *backend = plan->backend;
  const AtlPlanStep *plan_step = atl_plan_step (plan, index);
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape_x = &plan->shapes[step->x];
  const int factor = atl_graph_node (plan->graph, step->node)->factor;
  float *dy = workspace + plan->gradients[step->y];
  float *dx = workspace + plan->gradients[step->x];

  /* In place: nobody else reads this gradient. */
  if (plan_step->masks_y)
    backend->relu_backward (dy, dy, workspace + plan->values[step->y], &plan->shapes[step->y],
                            FALSE);

  switch (step->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      if (plan_step->wants_other)
        add_backward (plan, workspace, step->other, plan_step, plan_step->adds_to_other);
      conv_backward (plan, plan_step, workspace, parameters, gradients);
      break;
    case ATL_OP_RELU:
      add_backward (plan, workspace, step->x, plan_step, plan_step->adds_to_x);
      break;
    case ATL_OP_SCALED_ADD:
      scaled_add_backward (plan, plan_step, workspace);
      break;
    case ATL_OP_PIXEL_SHUFFLE:
      backend->pixel_shuffle_backward (dx, dy, shape_x, factor, plan_step->adds_to_x);
      break;
    case ATL_OP_UPSAMPLE:
      backend->upsample_backward (dx, dy, shape_x, factor, plan_step->adds_to_x);
      break;
    case ATL_OP_MAX_POOL:
      backend->max_pool_backward (dx, dy, workspace + plan->values[step->x], &plan_step->pool,
                                  plan_step->adds_to_x, plan_step->masks_x);
      break;
    case ATL_OP_REFLECTION_PAD:
      backend->reflection_pad_backward (dx, dy, &plan_step->pad, plan_step->adds_to_x);
      break;
    case ATL_OP_CONCAT:
      concat_backward (plan, plan_step, workspace);
      break;
    case ATL_OP_BATCH_NORM:
      if (plan_step->wants_other)
        add_backward (plan, workspace, step->other, plan_step, plan_step->adds_to_other);
      norm_backward (plan, plan_step, workspace, parameters, gradients);
      break;
    case ATL_OP_INPUT:
      break;
    }
}

void
atl_plan_forward (const AtlPlan *plan, float *workspace, float *parameters, const float *input)
{
  plan->backend->tensor_import (workspace + plan->values[0], input, &plan->shapes[0]);
  for (guint i = 0; i < plan->steps->len; i++)
    step_forward (plan, i, workspace, parameters);
}

void
atl_plan_backward (const AtlPlan *plan, float *workspace, const float *parameters, float *gradients)
{
  for (guint i = plan->steps->len; i-- > 0;)
    if (atl_plan_step (plan, i)->has_backward)
      step_backward (plan, i, workspace, parameters, gradients);
}

const float *
atl_plan_tap (const AtlPlan *plan, const float *workspace, int tap)
{
  return workspace + plan->values[g_array_index (plan->graph->taps, AtlNode, tap)];
}

float *
atl_plan_tap_gradient (const AtlPlan *plan, float *workspace, int tap)
{
  return workspace + plan->gradients[g_array_index (plan->graph->taps, AtlNode, tap)];
}

AtlShape
atl_plan_tap_shape (const AtlPlan *plan, int tap)
{
  return plan->shapes[g_array_index (plan->graph->taps, AtlNode, tap)];
}

const float *
atl_plan_output (const AtlPlan *plan, const float *workspace)
{
  return workspace + plan->values[plan->graph->output];
}

float *
atl_plan_output_gradient (const AtlPlan *plan, float *workspace)
{
  return workspace + plan->gradients[plan->graph->output];
}

AtlShape
atl_plan_output_shape (const AtlPlan *plan)
{
  return plan->shapes[plan->graph->output];
}

const float *
atl_plan_input_gradient (const AtlPlan *plan, const float *workspace)
{
  return atl_plan_has_flag (plan, ATL_TRAINING_INPUT_GRADIENT) ? workspace + plan->gradients[0]
                                                               : NULL;
}
