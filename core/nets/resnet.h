/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The trunks that networks for masks stand on.
 */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define ATL_TRUNK_LAYERS 4

/* What the decoder on top of a trunk reads, for a picture of H x W, multiples of 32. */
typedef struct
{
  AtlNode stem; /* 64 x H/2 x W/2, before the pooling */
  AtlNode layers
      [ATL_TRUNK_LAYERS]; /* 64 x H/4, 128 x H/8, 256 x H/16, 512 x H/32; all after their ReLU */
} AtlTrunk;

/* Appends the trunk of a ResNet of this depth, 18 or 34, to x. */
AtlTrunk atl_resnet_trunk (AtlGraph *graph, AtlNode x, int depth);

G_END_DECLS
