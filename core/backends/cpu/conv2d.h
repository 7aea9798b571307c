/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the ways to compute a convolution share: what is read and written, the sums in registers, and the
 * epilogue. The gradient of the input is a convolution too, of dy with the turned kernel.
 */

#pragma once

#include "backends/cpu/blocks.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/vector.h"

G_BEGIN_DECLS

enum
{
  /* Vectors of ATL_CPU_LANES output channels. */
  ATL_N_VECTORS = ATL_CPU_LANES / ATL_VECTOR_LANES,

/* Pixels whose sums are held in registers: as many as there is room for beside the weights. */
#if ATL_VECTOR_LANES == 16
  ATL_AT_ONCE = 12,
#elif ATL_VECTOR_LANES == 8 || defined(__aarch64__)
  ATL_AT_ONCE = 6,
#else
  ATL_AT_ONCE = 3,
#endif

/* The same for gradients of weights: numbers of x whose products with 16 channels of dy are summed. What
 * ATL_GROUP does not divide is summed in small groups first. */
#if ATL_VECTOR_LANES == 4 && ! defined(__aarch64__)
  ATL_GROUP = 2,
  ATL_SMALL_GROUP = 2,
#else
  ATL_GROUP = ATL_AT_ONCE,
  ATL_SMALL_GROUP = 4,
#endif
};

/* x: n x c_in x h_in x w_in is read, y: n x c_out x h x w written. For the gradient of the input, these are dy
 * and dx. */
typedef struct
{
  const float *x;
  int n, c_in, h_in, w_in;
  float *y;
  int c_out, h, w;
  AtlConvEpilogue epilogue;
  float factor; /* of z, after the epilogue's scale */
} AtlConvSides;

static inline AtlConvSides
atl_sides_of_forward (float *y, const float *x, const AtlConv2d *conv,
                      const AtlConvEpilogue *epilogue)
{
  return (AtlConvSides) {
    .x = x,
    .n = conv->n,
    .c_in = conv->c_in,
    .h_in = conv->h_in,
    .w_in = conv->w_in,
    .y = y,
    .c_out = conv->c_out,
    .h = conv->h_out,
    .w = conv->w_out,
    .epilogue = *epilogue,
    .factor = 1.0f,
  };
}

static inline AtlConvSides
atl_sides_of_transposed (float *y, const float *x, const AtlConv2d *conv,
                         const AtlConvEpilogue *epilogue, float factor)
{
  return (AtlConvSides) {
    .x = x,
    .n = conv->n,
    .c_in = conv->c_out,
    .h_in = conv->h_out,
    .w_in = conv->w_out,
    .y = y,
    .c_out = conv->c_in,
    .h = conv->h_in,
    .w = conv->w_in,
    .epilogue = *epilogue,
    .factor = factor,
  };
}

/* Weights as a pass reads them: O x I x taps. For the gradient the channels change their roles, and the
 * kernel is turned by 180 degrees. */
typedef struct
{
  const float *weight;
  int n_out, n_in, n_taps;
  gboolean transposed;
} AtlConvWeights;

static inline AtlConvWeights
atl_conv_weights (const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  const gboolean transposed = pass == ATL_PASS_DATA;

  return (AtlConvWeights) {
    .weight = weight,
    .n_out = transposed ? conv->c_in : conv->c_out,
    .n_in = transposed ? conv->c_out : conv->c_in,
    .n_taps = conv->kernel * conv->kernel,
    .transposed = transposed,
  };
}

/* Zero for the channels that a block adds. */
static inline float
atl_weight_at (const AtlConvWeights *w, int o, int i, int tap)
{
  if (o >= w->n_out || i >= w->n_in)
    return 0.0f;
  if (w->transposed)
    return w->weight[((size_t) i * w->n_out + o) * w->n_taps + w->n_taps - 1 - tap];
  return w->weight[((size_t) o * w->n_in + i) * w->n_taps + tap];
}

ATL_ALWAYS_INLINE void
atl_clear_sums (AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS])
{
  ATL_UNROLL
  for (int p = 0; p < ATL_AT_ONCE; p++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        sums[p][v] = (AtlVector) { 0.0f };
    }
}

/* Sums of ATL_AT_ONCE pixels += x w, for one input channel: x[p x_step] is its number at pixel p,
 * w its weights for 16 output channels. */
ATL_ALWAYS_INLINE void
atl_add_channel (AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS], const float *x, int x_step,
                 const float *w)
{
  AtlVector weights[ATL_N_VECTORS];

  ATL_UNROLL
  for (int v = 0; v < ATL_N_VECTORS; v++)
    weights[v] = atl_load (w + v * ATL_VECTOR_LANES);
  ATL_UNROLL
  for (int p = 0; p < ATL_AT_ONCE; p++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        sums[p][v] += weights[v] * x[p * x_step];
    }
}

/* Stores 16 sums of each pixel, to_step apart. */
ATL_ALWAYS_INLINE void
atl_store_sums (float *to, int to_step, AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS])
{
  ATL_UNROLL
  for (int p = 0; p < ATL_AT_ONCE; p++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        atl_store (to + p * to_step + v * ATL_VECTOR_LANES, sums[p][v]);
    }
}

