/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Building a graph and asking about it.
 */

#include "graph/graph-private.h"

#include "base/memory.h"
#include "graph/regions.h"

static void
parameter_free (gpointer data)
{
  AtlParameter *parameter = data;

  g_free (parameter->name);
  g_free (parameter);
}

static void
node_clear (gpointer data)
{
  g_free (((AtlGraphNode *) data)->name);
}

/* Adds a node that reads its inputs, and returns its number. */
static AtlNode
add_node (AtlGraph *graph, const AtlGraphNode *node)
{
  for (int i = 0; i < 2; i++)
    if (node->inputs[i] != ATL_NO_NODE)
      g_array_index (graph->nodes, AtlGraphNode, node->inputs[i]).n_users++;

  g_array_append_vals (graph->nodes, node, 1);
  return (AtlNode) graph->nodes->len - 1;
}

static int
add_parameter (AtlGraph *graph, const char *prefix, const char *suffix, AtlParameterRole role,
               int n_dims, const int *dims)
{
  AtlParameter *parameter = g_new0 (AtlParameter, 1);

  parameter->name = g_strconcat (prefix, ".", suffix, NULL);
  parameter->role = role;
  parameter->n_dims = n_dims;
  parameter->shuffle = 1;
  parameter->size = 1;
  for (int i = 0; i < n_dims; i++)
    {
      parameter->dims[i] = dims[i];
      parameter->size *= (size_t) dims[i];
    }
  parameter->offset = graph->parameters_size;
  graph->parameters_size += atl_floats_aligned (parameter->size);

  g_ptr_array_add (graph->parameters, parameter);
  return (int) graph->parameters->len - 1;
}

AtlGraph *
atl_graph_new (int n_input_channels)
{
  const AtlGraphNode input = { .op = ATL_OP_INPUT,
                               .inputs = { ATL_NO_NODE, ATL_NO_NODE },
                               .channels = n_input_channels };
  AtlGraph *graph = g_new0 (AtlGraph, 1);

  graph->nodes = g_array_new (FALSE, TRUE, sizeof (AtlGraphNode));
  g_array_set_clear_func (graph->nodes, node_clear);
  graph->parameters = g_ptr_array_new_with_free_func (parameter_free);
  graph->taps = g_array_new (FALSE, FALSE, sizeof (AtlNode));
  graph->output = ATL_NO_NODE;
  add_node (graph, &input);

  return graph;
}

void
atl_graph_free (AtlGraph *graph)
{
  if (graph == NULL)
    return;

  g_array_unref (graph->nodes);
  g_ptr_array_unref (graph->parameters);
  g_array_unref (graph->taps);
  g_free (graph);
}

AtlNode
atl_graph_input (const AtlGraph *graph)
{
  return 0;
}

/* Adds a convolution with the parameters that it has. */
static AtlNode
add_conv (AtlGraph *graph, AtlGraphNode *node, const char *name, gboolean has_bias)
{
  const int n_inputs = atl_graph_node (graph, node->inputs[0])->channels;
  const gboolean transposed = node->op == ATL_OP_CONV_TRANSPOSE2D;
  const int weight_dims[4] = { transposed ? n_inputs : node->channels,
                               transposed ? node->channels : n_inputs, node->kernel, node->kernel };

  node->name = g_strdup (name);
  node->parameters[ATL_CONV_WEIGHT] = add_parameter (graph, name, "weight", ATL_PARAMETER_WEIGHT, 4,
                                                     weight_dims);
  node->parameters[ATL_CONV_BIAS] = has_bias
                                        ? add_parameter (graph, name, "bias", ATL_PARAMETER_BIAS, 1,
                                                         &node->channels)
                                        : ATL_NO_PARAMETER;
  return add_node (graph, node);
}

