/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Upsample34: a ResNet-34 trunk, of whose last features alone a mask is grown. The simplest decoder there is, to which
 * a U-Net is compared.
 *
 * The numbers in the parameters' names are the places in PyTorch's Sequential 'features', whose first is the trunk.
 */

#include "nets/network.h"
#include "nets/resnet.h"

#define N_CHANNELS 256
#define N_STEPS 4 /* each to twice the size; a fifth makes the classes */

AtlGraph *
atl_upsample34_new (int n_classes)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_resnet_trunk (g, atl_graph_input (g), 34).layers[3];
  int place = 2;

  for (int step = 0; step < N_STEPS; step++, place++)
    {
      g_autofree char *conv = g_strdup_printf ("features.%d.conv", place);
      g_autofree char *bn = g_strdup_printf ("features.%d.bn", place);

      x = atl_graph_relu (g, atl_graph_conv_transpose2d (g, x, conv, N_CHANNELS));
      x = atl_graph_batch_norm (g, x, bn);
    }

  g_autofree char *last = g_strdup_printf ("features.%d", place);
  atl_graph_set_output (g, atl_graph_conv_transpose2d (g, x, last, n_classes));
  return g;
}