/* The next group of n numbers that are left, a multiple of eight less the small groups. */
static inline int
atl_next_group (int n)
{
  return n % ATL_GROUP == 0 ? ATL_GROUP : ATL_SMALL_GROUP;
}

/* Rows of pixels of x and dy whose products are summed. The pixels are x_step and dy_step floats apart, the
 * rows of x x_row; those of dy follow each other. */
typedef struct
{
  const float *x, *dy;
  size_t x_row;
  int x_step, dy_step;
  int n_rows, n_columns;
  gboolean first; /* the sums are set, else they are added to */
} AtlPairs;

/* sums (n x 16) = or += sum over pixels of x[0..n-1] dy[0..15], n being constant. */
ATL_ALWAYS_INLINE void
atl_sum_group (float *sums, const AtlPairs *pairs, const int n)
{
  AtlVector acc[MAX (ATL_GROUP, ATL_SMALL_GROUP)][ATL_N_VECTORS];
  const float *dy = pairs->dy;

  ATL_UNROLL
  for (int j = 0; j < n; j++)
    {
      __builtin_prefetch (sums + j * ATL_CPU_LANES, 1);
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        acc[j][v] = (AtlVector) { 0.0f };
    }

  for (int r = 0; r < pairs->n_rows; r++)
    {
      const float *x = pairs->x + r * pairs->x_row;

      for (int q = 0; q < pairs->n_columns; q++)
        {
          AtlVector d[ATL_N_VECTORS];

          ATL_UNROLL
          for (int v = 0; v < ATL_N_VECTORS; v++)
            d[v] = atl_load (dy + v * ATL_VECTOR_LANES);
          ATL_UNROLL
          for (int j = 0; j < n; j++)
            {
              ATL_UNROLL
              for (int v = 0; v < ATL_N_VECTORS; v++)
                acc[j][v] += d[v] * x[j];
            }
          x += pairs->x_step;
          dy += pairs->dy_step;
        }
    }

  if (! pairs->first)
    {
      ATL_UNROLL
      for (int j = 0; j < n; j++)
        {
          ATL_UNROLL
          for (int v = 0; v < ATL_N_VECTORS; v++)
            acc[j][v] += atl_load (sums + j * ATL_CPU_LANES + v * ATL_VECTOR_LANES);
        }
    }
  ATL_UNROLL
  for (int j = 0; j < n; j++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        atl_store (sums + j * ATL_CPU_LANES + v * ATL_VECTOR_LANES, acc[j][v]);
    }
}

/* The same for an n from atl_next_group (). */
static inline void
atl_sum_products (float *sums, const AtlPairs *pairs, int n)
{
  if (n == ATL_GROUP)
    atl_sum_group (sums, pairs, ATL_GROUP);
  else
    atl_sum_group (sums, pairs, ATL_SMALL_GROUP);
}

/* The epilogue for one channel block of one image. */
typedef struct
{
  AtlVector8 bias, scale, shift;
  gboolean relu, relu_last;
  float *y;
  const float *residual; /* NULL = none */
  size_t y_row, residual_row;
  float gain;
} AtlStore;

static inline AtlStore
atl_store_of_block (const AtlConvSides *sides, int image, int channel)
{
  const AtlConvEpilogue *e = &sides->epilogue;
  const AtlVector8 zero = { 0.0f };
  const size_t block = (size_t) image * atl_channel_blocks (sides->c_out)
                       + channel / ATL_CHANNEL_BLOCK;
  AtlStore store = {
    .bias = e->bias != NULL ? atl_load8 (e->bias + channel) : zero,
    .scale = (e->scale != NULL ? atl_load8 (e->scale + channel) : zero + 1.0f) * sides->factor,
    .shift = e->shift != NULL ? atl_load8 (e->shift + channel) : zero,
    .relu = e->relu,
    .relu_last = e->relu_last,
    .y = sides->y + block * sides->h * sides->w * ATL_CHANNEL_BLOCK,
    .y_row = (size_t) sides->w * ATL_CHANNEL_BLOCK,
    .gain = e->gain,
  };

  if (e->residual != NULL)
    {
      store.residual_row = (size_t) e->residual_w * ATL_CHANNEL_BLOCK;
      store.residual = e->residual + (block * e->residual_h + e->residual_top) * store.residual_row
                       + (size_t) e->residual_left * ATL_CHANNEL_BLOCK;
    }

  return store;
}

/* Stores z as eight channels of pixel (row, column). */
ATL_ALWAYS_INLINE void
atl_store_pixel (const AtlStore *store, AtlVector8 z, int row, int column)
{
  z += store->bias;
  if (store->relu)
    z = atl_relu8 (z);
  z = z * store->scale + store->shift;
  if (store->residual != NULL)
    z = z * store->gain
        + atl_load8 (store->residual + row * store->residual_row
                     + (size_t) column * ATL_CHANNEL_BLOCK);
  if (store->relu_last)
    z = atl_relu8 (z);
  atl_store8 (store->y + row * store->y_row + (size_t) column * ATL_CHANNEL_BLOCK, z);
}

G_END_DECLS
