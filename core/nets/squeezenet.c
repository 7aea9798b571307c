/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SqueezeNet 1.0 up to its last features, as a judge of pictures: its taps are what is pooled, and the last features.
 *
 * Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
 * < 0.5 MB model size", 2016, table 1 and figure 2, left. Sides are rounded up by the poolings, as in the authors' own
 * network, for Caffe.
 */

#include "nets/network.h"

/* Channels of a fire module: what it is squeezed to, and of each of its two expanding convolutions. */
typedef struct
{
  int n_squeezed, n_expanded;
  gboolean is_pooled; /* behind it */
} Fire;

/* Fire modules have numbers from 2 on: conv1 is the first layer. */
#define FIRST_FIRE 2

static AtlNode
conv_relu (AtlGraph *g, AtlNode x, int fire, const char *what, int n_channels, int kernel)
{
  g_autofree char *name = g_strdup_printf ("fire%d_%s", fire, what);

  return atl_graph_relu (g, atl_graph_conv2d (g, x, name, n_channels, kernel, 1, kernel / 2));
}

AtlGraph *
atl_squeezenet_new (void)
{
  static const Fire fires[] = { { 16, 64 },  { 16, 64 },  { 32, 128, TRUE }, { 32, 128 },
                                { 48, 192 }, { 48, 192 }, { 64, 256, TRUE }, { 64, 256 } };
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_relu (g, atl_graph_conv2d (g, atl_graph_input (g), "conv1", 96, 7, 2, 0));

  atl_graph_add_tap (g, x);
  x = atl_graph_max_pool_ceil (g, x, 3, 2, 0);
  for (int i = 0; i < (int) G_N_ELEMENTS (fires); i++)
    {
      const int number = FIRST_FIRE + i, n_expanded = fires[i].n_expanded;

      x = conv_relu (g, x, number, "squeeze1x1", fires[i].n_squeezed, 1);
      x = atl_graph_concat (g, conv_relu (g, x, number, "expand1x1", n_expanded, 1),
                            conv_relu (g, x, number, "expand3x3", n_expanded, 3));
      if (! fires[i].is_pooled)
        continue;
      atl_graph_add_tap (g, x);
      x = atl_graph_max_pool_ceil (g, x, 3, 2, 0);
    }
  atl_graph_add_tap (g, x);
  atl_graph_set_output (g, x);
  return g;
}
