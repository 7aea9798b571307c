/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Vectors of floats in the compiler's portable notation: the widest of the instruction set that a file
 * is compiled for, and one of eight floats, a channel block of a pixel.
 */

#pragma once

#include <glib.h>

#include "backends/backend.h"

G_BEGIN_DECLS

#if defined(__AVX512F__)
#define ATL_VECTOR_LANES 16
#elif defined(__AVX__)
#define ATL_VECTOR_LANES 8
#else
#define ATL_VECTOR_LANES 4
#endif

typedef float AtlVector __attribute__ ((vector_size (4 * ATL_VECTOR_LANES)));
typedef float AtlVector8 __attribute__ ((vector_size (4 * ATL_CHANNEL_BLOCK)));

/* The same in memory, where they need not be aligned. */
typedef float AtlVectorMemory
    __attribute__ ((vector_size (4 * ATL_VECTOR_LANES), aligned (4), may_alias));
typedef float AtlVector8Memory
    __attribute__ ((vector_size (4 * ATL_CHANNEL_BLOCK), aligned (4), may_alias));

/* Eight numbers of each of as many channel blocks, pixels or rows as one vector has room for. */
#define ATL_WIDE MAX (ATL_VECTOR_LANES / ATL_CHANNEL_BLOCK, 1)
#define ATL_WIDE_CHANNELS (ATL_WIDE * ATL_CHANNEL_BLOCK)
typedef float AtlWide __attribute__ ((vector_size (4 * ATL_WIDE_CHANNELS)));
typedef float AtlWideMemory
    __attribute__ ((vector_size (4 * ATL_WIDE_CHANNELS), aligned (4), may_alias));

/* Unrolls the loop over registers that follows. Without it GCC unrolls too late to keep their array in
 * registers, and clang not always. What a sanitizer adds to each access would take minutes to compile. */
#if defined(__SANITIZE_ADDRESS__)
#define ATL_UNROLL
#elif defined(__clang__)
#define ATL_UNROLL _Pragma ("clang loop unroll(full)")
#else
#define ATL_UNROLL _Pragma ("GCC unroll 16")
#endif

#define ATL_ALWAYS_INLINE static inline __attribute__ ((always_inline))

ATL_ALWAYS_INLINE AtlVector
atl_load (const float *p)
{
  return *(const AtlVectorMemory *) p;
}

ATL_ALWAYS_INLINE void
atl_store (float *p, AtlVector v)
{
  *(AtlVectorMemory *) p = v;
}

ATL_ALWAYS_INLINE AtlVector8
atl_load8 (const float *p)
{
  return *(const AtlVector8Memory *) p;
}

ATL_ALWAYS_INLINE void
atl_store8 (float *p, AtlVector8 v)
{
  *(AtlVector8Memory *) p = v;
}

ATL_ALWAYS_INLINE AtlWide
atl_load_wide (const float *p)
{
  return *(const AtlWideMemory *) p;
}

ATL_ALWAYS_INLINE void
atl_store_wide (float *p, AtlWide v)
{
  *(AtlWideMemory *) p = v;
}

/* The numbers of one block after those of another; without wide vectors the first alone. */
ATL_ALWAYS_INLINE AtlWide
atl_join_blocks (AtlVector8 first, AtlVector8 second)
{
#if ATL_VECTOR_LANES == 16
  return __builtin_shufflevector (first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                  15);
#else
  return first;
#endif
}

/* One block, and zeros. */
ATL_ALWAYS_INLINE AtlWide
atl_widen (AtlVector8 v)
{
  return atl_join_blocks (v, (AtlVector8) { 0.0f });
}

