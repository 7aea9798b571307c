/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Unet34: a ResNet-34 trunk, and a decoder that grows its features step by step, joining at each size what the trunk
 * had there.
 *
 * Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, with
 * a trained trunk in the place of the shrinking half.
 */

#include "nets/network.h"
#include "nets/resnet.h"

/* Channels that each step of the decoder makes. */
#define N_CHANNELS 256

/* bn (relu (tr_conv (up) joined with x_conv (x))): half of the channels each. */
static AtlNode
unet_block (AtlGraph *g, AtlNode up, AtlNode x, int place)
{
  g_autofree char *tr_conv = g_strdup_printf ("up%d.tr_conv", place);
  g_autofree char *x_conv = g_strdup_printf ("up%d.x_conv", place);
  g_autofree char *bn = g_strdup_printf ("up%d.bn", place);

  up = atl_graph_conv_transpose2d (g, up, tr_conv, N_CHANNELS / 2);
  x = atl_graph_conv2d (g, x, x_conv, N_CHANNELS / 2, 1, 1, 0);
  return atl_graph_batch_norm (g, atl_graph_relu (g, atl_graph_concat (g, up, x)), bn);
}

AtlGraph *
atl_unet34_new (int n_classes)
{
  AtlGraph *g = atl_graph_new (3);
  const AtlTrunk trunk = atl_resnet_trunk (g, atl_graph_input (g), 34);

  /* The lesson's ReLU behind the trunk changes nothing: the last layer ends in one. */
  AtlNode x = unet_block (g, trunk.layers[3], trunk.layers[2], 1);
  x = unet_block (g, x, trunk.layers[1], 2);
  x = unet_block (g, x, trunk.layers[0], 3);
  x = unet_block (g, x, trunk.stem, 4);
  atl_graph_set_output (g, atl_graph_conv_transpose2d (g, x, "up5", n_classes));
  return g;
}