AtlNode
atl_graph_conv2d (AtlGraph *graph, AtlNode x, const char *name, int n_channels, int kernel,
                  int stride, int padding)
{
  AtlGraphNode node = { .op = ATL_OP_CONV2D,
                        .inputs = { x, ATL_NO_NODE },
                        .channels = n_channels,
                        .kernel = kernel,
                        .stride = stride,
                        .padding = padding };

  return add_conv (graph, &node, name, TRUE);
}

AtlNode
atl_graph_conv2d_without_bias (AtlGraph *graph, AtlNode x, const char *name, int n_channels,
                               int kernel, int stride, int padding)
{
  AtlGraphNode node = { .op = ATL_OP_CONV2D,
                        .inputs = { x, ATL_NO_NODE },
                        .channels = n_channels,
                        .kernel = kernel,
                        .stride = stride,
                        .padding = padding };

  return add_conv (graph, &node, name, FALSE);
}

AtlNode
atl_graph_conv_transpose2d (AtlGraph *graph, AtlNode x, const char *name, int n_channels)
{
  AtlGraphNode node = { .op = ATL_OP_CONV_TRANSPOSE2D,
                        .inputs = { x, ATL_NO_NODE },
                        .channels = n_channels,
                        .kernel = 2,
                        .stride = 2 };

  return add_conv (graph, &node, name, TRUE);
}

AtlNode
atl_graph_relu (AtlGraph *graph, AtlNode x)
{
  const AtlGraphNode node = { .op = ATL_OP_RELU,
                              .inputs = { x, ATL_NO_NODE },
                              .channels = atl_graph_node (graph, x)->channels };

  return add_node (graph, &node);
}

AtlNode
atl_graph_scaled_add (AtlGraph *graph, AtlNode a, AtlNode b, float gain)
{
  const AtlGraphNode node = { .op = ATL_OP_SCALED_ADD,
                              .inputs = { a, b },
                              .channels = atl_graph_node (graph, a)->channels,
                              .gain = gain };

  g_return_val_if_fail (node.channels == atl_graph_node (graph, b)->channels, ATL_NO_NODE);
  return add_node (graph, &node);
}

AtlNode
atl_graph_pixel_shuffle (AtlGraph *graph, AtlNode x, int factor)
{
  const AtlGraphNode *source = atl_graph_node (graph, x);
  const AtlGraphNode node = { .op = ATL_OP_PIXEL_SHUFFLE,
                              .inputs = { x, ATL_NO_NODE },
                              .channels = source->channels / (factor * factor),
                              .factor = factor };

  g_return_val_if_fail (source->channels % (factor * factor) == 0, ATL_NO_NODE);

  if (source->op == ATL_OP_CONV2D)
    for (int place = ATL_CONV_WEIGHT; place <= ATL_CONV_BIAS; place++)
      {
        AtlParameter *parameter = g_ptr_array_index (graph->parameters,
                                                     (guint) source->parameters[place]);
        parameter->shuffle = factor;
      }

  return add_node (graph, &node);
}

AtlNode
atl_graph_upsample (AtlGraph *graph, AtlNode x, int factor)
{
  const AtlGraphNode node = { .op = ATL_OP_UPSAMPLE,
                              .inputs = { x, ATL_NO_NODE },
                              .channels = atl_graph_node (graph, x)->channels,
                              .factor = factor };

  return add_node (graph, &node);
}

static AtlNode
add_max_pool (AtlGraph *graph, AtlNode x, int kernel, int stride, int padding, gboolean rounds_up)
{
  const AtlGraphNode node = { .op = ATL_OP_MAX_POOL,
                              .inputs = { x, ATL_NO_NODE },
                              .channels = atl_graph_node (graph, x)->channels,
                              .kernel = kernel,
                              .stride = stride,
                              .padding = padding,
                              .rounds_up = rounds_up };

  return add_node (graph, &node);
}

AtlNode
atl_graph_max_pool (AtlGraph *graph, AtlNode x, int kernel, int stride, int padding)
{
  return add_max_pool (graph, x, kernel, stride, padding, FALSE);
}

