/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Running a plan for training: a batch forward, then its gradients backward.
 */

#include <string.h>

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
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape = &plan->shapes[step->y];
  float *scale = workspace + plan_step->mean, *shift = workspace + plan_step->variance;

  memset (scale, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  memset (shift, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  atl_graph_norm_scale_shift (scale, shift, plan->graph, step->node, parameters);

  plan->backend->scale_shift (workspace + plan->values[step->y], workspace + plan->values[step->x],
                              scale, shift, shape);
}

/* dx = scale dy. The shift of the forward pass is done with: its place holds the zeros. */
static void
frozen_norm_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape = &plan->shapes[step->y];
  float *dy = workspace + plan->gradients[step->y], *dx = workspace + plan->gradients[step->x];
  float *zero = workspace + plan_step->variance;

  if (! plan_step->wants_x)
    return;

  memset (zero, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  backend->scale_shift (plan_step->adds_to_x ? dy : dx, dy, workspace + plan_step->mean, zero,
                        shape);
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

  plan->backend->batch_norm_forward (
      workspace + plan->values[step->y], workspace + plan_step->mean,
      workspace + plan_step->variance, workspace + plan->values[step->x],
      parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_NORM_GAMMA),
      parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_NORM_BETA),
      &plan->shapes[step->y], ATL_BATCH_NORM_EPSILON, workspace + plan->scratch);
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
      workspace + plan_step->variance, &plan->shapes[step->y], ATL_BATCH_NORM_EPSILON,
      plan_step->adds_to_x, workspace + plan->scratch);
}

static void
conv_forward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
              const float *parameters)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlPreparedStep bias = {
    .bias = parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_BIAS)
  };
  const AtlConvEpilogue epilogue = atl_plan_epilogue (plan, step, workspace, &bias);
  float *packed = workspace + plan->packed;

  backend->conv2d_pack (
      packed, parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_WEIGHT),
      &plan_step->conv, ATL_PASS_FORWARD);
  backend->conv2d_forward (workspace + plan->values[step->y], workspace + plan->values[step->x],
                           packed, &plan_step->conv, &epilogue, workspace + plan->scratch);
}

static void
step_forward (const AtlPlan *plan, guint index, float *workspace, float *parameters)
{
  const AtlPlanStep *plan_step = atl_plan_step (plan, index);
  const AtlStep *step = &plan_step->step;

  switch (step->op)
    {
    case ATL_OP_CONV2D:
      conv_forward (plan, plan_step, workspace, parameters);
      break;
    case ATL_OP_RELU:
    case ATL_OP_SCALED_ADD:
    case ATL_OP_PIXEL_SHUFFLE:
      atl_plan_run_without_parameters (plan, step, workspace);
      break;
    case ATL_OP_BATCH_NORM:
      norm_forward (plan, plan_step, workspace, parameters);
      break;
    case ATL_OP_INPUT:
      break;
    }
}

static void
conv_backward (const AtlPlan *plan, const AtlPlanStep *plan_step, float *workspace,
               const float *parameters, float *gradients)
{
  const AtlBackend *backend = plan->backend;
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape = &plan->shapes[step->y];
  const size_t weight = atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_WEIGHT);
  const size_t bias = atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_BIAS);
  float *dy = workspace + plan->gradients[step->y];
  float *scratch = workspace + plan->scratch, *packed = workspace + plan->packed;

  if (step->relu) /* in place: nobody else reads this gradient */
    backend->relu_backward (dy, dy, workspace + plan->values[step->y], shape, FALSE);

  if (plan_step->wants_weight)
    backend->conv2d_backward_weight (
        gradients + weight, plan_step->wants_bias ? gradients + bias : NULL,
        workspace + plan->values[step->x], dy, &plan_step->conv, step->gain, scratch);

  if (plan_step->wants_x)
    {
      backend->conv2d_pack (packed, parameters + weight, &plan_step->conv, ATL_PASS_DATA);
      backend->conv2d_backward_data (workspace + plan->gradients[step->x], dy, packed,
                                     &plan_step->conv, step->gain, plan_step->adds_to_x, scratch);
    }
}

static void
step_backward (const AtlPlan *plan, guint index, float *workspace, const float *parameters,
               float *gradients)
{
  const AtlBackend *backend = plan->backend;
  const AtlPlanStep *plan_step = atl_plan_step (plan, index);
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape_x = &plan->shapes[step->x], *shape_y = &plan->shapes[step->y];
  const float *dy = workspace + plan->gradients[step->y];
  float *dx = workspace + plan->gradients[step->x];

  /* The second input: the residual of a convolution, b of a scaled add. */
  if (plan_step->wants_other)
    backend->scaled_add_backward (workspace + plan->gradients[step->other], dy, shape_y,
                                  &plan->shapes[step->other], (AtlOffset) { 0 },
                                  step->op == ATL_OP_SCALED_ADD ? step->gain : 1.0f,
                                  plan_step->adds_to_other);

  switch (step->op)
    {
    case ATL_OP_CONV2D:
      conv_backward (plan, plan_step, workspace, parameters, gradients);
      break;
    case ATL_OP_RELU:
      backend->relu_backward (dx, dy, workspace + plan->values[step->y], shape_y,
                              plan_step->adds_to_x);
      break;
    case ATL_OP_SCALED_ADD:
      if (plan_step->wants_x)
        backend->scaled_add_backward (dx, dy, shape_y, shape_x, (AtlOffset) { 0 }, 1.0f,
                                      plan_step->adds_to_x);
      break;
    case ATL_OP_PIXEL_SHUFFLE:
      backend->pixel_shuffle_backward (
          dx, dy, shape_x, atl_graph_node (plan->graph, step->node)->factor, plan_step->adds_to_x);
      break;
    case ATL_OP_BATCH_NORM:
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
