/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for training: which gradients are computed, and where everything lies.
 *
 * Time runs 0: the input is imported, 1 to n: the steps forward, n + 1: the loss, then the steps
 * backward, step i at time 2 n + 1 - i, and 2 n + 2: what the caller may read afterwards.
 *
 * The gradient of a tensor is overwritten by the first of its readers that the backward pass comes to,
 * and added to by the others.
 *
 * A gradient that is done with when another begins, which is the same or is computed number by number from it,
 * leaves its place to it: that of a sum to its first term, of a ReLU or a normalisation to what these read.
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
is_norm_of_batch (const AtlPlan *plan, const AtlStep *step)
{
  return step->op == ATL_OP_BATCH_NORM && ! atl_plan_has_flag (plan, ATL_TRAINING_FROZEN_NORM);
}

static gboolean
ends_in_relu (const AtlStep *step)
{
  return step->op == ATL_OP_RELU || step->relu || step->relu_last;
}

/* Decides which gradients are needed: of trained parameters, and of every tensor that depends on one
 * (or on the input, if its gradient is wanted). */
static void
plan_wishes (AtlPlan *plan, const AtlTrainingKind *training)
{
  g_autofree gboolean *wanted = g_new0 (gboolean, plan->graph->nodes->len);

  wanted[0] = atl_plan_has_flag (plan, ATL_TRAINING_INPUT_GRADIENT);
  for (guint i = 0; i < plan->steps->len; i++)
    {
      AtlPlanStep *step = &g_array_index (plan->steps, AtlPlanStep, i);
      const AtlStep *s = &step->step;

      if (atl_step_is_conv (s))
        {
          step->wants_weight = atl_training_changes (training, plan->graph, s->node,
                                                     ATL_CONV_WEIGHT);
          step->wants_bias = step->wants_weight
                             && atl_training_changes (training, plan->graph, s->node,
                                                      ATL_CONV_BIAS);
        }
      else if (is_norm_of_batch (plan, s))
        {
          step->wants_weight = atl_training_changes (training, plan->graph, s->node,
                                                     ATL_NORM_GAMMA);
          step->wants_bias = atl_training_changes (training, plan->graph, s->node, ATL_NORM_BETA);
        }

      step->wants_x = wanted[s->x];
      step->wants_other = s->other != ATL_NO_NODE && wanted[s->other];
      step->has_backward = step->wants_x || step->wants_other || step->wants_weight
                           || step->wants_bias;
      wanted[s->y] = step->has_backward;
    }
}

