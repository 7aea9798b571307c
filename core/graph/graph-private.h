/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The inside of a graph, for the files that plan it.
 */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define ATL_NO_NODE (-1)
#define ATL_NO_PARAMETER (-1)

typedef enum
{
  ATL_OP_INPUT,
  ATL_OP_CONV2D,
  ATL_OP_CONV_TRANSPOSE2D,
  ATL_OP_RELU,
  ATL_OP_SCALED_ADD,
  ATL_OP_PIXEL_SHUFFLE,
  ATL_OP_UPSAMPLE,
  ATL_OP_MAX_POOL,
  ATL_OP_REFLECTION_PAD,
  ATL_OP_CONCAT,
  ATL_OP_BATCH_NORM
} AtlOp;

/* The places of a node's parameters in its list. */
enum
{
  ATL_CONV_WEIGHT = 0,
  ATL_CONV_BIAS,
  ATL_NORM_GAMMA = 0,
  ATL_NORM_BETA,
  ATL_NORM_MEAN,
  ATL_NORM_VARIANCE,
  ATL_MAX_NODE_PARAMETERS
};

#define ATL_BATCH_NORM_MOMENTUM 0.1f

typedef struct
{
  AtlOp op;
  char *name;        /* the prefix of its parameters' names, or NULL */
  AtlNode inputs[2]; /* ATL_NO_NODE where there is none */
  int n_users;       /* nodes that read this one; the end of the network counts as one */
  int channels;
  int kernel, stride, padding; /* of a convolution or pooling; padding: of a reflection */
  gboolean rounds_up;          /* of a pooling: whether its last windows may end outside */
  float gain;                  /* of a scaled add */
  int factor;                  /* of a pixel shuffle or an enlargement */
  int parameters[ATL_MAX_NODE_PARAMETERS]; /* numbers in the graph's list, or ATL_NO_PARAMETER */
} AtlGraphNode;

struct AtlGraph
{
  GArray *nodes; /* of AtlGraphNode, in an order in which they can run; the input is node 0 */
  GPtrArray *parameters; /* of AtlParameter */
  size_t parameters_size;
  GArray *taps;   /* of AtlNode */
  AtlNode output; /* ATL_NO_NODE until the building ends */
};

static inline const AtlGraphNode *
atl_graph_node (const AtlGraph *graph, AtlNode node)
{
  return &g_array_index (graph->nodes, AtlGraphNode, node);
}

static inline gboolean
atl_graph_node_is_conv (const AtlGraphNode *node)
{
  return node->op == ATL_OP_CONV2D || node->op == ATL_OP_CONV_TRANSPOSE2D;
}

/* The offset of a node's parameter in the array of all parameters. */
static inline size_t
atl_graph_parameter_offset (const AtlGraph *graph, AtlNode node, int place)
{
  return atl_graph_parameter (graph, atl_graph_node (graph, node)->parameters[place])->offset;
}

static inline gboolean
atl_shapes_are_of_one_size (const AtlShape *a, const AtlShape *b)
{
  return a->h == b->h && a->w == b->w;
}

G_END_DECLS
