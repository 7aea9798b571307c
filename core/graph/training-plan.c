/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for training: a batch forward, then the gradients backward.
 *
 * Time runs 0: the input is imported, 1 to n: the steps forward, n + 1: the loss, then the steps
 * backward, step i at time 2 n + 1 - i, and 2 n + 2: what the caller may read afterwards.
 *
 * The gradient of a tensor is overwritten by the first of its readers that the backward pass comes to,
 * and added to by the others.
 */

#include <math.h>
#include <string.h>

#include "graph/plan-private.h"
#include "graph/regions.h"

static int
forward_time (guint step)
{
  return (int) step + 1;
}

static int
loss_time (const AtlPlan *plan)
{
  return (int) plan->steps->len + 1;
}

static int
backward_time (const AtlPlan *plan, guint step)
{
  return 2 * (int) plan->steps->len + 1 - (int) step;
}

static int
end_time (const AtlPlan *plan)
{
  return 2 * (int) plan->steps->len + 2;
}

static gboolean
has_flag (const AtlPlan *plan, AtlTrainingFlags flag)
{
  return (plan->flags & flag) != 0;
}

static gboolean
is_trained (const AtlPlan *plan, const gboolean *trained, AtlNode node, int place)
{
  const int parameter = atl_graph_node (plan->graph, node)->parameters[place];
  const AtlParameterRole role = atl_graph_parameter (plan->graph, parameter)->role;

  return atl_parameter_role_is_trained (role) && (trained == NULL || trained[parameter]);
}

/* Decides which gradients are needed: of trained parameters, and of every tensor that depends on one
 * (or on the input, if its gradient is wanted). */
static void
plan_gradients (AtlPlan *plan, const gboolean *trained)
{
  const guint n_nodes = plan->graph->nodes->len;
  g_autofree gboolean *wanted = g_new0 (gboolean, n_nodes);

  wanted[0] = has_flag (plan, ATL_TRAINING_INPUT_GRADIENT);
  for (guint i = 0; i < plan->steps->len; i++)
    {
      AtlPlanStep *step = &g_array_index (plan->steps, AtlPlanStep, i);
      const AtlStep *s = &step->step;

      if (s->op == ATL_OP_CONV2D)
        {
          step->wants_weight = is_trained (plan, trained, s->node, ATL_CONV_WEIGHT);
          step->wants_bias = is_trained (plan, trained, s->node, ATL_CONV_BIAS);
        }
      else if (s->op == ATL_OP_BATCH_NORM && ! has_flag (plan, ATL_TRAINING_FROZEN_NORM))
        {
          step->wants_weight = is_trained (plan, trained, s->node, ATL_NORM_GAMMA);
          step->wants_bias = is_trained (plan, trained, s->node, ATL_NORM_BETA);
        }

      step->wants_x = wanted[s->x];
      step->wants_other = s->other != ATL_NO_NODE && wanted[s->other];
      step->has_backward = step->wants_x || step->wants_other || step->wants_weight
                           || step->wants_bias;
      wanted[s->y] = step->has_backward;
    }

  /* Who writes a gradient first, in the order of the backward pass. */
  g_autofree gboolean *written = g_new0 (gboolean, n_nodes);
  written[plan->graph->output] = TRUE;
  for (guint i = plan->steps->len; i-- > 0;)
    {
      AtlPlanStep *step = &g_array_index (plan->steps, AtlPlanStep, i);

      if (step->wants_other)
        {
          step->adds_to_other = written[step->step.other];
          written[step->step.other] = TRUE;
        }
      if (step->wants_x)
        {
          step->adds_to_x = written[step->step.x];
          written[step->step.x] = TRUE;
        }
    }
}

