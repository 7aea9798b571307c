/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for inference: a part of a result from the part of the picture that it depends on.
 *
 * The last steps of a network that enlarges have tensors far larger than those before them. A plan may run them in
 * bands: the steps before are run once, those from there on for one band of the result's rows after the other, each
 * time in the same memory. A band is a plan of its own with the last steps only, which finds in the larger plan's
 * workspace what the first ones left. What neighbouring bands both need is computed twice.
 *
 * Time runs 0: the input is imported, 1 to n: the steps, n + 1: the output is exported.
 */

#include <string.h>

#include "base/rounding.h"
#include "graph/plan-private.h"
#include "graph/regions.h"

enum
{
  /* Plans whose tensors are smaller, in floats, find them in a cache, and are not divided. */
  UNDIVIDED_SIZE = 8 << 20,
  MAX_BANDS = 64,
  BAND_ROWS = 8, /* a band has a multiple of so many, as far as it can */
  MIN_ROWS = 16 /* fewer in one of its convolutions, and reading the weights again takes too long */
};

/* The multiply-adds that bands may add, and the memory that they have to spare to be worth it. */
#define MAX_ADDED 0.02
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

/* Whether more was computed than a plan or a band was asked for. */
static gboolean
output_is_cut (const AtlPlan *part)
{
  const AtlRegion *computed = &part->regions[part->graph->output];

  return computed->width != part->output.width || computed->height != part->output.height;
}

/* Whether a band's result has to be copied to its place. */
static gboolean
is_copied (const AtlPlan *plan, const AtlPlan *band)
{
  return plan->bands->len > 1 || output_is_cut (band);
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

  for (guint i = 0; i < plan->bands->len; i++)
    {
      const AtlPlan *band = g_ptr_array_index (plan->bands, i);

      size = MAX (size, scratch_size_of_steps (band));
      if (is_copied (plan, band))
        size = MAX (size, atl_shape_size (&band->shapes[plan->graph->output]));
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

/* Each band finds the tensors that were stored before it, and leaves nothing to the next one. */
static void
plan_memory (AtlPlan *plan)
{
  const guint n_nodes = plan->graph->nodes->len;
  const int end = (int) plan->prepared->steps->len + 1;
  g_autofree AtlArenaBuffer *buffers = atl_plan_value_buffers (plan);
  g_autofree gboolean *stored = g_new0 (gboolean, n_nodes);

  atl_arena_buffer_use (&buffers[0], 0);
  use_buffers (buffers, plan);
  for (guint i = 0; i < n_nodes; i++)
    {
      stored[i] = buffers[i].last >= 0;
      if (! stored[i])
        buffers[i].size = 0;
    }

  for (guint b = 0; b < plan->bands->len; b++)
    {
      const AtlPlan *band = g_ptr_array_index (plan->bands, b);

      use_buffers (buffers, band);
      for (guint i = 0; i < n_nodes; i++)
        if (! stored[i])
          buffers[i].size = MAX (buffers[i].size, plan->backend->tensor_size (&band->shapes[i]));
    }
  for (guint i = 0; i < n_nodes; i++)
    if (stored[i] && buffers[i].last > (int) plan->steps->len)
      atl_arena_buffer_use (&buffers[i], end);
  atl_arena_buffer_use (&buffers[plan->graph->output], end);

  plan->scratch = atl_arena_place (buffers, (int) n_nodes);
  plan->size = plan->scratch + plan_scratch_size (plan);

  plan->values = g_new (size_t, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    plan->values[i] = buffers[i].offset;
  for (guint b = 0; b < plan->bands->len; b++)
    {
      AtlPlan *band = g_ptr_array_index (plan->bands, b);

      band->scratch = plan->scratch;
      band->values = g_memdup2 (plan->values, n_nodes * sizeof *plan->values);
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
atl_prepared_can_band (const AtlPrepared *prepared, guint first_step)
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
atl_plan_new_inference_in_bands (const AtlPrepared *prepared, int width, int height,
                                 const AtlRegion *output, guint first_step, int n_bands)
{
  const AtlShape input = { 1, atl_graph_node (prepared->graph, 0)->channels, height, width };
  g_autofree AtlShape *whole = atl_graph_shapes (prepared->graph, &input);
  const int n_rows = n_bands == 1
                         ? output->height
                         : atl_round_up (atl_divide_up (output->height, n_bands), BAND_ROWS);
  AtlPlan *plan = part_new (prepared, whole, output, 0, first_step, NULL);

  plan->bands = g_ptr_array_new_with_free_func ((GDestroyNotify) atl_plan_free);
  for (int row = 0; row < output->height; row += n_rows)
    {
      const AtlRegion band = { .x = output->x,
                               .y = output->y + row,
                               .width = output->width,
                               .height = MIN (n_rows, output->height - row) };

      g_ptr_array_add (plan->bands,
                       part_new (prepared, whole, &band, first_step, prepared->steps->len, plan));
    }
  plan_memory (plan);

  return plan;
}

/* Of what the first band's convolutions compute. */
static int
fewest_rows (const AtlPlan *plan)
{
  const AtlPlan *band = g_ptr_array_index (plan->bands, 0);
  int n_rows = G_MAXINT;

  for (guint i = 0; i < band->steps->len; i++)
    {
      const AtlStep *step = &atl_plan_step (band, i)->step;

      if (atl_step_is_conv (step))
        n_rows = MIN (n_rows, band->shapes[step->node].h);
    }
  return n_rows;
}

AtlPlan *
atl_plan_new_inference (const AtlPrepared *prepared, int width, int height, const AtlRegion *output)
{
  const guint n_steps = prepared->steps->len;
  AtlPlan *plan = atl_plan_new_inference_in_bands (prepared, width, height, output, n_steps, 1);
  const double max_multiply_adds = (1.0 + MAX_ADDED) * atl_plan_multiply_adds (plan);

  /* The more steps run in bands, the more is computed twice, and the fewer rows have the first of them. */
  gboolean is_worse = plan->size < UNDIVIDED_SIZE;
  for (guint first_step = n_steps - 1; first_step > 0 && ! is_worse; first_step--)
    {
      if (! atl_prepared_can_band (prepared, first_step))
        continue;
      for (int n_bands = 2; n_bands <= MAX_BANDS; n_bands *= 2)
        {
          g_autoptr (AtlPlan) banded = atl_plan_new_inference_in_bands (
              prepared, width, height, output, first_step, n_bands);

          if (atl_plan_multiply_adds (banded) > max_multiply_adds
              || fewest_rows (banded) < MIN_ROWS)
            {
              is_worse = n_bands == 2;
              break;
            }
          if ((double) banded->size < (1.0 - MIN_SPARED) * (double) plan->size)
            {
              AtlPlan *larger = plan;

              plan = g_steal_pointer (&banded);
              atl_plan_free (larger);
            }
        }
    }

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

/* Copies what a band was asked for from what it computed to the output. */
static void
copy_output (const AtlPlan *plan, const AtlPlan *band, float *output, const float *computed)
{
  const AtlShape *shape = &band->shapes[plan->graph->output];
  const AtlRegion *from = &band->regions[plan->graph->output];
  const AtlRegion *part = &band->output, *to = &plan->output;
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
  for (guint i = 0; i < plan->bands->len; i++)
    {
      const AtlPlan *band = g_ptr_array_index (plan->bands, i);
      float *computed = is_copied (plan, band) ? workspace + plan->scratch : output;

      run_steps (band, workspace);
      plan->backend->tensor_export (computed, workspace + plan->values[last], &band->shapes[last]);
      if (computed != output)
        copy_output (plan, band, output, computed);
    }
}