/* The eight numbers of block 'index'. */
ATL_ALWAYS_INLINE AtlVector8
atl_block_of_wide (AtlWide v, int index)
{
#if ATL_VECTOR_LANES == 16
  return index == 0 ? __builtin_shufflevector (v, v, 0, 1, 2, 3, 4, 5, 6, 7)
                    : __builtin_shufflevector (v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  return v;
#endif
}

/* Eight numbers of each of n_blocks, which are 'block' apart; zeros for blocks that do not exist. */
ATL_ALWAYS_INLINE AtlWide
atl_load_blocks (const float *numbers, size_t block, int n_blocks)
{
  if (n_blocks < ATL_WIDE)
    return atl_widen (atl_load8 (numbers));
  return atl_join_blocks (atl_load8 (numbers), atl_load8 (numbers + (ATL_WIDE - 1) * block));
}

/* Eight numbers in parts of the instruction set's own width, since GCC compares wider vectors number by
 * number. */
#define ATL_PART_LANES MIN (ATL_VECTOR_LANES, ATL_CHANNEL_BLOCK)
#define ATL_N_PARTS (ATL_CHANNEL_BLOCK / ATL_PART_LANES)
typedef float AtlPart __attribute__ ((vector_size (4 * ATL_PART_LANES)));
typedef int AtlPartMask __attribute__ ((vector_size (4 * ATL_PART_LANES)));
typedef union
{
  AtlVector8 whole;
  AtlPart part[ATL_N_PARTS];
} AtlParts;

/* max (v, 0); a NaN stays one, so that it is found in the output. */
ATL_ALWAYS_INLINE AtlVector8
atl_relu8 (AtlVector8 v)
{
  AtlParts parts = { .whole = v };

  for (int i = 0; i < ATL_N_PARTS; i++)
    parts.part[i] = (AtlPart) ((AtlPartMask) parts.part[i] & ~(parts.part[i] < 0.0f));
  return parts.whole;
}

/* The same for all blocks of a wide vector. */
ATL_ALWAYS_INLINE AtlWide
atl_relu_wide (AtlWide v)
{
#if ATL_VECTOR_LANES == 16
  typedef int WideMask __attribute__ ((vector_size (sizeof (AtlWide))));

  return (AtlWide) ((WideMask) v & ~(v < 0.0f));
#else
  return atl_relu8 (v);
#endif
}

/* v where y > 0, else 0. */
ATL_ALWAYS_INLINE AtlVector8
atl_where_positive8 (AtlVector8 v, AtlVector8 y)
{
  AtlParts parts = { .whole = v };
  const AtlParts condition = { .whole = y };

  for (int i = 0; i < ATL_N_PARTS; i++)
    parts.part[i] = (AtlPart) ((AtlPartMask) parts.part[i] & (condition.part[i] > 0.0f));
  return parts.whole;
}

/* The same for all blocks of wide vectors. */
ATL_ALWAYS_INLINE AtlWide
atl_where_positive_wide (AtlWide v, AtlWide y)
{
#if ATL_VECTOR_LANES == 16
  typedef int WideMask __attribute__ ((vector_size (sizeof (AtlWide))));

  return (AtlWide) ((WideMask) v & (y > 0.0f));
#else
  return atl_where_positive8 (v, y);
#endif
}

/* |v| */
ATL_ALWAYS_INLINE AtlVector8
atl_absolute8 (AtlVector8 v)
{
  AtlParts parts = { .whole = v };

  for (int i = 0; i < ATL_N_PARTS; i++)
    parts.part[i] = (AtlPart) ((AtlPartMask) parts.part[i] & 0x7fffffff);
  return parts.whole;
}

/* 'size' where v > 0, -size where v < 0, else 0. */
ATL_ALWAYS_INLINE AtlVector8
atl_signed8 (AtlVector8 v, float size)
{
  const AtlPart positive = (AtlPart) { 0.0f } + size, negative = -positive;
  AtlParts parts = { .whole = v };

  for (int i = 0; i < ATL_N_PARTS; i++)
    parts.part[i] = (AtlPart) (((AtlPartMask) positive & (parts.part[i] > 0.0f))
                               | ((AtlPartMask) negative & (parts.part[i] < 0.0f)));
  return parts.whole;
}

G_END_DECLS
