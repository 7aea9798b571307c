/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which operators of a graph run as one.
 */

#pragma once

#include "graph/graph-private.h"

G_BEGIN_DECLS

/* One call of a kernel: an operator of the graph, and what is fused to it. */
typedef struct
{
  AtlOp op;
  AtlNode node; /* the operator itself */
  AtlNode x;    /* what it reads */
  AtlNode
      other; /* what else it reads: b of a scaled add, the residual of a convolution or normalisation */
  AtlNode y;  /* what it stores: the last node fused */
  float gain; /* of b in a scaled add, of the convolution or normalisation beside its residual */

  /* Of a convolution, in the order in which they are applied. 'norm_in_weights' is a batch normalisation with
   * running statistics that is folded into the weights; if it stands behind the shuffle, 'norm_factor' is the
   * shuffle's, which merely renumbers the channels. 'norm' is one after the ReLU, applied as scale and shift. */
  AtlNode norm_in_weights;
  int norm_factor;
  int enlargement; /* of what it reads, factor; 1 = none */
  int shuffle;     /* factor of a pixel shuffle; 1 = none */
  int y_channel; /* the first of y that it stores, if it is joined to another convolution's result */
  gboolean relu;
  AtlNode norm;
  gboolean relu_last; /* after the residual; the one of a normalisation */
} AtlStep;

static inline gboolean
atl_step_is_conv (const AtlStep *step)
{
  return step->op == ATL_OP_CONV2D || step->op == ATL_OP_CONV_TRANSPOSE2D;
}

/* The pass of AtlConv2d that a convolution of either kind runs forward, and the one that is the gradient of its
 * input. */
static inline AtlPass
atl_step_forward_pass (const AtlStep *step)
{
  return step->op == ATL_OP_CONV_TRANSPOSE2D ? ATL_PASS_DATA : ATL_PASS_FORWARD;
}

static inline AtlPass
atl_step_data_pass (const AtlStep *step)
{
  return step->op == ATL_OP_CONV_TRANSPOSE2D ? ATL_PASS_FORWARD : ATL_PASS_DATA;
}

/* What a training is of. */
typedef struct
{
  const AtlShape *shapes;  /* of all nodes */
  const gboolean *trained; /* a flag for each parameter; NULL = all */
  gboolean frozen_norm;    /* normalisations use the running statistics */
} AtlTrainingKind;

/* Whether a training changes a parameter of a node; not if there is none. */
gboolean atl_training_changes (const AtlTrainingKind *training, const AtlGraph *graph, AtlNode node,
                               int place);

/* The steps of a graph in the order in which they run, as a GArray of AtlStep.
 *
 * For inference ('training' NULL) a convolution takes along the enlargement before it, and normalisations, ReLUs, a
 * pixel shuffle, the scaled add whose b it is, or the join with another convolution's result, of which each then stores
 * its channels. For training a convolution takes either the ReLU or the scaled add, since the backward pass finds the
 * ReLU's mask in what was stored, and an ordinary one before that a frozen normalisation, if its weights are not
 * trained. Any other normalisation stands alone, and takes both. */
GArray *atl_graph_fuse (const AtlGraph *graph, const AtlTrainingKind *training);

G_END_DECLS
