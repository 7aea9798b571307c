/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SrResnet: residual blocks at the small size, sub-pixel upsampling, a batch normalisation and a last
 * convolution at the large size.
 *
 * The blocks are those of Lim et al., "Enhanced Deep Residual Networks for Single Image
 * Super-Resolution", CVPR Workshops 2017, section 3.2: no normalisation, residuals scaled by 0.1. The
 * numbers in the parameters' names are the places in PyTorch's Sequential 'features'.
 */

#include <string.h>

#include "nets/network.h"

#define RESIDUAL_SCALE 0.1f

/* x + 0.1 conv (relu (conv (x))) */
static AtlNode
residual_block (AtlGraph *g, AtlNode x, int width, int place)
{
  g_autofree char *first = g_strdup_printf ("features.%d.m.0.0", place);
  g_autofree char *second = g_strdup_printf ("features.%d.m.1.0", place);

  AtlNode h = atl_graph_conv2d (g, x, first, width, 3, 1, 1);
  h = atl_graph_relu (g, h);
  h = atl_graph_conv2d (g, h, second, width, 3, 1, 1);

  return atl_graph_scaled_add (g, x, h, RESIDUAL_SCALE);
}

AtlGraph *
atl_sr_resnet_new (int scale, int width, int n_blocks)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "features.0.0", width, 3, 1, 1);
  int place = 1;

  for (int block = 0; block < n_blocks; block++)
    x = residual_block (g, x, width, place++);

  g_autofree char *trunk = g_strdup_printf ("features.%d.0", place++);
  x = atl_graph_conv2d (g, x, trunk, width, 3, 1, 1);

  /* A doubling is a convolution and a shuffle, two places in the inner Sequential. */
  for (int doubling = 0; 1 << doubling < scale; doubling++)
    {
      g_autofree char *shuffled = g_strdup_printf ("features.%d.%d.0", place, 2 * doubling);

      x = atl_graph_conv2d (g, x, shuffled, 4 * width, 3, 1, 1);
      x = atl_graph_pixel_shuffle (g, x, 2);
    }
  place++;

  g_autofree char *norm = g_strdup_printf ("features.%d", place++);
  x = atl_graph_batch_norm (g, x, norm);

  g_autofree char *last = g_strdup_printf ("features.%d.0", place);
  atl_graph_set_output (g, atl_graph_conv2d (g, x, last, 3, 3, 1, 1));

  return g;
}

/* weight: O x I x K x K. Output channels 0 to 2 (groups of them, where a shuffle follows) become copies of
 * the input's. The others lose the factor 2 of the variance that makes up for a ReLU: none follows. */
static void
pass_colours (float *weight, const AtlParameter *parameter)
{
  const int n_inputs = parameter->dims[1];
  const int kernel_size = parameter->dims[2] * parameter->dims[3];
  const int group = parameter->shuffle * parameter->shuffle;
  const size_t row_size = (size_t) n_inputs * (size_t) kernel_size;

  for (int o = 0; o < parameter->dims[0]; o++)
    {
      float *row = weight + (size_t) o * row_size;
      const int colour = o / group;

      if (colour >= 3)
        for (size_t i = 0; i < row_size; i++)
          row[i] *= (float) G_SQRT2 / 2.0f;
      else
        {
          memset (row, 0, row_size * sizeof row[0]);
          row[colour * kernel_size + kernel_size / 2] = 1.0f;
        }
    }
}

void
atl_sr_resnet_start_nearest (const AtlGraph *graph, float *parameters)
{
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (graph, i);
      float *values = parameters + parameter->offset;

      if (parameter->role != ATL_PARAMETER_WEIGHT)
        continue;
      if (strstr (parameter->name, ".m.") == NULL)
        pass_colours (values, parameter);
      else if (strstr (parameter->name, ".m.1.") != NULL)
        memset (values, 0, parameter->size * sizeof values[0]);
    }
}
