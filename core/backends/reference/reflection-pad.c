/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture continued beyond its edges by mirroring.
 *
 *   y[n, c, r, q] = x[n, c, mirrored (r + top, H), mirrored (q + left, W)]
 *   dx[n, c, h, w] = sum of dy[n, c, r, q] over the (r, q) that read (h, w)
 *
 * mirrored (i, s) walks 0, 1, ..., s - 1, s - 2, ..., 1 and again from 0: a period of 2 (s - 1).
 */

#include <string.h>

#include "backends/reference/reference.h"

/* The index of what y[n, c, r, q] reads in x. */
static size_t
source (const AtlReflectionPad *pad, int n, int c, int r, int q)
{
  const AtlShape shape_x = { pad->n, pad->c, pad->h_x, pad->w_x };

  return atl_nchw (&shape_x, n, c, atl_mirrored (r + pad->top, pad->height) - pad->x_top,
                   atl_mirrored (q + pad->left, pad->width) - pad->x_left);
}

/* y: N x C x H_y x W_y.  x: N x C x H_x x W_x. */
void
atl_reflection_pad_forward_reference (float *y, const float *x, const AtlReflectionPad *pad)
{
  const AtlShape shape_y = { pad->n, pad->c, pad->h_y, pad->w_y };

  for (int n = 0; n < pad->n; n++)
    for (int c = 0; c < pad->c; c++)
      for (int r = 0; r < pad->h_y; r++)
        for (int q = 0; q < pad->w_y; q++)
          y[atl_nchw (&shape_y, n, c, r, q)] = x[source (pad, n, c, r, q)];
}

void
atl_reflection_pad_backward_reference (float *dx, const float *dy, const AtlReflectionPad *pad,
                                       gboolean accumulate)
{
  const AtlShape shape_x = { pad->n, pad->c, pad->h_x, pad->w_x };
  const AtlShape shape_y = { pad->n, pad->c, pad->h_y, pad->w_y };

  if (! accumulate)
    memset (dx, 0, atl_shape_size (&shape_x) * sizeof (float));

  for (int n = 0; n < pad->n; n++)
    for (int c = 0; c < pad->c; c++)
      for (int r = 0; r < pad->h_y; r++)
        for (int q = 0; q < pad->w_y; q++)
          dx[source (pad, n, c, r, q)] += dy[atl_nchw (&shape_y, n, c, r, q)];
}
