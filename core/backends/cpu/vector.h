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

/* Unrolls the loop over registers that follows. Without it GCC unrolls too late to keep their array in
 * registers, and clang not always. */
#if defined(__clang__)
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