AtlNode
atl_graph_max_pool_ceil (AtlGraph *graph, AtlNode x, int kernel, int stride, int padding)
{
  return add_max_pool (graph, x, kernel, stride, padding, TRUE);
}

AtlNode
atl_graph_reflection_pad (AtlGraph *graph, AtlNode x, int padding)
{
  const AtlGraphNode node = { .op = ATL_OP_REFLECTION_PAD,
                              .inputs = { x, ATL_NO_NODE },
                              .channels = atl_graph_node (graph, x)->channels,
                              .padding = padding };

  return add_node (graph, &node);
}

AtlNode
atl_graph_concat (AtlGraph *graph, AtlNode a, AtlNode b)
{
  const AtlGraphNode node = { .op = ATL_OP_CONCAT,
                              .inputs = { a, b },
                              .channels = atl_graph_node (graph, a)->channels
                                          + atl_graph_node (graph, b)->channels };

  return add_node (graph, &node);
}

AtlNode
atl_graph_batch_norm (AtlGraph *graph, AtlNode x, const char *name)
{
  static const struct
  {
    const char *suffix;
    AtlParameterRole role;
  } parameters[] = {
    [ATL_NORM_GAMMA] = { "weight", ATL_PARAMETER_GAMMA },
    [ATL_NORM_BETA] = { "bias", ATL_PARAMETER_BETA },
    [ATL_NORM_MEAN] = { "running_mean", ATL_PARAMETER_RUNNING_MEAN },
    [ATL_NORM_VARIANCE] = { "running_var", ATL_PARAMETER_RUNNING_VARIANCE },
  };
  AtlGraphNode node = { .op = ATL_OP_BATCH_NORM,
                        .name = g_strdup (name),
                        .inputs = { x, ATL_NO_NODE },
                        .channels = atl_graph_node (graph, x)->channels };

  for (size_t i = 0; i < G_N_ELEMENTS (parameters); i++)
    node.parameters[i] = add_parameter (graph, name, parameters[i].suffix, parameters[i].role, 1,
                                        &node.channels);

  return add_node (graph, &node);
}

void
atl_graph_add_tap (AtlGraph *graph, AtlNode x)
{
  g_array_append_val (graph->taps, x);
  g_array_index (graph->nodes, AtlGraphNode, x).n_users++;
}

int
atl_graph_n_taps (const AtlGraph *graph)
{
  return (int) graph->taps->len;
}

void
atl_graph_set_output (AtlGraph *graph, AtlNode x)
{
  g_return_if_fail (graph->output == ATL_NO_NODE);

  graph->output = x;
  g_array_index (graph->nodes, AtlGraphNode, x).n_users++;
}

AtlShape
atl_graph_output_shape (const AtlGraph *graph, const AtlShape *input)
{
  g_autofree AtlShape *shapes = atl_graph_shapes (graph, input);

  return shapes[graph->output];
}

/* 'input' is the shape of what the node reads, 'output' of what it computes. */
static double
node_multiply_adds (const AtlGraphNode *node, const AtlShape *input, const AtlShape *output)
{
  const double n_taps = (double) node->kernel * node->kernel;

  if (! atl_graph_node_is_conv (node))
    return 0.0;
  if (node->op == ATL_OP_CONV_TRANSPOSE2D)
    return (double) atl_shape_size (input) * output->c * n_taps;
  return (double) atl_shape_size (output) * input->c * n_taps;
}

double
atl_graph_multiply_adds (const AtlGraph *graph, const AtlShape *input)
{
  g_autofree AtlShape *shapes = atl_graph_shapes (graph, input);
  double sum = 0.0;

  for (AtlNode i = 1; i < (AtlNode) graph->nodes->len; i++)
    {
      const AtlGraphNode *node = atl_graph_node (graph, i);

      sum += node_multiply_adds (node, &shapes[node->inputs[0]], &shapes[i]);
    }

  return sum;
}

