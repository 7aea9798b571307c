/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plan: a graph made ready for one backend, one shape and one purpose.
 *
 * Everything is decided when the plan is made: which operators run as one, which part of each tensor is
 * needed, where in the workspace it lies (tensors that never live at the same time share memory), and
 * how much scratch the kernels want. Running a plan allocates nothing.
 *
 * The workspace is memory of the caller, of atl_plan_workspace_size () floats from atl_floats_new ();
 * it need not be cleared, and one that is large enough may serve many plans in turn.
 */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct AtlPrepared AtlPrepared;
typedef struct AtlPlan AtlPlan;

/* A rectangle of pixels. */
typedef struct
{
  int x, y, width, height;
} AtlRegion;

/* How an inference is divided. The steps before head_end run for one strip of the rows of what they give after the
 * other, in the same memory, as do those from tail_begin on; the steps between them run once. */
typedef struct
{
  guint head_end;    /* 0: there is no head */
  int n_head_strips; /* 0 then */
  guint tail_begin;
  int n_tail_strips; /* 1: undivided */
} AtlDivision;

/* A graph and its parameters made ready for inference on a backend: batch normalisation folded into
 * convolutions, weights in the kernels' order. Made once per model, then shared by all plans and
 * threads. 'parameters' (atl_graph_parameters_size () floats) is read now and not kept; the graph is
 * kept and must live longer. NULL when memory is short. */
AtlPrepared *atl_prepared_new (const AtlGraph *graph, const float *parameters,
                               const AtlBackend *backend, GError **error);
void atl_prepared_free (AtlPrepared *prepared);
/* The bytes that its weights take. */
size_t atl_prepared_size (const AtlPrepared *prepared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPrepared, atl_prepared_free)

void atl_plan_free (AtlPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPlan, atl_plan_free)

size_t atl_plan_workspace_size (const AtlPlan *plan);

/* The floats of it that hold tensors, not the kernels' scratch: as many on any number of threads. */
size_t atl_plan_tensors_size (const AtlPlan *plan);

/* Multiply-adds of the convolutions, counted as direct ones: what this plan really does. */
double atl_plan_multiply_adds (const AtlPlan *plan);

/* Inference.
 *
 * The picture has 'width' x 'height' pixels at the network's input; 'output' is the part of the result
 * to be computed, inside the result. It is equal to the same part of the whole result, up to the order
 * of sums. The plan is valid as long as 'prepared' lives. Never fails for a valid region.
 *
 * Of a large one the division is looked for that needs least memory and computes little twice; that takes
 * milliseconds, for a network with many divisions tens of them. */
AtlPlan *atl_plan_new_inference (const AtlPrepared *prepared, int width, int height,
                                 const AtlRegion *output);

/* How a plan is divided, and a plan divided as another one of the same network is: for a picture's tiles, which differ
 * little. */
AtlDivision atl_plan_division (const AtlPlan *plan);
AtlPlan *atl_plan_new_divided (const AtlPrepared *prepared, int width, int height,
                               const AtlRegion *output, const AtlDivision *division);

/* The part of the picture that must be given as input. */
AtlRegion atl_plan_input_region (const AtlPlan *plan);

/* input: C x H x W of the input region; output: C x H x W of the output region. */
void atl_plan_infer (const AtlPlan *plan, float *workspace, float *output, const float *input);

/* Training. */

typedef enum
{
  ATL_TRAINING_DEFAULT = 0,
  ATL_TRAINING_INPUT_GRADIENT = 1, /* the backward pass also leaves the gradient of the input */
  ATL_TRAINING_FROZEN_NORM = 2     /* batch normalisation uses the running statistics and does not
                                    * change them, nor are its gamma and beta trained */
} AtlTrainingFlags;

/* 'input' is the shape of a batch. 'trained' holds a flag for each parameter of the graph (NULL = all):
 * the gradients of others are not computed, nor that of a convolution's bias without its weight. The
 * plan keeps the graph, which must live longer. */
AtlPlan *atl_plan_new_training (const AtlGraph *graph, const AtlBackend *backend,
                                const AtlShape *input, const gboolean *trained,
                                AtlTrainingFlags flags);

/* Runs the batch forward: input is N x C x H x W in plain order. Batch normalisation, if it is not
 * frozen, uses the batch's statistics and updates the running ones in 'parameters'. */
void atl_plan_forward (const AtlPlan *plan, float *workspace, float *parameters,
                       const float *input);

/* The output of the last forward pass, and where its gradient is expected; both in the backend's
 * layout, inside the workspace, of the shape atl_plan_output_shape (). */
const float *atl_plan_output (const AtlPlan *plan, const float *workspace);
float *atl_plan_output_gradient (const AtlPlan *plan, float *workspace);
AtlShape atl_plan_output_shape (const AtlPlan *plan);

/* The same of the graph's taps. The gradient of each tap has to be set, if only to zero, before a backward pass. */
const float *atl_plan_tap (const AtlPlan *plan, const float *workspace, int tap);
float *atl_plan_tap_gradient (const AtlPlan *plan, float *workspace, int tap);
AtlShape atl_plan_tap_shape (const AtlPlan *plan, int tap);

/* Runs backward from the output's gradient and those of the taps, and adds the gradients of the parameters to
 * 'gradients' (laid out as the parameters; NULL if none is trained). The output, the taps and their gradients are used
 * up. */
void atl_plan_backward (const AtlPlan *plan, float *workspace, const float *parameters,
                        float *gradients);

/* The gradient of the input after the backward pass, in the backend's layout; NULL if not asked for. */
const float *atl_plan_input_gradient (const AtlPlan *plan, const float *workspace);

G_END_DECLS
