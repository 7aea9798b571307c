/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The largest number of each window.
 *
 *   y[n, c, r, q] = max over a, b of x[n, c, r stride + a - pad_top, q stride + b - pad_left]
 *   dx[n, c, h, w] = sum of dy[n, c, r, q] over the windows whose first largest number is at (h, w)
 */

#include <math.h>
#include <string.h>

#include "backends/reference/reference.h"

/* Where in x the first largest number of the window (r, q) is; a NaN is larger than all. */
static size_t
find_largest (const float *x, const AtlMaxPool *pool, int n, int c, int r, int q)
{
  const AtlShape shape = { pool->n, pool->c, pool->h_in, pool->w_in };
  float largest = -INFINITY;
  size_t found = 0;
  gboolean any = FALSE;

  for (int a = 0; a < pool->kernel; a++)
    for (int b = 0; b < pool->kernel; b++)
      {
        const int h = r * pool->stride + a - pool->pad_top;
        const int w = q * pool->stride + b - pool->pad_left;

        if (h < 0 || h >= pool->h_in || w < 0 || w >= pool->w_in)
          continue;

        const size_t at = atl_nchw (&shape, n, c, h, w);

        if (! any || x[at] > largest || (isnan (x[at]) && ! isnan (largest)))
          {
            largest = x[at];
            found = at;
          }
        any = TRUE;
      }

  return found;
}

/* y: N x C x H_out x W_out.  x: N x C x H_in x W_in. */
void
atl_max_pool_forward_reference (float *y, const float *x, const AtlMaxPool *pool)
{
  const AtlShape shape_y = { pool->n, pool->c, pool->h_out, pool->w_out };

  for (int n = 0; n < pool->n; n++)
    for (int c = 0; c < pool->c; c++)
      for (int r = 0; r < pool->h_out; r++)
        for (int q = 0; q < pool->w_out; q++)
          y[atl_nchw (&shape_y, n, c, r, q)] = x[find_largest (x, pool, n, c, r, q)];
}

void
atl_max_pool_backward_reference (float *dx, const float *dy, const float *x, const AtlMaxPool *pool,
                                 gboolean accumulate, gboolean relu)
{
  const AtlShape shape_x = { pool->n, pool->c, pool->h_in, pool->w_in };
  const AtlShape shape_y = { pool->n, pool->c, pool->h_out, pool->w_out };

  if (! accumulate)
    memset (dx, 0, atl_shape_size (&shape_x) * sizeof (float));

  for (int n = 0; n < pool->n; n++)
    for (int c = 0; c < pool->c; c++)
      for (int r = 0; r < pool->h_out; r++)
        for (int q = 0; q < pool->w_out; q++)
          dx[find_largest (x, pool, n, c, r, q)] += dy[atl_nchw (&shape_y, n, c, r, q)];

  for (size_t i = 0; relu && i < atl_shape_size (&shape_x); i++)
    if (! (x[i] > 0.0f))
      dx[i] = 0.0f;
}
