/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SrResnet: residual blocks at the small size, sub-pixel upsampling, a batch normalisation and a last
 * convolution at the large size.
 *
 * The blocks are those of Lim et al., "Enhanced Deep Residual Networks for Single Image
 * Super-Resolution", CVPR Workshops 2017, section 3.2: no normalisation, residuals scaled by 0.1. The
 * numbers in the parameters' names are the places in PyTorch's Sequential 'features'.
 */

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
  AtlGraph *g = atl_graph_new ("sr-resnet", 3);
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
