/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Convolution (as networks call it: the kernel is not flipped) with stride s and padding p.
 *
 *   z[n, o, r, q] = sum over i, a, b of  w[o, i, a, b] x[n, i, r s + a - p_top, q s + b - p_left]
 *
 *   dx[n, i, h, v]  = gain  sum over o, a, b of  w[o, i, a, b] dy[n, o, (h + p_top - a) / s,
 *                                                                      (v + p_left - b) / s]
 *   dw[o, i, a, b] += gain  sum over n, r, q of  dy[n, o, r, q] x[n, i, r s + a - p_top,
 *                                                                 q s + b - p_left]
 *   db[o]          += gain  sum over n, r, q of  dy[n, o, r, q]
 *
 * x counts as zero outside its rows and columns; dy outside its own, and where s does not divide.
 * Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
 *
 * Shapes:  x, dx  N x C_in x H_in x W_in      y, dy  N x C_out x H_out x W_out
 *          w, dw  C_out x C_in x K x K        b, db  C_out
 */

#include <string.h>

#include "backends/reference/reference.h"

static AtlShape
input_shape (const AtlConv2d *conv)
{
  return (AtlShape) { conv->n, conv->c_in, conv->h_in, conv->w_in };
}

static AtlShape
output_shape (const AtlConv2d *conv)
{
  return (AtlShape) { conv->n, conv->c_out, conv->h_out, conv->w_out };
}

static AtlShape
weight_shape (const AtlConv2d *conv)
{
  return (AtlShape) { conv->c_out, conv->c_in, conv->kernel, conv->kernel };
}

/* Weights are read in PyTorch's order: packing copies. */
size_t
atl_conv2d_packed_size_reference (const AtlConv2d *conv, AtlPass pass)
{
  const AtlShape shape = weight_shape (conv);

  return pass == ATL_PASS_WEIGHT ? 0 : atl_shape_size (&shape);
}

void
atl_conv2d_pack_reference (float *packed, const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  memcpy (packed, weight, atl_conv2d_packed_size_reference (conv, pass) * sizeof (float));
}

size_t
atl_conv2d_scratch_size_reference (const AtlConv2d *conv, AtlPass pass)
{
  return 0;
}

/* z[n, o, r, q] */
static double
convolve (const float *x, const float *w, const AtlConv2d *conv, int n, int o, int r, int q)
{
  const int f = MAX (conv->enlargement, 1);
  const AtlShape shape_x = { conv->n, conv->c_in, conv->h_in / f, conv->w_in / f };
  const AtlShape shape_w = weight_shape (conv);
  double z = 0.0;

  for (int i = 0; i < conv->c_in; i++)
    for (int a = 0; a < conv->kernel; a++)
      for (int b = 0; b < conv->kernel; b++)
        {
          const int row = r * conv->stride + a - conv->pad_top;
          const int column = q * conv->stride + b - conv->pad_left;

          if (row >= 0 && row < conv->h_in && column >= 0 && column < conv->w_in)
            z += (double) w[atl_nchw (&shape_w, o, i, a, b)]
                 * x[atl_nchw (&shape_x, n, i, row / f, column / f)];
        }

  return z;
}

static double
bias_of (const AtlConvEpilogue *epilogue, int o)
{
  return epilogue->bias != NULL ? epilogue->bias[o] : 0.0;
}

/* The shape of the tensor that y, of n x n_channels x h x w, is a part of. */
static AtlShape
stored_shape (const AtlConvEpilogue *epilogue, int n, int n_channels, int h, int w)
{
  return (AtlShape) { n, epilogue->y_channels > 0 ? epilogue->y_channels : n_channels, h, w };
}

/* Stores y[n, o, r, q] of n_channels, from z with its bias; 'shape_y' is that of the tensor in memory. */
static void
store (float *y, const AtlShape *shape_y, double z, int n_channels, const AtlConvEpilogue *epilogue,
       int n, int o, int r, int q)
{
  const size_t at = atl_nchw (shape_y, n, epilogue->y_channel + o, r, q);

  if (epilogue->relu && z < 0.0)
    z = 0.0;
  if (epilogue->scale != NULL)
    z *= epilogue->scale[o];
  if (epilogue->shift != NULL)
    z += epilogue->shift[o];
  if (epilogue->residual != NULL)
    {
      const AtlShape shape = { 0, n_channels, epilogue->residual_h, epilogue->residual_w };
      const size_t i = atl_nchw (&shape, n, o, r + epilogue->residual_top,
                                 q + epilogue->residual_left);

      z = epilogue->residual[i] + (double) epilogue->gain * z;
    }
  if (epilogue->relu_last && z < 0.0)
    z = 0.0;
  if (epilogue->mask != NULL && ! (epilogue->mask[at] > 0.0f))
    z = 0.0;
  y[at] = (float) z;
}

void
atl_conv2d_forward_reference (float *y, const float *x, const float *packed, const AtlConv2d *conv,
                              const AtlConvEpilogue *epilogue, float *scratch)
{
  const int f = MAX (conv->shuffle, 1), n_channels = conv->c_out / (f * f);
  const AtlShape shape_y = stored_shape (epilogue, conv->n, n_channels, conv->h_out * f,
                                         conv->w_out * f);

  for (int n = 0; n < conv->n; n++)
    for (int o = 0; o < conv->c_out; o++)
      for (int r = 0; r < conv->h_out; r++)
        for (int q = 0; q < conv->w_out; q++)
          {
            const int c = o / (f * f), row = r * f + o % (f * f) / f, column = q * f + o % f;
            const double z = convolve (x, packed, conv, n, o, r, q) + bias_of (epilogue, o);

            store (y, &shape_y, z, n_channels, epilogue, n, c, row, column);
          }
}

