/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which operators of a graph run as one.
 */

#include "graph/fusion.h"

gboolean
atl_training_changes (const AtlTrainingKind *training, const AtlGraph *graph, AtlNode node,
                      int place)
{
  const int parameter = atl_graph_node (graph, node)->parameters[place];

  if (parameter == ATL_NO_PARAMETER)
    return FALSE;
  return atl_parameter_role_is_trained (atl_graph_parameter (graph, parameter)->role)
         && (training->trained == NULL || training->trained[parameter]);
}

typedef struct
{
  const AtlGraph *graph;
  AtlNode *only_user;              /* of each node: the one node that reads it, or ATL_NO_NODE */
  gboolean *fused;                 /* nodes that are part of an earlier step */
  const AtlTrainingKind *training; /* NULL for inference */
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

/* A normalisation right behind a convolution, or behind the shuffle that follows it. */
static void
take_norm_in_weights (Fusion *fusion, AtlStep *conv)
{
  const AtlNode next = next_if (fusion, conv->y, ATL_OP_BATCH_NORM);

  if (next == ATL_NO_NODE || conv->norm_in_weights != ATL_NO_NODE)
    return;

  conv->norm_in_weights = next;
  conv->norm_factor = conv->shuffle;
  take (fusion, conv, next);
}

static void
take_shuffle (Fusion *fusion, AtlStep *conv)
{
  const AtlNode next = next_if (fusion, conv->y, ATL_OP_PIXEL_SHUFFLE);

  if (next == ATL_NO_NODE)
    return;
  conv->shuffle = atl_graph_node (fusion->graph, next)->factor;
  take (fusion, conv, next);
}

/* Whether a node is a convolution of either kind that only one other reads. */
static gboolean
is_conv_for_one (const Fusion *fusion, AtlNode node)
{
  const AtlGraphNode *conv = atl_graph_node (fusion->graph, node);

  return atl_graph_node_is_conv (conv) && conv->n_users == 1;
}

/* Two convolutions that are joined store their channels where the result of both lies, each with what follows the
 * join. Returns whether this is one of them. */
static gboolean
take_concat (Fusion *fusion, AtlStep *conv)
{
  const AtlNode next = next_if (fusion, conv->node, ATL_OP_CONCAT);

  if (next == ATL_NO_NODE)
    return FALSE;

  const AtlGraphNode *concat = atl_graph_node (fusion->graph, next);
  const int n_first = atl_graph_node (fusion->graph, concat->inputs[0])->channels;

  if (! is_conv_for_one (fusion, concat->inputs[0]) || ! is_conv_for_one (fusion, concat->inputs[1])
      || n_first % ATL_CHANNEL_BLOCK != 0)
    return FALSE;

  conv->y_channel = conv->node == concat->inputs[0] ? 0 : n_first;
  take (fusion, conv, next);
  return TRUE;
}

static gboolean
take_relu (Fusion *fusion, AtlStep *step)
{
  const AtlNode relu = next_if (fusion, step->y, ATL_OP_RELU);

  if (relu == ATL_NO_NODE)
    return FALSE;
  take (fusion, step, relu);
  return TRUE;
}

static void
take_scaled_add (Fusion *fusion, AtlStep *step)
{
  const AtlNode next = next_if (fusion, step->y, ATL_OP_SCALED_ADD);

  if (next == ATL_NO_NODE)
    return;

  const AtlGraphNode *add = atl_graph_node (fusion->graph, next);

  /* The gradient of what a transposed convolution reads is a forward convolution, which has no gain by itself. */
  if (fusion->training != NULL && step->op == ATL_OP_CONV_TRANSPOSE2D && add->gain != 1.0f)
    return;
  /* The residual must be there when the step runs. */
  if (add->inputs[1] != step->y || add->inputs[0] >= step->node)
    return;

  step->other = add->inputs[0];
  step->gain = add->gain;
  take (fusion, step, next);
}

/* The residual that a normalisation adds is as large as its own result. */
static void
fuse_norm_for_training (Fusion *fusion, AtlStep *norm)
{
  const AtlShape *shapes = fusion->training->shapes;
  const AtlNode add = next_if (fusion, norm->y, ATL_OP_SCALED_ADD);

  if (add != ATL_NO_NODE
      && atl_shapes_are_of_one_size (&shapes[atl_graph_node (fusion->graph, add)->inputs[0]],
                                     &shapes[norm->y]))
    take_scaled_add (fusion, norm);
  norm->relu_last = take_relu (fusion, norm);
}

/* For training the backward pass finds the ReLU's mask in what was stored, so nothing may follow it. */
static void
fuse_conv_for_training (Fusion *fusion, AtlStep *conv)
{
  if (conv->op == ATL_OP_CONV2D && fusion->training->frozen_norm
      && ! atl_training_changes (fusion->training, fusion->graph, conv->node, ATL_CONV_WEIGHT))
    take_norm_in_weights (fusion, conv);
  conv->relu = take_relu (fusion, conv);
  if (! conv->relu)
    take_scaled_add (fusion, conv);
}

/* Whether an enlargement is part of how the one convolution that it is for reads. */
static gboolean
is_read_enlarged (const Fusion *fusion, AtlNode node)
{
  return fusion->training == NULL && atl_graph_node (fusion->graph, node)->op == ATL_OP_UPSAMPLE
         && next_if (fusion, node, ATL_OP_CONV2D) != ATL_NO_NODE;
}

static void
take_enlargement (const Fusion *fusion, AtlStep *conv)
{
  if (! is_read_enlarged (fusion, conv->x))
    return;

  const AtlGraphNode *upsample = atl_graph_node (fusion->graph, conv->x);

  conv->enlargement = upsample->factor;
  conv->x = upsample->inputs[0];
}

static void
fuse_conv (Fusion *fusion, AtlStep *conv)
{
  const gboolean is_joined = take_concat (fusion, conv);

  take_enlargement (fusion, conv);

  if (conv->op == ATL_OP_CONV2D && ! is_joined)
    {
      take_norm_in_weights (fusion, conv);
      take_shuffle (fusion, conv);
      take_norm_in_weights (fusion, conv);
    }

  conv->relu = take_relu (fusion, conv);
  conv->norm = next_if (fusion, conv->y, ATL_OP_BATCH_NORM);
  if (conv->norm != ATL_NO_NODE)
    take (fusion, conv, conv->norm);

  if (! is_joined)
    take_scaled_add (fusion, conv);
  if (conv->other != ATL_NO_NODE)
    conv->relu_last = take_relu (fusion, conv);
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
                   .norm_in_weights = ATL_NO_NODE,
                   .norm_factor = 1,
                   .enlargement = 1,
                   .shuffle = 1,
                   .norm = ATL_NO_NODE };

  if (atl_graph_node_is_conv (node))
    (fusion->training != NULL ? fuse_conv_for_training : fuse_conv) (fusion, &step);
  else if (node->op == ATL_OP_BATCH_NORM && fusion->training != NULL)
    fuse_norm_for_training (fusion, &step);

  return step;
}

GArray *
atl_graph_fuse (const AtlGraph *graph, const AtlTrainingKind *training)
{
  g_autofree AtlNode *only_user = find_only_users (graph);
  g_autofree gboolean *fused = g_new0 (gboolean, graph->nodes->len);
  Fusion fusion = { .graph = graph, .only_user = only_user, .fused = fused, .training = training };
  GArray *steps = g_array_new (FALSE, FALSE, sizeof (AtlStep));

  for (AtlNode i = 1; i < (AtlNode) graph->nodes->len; i++)
    if (! fused[i] && ! is_read_enlarged (&fusion, i))
      {
        const AtlStep step = step_for_node (&fusion, i);

        g_array_append_val (steps, step);
      }

  return steps;
}
