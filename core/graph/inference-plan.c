/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for inference: a part of a result from the part of the picture that it depends on.
 *
 * The last steps of a network that enlarges have tensors far larger than those before them. A plan may run them in
 * strips: the steps before are run once, those from there on for one strip of the result's rows after the other, each
 * time in the same memory. A strip is a plan of its own with the last steps only, which finds in the larger plan's
 * workspace what the first ones left. What neighbouring strips both need is computed twice.
 *
 * Time runs 0: the input is imported, 1 to n: the steps, n + 1: the output is exported.
 */

#include <string.h>

#include "graph/plan-private.h"
#include "graph/regions.h"

/* In floats, 32 MiB: plans whose tensors take less are not divided, for the model and libraries take more. */
#define UNDIVIDED_SIZE ((size_t) 8 << 20)

/* Rows that each convolution of a strip has at least. With one or two the decoder of Unet34 takes 1.3 times as long,
 * for its weights are read again for each strip; with 16 it takes as long as undivided. */
#define MIN_ROWS 16

/* The multiply-adds that strips may add, as a part of all: a fourth of what the edges of a tile of 512 pixels add. */
#define MAX_ADDED 0.02

/* The memory that a division has to spare, or the one with fewer strips and steps is kept. */
#define MIN_SPARED 0.05

/* The steps from first_step to before 'end', with the regions and shapes that a part of the result needs. What was
 * stored before them is found as 'before' has it, whose last step is first_step - 1. */
