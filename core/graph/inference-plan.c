/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for inference: a part of a result from the part of the picture that it depends on.
 *
 * The first steps of a network that shrinks, and the last ones of one that enlarges, have tensors far larger than those
 * between them. A plan may run either in strips: for one strip of the rows that they give after the other, each time
 * in the same memory; the steps between once. A strip is a plan of its own with these steps only. One of the last
 * steps finds in the larger plan's workspace what was left before; what one of the first gives is copied to the
 * others. What neighbouring strips both need is computed twice.
 *
 * Time runs 0: the input is imported, 1 to n: the steps, n + 1: the output is exported.
 */

#include <string.h>

#include "graph/plan-private.h"
#include "graph/regions.h"

/* The steps from first_step to before 'end', with the regions and shapes that the part 'asked' of a node needs. What
 * was stored before them is found as 'before' has it. */
static AtlPlan *
part_new (const AtlPrepared *prepared, const AtlShape *whole, AtlNode result,
          const AtlRegion *asked, guint first_step, guint end, const AtlPlan *before)
{
  AtlPlan *plan = g_new0 (AtlPlan, 1);

  plan->graph = prepared->graph;
  plan->backend = prepared->backend;
  plan->prepared = prepared;
  plan->steps = g_array_new (FALSE, TRUE, sizeof (AtlPlanStep));
  plan->first_step = first_step;
  plan->result = result;
  plan->asked = *asked;
  plan->regions = atl_graph_regions (plan->graph, whole, result, asked);
  plan->shapes = g_memdup2 (whole, plan->graph->nodes->len * sizeof *whole);

  if (before != NULL)
    {
      plan->regions[0] = before->regions[0];
      for (guint i = 0; i < first_step; i++)
        {
          const AtlNode y = g_array_index (prepared->steps, AtlStep, i).y;

          plan->regions[y] = before->regions[y];
        }
    }
  for (guint i = 0; i < plan->graph->nodes->len; i++)
    {
      plan->shapes[i].h = plan->regions[i].height;
      plan->shapes[i].w = plan->regions[i].width;
    }
  for (guint i = first_step; i < end; i++)
    atl_plan_add_step (plan, &g_array_index (prepared->steps, AtlStep, i), whole);

  return plan;
}

/* The same for one strip of the rows of 'asked' after the other. */
static GPtrArray *
strips_new (const AtlPlan *plan, const AtlShape *whole, AtlNode result, const AtlRegion *asked,
            guint first_step, guint end, int n_strips)
{
  GPtrArray *strips = g_ptr_array_new_with_free_func ((GDestroyNotify) atl_plan_free);
  const gint64 n = MIN (n_strips, asked->height);

  for (gint64 i = 0; i < n; i++)
    {
      const int top = (int) (asked->height * i / n), bottom = (int) (asked->height * (i + 1) / n);
      const AtlRegion strip = { asked->x, asked->y + top, asked->width, bottom - top };

      g_ptr_array_add (strips,
                       part_new (plan->prepared, whole, result, &strip, first_step, end, plan));
    }
  return strips;
}

/* Whether more was computed than a strip was asked for. */
static gboolean
output_is_cut (const AtlPlan *part)
{
  const AtlRegion *computed = &part->regions[part->result];

  return computed->width != part->asked.width || computed->height != part->asked.height;
}

/* Whether what a strip of the last steps gives has to be copied to its place. */
static gboolean
is_copied (const AtlPlan *plan, const AtlPlan *strip)
{
  return plan->tail->len > 1 || output_is_cut (strip);
}

static size_t
scratch_size_of_steps (const AtlPlan *part)
{
  size_t size = 0;

  for (guint i = 0; i < part->steps->len; i++)
    {
      const AtlPlanStep *step = atl_plan_step (part, i);

      if (atl_step_is_conv (&step->step))
        size = MAX (size, part->backend->conv2d_scratch_size (&step->conv,
                                                              atl_step_forward_pass (&step->step)));
    }

  return size;
}

