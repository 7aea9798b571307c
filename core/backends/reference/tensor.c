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
