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
  AtlNode node;  /* the operator itself */
  AtlNode x;     /* what it reads */
  AtlNode other; /* what else it reads: b of a scaled add, the residual of a convolution */
  AtlNode y;     /* what it stores: the last node fused */
  float gain;    /* of b in a scaled add, of the convolution beside its residual */

  /* Of a convolution. 'norm' is a batch normalisation that it applies with running statistics: after
   * the ReLU as scale and shift, or without a ReLU inside its weights. In the latter case a pixel
   * shuffle by 'norm_factor' may stand between, which merely renumbers the channels. */
  gboolean relu;
  AtlNode norm;
  int norm_factor;
} AtlStep;

/* The steps of a graph in the order in which they run, as a GArray of AtlStep.
 *
 * For inference a convolution takes along ReLU, normalisation and the scaled add whose b it is. For
 * training normalisation stands alone, and a convolution takes either the ReLU or the scaled add, since
 * the backward pass finds the ReLU's mask in what was stored. */
GArray *atl_graph_fuse (const AtlGraph *graph, gboolean training);

G_END_DECLS
