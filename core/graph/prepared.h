/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The inside of AtlPrepared: what each step of an inference reads beside its tensors.
 */

#pragma once

#include "graph/fusion.h"
#include "graph/plan.h"

G_BEGIN_DECLS

/* Arrays inside 'numbers'; those that the step has no use for are NULL. Vectors are padded. */
typedef struct
{
  const float *packed; /* a convolution's weights */
  const float *bias;
  const float *scale, *shift; /* of a normalisation after the ReLU, or one that stands alone */
} AtlPreparedStep;

struct AtlPrepared
{
  const AtlGraph *graph; /* borrowed */
  const AtlBackend *backend;
  GArray *steps;               /* of AtlStep */
  AtlPreparedStep *parameters; /* one a step */
  float *numbers;
};

/* The part of a convolution's description that does not depend on the size of the picture. */
AtlConv2d atl_step_conv2d_kind (const AtlStep *step, const AtlGraph *graph);

/* The number of weights of a convolution of either kind. */
size_t atl_step_weight_size (const AtlStep *step, const AtlGraph *graph);

/* A convolution's weights and its bias, padded, with the normalisation that is folded into them. */
void atl_step_weights (float *w, float *b, const AtlStep *step, const AtlGraph *graph,
                       const float *parameters);

/* A normalisation by the running statistics in 'parameters' as y = scale x + shift; one number a channel,
 * what pads the vectors is left alone. */
void atl_graph_norm_scale_shift (float *scale, float *shift, const AtlGraph *graph, AtlNode norm,
                                 const float *parameters);

G_END_DECLS
