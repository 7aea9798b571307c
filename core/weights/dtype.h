/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How files store numbers of networks.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* We write the first two, and read all. */
typedef enum
{
  ATL_DTYPE_F32,
  ATL_DTYPE_F16,
  ATL_DTYPE_BF16, /* the upper half of an F32 */
  ATL_DTYPE_F64
} AtlDtype;

/* Bytes of a number. */
size_t atl_dtype_size (AtlDtype dtype);

/* Converts n little-endian numbers. What is too large for a float becomes infinite. */
void atl_dtype_to_floats (float *values, const guint8 *bytes, size_t n, AtlDtype dtype);

G_END_DECLS
