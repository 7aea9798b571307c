/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which part of each tensor a part of the result depends on.
 */

#pragma once

#include "graph/graph.h"
#include "graph/plan.h"

G_BEGIN_DECLS

/* The shape of every node's output for an input of this shape; a new array, one entry a node. */
AtlShape *atl_graph_shapes (const AtlGraph *graph, const AtlShape *input);

/* The part of every node's output that is computed to get the part 'asked' of the output of 'result'; a new array.
 * It covers what the node's readers need, and is widened to what the operator can compute (whole cells
 * of a pixel shuffle). Nodes behind 'result' have empty ones. 'shapes' are those of the whole picture. */
AtlRegion *atl_graph_regions (const AtlGraph *graph, const AtlShape *shapes, AtlNode result,
                              const AtlRegion *asked);

G_END_DECLS
