/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The trunk of a residual network of two-convolution blocks, ResNet-18 or ResNet-34: what is left without the pooling
 * and the classifier at its end.
 *
 * He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1. The numbers in the
 * parameters' names are the places in PyTorch's Sequential 'rn': 0 convolution, 1 normalisation, 2 ReLU, 3 pooling,
 * 4 to 7 the four layers of blocks.
 */

#include "nets/resnet.h"

/* Two convolutions and a shortcut, which is a convolution of its own where the sizes differ. */
static AtlNode
basic_block (AtlGraph *g, AtlNode x, const char *name, int n_channels, int stride, gboolean shrinks)
{
  g_autofree char *conv1 = g_strconcat (name, ".conv1", NULL);
  g_autofree char *bn1 = g_strconcat (name, ".bn1", NULL);
  g_autofree char *conv2 = g_strconcat (name, ".conv2", NULL);
  g_autofree char *bn2 = g_strconcat (name, ".bn2", NULL);
  g_autofree char *conv = g_strconcat (name, ".downsample.0", NULL);
  g_autofree char *bn = g_strconcat (name, ".downsample.1", NULL);
  AtlNode shortcut = x;

  if (shrinks)
    {
      shortcut = atl_graph_conv2d_without_bias (g, x, conv, n_channels, 1, stride, 0);
      shortcut = atl_graph_batch_norm (g, shortcut, bn);
    }

  x = atl_graph_conv2d_without_bias (g, x, conv1, n_channels, 3, stride, 1);
  x = atl_graph_relu (g, atl_graph_batch_norm (g, x, bn1));
  x = atl_graph_conv2d_without_bias (g, x, conv2, n_channels, 3, 1, 1);
  x = atl_graph_batch_norm (g, x, bn2);

  return atl_graph_relu (g, atl_graph_scaled_add (g, shortcut, x, 1.0f));
}

AtlTrunk
atl_resnet_trunk (AtlGraph *g, AtlNode x, int depth)
{
  static const int blocks_18[ATL_TRUNK_LAYERS] = { 2, 2, 2, 2 };
  static const int blocks_34[ATL_TRUNK_LAYERS] = { 3, 4, 6, 3 };
  const int *n_blocks = depth == 18 ? blocks_18 : blocks_34;
  AtlTrunk trunk;

  x = atl_graph_conv2d_without_bias (g, x, "rn.0", 64, 7, 2, 3);
  x = atl_graph_relu (g, atl_graph_batch_norm (g, x, "rn.1"));
  trunk.stem = x;
  x = atl_graph_max_pool (g, x, 3, 2, 1);

  for (int layer = 0; layer < ATL_TRUNK_LAYERS; layer++)
    {
      for (int block = 0; block < n_blocks[layer]; block++)
        {
          g_autofree char *name = g_strdup_printf ("rn.%d.%d", 4 + layer, block);
          const gboolean shrinks = layer > 0 && block == 0;

          x = basic_block (g, x, name, 64 << layer, shrinks ? 2 : 1, shrinks);
        }
      trunk.layers[layer] = x;
    }
  return trunk;
}
