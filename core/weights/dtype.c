/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How files store numbers of networks.
 */

#include "weights/dtype.h"

#include <math.h>
#include <string.h>

#include "weights/half.h"

size_t
atl_dtype_size (AtlDtype dtype)
{
  switch (dtype)
    {
    case ATL_DTYPE_F16:
    case ATL_DTYPE_BF16:
      return 2;
    case ATL_DTYPE_F32:
      return 4;
    case ATL_DTYPE_F64:
      return 8;
    }
  g_return_val_if_reached (1);
}

static guint16
read_16 (const guint8 *bytes)
{
  guint16 number;

  memcpy (&number, bytes, sizeof number);
  return GUINT16_FROM_LE (number);
}

static float
float_of_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static float
read_f32 (const guint8 *bytes)
{
  guint32 bits;

  memcpy (&bits, bytes, sizeof bits);
  return float_of_bits (GUINT32_FROM_LE (bits));
}

static float
read_f64 (const guint8 *bytes)
{
  guint64 bits;
  double value;

  memcpy (&bits, bytes, sizeof bits);
  bits = GUINT64_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  /* Beyond a float's range the conversion itself is undefined. */
  if (fabs (value) > (double) G_MAXFLOAT)
    return value > 0.0 ? INFINITY : -INFINITY;
  return (float) value;
}

void
atl_dtype_to_floats (float *values, const guint8 *bytes, size_t n, AtlDtype dtype)
{
  switch (dtype)
    {
    case ATL_DTYPE_F32:
      for (size_t i = 0; i < n; i++)
        values[i] = read_f32 (bytes + 4 * i);
      break;
    case ATL_DTYPE_F16:
      for (size_t i = 0; i < n; i++)
        values[i] = atl_half_to_float (read_16 (bytes + 2 * i));
      break;
    case ATL_DTYPE_BF16:
      for (size_t i = 0; i < n; i++)
        values[i] = float_of_bits ((guint32) read_16 (bytes + 2 * i) << 16);
      break;
    case ATL_DTYPE_F64:
      for (size_t i = 0; i < n; i++)
        values[i] = read_f64 (bytes + 8 * i);
      break;
    }
}
