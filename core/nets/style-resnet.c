/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * StyleResnet: a picture mirrored far beyond its edges, shrunk to a quarter, five residual blocks that each lose two
 * pixels at every edge, and grown again.
 *
 * Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016, with
 * nearest-neighbour enlargement before the last convolutions (Odena, Dumoulin and Olah, "Deconvolution and
 * Checkerboard Artifacts", Distill 2016). The numbers in the parameters' names are the places in PyTorch's
 * Sequential 'features'.
 */

#include "nets/network.h"

/* The blocks lose 5 x 2 x 2 pixels of a quarter of the size, 40 of the whole, which is added before. */
#define MARGIN 40
#define N_BLOCKS 5

/* Convolution, ReLU, batch normalisation. 'place' is that of the three in the names. */
static AtlNode
conv_relu_norm (AtlGraph *g, AtlNode x, const char *place, int n_channels, int kernel, int stride,
                int padding)
{
  g_autofree char *conv = g_strconcat (place, ".0", NULL);
  g_autofree char *norm = g_strconcat (place, ".2", NULL);

  x = atl_graph_conv2d_without_bias (g, x, conv, n_channels, kernel, stride, padding);
  return atl_graph_batch_norm (g, atl_graph_relu (g, x), norm);
}

/* The middle of x plus two convolutions without padding. */
static AtlNode
residual_block (AtlGraph *g, AtlNode x, int n_channels, int place)
{
  g_autofree char *first = g_strdup_printf ("features.%d.m.0", place);
  g_autofree char *second = g_strdup_printf ("features.%d.m.1", place);
  const AtlNode h = conv_relu_norm (g, x, first, n_channels, 3, 1, 0);

  return atl_graph_scaled_add (g, x, conv_relu_norm (g, h, second, n_channels, 3, 1, 0), 1.0f);
}

AtlGraph *
atl_style_resnet_new (int width)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_reflection_pad (g, atl_graph_input (g), MARGIN);
  int place = 4;

  x = conv_relu_norm (g, x, "features.1", width, 9, 1, 4);
  x = conv_relu_norm (g, x, "features.2", 2 * width, 3, 2, 1);
  x = conv_relu_norm (g, x, "features.3", 4 * width, 3, 2, 1);

  for (int block = 0; block < N_BLOCKS; block++)
    x = residual_block (g, x, 4 * width, place++);

  for (int n_channels = 2 * width; n_channels >= width; n_channels /= 2)
    {
      g_autofree char *conv = g_strdup_printf ("features.%d.1", place++);

      x = conv_relu_norm (g, atl_graph_upsample (g, x, 2), conv, n_channels, 3, 1, 1);
    }

  /* The last has no ReLU: its normalisation gives the range of colours. */
  x = atl_graph_conv2d_without_bias (g, x, "features.11.0", 3, 9, 1, 4);
  atl_graph_set_output (g, atl_graph_batch_norm (g, x, "features.11.1"));
  return g;
}