/* The lives of the tensors and their gradients in one step. */
static void
use_buffers (const AtlPlan *plan, guint index, AtlArenaBuffer *values, AtlArenaBuffer *gradients)
{
  const AtlPlanStep *step = atl_plan_step (plan, index);
  const AtlStep *s = &step->step;
  const int forward = forward_time (index), backward = backward_time (plan, index);

  atl_arena_buffer_use (&values[s->x], forward);
  atl_arena_buffer_use (&values[s->y], forward);
  if (s->other != ATL_NO_NODE)
    atl_arena_buffer_use (&values[s->other], forward);

  if (! step->has_backward)
    return;

  /* The backward pass of a convolution's weights and of a normalisation reads x, that of a ReLU y. */
  if ((s->op == ATL_OP_BATCH_NORM && ! has_flag (plan, ATL_TRAINING_FROZEN_NORM))
      || (s->op == ATL_OP_CONV2D && step->wants_weight))
    atl_arena_buffer_use (&values[s->x], backward);
  if (s->op == ATL_OP_RELU || s->relu)
    atl_arena_buffer_use (&values[s->y], backward);

  atl_arena_buffer_use (&gradients[s->y], backward);
  if (step->wants_x)
    atl_arena_buffer_use (&gradients[s->x], backward);
  if (step->wants_other)
    atl_arena_buffer_use (&gradients[s->other], backward);
}

static size_t
step_scratch_size (const AtlPlan *plan, const AtlPlanStep *step)
{
  const AtlBackend *backend = plan->backend;

  if (step->step.op == ATL_OP_BATCH_NORM)
    return backend->batch_norm_scratch_size (&plan->shapes[step->step.y]);
  if (step->step.op != ATL_OP_CONV2D)
    return 0;

  size_t size = backend->conv2d_scratch_size (&step->conv, ATL_PASS_FORWARD);
  if (step->wants_x)
    size = MAX (size, backend->conv2d_scratch_size (&step->conv, ATL_PASS_DATA));
  if (step->wants_weight)
    size = MAX (size, backend->conv2d_scratch_size (&step->conv, ATL_PASS_WEIGHT));
  return size;
}

static size_t
step_packed_size (const AtlPlan *plan, const AtlPlanStep *step)
{
  if (step->step.op != ATL_OP_CONV2D)
    return 0;

  return MAX (plan->backend->conv2d_packed_size (&step->conv, ATL_PASS_FORWARD),
              plan->backend->conv2d_packed_size (&step->conv, ATL_PASS_DATA));
}

/* Behind the arena lie, on cache lines, the statistics of normalisations, then what each step uses for
 * itself alone: packed weights and scratch. */
static void
plan_rest_of_workspace (AtlPlan *plan)
{
  size_t packed_size = 0, scratch_size = 0;

  for (guint i = 0; i < plan->steps->len; i++)
    {
      AtlPlanStep *step = &g_array_index (plan->steps, AtlPlanStep, i);
      const size_t n_channels = (size_t) atl_padded_channels (
          atl_graph_node (plan->graph, step->step.node)->channels);

      if (step->step.op == ATL_OP_BATCH_NORM)
        {
          step->mean = plan->size;
          step->variance = step->mean + (n_channels + 15) / 16 * 16;
          plan->size = step->variance + (n_channels + 15) / 16 * 16;
        }
      packed_size = MAX (packed_size, step_packed_size (plan, step));
      scratch_size = MAX (scratch_size, step_scratch_size (plan, step));
    }

  plan->packed = plan->size;
  plan->scratch = plan->packed + (packed_size + 15) / 16 * 16;
  plan->size = plan->scratch + scratch_size;
}