/* Who writes a gradient first, in the order of the backward pass. */
static void
plan_order_of_writers (AtlPlan *plan)
{
  g_autofree gboolean *written = g_new0 (gboolean, plan->graph->nodes->len);

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

/* Whether the kernel that computes the gradient of x can apply the mask of the ReLU that x ends in. */
static gboolean
can_mask_x (const AtlPlan *plan, const AtlPlanStep *step)
{
  const AtlStep *s = &step->step;

  return step->wants_x && s->other != s->x
         && (atl_step_is_conv (s) || s->op == ATL_OP_MAX_POOL || is_norm_of_batch (plan, s));
}

/* Who masks the gradients of tensors that end in a ReLU. */
static void
plan_masks (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  g_autofree AtlPlanStep **last_writer = g_new0 (AtlPlanStep *, n_nodes);

  for (guint i = plan->steps->len; i-- > 0;)
    {
      AtlPlanStep *step = &g_array_index (plan->steps, AtlPlanStep, i);
      AtlPlanStep *writer = last_writer[step->step.y];

      if (step->has_backward && ends_in_relu (&step->step))
        {
          step->masks_y = writer == NULL || writer->step.x != step->step.y
                          || ! can_mask_x (plan, writer);
          if (! step->masks_y)
            writer->masks_x = TRUE;
        }
      if (step->wants_other)
        last_writer[step->step.other] = step;
      if (step->wants_x)
        last_writer[step->step.x] = step;
    }
}

/* Whether the gradient of a sum's residual may lie where the sum's does: it is the first that is stored, and of the
 * same size. */
static gboolean
residual_inherits (const AtlPlan *plan, const AtlPlanStep *step, AtlNode residual)
{
  const gboolean is_x = residual == step->step.x;

  if (is_x ? ! step->wants_x || step->adds_to_x : ! step->wants_other || step->adds_to_other)
    return FALSE;
  return atl_shapes_are_of_one_size (&plan->shapes[residual], &plan->shapes[step->step.y]);
}

/* To which node the gradient of a step's result leaves its place, or ATL_NO_NODE. */
static AtlNode
heir_of_gradient (const AtlPlan *plan, const AtlPlanStep *step)
{
  const AtlStep *s = &step->step;
  const AtlNode residual = s->op == ATL_OP_SCALED_ADD ? s->x : s->other;
  const gboolean is_sum = s->op == ATL_OP_SCALED_ADD || atl_step_is_conv (s)
                          || s->op == ATL_OP_BATCH_NORM;

  /* That of a frozen normalisation may be scaled where it lies, before it is added to another. */
  if (! step->has_backward
      || (s->op == ATL_OP_BATCH_NORM && ! is_norm_of_batch (plan, s) && step->adds_to_x))
    return ATL_NO_NODE;
  if (is_sum && residual != ATL_NO_NODE)
    return residual_inherits (plan, step, residual) ? residual : ATL_NO_NODE;
  if (s->op == ATL_OP_RELU)
    return step->adds_to_x ? ATL_NO_NODE : s->x;
  /* Its kernel computes the gradient of x whether it is wanted or not, and as often as there are such readers. */
  return s->op == ATL_OP_BATCH_NORM && ! step->adds_to_x
                 && (step->wants_x || atl_graph_node (plan->graph, s->x)->n_users == 1)
             ? s->x
             : ATL_NO_NODE;
}

/* Nodes of buffers, the values of all nodes and behind them their gradients, which stand for those that lie where they
 * do. */
static guint *
plan_places (const AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  guint *places = g_new (guint, 2 * n_nodes);

  for (guint i = 0; i < 2 * n_nodes; i++)
    places[i] = i;

  /* A ReLU that stands alone, and is the only reader. */
  for (guint i = 0; i < plan->steps->len; i++)
    {
      const AtlStep *s = &atl_plan_step (plan, i)->step;

      if (s->op == ATL_OP_RELU && s->x != 0 && atl_graph_node (plan->graph, s->x)->n_users == 1)
        places[s->y] = places[s->x];
    }
  for (guint i = plan->steps->len; i-- > 0;)
    {
      const AtlPlanStep *step = atl_plan_step (plan, i);
      const AtlNode heir = heir_of_gradient (plan, step);

      if (heir != ATL_NO_NODE)
        places[n_nodes + heir] = places[n_nodes + step->step.y];
    }
  return places;
}

/* The buffers of values and gradients, and which of them are used for which. */
typedef struct
{
  AtlArenaBuffer *buffers;
  guint *places;
  guint n_nodes;
} Buffers;

static void
use_value (const Buffers *buffers, AtlNode node, int time)
{
  atl_arena_buffer_use (&buffers->buffers[buffers->places[node]], time);
}

static void
use_gradient (const Buffers *buffers, AtlNode node, int time)
{
  atl_arena_buffer_use (&buffers->buffers[buffers->places[buffers->n_nodes + node]], time);
}

/* The lives of the tensors and their gradients in one step. */
static void
use_buffers (const AtlPlan *plan, guint index, const Buffers *buffers)
{
  const AtlPlanStep *step = atl_plan_step (plan, index);
  const AtlStep *s = &step->step;
  const int forward = forward_time (index), backward = backward_time (plan, index);

  use_value (buffers, s->x, forward);
  use_value (buffers, s->y, forward);
  if (s->other != ATL_NO_NODE)
    use_value (buffers, s->other, forward);

  if (! step->has_backward)
    return;

  /* The backward pass of a convolution's weights, of a normalisation and of pooling reads x. */
  if (is_norm_of_batch (plan, s) || (atl_step_is_conv (s) && step->wants_weight)
      || s->op == ATL_OP_MAX_POOL || step->masks_x)
    use_value (buffers, s->x, backward);
  if (step->masks_y)
    use_value (buffers, s->y, backward);

  use_gradient (buffers, s->y, backward);
  /* A normalisation's kernel always computes the gradient of x. */
  if (step->wants_x || s->op == ATL_OP_BATCH_NORM)
    use_gradient (buffers, s->x, backward);
  if (step->wants_other)
    use_gradient (buffers, s->other, backward);
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

/* Of the weights into which a normalisation is folded, and the bias behind them. */
static size_t
step_folded_size (const AtlPlan *plan, const AtlPlanStep *step)
{
  const AtlStep *s = &step->step;

  if (s->norm_in_weights == ATL_NO_NODE)
    return 0;
  return atl_floats_aligned (atl_step_weight_size (s, plan->graph))
         + atl_floats_aligned ((size_t) atl_padded_channels (plan->shapes[s->node].c));
}

/* Behind the arena lie, on cache lines, the statistics of normalisations, then what each step uses for
 * itself alone: packed weights and scratch. */
static void
plan_rest_of_workspace (AtlPlan *plan)
{
  size_t packed_size = 0, folded_size = 0, scratch_size = 0;

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
      folded_size = MAX (folded_size, step_folded_size (plan, step));
      scratch_size = MAX (scratch_size, step_scratch_size (plan, step));
    }

  plan->packed = plan->size;
  plan->folded = plan->packed + atl_floats_aligned (packed_size);
  plan->scratch = plan->folded + folded_size;
  plan->size = plan->scratch + scratch_size;
}

static void
plan_memory (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  const AtlNode output = plan->graph->output;
  g_autofree AtlArenaBuffer *all = g_new (AtlArenaBuffer, 2 * n_nodes);
  g_autofree AtlArenaBuffer *values = atl_plan_value_buffers (plan);
  g_autofree guint *places = plan_places (plan);
  const Buffers buffers = { all, places, n_nodes };

  for (guint i = 0; i < n_nodes; i++)
    all[i] = all[n_nodes + i] = values[i];

  use_value (&buffers, 0, 0);
  use_value (&buffers, output, loss_time (plan));
  use_gradient (&buffers, output, loss_time (plan));
  for (guint i = 0; i < plan->graph->taps->len; i++)
    {
      const AtlNode tap = g_array_index (plan->graph->taps, AtlNode, i);

      use_value (&buffers, tap, loss_time (plan));
      use_gradient (&buffers, tap, loss_time (plan));
    }
  if (atl_plan_has_flag (plan, ATL_TRAINING_INPUT_GRADIENT))
    use_gradient (&buffers, 0, end_time (plan));
  for (guint i = 0; i < plan->steps->len; i++)
    use_buffers (plan, i, &buffers);

  plan->size = atl_arena_place (all, 2 * (int) n_nodes);
  plan->values = g_new (size_t, n_nodes);
  plan->gradients = g_new (size_t, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    {
      plan->values[i] = all[places[i]].offset;
      plan->gradients[i] = all[places[n_nodes + i]].offset;
    }

  plan_rest_of_workspace (plan);
}

AtlPlan *
atl_plan_new_training (const AtlGraph *graph, const AtlBackend *backend, const AtlShape *input,
                       const gboolean *trained, AtlTrainingFlags flags)
{
  AtlPlan *plan = g_new0 (AtlPlan, 1);

  plan->graph = graph;
  plan->backend = backend;
  plan->flags = flags;
  plan->shapes = atl_graph_shapes (graph, input);
  plan->steps = g_array_new (FALSE, TRUE, sizeof (AtlPlanStep));

  const AtlTrainingKind training = { .shapes = plan->shapes,
                                     .trained = trained,
                                     .frozen_norm = (flags & ATL_TRAINING_FROZEN_NORM) != 0 };
  g_autoptr (GArray) steps = atl_graph_fuse (graph, &training);
  for (guint i = 0; i < steps->len; i++)
    atl_plan_add_step (plan, &g_array_index (steps, AtlStep, i), plan->shapes);
  plan_wishes (plan, &training);
  plan_order_of_writers (plan);
  plan_masks (plan);
  plan_memory (plan);

  return plan;
}