static size_t
plan_scratch_size (const AtlPlan *plan)
{
  size_t size = scratch_size_of_steps (plan);

  for (guint i = 0; i < plan->head->len; i++)
    size = MAX (size, scratch_size_of_steps (g_ptr_array_index (plan->head, i)));
  for (guint i = 0; i < plan->tail->len; i++)
    {
      const AtlPlan *strip = g_ptr_array_index (plan->tail, i);

      size = MAX (size, scratch_size_of_steps (strip));
      if (is_copied (plan, strip))
        size = MAX (size, atl_shape_size (&strip->shapes[plan->result]));
    }

  return size;
}

static void
use_buffers (AtlArenaBuffer *buffers, const AtlPlan *part)
{
  for (guint i = 0; i < part->steps->len; i++)
    {
      const AtlStep *step = &atl_plan_step (part, i)->step;
      const int time = (int) (part->first_step + i) + 1;

      atl_arena_buffer_use (&buffers[step->x], time);
      atl_arena_buffer_use (&buffers[step->y], time);
      if (step->other != ATL_NO_NODE)
        atl_arena_buffer_use (&buffers[step->other], time);
    }
}

/* Gives a tensor of strips, which leave nothing to each other, the size of the largest. */
static void
fit_to_strips (AtlArenaBuffer *buffer, AtlNode node, const GPtrArray *strips)
{
  buffer->size = 0;
  for (guint k = 0; k < strips->len; k++)
    {
      const AtlPlan *strip = g_ptr_array_index (strips, k);

      buffer->size = MAX (buffer->size, strip->backend->tensor_size (&strip->shapes[node]));
    }
}

/* What the strips of the head give to the other steps. */
static AtlNode
head_result (const AtlPlan *plan)
{
  const AtlPlan *strip = g_ptr_array_index (plan->head, 0);

  return strip->result;
}

/* The lives of the tensors of the head. All its strips read the input and leave their results, of which 'given' is that
 * of one strip. */
static void
use_head (const AtlPlan *plan, AtlArenaBuffer *buffers, AtlArenaBuffer *given)
{
  const int end = (int) plan->first_step;

  if (plan->head->len == 0)
    return;

  const AtlNode result = head_result (plan);
  const AtlArenaBuffer input = buffers[0], all = buffers[result];

  for (guint k = 0; k < plan->head->len; k++)
    use_buffers (buffers, g_ptr_array_index (plan->head, k));
  for (AtlNode i = 0; i <= result; i++)
    if (buffers[i].last >= 0)
      fit_to_strips (&buffers[i], i, plan->head);

  *given = buffers[result];
  buffers[0] = input;
  buffers[result] = all;
  atl_arena_buffer_use (&buffers[0], end);
  atl_arena_buffer_use (&buffers[result], 1);
  atl_arena_buffer_use (&buffers[result], end);
}

/* Those of the tail. All its strips find what was stored before. */
static void
use_tail (const AtlPlan *plan, AtlArenaBuffer *buffers)
{
  const guint n_nodes = plan->graph->nodes->len;
  const int begin = (int) (plan->first_step + plan->steps->len);
  const int end = (int) plan->prepared->steps->len + 1;
  g_autofree gboolean *stored = g_new0 (gboolean, n_nodes);

  for (guint i = 0; i < n_nodes; i++)
    stored[i] = buffers[i].last >= 0;
  for (guint k = 0; k < plan->tail->len; k++)
    use_buffers (buffers, g_ptr_array_index (plan->tail, k));
  for (guint i = 0; i < n_nodes; i++)
    if (! stored[i])
      fit_to_strips (&buffers[i], (AtlNode) i, plan->tail);
    else if (buffers[i].last > begin)
      atl_arena_buffer_use (&buffers[i], end);
  atl_arena_buffer_use (&buffers[plan->graph->output], end);
}

