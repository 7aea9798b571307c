/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tensors joined to one of more channels; each call copies one of them.
 *
 *   y[n, channel + c, r, q] = x[n, c, top + r, left + q]
 *   dx[n, c, top + r, left + q] = dy[n, channel + c, r, q]
 */

#include <string.h>

#include "backends/reference/reference.h"

/* y: N x C x H x W.  x: N x C_x x H_x x W_x. */
void
atl_concat_forward_reference (float *y, const float *x, const AtlShape *shape,
                              const AtlShape *shape_x, AtlOffset offset, int channel)
{
  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape_x->c; c++)
      for (int r = 0; r < shape->h; r++)
        for (int q = 0; q < shape->w; q++)
          y[atl_nchw (shape, n, channel + c, r, q)] =
              x[atl_nchw (shape_x, n, c, offset.top + r, offset.left + q)];
}

void
atl_concat_backward_reference (float *dx, const float *dy, const AtlShape *shape,
                               const AtlShape *shape_x, AtlOffset offset, int channel,
                               gboolean accumulate)
{
  if (! accumulate)
    memset (dx, 0, atl_shape_size (shape_x) * sizeof (float));

  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape_x->c; c++)
      for (int r = 0; r < shape->h; r++)
        for (int q = 0; q < shape->w; q++)
          dx[atl_nchw (shape_x, n, c, offset.top + r, offset.left + q)] +=
              dy[atl_nchw (shape, n, channel + c, r, q)];
}
