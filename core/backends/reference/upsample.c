/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nearest-neighbour enlargement by a whole factor f.
 *
 *   y[n, c, h f + i, w f + j] = x[n, c, h, w]            dx[n, c, h, w] = sum over i, j of dy[n, c, h f + i, w f + j]
 */

#include "backends/reference/reference.h"

static AtlShape
upsampled_shape (const AtlShape *shape, int f)
{
  return (AtlShape) { shape->n, shape->c, shape->h * f, shape->w * f };
}

/* y: N x C x Hf x Wf.  x: N x C x H x W. */
void
atl_upsample_forward_reference (float *y, const float *x, const AtlShape *shape, int factor)
{
  const AtlShape shape_y = upsampled_shape (shape, factor);

  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape->c; c++)
      for (int h = 0; h < shape_y.h; h++)
        for (int w = 0; w < shape_y.w; w++)
          y[atl_nchw (&shape_y, n, c, h, w)] = x[atl_nchw (shape, n, c, h / factor, w / factor)];
}

void
atl_upsample_backward_reference (float *dx, const float *dy, const AtlShape *shape, int factor,
                                 gboolean accumulate)
{
  const AtlShape shape_y = upsampled_shape (shape, factor);

  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape->c; c++)
      for (int h = 0; h < shape->h; h++)
        for (int w = 0; w < shape->w; w++)
          {
            const size_t at = atl_nchw (shape, n, c, h, w);
            double sum = accumulate ? dx[at] : 0.0;

            for (int i = 0; i < factor; i++)
              for (int j = 0; j < factor; j++)
                sum += dy[atl_nchw (&shape_y, n, c, h * factor + i, w * factor + j)];
            dx[at] = (float) sum;
          }
}
