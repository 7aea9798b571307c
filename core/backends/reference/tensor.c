/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The layout of the reference backend is plain NCHW, so import and export copy.
 */

#include <string.h>

#include "backends/reference/reference.h"

size_t
atl_tensor_size_reference (const AtlShape *shape)
{
  return atl_shape_size (shape);
}

void
atl_tensor_import_reference (float *tensor, const float *nchw, const AtlShape *shape)
{
  memcpy (tensor, nchw, atl_shape_size (shape) * sizeof (float));
}

void
atl_tensor_export_reference (float *nchw, const float *tensor, const AtlShape *shape)
{
  memcpy (nchw, tensor, atl_shape_size (shape) * sizeof (float));
}

void
atl_tensor_copy_rows_reference (float *y, const AtlShape *shape, int row_y, const float *x,
                                const AtlShape *shape_x, int row_x, int n_rows)
{
  for (int plane = 0; plane < shape->n * shape->c; plane++)
    memcpy (y + ((size_t) plane * shape->h + row_y) * shape->w,
            x + ((size_t) plane * shape_x->h + row_x) * shape->w,
            (size_t) n_rows * shape->w * sizeof (float));
}