static AtlPlan *
part_new (const AtlPrepared *prepared, const AtlShape *whole, const AtlRegion *output,
          guint first_step, guint end, const AtlPlan *before)
{
  AtlPlan *plan = g_new0 (AtlPlan, 1);

  plan->graph = prepared->graph;
  plan->backend = prepared->backend;
  plan->prepared = prepared;
  plan->steps = g_array_new (FALSE, TRUE, sizeof (AtlPlanStep));
  plan->first_step = first_step;
  plan->output = *output;
  plan->regions = atl_graph_regions (plan->graph, whole, output);
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

/* Whether more was computed than a strip was asked for. */
static gboolean
output_is_cut (const AtlPlan *part)
{
  const AtlRegion *computed = &part->regions[part->graph->output];

  return computed->width != part->output.width || computed->height != part->output.height;
}

/* Whether a strip's result has to be copied to its place. */
static gboolean
is_copied (const AtlPlan *plan, const AtlPlan *strip)
{
  return plan->strips->len > 1 || output_is_cut (strip);
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

  for (guint i = 0; i < plan->strips->len; i++)
    {
      const AtlPlan *strip = g_ptr_array_index (plan->strips, i);

      size = MAX (size, scratch_size_of_steps (strip));
      if (is_copied (plan, strip))
        size = MAX (size, atl_shape_size (&strip->shapes[plan->graph->output]));
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

/* The lives of the tensors that are stored before the strips, which each of these finds again. */
static void
use_stored (const AtlPlan *plan, AtlArenaBuffer *buffers)
{
  atl_arena_buffer_use (&buffers[0], 0);
  use_buffers (buffers, plan);
}

/* Those of the strips, which leave nothing to each other: they have the size of the largest. */
static void
use_strips (const AtlPlan *plan, AtlArenaBuffer *buffers)
{
  const guint n_nodes = plan->graph->nodes->len;
  const int end = (int) plan->prepared->steps->len + 1;
  g_autofree gboolean *stored = g_new0 (gboolean, n_nodes);

  for (guint i = 0; i < n_nodes; i++)
    {
      stored[i] = buffers[i].last >= 0;
      if (! stored[i])
        buffers[i].size = 0;
    }
  for (guint k = 0; k < plan->strips->len; k++)
    {
      const AtlPlan *strip = g_ptr_array_index (plan->strips, k);

      use_buffers (buffers, strip);
      for (guint i = 0; i < n_nodes; i++)
        if (! stored[i])
          buffers[i].size = MAX (buffers[i].size, plan->backend->tensor_size (&strip->shapes[i]));
    }
  for (guint i = 0; i < n_nodes; i++)
    if (stored[i] && buffers[i].last > (int) plan->steps->len)
      atl_arena_buffer_use (&buffers[i], end);
  atl_arena_buffer_use (&buffers[plan->graph->output], end);
}

static void
plan_memory (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  g_autofree AtlArenaBuffer *buffers = atl_plan_value_buffers (plan);

  use_stored (plan, buffers);
  use_strips (plan, buffers);
  plan->scratch = atl_arena_place (buffers, (int) n_nodes);
  plan->size = plan->scratch + plan_scratch_size (plan);

  plan->values = g_new (size_t, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    plan->values[i] = buffers[i].offset;
  for (guint k = 0; k < plan->strips->len; k++)
    {
      AtlPlan *strip = g_ptr_array_index (plan->strips, k);

      strip->scratch = plan->scratch;
      strip->values = g_memdup2 (plan->values, n_nodes * sizeof *plan->values);
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
atl_prepared_can_divide (const AtlPrepared *prepared, guint first_step)
{
  g_autofree gboolean *stored = g_new0 (gboolean, prepared->graph->nodes->len);

  stored[0] = TRUE;
  for (guint i = 0; i < prepared->steps->len; i++)
    {
      const AtlStep *step = &g_array_index (prepared->steps, AtlStep, i);

      if (i < first_step)
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
  const AtlShape input = { 1, atl_graph_node (prepared->graph, 0)->channels, height, width };
  g_autofree AtlShape *whole = atl_graph_shapes (prepared->graph, &input);
  const gint64 n_strips = MIN (division->n_strips, output->height);
  AtlPlan *plan = part_new (prepared, whole, output, 0, division->first_step, NULL);

  plan->strips = g_ptr_array_new_with_free_func ((GDestroyNotify) atl_plan_free);
  for (gint64 i = 0; i < n_strips; i++)
    {
      const int top = (int) (output->height * i / n_strips);
      const int bottom = (int) (output->height * (i + 1) / n_strips);
      const AtlRegion strip = { output->x, output->y + top, output->width, bottom - top };

      g_ptr_array_add (plan->strips, part_new (prepared, whole, &strip, division->first_step,
                                               prepared->steps->len, plan));
    }
  plan_memory (plan);

  return plan;
}

/* Of what the first strip's convolutions compute: none has fewer. */
static int
fewest_rows (const AtlPlan *plan)
{
  const AtlPlan *strip = g_ptr_array_index (plan->strips, 0);
  int n_rows = G_MAXINT;

  for (guint i = 0; i < strip->steps->len; i++)
    {
      const AtlStep *step = &atl_plan_step (strip, i)->step;
      const int h = strip->shapes[step->node].h;

      if (atl_step_is_conv (step) && h > 0)
        n_rows = MIN (n_rows, h);
    }
  return n_rows;
}

/* Divides the steps from first_step on into more and more strips, while that needs less memory than 'plan', which it
 * replaces. FALSE if even two strips have too few rows or add too much. The kernels' scratch does not count: it depends
 * on the number of threads, and the result must not. */
static gboolean
divide_from (AtlPlan **plan, int width, int height, guint first_step, double max_multiply_adds)
{
  const AtlPrepared *prepared = (*plan)->prepared;
  const AtlRegion output = (*plan)->output;

  for (int n_strips = 2; n_strips <= output.height / MIN_ROWS; n_strips *= 2)
    {
      const AtlDivision division = { first_step, n_strips };
      g_autoptr (AtlPlan)
          divided = atl_plan_new_divided (prepared, width, height, &output, &division);

      if (atl_plan_multiply_adds (divided) > max_multiply_adds || fewest_rows (divided) < MIN_ROWS)
        return n_strips > 2;
      if ((double) divided->scratch < (1.0 - MIN_SPARED) * (double) (*plan)->scratch)
        {
          AtlPlan *larger = *plan;

          *plan = g_steal_pointer (&divided);
          atl_plan_free (larger);
        }
    }
  return TRUE;
}

AtlPlan *
atl_plan_new_inference (const AtlPrepared *prepared, int width, int height, const AtlRegion *output)
{
  const AtlDivision none = { prepared->steps->len, 1 };
  AtlPlan *plan = atl_plan_new_divided (prepared, width, height, output, &none);
  const double max_multiply_adds = (1.0 + MAX_ADDED) * atl_plan_multiply_adds (plan);

  if (plan->scratch < UNDIVIDED_SIZE)
    return plan;

  /* The more steps run in strips, the more is computed twice, and the fewer rows have the first of them. */
  for (guint first_step = prepared->steps->len - 1; first_step > 0; first_step--)
    if (atl_prepared_can_divide (prepared, first_step)
        && ! divide_from (&plan, width, height, first_step, max_multiply_adds))
      break;

  return plan;
}

AtlDivision
atl_plan_division (const AtlPlan *plan)
{
  return (AtlDivision) { plan->steps->len, (int) plan->strips->len };
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

/* Copies what a strip was asked for from what it computed to the output. */
static void
copy_output (const AtlPlan *plan, const AtlPlan *strip, float *output, const float *computed)
{
  const AtlShape *shape = &strip->shapes[plan->graph->output];
  const AtlRegion *from = &strip->regions[plan->graph->output];
  const AtlRegion *part = &strip->output, *to = &plan->output;
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
  const AtlNode last = plan->graph->output;

  plan->backend->tensor_import (workspace + plan->values[0], input, &plan->shapes[0]);
  run_steps (plan, workspace);
  for (guint i = 0; i < plan->strips->len; i++)
    {
      const AtlPlan *strip = g_ptr_array_index (plan->strips, i);
      float *computed = is_copied (plan, strip) ? workspace + plan->scratch : output;

      run_steps (strip, workspace);
      plan->backend->tensor_export (computed, workspace + plan->values[last], &strip->shapes[last]);
      if (computed != output)
        copy_output (plan, strip, output, computed);
    }
}
