/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small networks that use every operator in every way that the plans treat apart.
 */

#include "networks.h"

#include <math.h>

#include "base/memory.h"
#include "nets/network.h"

static AtlGraph *
sr_resnet_2 (void)
{
  return atl_sr_resnet_new (2, 5, 2);
}

static AtlGraph *
sr_resnet_4 (void)
{
  return atl_sr_resnet_new (4, 8, 1);
}

/* Normalisation after ReLU, then a residual: the epilogue with all its members. */
static AtlGraph *
style_block (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "first", 9, 5, 1, 2);

  x = atl_graph_batch_norm (g, atl_graph_relu (g, x), "norm0");
  AtlNode h = atl_graph_conv2d (g, x, "second", 9, 3, 1, 1);
  h = atl_graph_batch_norm (g, atl_graph_relu (g, h), "norm1");
  h = atl_graph_scaled_add (g, x, h, 0.5f);
  atl_graph_set_output (g, atl_graph_conv2d (g, h, "last", 4, 1, 1, 0));
  return g;
}

/* Stride 2, operators that stand alone, and tensors of which two readers want different parts. */
static AtlGraph *
loose_ends (void)
{
  AtlGraph *g = atl_graph_new (2);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "down", 8, 3, 2, 1);
  AtlNode r = atl_graph_relu (g, x); /* x has two readers: the ReLU stands alone */
  AtlNode wide = atl_graph_conv2d (g, x, "wide", 8, 5, 1, 2);
  AtlNode sum = atl_graph_scaled_add (g, wide, r, -0.7f);
  AtlNode n = atl_graph_batch_norm (g, sum, "norm"); /* after an add: it stands alone */
  AtlNode s = atl_graph_pixel_shuffle (g, n, 2);
  AtlNode n2 = atl_graph_relu (g, s);
  AtlNode h = atl_graph_conv2d (g, s, "high", 2, 3, 1, 1);
  AtlNode both = atl_graph_scaled_add (g, h, n2, 2.0f);
  atl_graph_set_output (g, atl_graph_scaled_add (g, both, n2, 0.3f));
  return g;
}

/* Ends in a shuffle, so that a part of the result is cut out of whole cells; padding smaller and larger
 * than half the kernel. */
static AtlGraph *
ends_in_shuffle (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "valid", 6, 3, 1, 0);

  x = atl_graph_relu (g, atl_graph_conv2d (g, x, "full", 18, 3, 1, 2));
  atl_graph_set_output (g, atl_graph_pixel_shuffle (g, x, 3));
  return g;
}

/* A residual block as ResNet has them: normalisation in the weights of convolutions without biases, a ReLU after
 * the sum, and a shortcut that shrinks. */
static AtlGraph *
residual_blocks (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d_without_bias (g, atl_graph_input (g), "stem", 8, 7, 2, 3);

  x = atl_graph_relu (g, atl_graph_batch_norm (g, x, "stem-norm"));
  x = atl_graph_max_pool (g, x, 3, 2, 1);

  AtlNode shortcut = atl_graph_conv2d_without_bias (g, x, "down", 12, 1, 2, 0);
  shortcut = atl_graph_batch_norm (g, shortcut, "down-norm");
  AtlNode h = atl_graph_conv2d_without_bias (g, x, "conv1", 12, 3, 2, 1);
  h = atl_graph_relu (g, atl_graph_batch_norm (g, h, "norm1"));
  h = atl_graph_conv2d_without_bias (g, h, "conv2", 12, 3, 1, 1);
  h = atl_graph_batch_norm (g, h, "norm2");
  x = atl_graph_relu (g, atl_graph_scaled_add (g, shortcut, h, 1.0f));
  atl_graph_set_output (g, x);
  return g;
}

/* Grown by transposed convolutions and joined with what was there before it shrank; a tensor is joined with
 * itself. */
