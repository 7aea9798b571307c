/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A graph and its parameters made ready for inference.
 *
 * Batch normalisation with running statistics is y = scale x + shift with
 *
 *   scale = gamma / sqrt (variance + epsilon),   shift = beta - mean scale
 *
 * and where no ReLU stands between, it goes into the convolution: w' = scale w, b' = scale b + shift.
 */

#include "graph/prepared.h"

#include <math.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"

AtlConv2d
atl_step_conv2d_kind (const AtlStep *step, const AtlGraph *graph)
{
  const AtlGraphNode *conv = atl_graph_node (graph, step->node);
  const int n_inputs = atl_graph_node (graph, conv->inputs[0])->channels;
  const gboolean transposed = conv->op == ATL_OP_CONV_TRANSPOSE2D;

  return (AtlConv2d) { .c_in = transposed ? conv->channels : n_inputs,
                       .c_out = transposed ? n_inputs : conv->channels,
                       .kernel = conv->kernel,
                       .stride = conv->stride,
                       .shuffle = step->shuffle,
                       .enlargement = step->enlargement };
}

/* The normalisation with which a step multiplies and shifts channels by itself, or ATL_NO_NODE. */
static AtlNode
scale_shift_of_step (const AtlStep *step)
{
  return step->op == ATL_OP_BATCH_NORM ? step->node : step->norm;
}

static size_t
vector_size (const AtlGraph *graph, AtlNode node)
{
  return (size_t) atl_padded_channels (atl_graph_node (graph, node)->channels);
}

static size_t
step_size (const AtlPrepared *prepared, const AtlStep *step)
{
  size_t size = 0;

  if (atl_step_is_conv (step))
    {
      const AtlConv2d kind = atl_step_conv2d_kind (step, prepared->graph);

      size += atl_floats_aligned (
                  prepared->backend->conv2d_packed_size (&kind, atl_step_forward_pass (step)))
              + atl_floats_aligned (vector_size (prepared->graph, step->node));
    }
  if (scale_shift_of_step (step) != ATL_NO_NODE)
    size += 2 * atl_floats_aligned (vector_size (prepared->graph, scale_shift_of_step (step)));

  return size;
}

static void
norm_of_channel (float *scale, float *shift, const AtlGraph *graph, AtlNode norm,
                 const float *parameters, int c)
{
  const float gamma = parameters[atl_graph_parameter_offset (graph, norm, ATL_NORM_GAMMA) + c];
  const float beta = parameters[atl_graph_parameter_offset (graph, norm, ATL_NORM_BETA) + c];
  const float mean = parameters[atl_graph_parameter_offset (graph, norm, ATL_NORM_MEAN) + c];
  const float variance =
      parameters[atl_graph_parameter_offset (graph, norm, ATL_NORM_VARIANCE) + c];
  const double s = gamma / sqrt ((double) variance + (double) ATL_BATCH_NORM_EPSILON);

  *scale = (float) s;
  *shift = (float) (beta - mean * s);
}

void
atl_graph_norm_scale_shift (float *scale, float *shift, const AtlGraph *graph, AtlNode norm,
                            const float *parameters)
{
  const int n_channels = atl_graph_node (graph, norm)->channels;

  for (int c = 0; c < n_channels; c++)
    norm_of_channel (&scale[c], &shift[c], graph, norm, parameters, c);
}

/* w: O x I x K x K and b: O, changed in place. Channel o of the convolution becomes channel
 * o / factor^2 of the normalisation. */
static void
fold_norm (float *w, float *b, const AtlGraph *graph, const AtlStep *step, const float *parameters)
{
  const AtlConv2d kind = atl_step_conv2d_kind (step, graph);
  const size_t kernel_size = (size_t) kind.c_in * kind.kernel * kind.kernel;
  const int group = step->norm_factor * step->norm_factor;

  for (int o = 0; o < kind.c_out; o++)
    {
      float scale, shift;

      norm_of_channel (&scale, &shift, graph, step->norm_in_weights, parameters, o / group);
      for (size_t i = 0; i < kernel_size; i++)
        w[(size_t) o * kernel_size + i] *= scale;
      b[o] = b[o] * scale + shift;
    }
}

size_t
atl_step_weight_size (const AtlStep *step, const AtlGraph *graph)
{
  const int weight = atl_graph_node (graph, step->node)->parameters[ATL_CONV_WEIGHT];

  return atl_graph_parameter (graph, weight)->size;
}

