/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for training: which gradients are computed, and where everything lies.
 *
 * Time runs 0: the input is imported, 1 to n: the steps forward, n + 1: the loss, then the steps
 * backward, step i at time 2 n + 1 - i, and 2 n + 2: what the caller may read afterwards.
 *
 * The gradient of a tensor is overwritten by the first of its readers that the backward pass comes to,
 * and added to by the others.
 */

#include "base/memory.h"
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
is_trained (const AtlPlan *plan, const gboolean *trained, AtlNode node, int place)
{
  const int parameter = atl_graph_node (plan->graph, node)->parameters[place];

  if (parameter == ATL_NO_PARAMETER)
    return FALSE;

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

  wanted[0] = atl_plan_has_flag (plan, ATL_TRAINING_INPUT_GRADIENT);
  for (guint i = 0; i < plan->steps->len; i++)
    {
      AtlPlanStep *step = &g_array_index (plan->steps, AtlPlanStep, i);
      const AtlStep *s = &step->step;

      if (atl_step_is_conv (s))
        {
          step->wants_weight = is_trained (plan, trained, s->node, ATL_CONV_WEIGHT);
          step->wants_bias = step->wants_weight
                             && is_trained (plan, trained, s->node, ATL_CONV_BIAS);
        }
      else if (s->op == ATL_OP_BATCH_NORM && ! atl_plan_has_flag (plan, ATL_TRAINING_FROZEN_NORM))
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
  for (guint i = 0; i < plan->graph->taps->len; i++)
    written[g_array_index (plan->graph->taps, AtlNode, i)] = TRUE;
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

  /* The backward pass of a convolution's weights, of a normalisation and of pooling reads x, that of a ReLU y. */
  if ((s->op == ATL_OP_BATCH_NORM && ! atl_plan_has_flag (plan, ATL_TRAINING_FROZEN_NORM))
      || (atl_step_is_conv (s) && step->wants_weight) || s->op == ATL_OP_MAX_POOL)
    atl_arena_buffer_use (&values[s->x], backward);
  if (s->op == ATL_OP_RELU || s->relu)
    atl_arena_buffer_use (&values[s->y], backward);

  atl_arena_buffer_use (&gradients[s->y], backward);
  /* A normalisation's kernel always computes the gradient of x. */
  if (step->wants_x || s->op == ATL_OP_BATCH_NORM)
    atl_arena_buffer_use (&gradients[s->x], backward);
  if (step->wants_other)
    atl_arena_buffer_use (&gradients[s->other], backward);
}

static size_t
step_scratch_size (const AtlPlan *plan, const AtlPlanStep *step)
{
  const AtlBackend *backend = plan->backend;

  const AtlStep *s = &step->step;

  if (s->op == ATL_OP_BATCH_NORM)
    return backend->batch_norm_scratch_size (&plan->shapes[s->y]);
  if (! atl_step_is_conv (s))
    return 0;

  size_t size = backend->conv2d_scratch_size (&step->conv, atl_step_forward_pass (s));
  if (step->wants_x)
    size = MAX (size, backend->conv2d_scratch_size (&step->conv, atl_step_data_pass (s)));
  /* The gradient of a transposed one's bias. */
  if (step->wants_bias && s->op == ATL_OP_CONV_TRANSPOSE2D)
    size = MAX (size, backend->batch_norm_scratch_size (&plan->shapes[s->y]));
  if (step->wants_weight)
    size = MAX (size, backend->conv2d_scratch_size (&step->conv, ATL_PASS_WEIGHT));
  return size;
}

static size_t
step_packed_size (const AtlPlan *plan, const AtlPlanStep *step)
{
  if (! atl_step_is_conv (&step->step))
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

      if (step->step.op == ATL_OP_BATCH_NORM)
        {
          const int n_channels = atl_graph_node (plan->graph, step->step.node)->channels;
          const size_t size = atl_floats_aligned ((size_t) atl_padded_channels (n_channels));

          step->mean = plan->size;
          step->variance = step->mean + size;
          plan->size = step->variance + size;
        }
      packed_size = MAX (packed_size, step_packed_size (plan, step));
      scratch_size = MAX (scratch_size, step_scratch_size (plan, step));
    }

  plan->packed = plan->size;
  plan->scratch = plan->packed + atl_floats_aligned (packed_size);
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
  for (guint i = 0; i < plan->graph->taps->len; i++)
    {
      const AtlNode tap = g_array_index (plan->graph->taps, AtlNode, i);

      atl_arena_buffer_use (&buffers[tap], loss_time (plan));
      atl_arena_buffer_use (&gradients[tap], loss_time (plan));
    }
  if (atl_plan_has_flag (plan, ATL_TRAINING_INPUT_GRADIENT))
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
    atl_plan_add_step (plan, &g_array_index (steps, AtlStep, i), plan->shapes);
  plan_gradients (plan, trained);
  plan_memory (plan);

  return plan;
}