static AtlGraph *
small_unet (void)
{
  AtlGraph *g = atl_graph_new (2);
  AtlNode wide = atl_graph_relu (g, atl_graph_conv2d (g, atl_graph_input (g), "in", 5, 3, 1, 1));
  AtlNode deep = atl_graph_relu (
      g, atl_graph_conv2d (g, atl_graph_max_pool (g, wide, 2, 2, 0), "deep", 9, 3, 1, 1));
  AtlNode up = atl_graph_conv_transpose2d (g, deep, "up", 8);
  AtlNode side = atl_graph_conv2d (g, wide, "side", 6, 1, 1, 0);
  AtlNode both = atl_graph_batch_norm (g, atl_graph_relu (g, atl_graph_concat (g, up, side)),
                                       "norm");

  both = atl_graph_concat (g, both, both);
  both = atl_graph_relu (g, atl_graph_conv_transpose2d (g, both, "up2", 6));
  atl_graph_set_output (
      g, atl_graph_conv_transpose2d (g, atl_graph_batch_norm (g, both, "norm2"), "last", 1));
  return g;
}

/* Mirrored edges, stride 2, residuals cut to the middle, nearest enlargement. */
static AtlGraph *
small_style (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_reflection_pad (g, atl_graph_input (g), 6);

  x = atl_graph_relu (g, atl_graph_conv2d_without_bias (g, x, "first", 8, 5, 1, 2));
  x = atl_graph_batch_norm (g, x, "norm0");
  x = atl_graph_relu (g, atl_graph_conv2d_without_bias (g, x, "shrink", 16, 3, 2, 1));
  x = atl_graph_batch_norm (g, x, "norm1");

  AtlNode h = atl_graph_relu (g, atl_graph_conv2d_without_bias (g, x, "block1", 16, 3, 1, 0));
  h = atl_graph_conv2d (g, atl_graph_batch_norm (g, h, "norm2"), "block2", 16, 3, 1, 0);
  h = atl_graph_batch_norm (g, atl_graph_relu (g, h), "norm3");
  x = atl_graph_scaled_add (g, x, h, 1.0f);

  x = atl_graph_conv2d (g, atl_graph_upsample (g, x, 2), "grow", 8, 3, 1, 1);
  AtlNode low = atl_graph_conv2d (g, x, "narrow", 8, 3, 1, 0);
  x = atl_graph_scaled_add (g, x, atl_graph_relu (g, low), 0.5f); /* cut, and not a convolution's */
  atl_graph_set_output (g, atl_graph_conv2d (g, x, "last", 3, 5, 1, 2));
  return g;
}

/* Steps that read one tensor twice: as what they work on, and as the residual. */
static AtlGraph *
short_residuals (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_relu (g, atl_graph_conv2d (g, atl_graph_input (g), "first", 16, 3, 1, 1));

  x = atl_graph_scaled_add (g, x, atl_graph_conv2d (g, x, "winograd", 16, 3, 1, 1), 0.5f);
  x = atl_graph_scaled_add (g, x, atl_graph_batch_norm (g, x, "norm"), -0.5f);
  x = atl_graph_relu (g, x);
  x = atl_graph_scaled_add (g, x, atl_graph_conv2d (g, x, "direct", 16, 5, 1, 2), 0.5f);
  x = atl_graph_relu (g, atl_graph_scaled_add (g, x, x, 0.5f));
  atl_graph_set_output (g, x);
  return g;
}

/* Normalisations that read the input, and a transposed convolution that is added with a gain. */
static AtlGraph *
two_norms_of_the_input (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode a = atl_graph_batch_norm (g, atl_graph_input (g), "norm1");
  AtlNode b = atl_graph_batch_norm (g, atl_graph_input (g), "norm2");
  AtlNode sum = atl_graph_scaled_add (g, a, b, 0.7f);
  AtlNode large = atl_graph_conv_transpose2d (g, sum, "large", 6);
  AtlNode low = atl_graph_relu (g, atl_graph_conv2d (g, sum, "low", 5, 3, 1, 1));

  large = atl_graph_scaled_add (g, large, atl_graph_conv_transpose2d (g, low, "grow", 6), 0.5f);
  atl_graph_set_output (g, large);
  return g;
}

/* Tensors whose gradient also comes from outside: of a ReLU, a sum, a normalisation and a convolution, each with other
 * readers too. */
