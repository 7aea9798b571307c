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

void
atl_graph_norm_scale_shift (float *scale, float *shift, const AtlGraph *graph, AtlNode norm,
                            const float *parameters)
{
  const int n_channels = atl_graph_node (graph, norm)->channels;
  const float *gamma = parameters + atl_graph_parameter_offset (graph, norm, ATL_NORM_GAMMA);
  const float *beta = parameters + atl_graph_parameter_offset (graph, norm, ATL_NORM_BETA);
  const float *mean = parameters + atl_graph_parameter_offset (graph, norm, ATL_NORM_MEAN);
  const float *variance = parameters + atl_graph_parameter_offset (graph, norm, ATL_NORM_VARIANCE);

  for (int c = 0; c < n_channels; c++)
    {
      const double s = gamma[c] / sqrt ((double) variance[c] + (double) ATL_BATCH_NORM_EPSILON);

      scale[c] = (float) s;
      shift[c] = (float) (beta[c] - mean[c] * s);
    }
}

/* w: O x I x K x K and b: O, changed in place. Channel o of the convolution becomes channel
 * o / factor^2 of the normalisation. */
static void
fold_norm (float *w, float *b, const AtlGraph *graph, const AtlStep *step, const float *parameters)
{
  const AtlConv2d kind = atl_step_conv2d_kind (step, graph);
  const size_t n_norm = (size_t) atl_graph_node (graph, step->norm_in_weights)->channels;
  const size_t kernel_size = (size_t) kind.c_in * kind.kernel * kind.kernel;
  const int group = step->norm_factor * step->norm_factor;
  g_autofree float *scale = g_new (float, n_norm);
  g_autofree float *shift = g_new (float, n_norm);

  atl_graph_norm_scale_shift (scale, shift, graph, step->norm_in_weights, parameters);
  for (int o = 0; o < kind.c_out; o++)
    {
      for (size_t i = 0; i < kernel_size; i++)
        w[(size_t) o * kernel_size + i] *= scale[o / group];
      b[o] = b[o] * scale[o / group] + shift[o / group];
    }
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
  const AtlGraphNode *node = atl_graph_node (graph, step->node);
  const size_t weight_size = atl_graph_parameter (graph, node->parameters[ATL_CONV_WEIGHT])->size;
  const AtlPass pass = atl_step_forward_pass (step);
  float *packed = numbers;
  float *bias = packed + atl_floats_aligned (prepared->backend->conv2d_packed_size (&kind, pass));

  memcpy (weight, parameters + atl_graph_parameter_offset (graph, step->node, ATL_CONV_WEIGHT),
          weight_size * sizeof (float));
  /* Without one it is zero, but what is folded into the weights may make one. */
  if (node->parameters[ATL_CONV_BIAS] != ATL_NO_PARAMETER)
    memcpy (bias, parameters + atl_graph_parameter_offset (graph, step->node, ATL_CONV_BIAS),
            (size_t) node->channels * sizeof (float));
  if (step->norm_in_weights != ATL_NO_NODE)
    fold_norm (weight, bias, graph, step, parameters);
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
