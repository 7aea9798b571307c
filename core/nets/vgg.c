/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The networks whose features losses compare: VGG16 with batch normalisation, and a thin VGG19. Their taps are the
 * ReLUs before each max pooling.
 *
 * Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, table 1.
 */

#include "nets/network.h"

/* Convolutions between two poolings. */
typedef struct
{
  int n_convs, n_channels;
} Stage;

/* torchvision's names: features.N, each convolution, normalisation, ReLU and pooling having a number. */
AtlGraph *
atl_vgg16_bn_new (int n_stages)
{
  static const Stage stages[ATL_VGG_STAGES] = {
    { 2, 64 }, { 2, 128 }, { 3, 256 }, { 3, 512 }, { 3, 512 }
  };
  AtlGraph *g = atl_graph_new (3);
  /* ImageNet's mean and deviation of colours, as a normalisation that is never trained. */
  AtlNode x = atl_graph_batch_norm (g, atl_graph_input (g), "input");
  int place = 0;

  for (int s = 0; s < MIN (n_stages, ATL_VGG_STAGES); s++)
    {
      if (s > 0)
        {
          x = atl_graph_max_pool (g, x, 2, 2, 0);
          place++;
        }
      for (int i = 0; i < stages[s].n_convs; i++, place += 3)
        {
          g_autofree char *conv = g_strdup_printf ("features.%d", place);
          g_autofree char *norm = g_strdup_printf ("features.%d", place + 1);

          x = atl_graph_conv2d (g, x, conv, stages[s].n_channels, 3, 1, 1);
          x = atl_graph_relu (g, atl_graph_batch_norm (g, x, norm));
        }
      atl_graph_add_tap (g, x);
    }
  atl_graph_set_output (g, x);
  return g;
}

/* What all of torchvision's networks want done to a picture before they see it: (x - mean) / deviation, of numbers from
 * 0 to 1. The numbers are ImageNet's, https://pytorch.org/vision/stable/models.html. */
gboolean
atl_vgg16_bn_supply (const AtlParameter *parameter, float *values)
{
  static const double means[] = { 0.485, 0.456, 0.406 };
  static const double deviations[] = { 0.229, 0.224, 0.225 };

  if (! g_str_has_prefix (parameter->name, "input."))
    return FALSE;

  for (int c = 0; c < 3; c++)
    switch (parameter->role)
      {
      case ATL_PARAMETER_RUNNING_MEAN:
        values[c] = (float) means[c];
        break;
      case ATL_PARAMETER_RUNNING_VARIANCE:
        values[c] = (float) (deviations[c] * deviations[c] - (double) ATL_BATCH_NORM_EPSILON);
        break;
      case ATL_PARAMETER_GAMMA:
        values[c] = 1.0f;
        break;
      case ATL_PARAMETER_BETA:
      case ATL_PARAMETER_WEIGHT:
      case ATL_PARAMETER_BIAS:
        values[c] = 0.0f;
        break;
      }
  return TRUE;
}

/* VGG19 up to relu5_1, distilled to a quarter of its channels: Wang, Li, Wang, Hu and Yang, "Collaborative Distillation
 * for Ultra-Resolution Universal Style Transfer", CVPR 2020. Its first convolution swaps red and blue and takes off
 * the mean; edges are mirrored. */
AtlGraph *
atl_vgg19_16x_new (int n_stages)
{
  static const Stage stages[ATL_VGG_STAGES] = {
    { 2, 16 }, { 2, 32 }, { 4, 64 }, { 4, 128 }, { 1, 128 }
  };
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "conv0", 3, 1, 1, 0);

  for (int s = 0; s < MIN (n_stages, ATL_VGG_STAGES); s++)
    {
      if (s > 0)
        x = atl_graph_max_pool (g, x, 2, 2, 0);
      for (int i = 0; i < stages[s].n_convs; i++)
        {
          g_autofree char *conv = g_strdup_printf ("conv%d%d", s + 1, i + 1);

          x = atl_graph_reflection_pad (g, x, 1);
          x = atl_graph_relu (g, atl_graph_conv2d (g, x, conv, stages[s].n_channels, 3, 1, 0));
        }
      atl_graph_add_tap (g, x);
    }
  atl_graph_set_output (g, x);
  return g;
}
