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
  /* Output channels that a convolution computes together. Two vectors of the widest: with one, each number that
   * is read and spread over a vector would be multiplied once, and reading would take longer than that. */
  ATL_CPU_LANES = ATL_VECTOR_LANES == 16 ? 32 : 16,
  ATL_N_VECTORS = ATL_CPU_LANES / ATL_VECTOR_LANES,

/* Pixels whose sums are held in registers: as many as there is room for beside the weights. */
#if ATL_VECTOR_LANES == 16
  ATL_AT_ONCE = 12,
#elif ATL_VECTOR_LANES == 8 || defined(__aarch64__)
  ATL_AT_ONCE = 6,
#else
  ATL_AT_ONCE = 3,
#endif

  ATL_THIRD = ATL_AT_ONCE / 3, /* fewer pixels are summed as one or two thirds, or three */

/* The same for gradients of weights: numbers of x whose products with ATL_CPU_LANES channels of dy are summed. What
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

/* How many of n pixels that are left to sum at once: a multiple of ATL_THIRD, of which the last ones may not
 * exist. */
static inline int
atl_next_pixels (int n)
{
  return atl_round_up (atl_divide_up (n, atl_divide_up (n, ATL_AT_ONCE)), ATL_THIRD);
}

/* What follows works on the sums of n pixels, n being constant. */

ATL_ALWAYS_INLINE void
atl_clear_sums (AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS], const int n)
{
  ATL_UNROLL
  for (int p = 0; p < n; p++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        sums[p][v] = (AtlVector) { 0.0f };
    }
}

/* sums += x w, for one input channel: x[p x_step] is its number at pixel p, w its weights for ATL_CPU_LANES
 * output channels. */
ATL_ALWAYS_INLINE void
atl_add_channel (AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS], const float *x, int x_step,
                 const float *w, const int n)
{
  AtlVector weights[ATL_N_VECTORS];

  ATL_UNROLL
  for (int v = 0; v < ATL_N_VECTORS; v++)
    weights[v] = atl_load (w + v * ATL_VECTOR_LANES);
  ATL_UNROLL
  for (int p = 0; p < n; p++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        sums[p][v] += weights[v] * x[p * x_step];
    }
}

/* Stores the ATL_CPU_LANES sums of each pixel, to_step apart. */
ATL_ALWAYS_INLINE void
atl_store_sums (float *to, int to_step, AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS], const int n)
{
  ATL_UNROLL
  for (int p = 0; p < n; p++)
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

/* sums (n x L) = or += sum over pixels of x[0..n-1] dy[0..L-1], L being ATL_CPU_LANES and n being constant. */
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

/* The epilogue for ATL_WIDE channel blocks of one image, or for as many of them as there are. */
typedef struct
{
  AtlWide bias, scale, shift;
  gboolean relu, relu_last;
  int n_blocks;
  float *y;
  const float *residual; /* NULL = none */
  size_t y_block, y_row, residual_block, residual_row;
  float gain;
} AtlStore;

/* Eight numbers of each of n_blocks, which are 'block' apart; zeros for blocks that do not exist. */
ATL_ALWAYS_INLINE AtlWide
atl_load_blocks (const float *numbers, size_t block, int n_blocks)
{
  if (n_blocks < ATL_WIDE)
    return atl_widen (atl_load8 (numbers));
  return atl_join_blocks (atl_load8 (numbers), atl_load8 (numbers + (ATL_WIDE - 1) * block));
}

static inline AtlStore
atl_store_of_blocks (const AtlConvSides *sides, int image, int channel)
{
  const AtlConvEpilogue *e = &sides->epilogue;
  const AtlWide zero = { 0.0f };
  const int n_blocks = atl_channel_blocks (sides->c_out), first = channel / ATL_CHANNEL_BLOCK;
  const size_t block = (size_t) image * n_blocks + first;
  const size_t y_row = (size_t) sides->w * ATL_CHANNEL_BLOCK;
  AtlStore store = {
    .relu = e->relu,
    .relu_last = e->relu_last,
    .n_blocks = MIN (ATL_WIDE, n_blocks - first),
    .y = sides->y + block * sides->h * y_row,
    .y_block = sides->h * y_row,
    .y_row = y_row,
    .gain = e->gain,
  };
  const AtlWide scale = e->scale != NULL ? atl_load_blocks (e->scale + channel, ATL_CHANNEL_BLOCK,
                                                            store.n_blocks)
                                         : zero + 1.0f;

  if (e->bias != NULL)
    store.bias = atl_load_blocks (e->bias + channel, ATL_CHANNEL_BLOCK, store.n_blocks);
  store.scale = scale * sides->factor;
  if (e->shift != NULL)
    store.shift = atl_load_blocks (e->shift + channel, ATL_CHANNEL_BLOCK, store.n_blocks);
  if (e->residual != NULL)
    {
      store.residual_row = (size_t) e->residual_w * ATL_CHANNEL_BLOCK;
      store.residual_block = e->residual_h * store.residual_row;
      store.residual = e->residual + block * store.residual_block
                       + e->residual_top * store.residual_row
                       + (size_t) e->residual_left * ATL_CHANNEL_BLOCK;
    }

  return store;
}

/* Stores z as the channels of pixel (row, column). */
ATL_ALWAYS_INLINE void
atl_store_pixel (const AtlStore *store, AtlWide z, int row, int column)
{
  float *y = store->y + row * store->y_row + (size_t) column * ATL_CHANNEL_BLOCK;

  z += store->bias;
  if (store->relu)
    z = atl_relu_wide (z);
  z = z * store->scale + store->shift;
  if (store->residual != NULL)
    z = z * store->gain
        + atl_load_blocks (store->residual + row * store->residual_row
                               + (size_t) column * ATL_CHANNEL_BLOCK,
                           store->residual_block, store->n_blocks);
  if (store->relu_last)
    z = atl_relu_wide (z);

  atl_store8 (y, atl_block_of_wide (z, 0));
  if (ATL_WIDE > 1 && store->n_blocks > 1)
    atl_store8 (y + store->y_block, atl_block_of_wide (z, 1));
}

G_END_DECLS