static void
share_places (const AtlPlan *plan, const GPtrArray *strips)
{
  for (guint k = 0; k < strips->len; k++)
    {
      AtlPlan *strip = g_ptr_array_index (strips, k);

      strip->scratch = plan->scratch;
      strip->values = g_memdup2 (plan->values, plan->graph->nodes->len * sizeof *plan->values);
    }
}

static void
plan_memory (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  g_autofree AtlArenaBuffer *buffers = g_renew (AtlArenaBuffer, atl_plan_value_buffers (plan),
                                                n_nodes + 1);
  AtlArenaBuffer *given = &buffers[n_nodes];

  *given = ATL_ARENA_UNUSED;
  atl_arena_buffer_use (&buffers[0], 0);
  use_head (plan, buffers, given);
  use_buffers (buffers, plan);
  use_tail (plan, buffers);
  plan->scratch = atl_arena_place (buffers, (int) n_nodes + 1);
  plan->size = plan->scratch + plan_scratch_size (plan);

  plan->values = g_new (size_t, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    plan->values[i] = buffers[i].offset;
  share_places (plan, plan->head);
  share_places (plan, plan->tail);
  for (guint k = 0; k < plan->head->len; k++)
    {
      const AtlPlan *strip = g_ptr_array_index (plan->head, k);

      strip->values[strip->result] = given->offset;
    }
}

/* Whether a step computes a part of its result from a tensor of which there is more than that part needs. */
static gboolean
step_reads_part (const AtlStep *step, AtlNode node)
{
  switch (step->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
    case ATL_OP_MAX_POOL:
    case ATL_OP_REFLECTION_PAD:
    case ATL_OP_CONCAT:
      return TRUE;
    case ATL_OP_SCALED_ADD:
      return node != step->other;
    case ATL_OP_INPUT:
    case ATL_OP_RELU:
    case ATL_OP_PIXEL_SHUFFLE:
    case ATL_OP_UPSAMPLE:
    case ATL_OP_BATCH_NORM:
      break;
    }

  return FALSE;
}

gboolean
atl_prepared_can_divide_head (const AtlPrepared *prepared, guint head_end)
{
  const AtlNode result = g_array_index (prepared->steps, AtlStep, head_end - 1).y;
  g_autofree gboolean *inside = g_new0 (gboolean, prepared->graph->nodes->len);

  inside[0] = TRUE;
  for (guint i = 0; i < prepared->steps->len; i++)
    {
      const AtlStep *step = &g_array_index (prepared->steps, AtlStep, i);

      if (i >= head_end)
        {
          /* All but the result has gone, and of that two steps may not store parts. */
          if (inside[step->x] || (step->other != ATL_NO_NODE && inside[step->other])
              || inside[step->y] || step->y == result)
            return FALSE;
        }
      else if ((step->x == 0 && ! step_reads_part (step, 0))
               || (step->other == 0 && ! step_reads_part (step, 0))
               || (step->y == result && i != head_end - 1))
        return FALSE;
      else if (step->y != result)
        inside[step->y] = TRUE;
    }

  return TRUE;
}

gboolean
atl_prepared_can_divide_tail (const AtlPrepared *prepared, guint tail_begin)
{
  g_autofree gboolean *stored = g_new0 (gboolean, prepared->graph->nodes->len);

  stored[0] = TRUE;
  for (guint i = 0; i < prepared->steps->len; i++)
    {
      const AtlStep *step = &g_array_index (prepared->steps, AtlStep, i);

      if (i < tail_begin)
        stored[step->y] = TRUE;
      /* Of a tensor that two steps store, both have to be on the same side. */
      else if (stored[step->y] || (stored[step->x] && ! step_reads_part (step, step->x))
               || (step->other != ATL_NO_NODE && stored[step->other]
                   && ! step_reads_part (step, step->other)))
        return FALSE;
    }

  return TRUE;
}

AtlPlan *
atl_plan_new_divided (const AtlPrepared *prepared, int width, int height, const AtlRegion *output,
                      const AtlDivision *division)
{
  const AtlGraph *graph = prepared->graph;
  const AtlShape input = { 1, atl_graph_node (graph, 0)->channels, height, width };
  const guint head_end = division->head_end, tail_begin = division->tail_begin;
  const AtlNode head_result = head_end > 0
                                  ? g_array_index (prepared->steps, AtlStep, head_end - 1).y
                                  : 0;
  g_autofree AtlShape *whole = atl_graph_shapes (graph, &input);
  AtlPlan *plan = part_new (prepared, whole, graph->output, output, head_end, tail_begin, NULL);

  plan->head = strips_new (plan, whole, head_result, &plan->regions[head_result], 0, head_end,
                           division->n_head_strips);
  plan->tail = strips_new (plan, whole, graph->output, output, tail_begin, prepared->steps->len,
                           division->n_tail_strips);
  plan_memory (plan);

  return plan;
}

AtlDivision
atl_plan_division (const AtlPlan *plan)
{
  return (AtlDivision) { .head_end = plan->first_step,
                         .n_head_strips = (int) plan->head->len,
                         .tail_begin = plan->first_step + plan->steps->len,
                         .n_tail_strips = (int) plan->tail->len };
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
  const AtlPreparedStep *parameters = &plan->prepared->parameters[plan->first_step + index];

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

static void
run_steps (const AtlPlan *part, float *workspace)
{
  for (guint i = 0; i < part->steps->len; i++)
    run_step (part, i, workspace);
}

/* Runs a strip of the head, and copies what it was asked for to the results of all of them. */
static void
run_head_strip (const AtlPlan *plan, const AtlPlan *strip, float *workspace)
{
  const AtlNode result = strip->result;

  run_steps (strip, workspace);
  plan->backend->tensor_copy_rows (workspace + plan->values[result], &plan->shapes[result],
                                   strip->asked.y - plan->regions[result].y,
                                   workspace + strip->values[result], &strip->shapes[result],
                                   strip->asked.y - strip->regions[result].y, strip->asked.height);
}

/* Copies what a strip of the tail was asked for from what it computed to the output. */
static void
copy_output (const AtlPlan *plan, const AtlPlan *strip, float *output, const float *computed)
{
  const AtlShape *shape = &strip->shapes[plan->result];
  const AtlRegion *from = &strip->regions[plan->result];
  const AtlRegion *part = &strip->asked, *to = &plan->asked;
  const float *corner = computed + (size_t) (part->y - from->y) * (size_t) shape->w
                        + (part->x - from->x);

  for (int c = 0; c < shape->c; c++)
    for (int row = 0; row < part->height; row++)
      memcpy (output + ((size_t) c * to->height + (part->y - to->y) + row) * to->width,
              corner + ((size_t) c * shape->h + row) * shape->w,
              (size_t) part->width * sizeof (float));
}

void
atl_plan_infer (const AtlPlan *plan, float *workspace, float *output, const float *input)
{
  const AtlNode last = plan->result;

  plan->backend->tensor_import (workspace + plan->values[0], input, &plan->shapes[0]);
  for (guint i = 0; i < plan->head->len; i++)
    run_head_strip (plan, g_ptr_array_index (plan->head, i), workspace);
  run_steps (plan, workspace);
  for (guint i = 0; i < plan->tail->len; i++)
    {
      const AtlPlan *strip = g_ptr_array_index (plan->tail, i);
      float *computed = is_copied (plan, strip) ? workspace + plan->scratch : output;

      run_steps (strip, workspace);
      plan->backend->tensor_export (computed, workspace + plan->values[last], &strip->shapes[last]);
      if (computed != output)
        copy_output (plan, strip, output, computed);
    }
}