void
atl_step_weights (float *w, float *b, const AtlStep *step, const AtlGraph *graph,
                  const float *parameters)
{
  const AtlGraphNode *node = atl_graph_node (graph, step->node);

  memcpy (w, parameters + atl_graph_parameter_offset (graph, step->node, ATL_CONV_WEIGHT),
          atl_step_weight_size (step, graph) * sizeof (float));
  memset (b, 0, vector_size (graph, step->node) * sizeof (float));
  if (node->parameters[ATL_CONV_BIAS] != ATL_NO_PARAMETER)
    memcpy (b, parameters + atl_graph_parameter_offset (graph, step->node, ATL_CONV_BIAS),
            (size_t) node->channels * sizeof (float));
  if (step->norm_in_weights != ATL_NO_NODE)
    fold_norm (w, b, graph, step, parameters);
}

/* Fills a convolution's weights and bias, from 'numbers' on; returns where the next array may lie. */
static float *
prepare_conv (AtlPrepared *prepared, int index, const float *parameters, float *numbers,
              float *weight)
{
  const AtlGraph *graph = prepared->graph;
  const AtlStep *step = &g_array_index (prepared->steps, AtlStep, index);
  AtlPreparedStep *result = &prepared->parameters[index];
  const AtlConv2d kind = atl_step_conv2d_kind (step, graph);
  const AtlPass pass = atl_step_forward_pass (step);
  float *packed = numbers;
  float *bias = packed + atl_floats_aligned (prepared->backend->conv2d_packed_size (&kind, pass));

  atl_step_weights (weight, bias, step, graph, parameters);
  prepared->backend->conv2d_pack (packed, weight, &kind, pass);

  result->packed = packed;
  result->bias = bias;
  return bias + atl_floats_aligned (vector_size (graph, step->node));
}

static void
prepare_step (AtlPrepared *prepared, int index, const float *parameters, float *numbers,
              float *weight)
{
  const AtlStep *step = &g_array_index (prepared->steps, AtlStep, index);

  if (atl_step_is_conv (step))
    numbers = prepare_conv (prepared, index, parameters, numbers, weight);

  const AtlNode norm = scale_shift_of_step (step);
  if (norm != ATL_NO_NODE)
    {
      float *shift = numbers + atl_floats_aligned (vector_size (prepared->graph, norm));

      atl_graph_norm_scale_shift (numbers, shift, prepared->graph, norm, parameters);
      prepared->parameters[index].scale = numbers + step->y_channel;
      prepared->parameters[index].shift = shift + step->y_channel;
    }
}

static size_t
largest_parameter (const AtlGraph *graph)
{
  size_t largest = 0;

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    largest = MAX (largest, atl_graph_parameter (graph, i)->size);

  return largest;
}

size_t
atl_prepared_size (const AtlPrepared *prepared)
{
  size_t size = 0;

  for (guint i = 0; i < prepared->steps->len; i++)
    size += step_size (prepared, &g_array_index (prepared->steps, AtlStep, i));

  return size * sizeof (float);
}

AtlPrepared *
atl_prepared_new (const AtlGraph *graph, const float *parameters, const AtlBackend *backend,
                  GError **error)
{
  g_autoptr (AtlPrepared) prepared = g_new0 (AtlPrepared, 1);

  prepared->graph = graph;
  prepared->backend = backend;
  prepared->steps = atl_graph_fuse (graph, NULL);
  prepared->parameters = g_new0 (AtlPreparedStep, prepared->steps->len);

  prepared->numbers = atl_floats_new (atl_prepared_size (prepared) / sizeof (float),
                                      _ ("the weights"), error);
  if (prepared->numbers == NULL)
    return NULL;

  g_autoptr (AtlFloats)
      weight = atl_floats_new (largest_parameter (graph), _ ("the weights"), error);
  if (weight == NULL)
    return NULL;

  float *numbers = prepared->numbers;
  for (guint i = 0; i < prepared->steps->len; i++)
    {
      prepare_step (prepared, (int) i, parameters, numbers, weight);
      numbers += step_size (prepared, &g_array_index (prepared->steps, AtlStep, i));
    }

  return g_steal_pointer (&prepared);
}

void
atl_prepared_free (AtlPrepared *prepared)
{
  if (prepared == NULL)
    return;

  g_array_unref (prepared->steps);
  g_free (prepared->parameters);
  atl_floats_free (prepared->numbers);
  g_free (prepared);
}