static size_t
node_n_parameters (const AtlGraph *graph, const AtlGraphNode *node)
{
  const int n_places = atl_graph_node_is_conv (node)   ? ATL_CONV_BIAS + 1
                       : node->op == ATL_OP_BATCH_NORM ? ATL_NORM_VARIANCE + 1
                                                       : 0;
  size_t n = 0;

  for (int place = 0; place < n_places; place++)
    if (node->parameters[place] != ATL_NO_PARAMETER)
      n += atl_graph_parameter (graph, node->parameters[place])->size;

  return n;
}

AtlLayer *
atl_graph_layers (const AtlGraph *graph, const AtlShape *input, int *n_layers)
{
  static const char *const kinds[] = {
    [ATL_OP_INPUT] = "input",
    [ATL_OP_CONV2D] = "conv2d",
    [ATL_OP_CONV_TRANSPOSE2D] = "conv-transpose2d",
    [ATL_OP_RELU] = "relu",
    [ATL_OP_SCALED_ADD] = "scaled-add",
    [ATL_OP_PIXEL_SHUFFLE] = "pixel-shuffle",
    [ATL_OP_UPSAMPLE] = "upsample",
    [ATL_OP_MAX_POOL] = "max-pool",
    [ATL_OP_REFLECTION_PAD] = "reflection-pad",
    [ATL_OP_CONCAT] = "concat",
    [ATL_OP_BATCH_NORM] = "batch-norm",
  };
  g_autofree AtlShape *shapes = atl_graph_shapes (graph, input);
  AtlLayer *layers = g_new (AtlLayer, graph->nodes->len);

  for (AtlNode i = 0; i < (AtlNode) graph->nodes->len; i++)
    {
      const AtlGraphNode *node = atl_graph_node (graph, i);
      const AtlShape *from = node->op == ATL_OP_INPUT ? input : &shapes[node->inputs[0]];

      layers[i] = (AtlLayer) { .kind = kinds[node->op],
                               .name = node->name,
                               .output = shapes[i],
                               .n_parameters = node_n_parameters (graph, node),
                               .multiply_adds = node_multiply_adds (node, from, &shapes[i]) };
    }

  *n_layers = (int) graph->nodes->len;
  return layers;
}

/* Asks which input the pixels above one input pixel need, in the middle of a picture that is large
 * enough not to cut it off. */
int
atl_graph_halo (const AtlGraph *graph)
{
  const int side = 4096, middle = side / 2;
  const AtlShape input = { 1, atl_graph_node (graph, 0)->channels, side, side };
  const AtlShape output = atl_graph_output_shape (graph, &input);
  const int pixels = MAX (1, (output.w + side / 2) / side); /* of output per pixel of input */
  const AtlRegion cell = { .x = (int) ((gint64) middle * output.w / side),
                           .y = (int) ((gint64) middle * output.h / side),
                           .width = pixels,
                           .height = pixels };
  g_autofree AtlShape *shapes = atl_graph_shapes (graph, &input);
  g_autofree AtlRegion *regions = atl_graph_regions (graph, shapes, graph->output, &cell);

  return MAX (middle - regions[0].x, regions[0].x + regions[0].width - 1 - middle);
}

int
atl_graph_n_parameters (const AtlGraph *graph)
{
  return (int) graph->parameters->len;
}

const AtlParameter *
atl_graph_parameter (const AtlGraph *graph, int index)
{
  return g_ptr_array_index (graph->parameters, (guint) index);
}

size_t
atl_graph_parameters_size (const AtlGraph *graph)
{
  return graph->parameters_size;
}

gboolean
atl_parameter_role_is_trained (AtlParameterRole role)
{
  return role != ATL_PARAMETER_RUNNING_MEAN && role != ATL_PARAMETER_RUNNING_VARIANCE;
}