static AtlGraph *
taps_among_readers (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_relu (g, atl_graph_conv2d (g, atl_graph_input (g), "first", 8, 3, 1, 1));
  AtlNode sum = atl_graph_scaled_add (g, x, atl_graph_conv2d (g, x, "block1", 8, 3, 1, 1), 0.5f);
  AtlNode norm = atl_graph_batch_norm (g, sum, "norm");
  AtlNode deep = atl_graph_conv2d (g, atl_graph_relu (g, norm), "block2", 8, 3, 1, 1);

  atl_graph_add_tap (g, x);
  atl_graph_add_tap (g, sum);
  atl_graph_add_tap (g, norm);
  atl_graph_add_tap (g, deep);
  deep = atl_graph_max_pool (g, atl_graph_relu (g, deep), 3, 1, 1);
  atl_graph_set_output (g, atl_graph_scaled_add (g, norm, deep, -0.5f));
  return g;
}

/* As SqueezeNet has them: poolings whose last windows hang over the edge, and two convolutions of one tensor joined. */
static AtlGraph *
fire_modules (void)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_relu (g, atl_graph_conv2d (g, atl_graph_input (g), "first", 8, 3, 1, 1));

  for (int i = 0; i < 2; i++)
    {
      g_autofree char *squeeze = g_strdup_printf ("squeeze%d", i);
      g_autofree char *small = g_strdup_printf ("small%d", i);
      g_autofree char *large = g_strdup_printf ("large%d", i);

      atl_graph_add_tap (g, x);
      x = atl_graph_max_pool_ceil (g, x, 3, 2, 0);
      x = atl_graph_relu (g, atl_graph_conv2d (g, x, squeeze, 5, 1, 1, 0));
      x = atl_graph_concat (g, atl_graph_relu (g, atl_graph_conv2d (g, x, small, 8, 1, 1, 0)),
                            atl_graph_relu (g, atl_graph_conv2d (g, x, large, 9, 3, 1, 1)));
    }
  atl_graph_set_output (g, x);
  return g;
}

/* Wide enough for Winograd's way to shuffle. */
static AtlGraph *
sr_resnet_wide (void)
{
  return atl_sr_resnet_new (2, 16, 1);
}

const AtlTestNetwork atl_test_networks[] = {
  { "SrResnet x2", sr_resnet_2 },
  { "SrResnet x4", sr_resnet_4 },
  { "style block", style_block },
  { "loose ends", loose_ends },
  { "ends in a shuffle", ends_in_shuffle },
  { "residual blocks", residual_blocks },
  { "small U-Net", small_unet, 2 },
  { "small style network", small_style },
  { "short residuals", short_residuals },
  { "two norms of the input", two_norms_of_the_input },
  { "taps among readers", taps_among_readers },
  { "fire modules", fire_modules },
  { "SrResnet of width 16", sr_resnet_wide, 0, TRUE },
};

const int atl_n_test_networks = G_N_ELEMENTS (atl_test_networks);

int
atl_test_side (const AtlTestNetwork *network, int side)
{
  const int multiple = MAX (network->multiple, 1);

  return (side + multiple - 1) / multiple * multiple;
}

float *
atl_test_numbers (size_t n, AtlRandom *random)
{
  float *numbers = atl_floats_new (n, "a test", NULL);

  for (size_t i = 0; i < n; i++)
    numbers[i] = (float) atl_random_normal (random);
  return numbers;
}

float *
atl_test_parameters (const AtlGraph *graph, AtlRandom *random)
{
  float *parameters = atl_floats_new (atl_graph_parameters_size (graph), "a test", NULL);

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);
      float *values = parameters + p->offset;
      const double spread = p->n_dims == 4 ? 1.0 / sqrt ((double) p->size / p->dims[0]) : 0.3;

      for (size_t k = 0; k < p->size; k++)
        {
          values[k] = (float) (spread * atl_random_normal (random));
          if (p->role == ATL_PARAMETER_RUNNING_VARIANCE)
            values[k] = 0.5f + fabsf (values[k]);
          if (p->role == ATL_PARAMETER_GAMMA)
            values[k] += 1.0f;
        }
    }

  return parameters;
}