/* The row (or column) of dy that meets row h of dx through row a of the kernel, or -1 for none. */
static int
output_row (int h, int a, int pad, int stride, int n_rows)
{
  const int steps = h + pad - a;

  return steps >= 0 && steps % stride == 0 && steps / stride < n_rows ? steps / stride : -1;
}

/* dx[n, i, h, v] without the gain */
static double
convolve_back (const float *dy, const float *w, const AtlConv2d *conv, int n, int i, int h, int v)
{
  const AtlShape shape_dy = output_shape (conv), shape_w = weight_shape (conv);
  double sum = 0.0;

  for (int o = 0; o < conv->c_out; o++)
    for (int a = 0; a < conv->kernel; a++)
      for (int b = 0; b < conv->kernel; b++)
        {
          const int r = output_row (h, a, conv->pad_top, conv->stride, conv->h_out);
          const int q = output_row (v, b, conv->pad_left, conv->stride, conv->w_out);

          if (r >= 0 && q >= 0)
            sum += (double) w[atl_nchw (&shape_w, o, i, a, b)]
                   * dy[atl_nchw (&shape_dy, n, o, r, q)];
        }

  return sum;
}

void
atl_conv2d_backward_data_reference (float *dx, const float *dy, const float *packed,
                                    const AtlConv2d *conv, float gain, gboolean accumulate,
                                    const float *mask, float *scratch)
{
  const AtlShape shape_dx = input_shape (conv);

  for (int n = 0; n < conv->n; n++)
    for (int i = 0; i < conv->c_in; i++)
      for (int h = 0; h < conv->h_in; h++)
        for (int v = 0; v < conv->w_in; v++)
          {
            const size_t at = atl_nchw (&shape_dx, n, i, h, v);
            const double before = accumulate ? dx[at] : 0.0;

            dx[at] = (float) (before + gain * convolve_back (dy, packed, conv, n, i, h, v));
            if (mask != NULL && ! (mask[at] > 0.0f))
              dx[at] = 0.0f;
          }
}

/* y is of the shape of dx, x of dy. */
void
atl_conv_transpose2d_forward_reference (float *y, const float *x, const float *packed,
                                        const AtlConv2d *conv, const AtlConvEpilogue *epilogue,
                                        float *scratch)
{
  const AtlShape shape_y = stored_shape (epilogue, conv->n, conv->c_in, conv->h_in, conv->w_in);

  for (int n = 0; n < conv->n; n++)
    for (int i = 0; i < conv->c_in; i++)
      for (int h = 0; h < conv->h_in; h++)
        for (int v = 0; v < conv->w_in; v++)
          {
            const double z = convolve_back (x, packed, conv, n, i, h, v) + bias_of (epilogue, i);

            store (y, &shape_y, z, conv->c_in, epilogue, n, i, h, v);
          }
}

/* dw[o, i, a, b] without the gain */
static double
correlate (const float *x, const float *dy, const AtlConv2d *conv, int o, int i, int a, int b)
{
  const AtlShape shape_x = input_shape (conv), shape_dy = output_shape (conv);
  double sum = 0.0;

  for (int n = 0; n < conv->n; n++)
    for (int r = 0; r < conv->h_out; r++)
      for (int q = 0; q < conv->w_out; q++)
        {
          const int row = r * conv->stride + a - conv->pad_top;
          const int column = q * conv->stride + b - conv->pad_left;

          if (row >= 0 && row < conv->h_in && column >= 0 && column < conv->w_in)
            sum += (double) dy[atl_nchw (&shape_dy, n, o, r, q)]
                   * x[atl_nchw (&shape_x, n, i, row, column)];
        }

  return sum;
}

/* db[o] without the gain */
static double
sum_of_channel (const float *dy, const AtlShape *shape, int o)
{
  double sum = 0.0;

  for (int n = 0; n < shape->n; n++)
    for (int r = 0; r < shape->h; r++)
      for (int q = 0; q < shape->w; q++)
        sum += dy[atl_nchw (shape, n, o, r, q)];

  return sum;
}

void
atl_conv2d_backward_weight_reference (float *dw, float *db, const float *x, const float *dy,
                                      const AtlConv2d *conv, float gain, float *scratch)
{
  const AtlShape shape_dw = weight_shape (conv), shape_dy = output_shape (conv);

  for (int o = 0; o < conv->c_out; o++)
    {
      for (int i = 0; i < conv->c_in; i++)
        for (int a = 0; a < conv->kernel; a++)
          for (int b = 0; b < conv->kernel; b++)
            {
              float *target = &dw[atl_nchw (&shape_dw, o, i, a, b)];

              *target = (float) (*target + gain * correlate (x, dy, conv, o, i, a, b));
            }

      if (db != NULL)
        db[o] = (float) (db[o] + gain * sum_of_channel (dy, &shape_dy, o));
    }
}

void
atl_bias_backward_reference (float *db, const float *dy, const AtlShape *shape, float gain,
                             float *scratch)
{
  for (int c = 0; c < shape->c; c++)
    db[c] = (float) (db[c] + gain * sum_of_channel (dy, shape, c));
}
