/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which operators of a graph run as one.
 */

#include "graph/fusion.h"

typedef struct
{
  const AtlGraph *graph;
  AtlNode *only_user; /* of each node: the one node that reads it, or ATL_NO_NODE */
  gboolean *fused;    /* nodes that are part of an earlier step */
  gboolean training;
} Fusion;

static AtlNode *
find_only_users (const AtlGraph *graph)
{
  AtlNode *only_user = g_new (AtlNode, graph->nodes->len);

  for (AtlNode i = 0; i < (AtlNode) graph->nodes->len; i++)
    {
      only_user[i] = ATL_NO_NODE;
      for (int k = 0; k < 2; k++)
        {
          const AtlNode input = atl_graph_node (graph, i)->inputs[k];

          if (input != ATL_NO_NODE && atl_graph_node (graph, input)->n_users == 1)
            only_user[input] = i;
        }
    }

  return only_user;
}

/* The only reader of a node, if it is of this kind; else ATL_NO_NODE. */
static AtlNode
next_if (const Fusion *fusion, AtlNode node, AtlOp op)
{
  const AtlNode next = fusion->only_user[node];

  if (next == ATL_NO_NODE || atl_graph_node (fusion->graph, next)->op != op)
    return ATL_NO_NODE;
  return next;
}

/* Makes 'node' the last one of the step. */
static void
take (Fusion *fusion, AtlStep *step, AtlNode node)
{
  fusion->fused[node] = TRUE;
  step->y = node;
}

static void
take_norm (Fusion *fusion, AtlStep *conv)
{
  AtlNode next = next_if (fusion, conv->y, ATL_OP_BATCH_NORM);

  if (next != ATL_NO_NODE)
    {
      conv->norm = next;
      take (fusion, conv, next);
      return;
    }

  const AtlNode shuffle = next_if (fusion, conv->y, ATL_OP_PIXEL_SHUFFLE);
  if (conv->relu || shuffle == ATL_NO_NODE)
    return;

  /* The shuffle's own step will store the normalised result: see step_for_node (). */
  next = next_if (fusion, shuffle, ATL_OP_BATCH_NORM);
  if (next != ATL_NO_NODE)
    {
      conv->norm = next;
      conv->norm_factor = atl_graph_node (fusion->graph, shuffle)->factor;
      fusion->fused[next] = TRUE;
    }
}

static void
take_scaled_add (Fusion *fusion, AtlStep *conv)
{
  const AtlNode next = next_if (fusion, conv->y, ATL_OP_SCALED_ADD);

  if (next == ATL_NO_NODE)
    return;

  const AtlGraphNode *add = atl_graph_node (fusion->graph, next);

  /* The residual must be there when the convolution runs. */
  if (add->inputs[1] != conv->y || add->inputs[0] >= conv->node)
    return;

  conv->other = add->inputs[0];
  conv->gain = add->gain;
  take (fusion, conv, next);
}

static void
fuse_conv (Fusion *fusion, AtlStep *conv)
{
  const AtlNode relu = next_if (fusion, conv->y, ATL_OP_RELU);

  if (relu != ATL_NO_NODE)
    {
      conv->relu = TRUE;
      take (fusion, conv, relu);
    }

  if (! fusion->training)
    take_norm (fusion, conv);

  if (! (fusion->training && conv->relu))
    take_scaled_add (fusion, conv);
}

static AtlStep
step_for_node (Fusion *fusion, AtlNode i)
{
  const AtlGraphNode *node = atl_graph_node (fusion->graph, i);
  AtlStep step = { .op = node->op,
                   .node = i,
                   .x = node->inputs[0],
                   .other = node->inputs[1],
                   .y = i,
                   .gain = node->op == ATL_OP_SCALED_ADD ? node->gain : 1.0f,
                   .norm = ATL_NO_NODE,
                   .norm_factor = 1 };

  if (node->op == ATL_OP_CONV2D)
    fuse_conv (fusion, &step);

  /* Its normalisation went into the weights of the convolution before it. */
  const AtlNode norm = next_if (fusion, i, ATL_OP_BATCH_NORM);
  if (node->op == ATL_OP_PIXEL_SHUFFLE && norm != ATL_NO_NODE && fusion->fused[norm])
    step.y = norm;

  return step;
}

GArray *
atl_graph_fuse (const AtlGraph *graph, gboolean training)
{
  g_autofree AtlNode *only_user = find_only_users (graph);
  g_autofree gboolean *fused = g_new0 (gboolean, graph->nodes->len);
  Fusion fusion = { .graph = graph, .only_user = only_user, .fused = fused, .training = training };
  GArray *steps = g_array_new (FALSE, FALSE, sizeof (AtlStep));

  for (AtlNode i = 1; i < (AtlNode) graph->nodes->len; i++)
    if (! fused[i])
      {
        const AtlStep step = step_for_node (&fusion, i);

        g_array_append_val (steps, step);
      }

  return steps;
}
