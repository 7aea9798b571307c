/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operators that compute each number from the numbers at its place.
 *
 *   ReLU          y = max (x, 0)                dx = dy where y > 0, else 0
 *   scaled add    y = a[offset...] + gain b     da[offset...] = dy,  db = gain dy
 *   scale, shift  y = scale x + shift           one number a channel
 */

#include "backends/reference/reference.h"

/* y, x: N x C x H x W. NaN stays NaN, so that a broken network is noticed at its output. */
void
atl_relu_forward_reference (float *y, const float *x, const AtlShape *shape)
{
  const size_t size = atl_shape_size (shape);

  for (size_t i = 0; i < size; i++)
    y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

/* dx, dy, y: N x C x H x W. */
void
atl_relu_backward_reference (float *dx, const float *dy, const float *y, const AtlShape *shape,
                             gboolean accumulate)
{
  const size_t size = atl_shape_size (shape);

  for (size_t i = 0; i < size; i++)
    dx[i] = (accumulate ? dx[i] : 0.0f) + (y[i] > 0.0f ? dy[i] : 0.0f);
}

/* y, b: N x C x H x W.  a: N x C x H_a x W_a. */
void
atl_scaled_add_forward_reference (float *y, const float *a, const float *b, const AtlShape *shape,
                                  const AtlShape *shape_a, AtlOffset offset, float gain)
{
  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape->c; c++)
      for (int h = 0; h < shape->h; h++)
        for (int w = 0; w < shape->w; w++)
          {
            const size_t i = atl_nchw (shape, n, c, h, w);
            const size_t i_a = atl_nchw (shape_a, n, c, h + offset.top, w + offset.left);

            y[i] = (float) (a[i_a] + (double) gain * b[i]);
          }
}

/* dy: N x C x H x W.  dx: N x C x H_x x W_x. */
void
atl_scaled_add_backward_reference (float *dx, const float *dy, const AtlShape *shape,
                                   const AtlShape *shape_x, AtlOffset offset, float gain,
                                   gboolean accumulate)
{
  for (int n = 0; n < shape_x->n; n++)
    for (int c = 0; c < shape_x->c; c++)
      for (int h = 0; h < shape_x->h; h++)
        for (int w = 0; w < shape_x->w; w++)
          {
            const int r = h - offset.top, q = w - offset.left;
            const gboolean inside = r >= 0 && r < shape->h && q >= 0 && q < shape->w;
            const size_t i = atl_nchw (shape_x, n, c, h, w);
            const double before = accumulate ? dx[i] : 0.0;

            dx[i] = (float) (before
                             + (inside ? (double) gain * dy[atl_nchw (shape, n, c, r, q)] : 0.0));
          }
}

/* y, x: N x C x H x W.  scale, shift: C. */
void
atl_scale_shift_reference (float *y, const float *x, const float *scale, const float *shift,
                           const AtlShape *shape)
{
  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape->c; c++)
      for (int h = 0; h < shape->h; h++)
        for (int w = 0; w < shape->w; w++)
          {
            const size_t i = atl_nchw (shape, n, c, h, w);

            y[i] = (float) ((double) scale[c] * x[i] + shift[c]);
          }
}
