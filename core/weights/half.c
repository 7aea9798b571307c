/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of 16 bits.
 */

#include "weights/half.h"

#include <math.h>
#include <string.h>

enum
{
  BIAS_DIFFERENCE = 127 - 15,        /* of the exponents */
  FRACTION_DIFFERENCE = 23 - 10,     /* of the fractions' bits */
  SMALLEST_NORMAL_BITS = 0x38800000, /* of 2^-14 as a float */
  OVERFLOW_BITS = 0x477ff000,        /* of 65520 as a float */
  ONE_HALF_BITS = 0x3f000000         /* of 0.5 as a float */
};

float
atl_half_to_float (guint16 half)
{
  const guint32 exponent = half >> 10 & 0x1f;
  const guint32 fraction = half & 0x3ff;
  const float sign = half & 0x8000 ? -1.0f : 1.0f;

  if (exponent == 0)
    return sign * ldexpf ((float) fraction, -24);
  if (exponent == 0x1f)
    return fraction == 0 ? sign * INFINITY : NAN;
  return sign * ldexpf ((float) (fraction | 0x400), (int) exponent - 25);
}

gboolean
atl_half_from_float (guint16 *half, float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  const guint16 sign = (guint16) (bits >> 16 & 0x8000);
  bits &= 0x7fffffff;

  if (bits >= OVERFLOW_BITS)
    return FALSE;

  if (bits < SMALLEST_NORMAL_BITS)
    {
      /* Floats from 0.5 to 1 lie 2^-24 apart, as halves below 2^-14 do: adding 0.5 rounds to them. */
      const float shifted = fabsf (value) + 0.5f;

      memcpy (&bits, &shifted, sizeof bits);
      *half = (guint16) (sign | (bits - ONE_HALF_BITS));
      return TRUE;
    }

  /* Just under one half of the last bit, and the last bit itself: ties go up from odd numbers only. A
   * carry out of the fraction rightly raises the exponent. */
  bits += (1u << (FRACTION_DIFFERENCE - 1)) - 1 + (bits >> FRACTION_DIFFERENCE & 1);
  *half = (guint16) (sign | ((bits >> FRACTION_DIFFERENCE) - ((guint32) BIAS_DIFFERENCE << 10)));
  return TRUE;
}