static void
plan_memory (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  const AtlNode output = plan->graph->output;
  g_autofree AtlArenaBuffer *buffers = g_new (AtlArenaBuffer, 2 * n_nodes);
  g_autofree AtlArenaBuffer *values = atl_plan_value_buffers (plan);

  for (guint i = 0; i < n_nodes; i++)
    buffers[i] = buffers[n_nodes + i] = values[i];
  AtlArenaBuffer *gradients = buffers + n_nodes;

  atl_arena_buffer_use (&buffers[0], 0);
  atl_arena_buffer_use (&buffers[output], loss_time (plan));
  atl_arena_buffer_use (&gradients[output], loss_time (plan));
  if (has_flag (plan, ATL_TRAINING_INPUT_GRADIENT))
    atl_arena_buffer_use (&gradients[0], end_time (plan));
  for (guint i = 0; i < plan->steps->len; i++)
    use_buffers (plan, i, buffers, gradients);

  plan->size = atl_arena_place (buffers, 2 * (int) n_nodes);
  plan->values = g_new (size_t, n_nodes);
  plan->gradients = g_new (size_t, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    {
      plan->values[i] = buffers[i].offset;
      plan->gradients[i] = gradients[i].offset;
    }

  plan_rest_of_workspace (plan);
}

AtlPlan *
atl_plan_new_training (const AtlGraph *graph, const AtlBackend *backend, const AtlShape *input,
                       const gboolean *trained, AtlTrainingFlags flags)
{
  g_autoptr (GArray) steps = atl_graph_fuse (graph, TRUE);
  AtlPlan *plan = g_new0 (AtlPlan, 1);

  plan->graph = graph;
  plan->backend = backend;
  plan->flags = flags;
  plan->shapes = atl_graph_shapes (graph, input);
  plan->steps = g_array_new (FALSE, TRUE, sizeof (AtlPlanStep));

  for (guint i = 0; i < steps->len; i++)
    {
      AtlPlanStep step = { .step = g_array_index (steps, AtlStep, i) };

      if (step.step.op == ATL_OP_CONV2D)
        step.conv = atl_plan_describe_conv (plan, &step.step);
      g_array_append_val (plan->steps, step);
    }
  plan_gradients (plan, trained);
  plan_memory (plan);

  return plan;
}

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
  const float *p[4]; /* gamma, beta, mean, variance */
  float *scale = workspace + plan_step->mean, *shift = workspace + plan_step->variance;

  for (int place = 0; place < 4; place++)
    p[place] = parameters + atl_graph_parameter_offset (plan->graph, step->node, place);

  memset (scale, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  memset (shift, 0, (size_t) atl_padded_channels (shape->c) * sizeof (float));
  for (int c = 0; c < shape->c; c++)
    {
      scale[c] = p[ATL_NORM_GAMMA][c] / sqrtf (p[ATL_NORM_VARIANCE][c] + ATL_BATCH_NORM_EPSILON);
      shift[c] = p[ATL_NORM_BETA][c] - p[ATL_NORM_MEAN][c] * scale[c];
    }

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

  if (has_flag (plan, ATL_TRAINING_FROZEN_NORM))
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

  if (has_flag (plan, ATL_TRAINING_FROZEN_NORM))
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
step_forward (const AtlPlan *plan, guint index, float *workspace, float *parameters)
{
  const AtlBackend *backend = plan->backend;
  const AtlPlanStep *plan_step = atl_plan_step (plan, index);
  const AtlStep *step = &plan_step->step;
  const AtlShape *shape_x = &plan->shapes[step->x], *shape_y = &plan->shapes[step->y];
  const float *x = workspace + plan->values[step->x];
  float *y = workspace + plan->values[step->y];
  float *scratch = workspace + plan->scratch, *packed = workspace + plan->packed;

  switch (step->op)
    {
    case ATL_OP_CONV2D:
      {
        const AtlPreparedStep bias = {
          .bias = parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_BIAS)
        };
        const AtlConvEpilogue epilogue = atl_plan_epilogue (plan, step, workspace, &bias);

        backend->conv2d_pack (
            packed,
            parameters + atl_graph_parameter_offset (plan->graph, step->node, ATL_CONV_WEIGHT),
            &plan_step->conv, ATL_PASS_FORWARD);
        backend->conv2d_forward (y, x, packed, &plan_step->conv, &epilogue, scratch);
        break;
      }
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
  return has_flag (plan, ATL_TRAINING_INPUT_GRADIENT) ? workspace + plan->gradients[0] : NULL;
}
