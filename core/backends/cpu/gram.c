/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gram matrices by the kernels of 1 x 1 convolutions. With F as both, x and the gradient dy, the gradient of such
 * a convolution's weights is
 *
 *   dw[c, d] = gain sum over p of F[c, p] F[d, p],
 *
 * the Gram matrix; and its gradient is a convolution of F with the weights (dG + dG^T) / (C P).
 */

#include "backends/cpu/kernels.h"

#include <string.h>

#include "base/memory.h"

/* The convolution of one image from all channels to all. */
static AtlConv2d
conv_of_shape (const AtlShape *shape)
{
  return (AtlConv2d) {
    .n = 1,
    .c_in = shape->c,
    .c_out = shape->c,
    .kernel = 1,
    .stride = 1,
    .h_in = shape->h,
    .w_in = shape->w,
    .h_out = shape->h,
    .w_out = shape->w,
  };
}

static size_t
size_of_image (const AtlShape *shape)
{
  return (size_t) atl_padded_channels (shape->c) * (size_t) shape->h * (size_t) shape->w;
}

static size_t
size_of_matrix (const AtlShape *shape)
{
  return (size_t) shape->c * (size_t) shape->c;
}

size_t
atl_cpu_gram_scratch_size (const AtlShape *shape)
{
  const AtlConv2d conv = conv_of_shape (shape);
  const AtlCpuKernels *k = atl_cpu_kernels ();
  const size_t forward = k->conv2d_weight->scratch_size (&conv, ATL_PASS_WEIGHT);
  const size_t backward = atl_floats_aligned (size_of_matrix (shape))
                          + atl_floats_aligned (
                              k->conv2d_direct->packed_size (&conv, ATL_PASS_FORWARD))
                          + k->conv2d_direct->scratch_size (&conv, ATL_PASS_FORWARD);

  return MAX (forward, backward);
}

void
atl_cpu_gram_forward (float *g, const float *f, const AtlShape *shape, float *scratch)
{
  const AtlConv2d conv = conv_of_shape (shape);
  const double n = (double) shape->c * shape->h * shape->w;

  memset (g, 0, (size_t) shape->n * size_of_matrix (shape) * sizeof (float));
  for (int image = 0; image < shape->n; image++)
    {
      atl_cpu_kernels ()->conv2d_weight->backward_weight (g, NULL, f, f, &conv, (float) (1.0 / n),
                                                          scratch);
      g += size_of_matrix (shape);
      f += size_of_image (shape);
    }
}

/* w = (dg + dg^T) / n, square by square, since rows and columns are read. */
static void
add_transposed (float *w, const float *dg, size_t C, double n)
{
  enum
  {
    SIDE = 16
  };

  for (size_t row = 0; row < C; row += SIDE)
    for (size_t column = 0; column < C; column += SIDE)
      for (size_t c = row; c < MIN (row + SIDE, C); c++)
        for (size_t d = column; d < MIN (column + SIDE, C); d++)
          w[c * C + d] = (float) (((double) dg[c * C + d] + dg[d * C + c]) / n);
}

void
atl_cpu_gram_backward (float *df, const float *dg, const float *f, const AtlShape *shape,
                       float *scratch)
{
  const AtlCpuConv2d *way = atl_cpu_kernels ()->conv2d_direct;
  const AtlConv2d conv = conv_of_shape (shape);
  const double n = (double) shape->c * shape->h * shape->w;
  float *weight = scratch;
  float *packed = weight + atl_floats_aligned (size_of_matrix (shape));
  float *rest = packed + atl_floats_aligned (way->packed_size (&conv, ATL_PASS_FORWARD));

  for (int image = 0; image < shape->n; image++)
    {
      const AtlConvEpilogue add = {
        .residual = df, .residual_h = shape->h, .residual_w = shape->w, .gain = 1.0f
      };

      add_transposed (weight, dg, (size_t) shape->c, n);
      way->pack (packed, weight, &conv, ATL_PASS_FORWARD);
      way->forward (df, f, packed, &conv, &add, rest);

      dg += size_of_matrix (shape);
      df += size_of_image (shape);
      f += size_of_image (shape);
    }
}
