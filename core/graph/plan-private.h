/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The inside of a plan. Offsets are in floats from the start of the workspace.
 */

#pragma once

#include "graph/arena.h"
#include "graph/fusion.h"
#include "graph/plan.h"
#include "graph/prepared.h"

G_BEGIN_DECLS

typedef struct
{
  AtlStep step;

  /* Complete descriptions, with the sizes and pads of the parts that are computed. That of a transposed
   * convolution is of the convolution whose gradient it is: its input is what the step stores. */
  AtlConv2d conv;
  AtlMaxPool pool;
  AtlReflectionPad pad;
  /* Where the first pixel of what is stored lies in a of a scaled add (the residual of a convolution), and in
   * the two tensors that a step joins. */
  AtlOffset offset, offset_other;

  /* Training. Which gradients the backward pass computes, and whether they are added to what another
   * reader of the same tensor left there. */
  gboolean has_backward;
  gboolean wants_weight, wants_bias; /* of a convolution; of a normalisation gamma and beta */
  gboolean wants_x, adds_to_x;
  gboolean wants_other, adds_to_other;
  /* Where a ReLU ends the step that stores a tensor, the last of the tensor's readers in the backward pass turns its
   * gradient into that of the ReLU's input ('masks_x'), if its kernel can; else the step itself does ('masks_y'). */
  gboolean masks_x, masks_y;
  /* Offsets of a normalisation's statistics of the batch; of its scale and shift if it is frozen. */
  size_t mean, variance;
} AtlPlanStep;

struct AtlPlan
{
  const AtlGraph *graph; /* borrowed, as are the next two */
  const AtlBackend *backend;
  const AtlPrepared *prepared; /* of an inference */
  GArray *steps;               /* of AtlPlanStep */
  AtlShape *shapes;            /* of each node's output, or the part of it that is computed */
  size_t *values; /* offset of each node's output, where a step stores it; some share a place */
  size_t size;    /* of the workspace */
  size_t scratch; /* offset of the kernels' scratch */

  /* Inference. */
  AtlRegion *regions; /* of each node's output, in its whole */
  AtlNode result;     /* the node that was asked for, and which part: regions[result] or less */
  AtlRegion asked;
  guint first_step; /* of the prepared ones */
  GPtrArray *head;  /* of AtlPlan: what runs before 'steps', none or more; NULL in a strip */
  GPtrArray *tail;  /* of AtlPlan: what runs after 'steps', one at least; NULL in a strip */

  /* Training. */
  AtlTrainingFlags flags;
  size_t *gradients; /* offset of the gradient of each node's output; some share a place */
  size_t packed;     /* offset of the weights of the convolution that runs */
  size_t
      folded; /* offset of these, with a normalisation folded into them, before they are packed */
};

static inline const AtlPlanStep *
atl_plan_step (const AtlPlan *plan, guint index)
{
  return &g_array_index (plan->steps, AtlPlanStep, index);
}

static inline gboolean
atl_plan_has_flag (const AtlPlan *plan, AtlTrainingFlags flag)
{
  return (plan->flags & flag) != 0;
}

/* Whether the steps before head_end, or those from tail_begin on, can run in strips. */
gboolean atl_prepared_can_divide_head (const AtlPrepared *prepared, guint head_end);
gboolean atl_prepared_can_divide_tail (const AtlPrepared *prepared, guint tail_begin);

/* One buffer a node, of the size that its output has in the backend's layout, not used yet. */
AtlArenaBuffer *atl_plan_value_buffers (const AtlPlan *plan);

/* Appends a step with its descriptions: sizes from plan->shapes, pads and offsets from plan->regions if there are
 * any. 'whole' are the shapes of all nodes for the whole picture. */
void atl_plan_add_step (AtlPlan *plan, const AtlStep *step, const AtlShape *whole);

/* What a convolution does before it stores. 'bias', 'scale' and 'shift' may be NULL. */
AtlConvEpilogue atl_plan_epilogue (const AtlPlan *plan, const AtlPlanStep *step,
                                   const float *workspace, const AtlPreparedStep *parameters);

/* Runs a convolution of either kind. */
void atl_plan_run_conv (const AtlPlan *plan, const AtlPlanStep *step, float *workspace,
                        const float *packed, const AtlConvEpilogue *epilogue);

/* Runs a step that has no parameters. */
void atl_plan_run_without_parameters (const AtlPlan *plan, const AtlPlanStep *step,
                                      float *workspace);

G_END_DECLS
