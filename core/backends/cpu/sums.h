/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of products in registers: what all ways to compute a convolution come down to.
 */

#pragma once

#include "backends/cpu/blocks.h"
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

ATL_ALWAYS_INLINE void
atl_load_sums (AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS], const float *from, const int n)
{
  ATL_UNROLL
  for (int p = 0; p < n; p++)
    {
      ATL_UNROLL
      for (int v = 0; v < ATL_N_VECTORS; v++)
        sums[p][v] = atl_load (from + p * ATL_CPU_LANES + v * ATL_VECTOR_LANES);
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
  AtlVector acc[ATL_AT_ONCE][ATL_N_VECTORS];
  const float *dy = pairs->dy;

  for (int j = 0; j < n; j++)
    __builtin_prefetch (sums + j * ATL_CPU_LANES, 1);
  atl_clear_sums (acc, n);

  for (int r = 0; r < pairs->n_rows; r++)
    {
      const float *x = pairs->x + r * pairs->x_row;

      for (int q = 0; q < pairs->n_columns; q++)
        {
          atl_add_channel (acc, x, 1, dy, n);
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
  atl_store_sums (sums, ATL_CPU_LANES, acc, n);
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

G_END_DECLS
