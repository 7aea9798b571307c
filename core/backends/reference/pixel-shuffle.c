/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pixel shuffle: the f f channels of a group become the pixels of a square of f x f.
 *
 *   y[n, c, h f + i, w f + j] = x[n, c f f + i f + j, h, w]
 *
 * Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
 * Convolutional Neural Network", CVPR 2016, section 2.2 (channels in PyTorch's order).
 */

#include "backends/reference/reference.h"

static AtlShape
shuffled_shape (const AtlShape *shape, int f)
{
  return (AtlShape) { shape->n, shape->c / (f * f), shape->h * f, shape->w * f };
}

/* The index in y of x[n, c, h, w]. */
static size_t
shuffled (const AtlShape *shape_y, int n, int c, int h, int w, int f)
{
  return atl_nchw (shape_y, n, c / (f * f), h * f + c / f % f, w * f + c % f);
}

/* y: N x C/ff x Hf x Wf.  x: N x C x H x W. */
void
atl_pixel_shuffle_forward_reference (float *y, const float *x, const AtlShape *shape, int factor)
{
  const AtlShape shape_y = shuffled_shape (shape, factor);

  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape->c; c++)
      for (int h = 0; h < shape->h; h++)
        for (int w = 0; w < shape->w; w++)
          y[shuffled (&shape_y, n, c, h, w, factor)] = x[atl_nchw (shape, n, c, h, w)];
}

void
atl_pixel_shuffle_backward_reference (float *dx, const float *dy, const AtlShape *shape, int factor,
                                      gboolean accumulate)
{
  const AtlShape shape_y = shuffled_shape (shape, factor);

  for (int n = 0; n < shape->n; n++)
    for (int c = 0; c < shape->c; c++)
      for (int h = 0; h < shape->h; h++)
        for (int w = 0; w < shape->w; w++)
          {
            const size_t i = atl_nchw (shape, n, c, h, w);

            dx[i] = (accumulate ? dx[i] : 0.0f) + dy[shuffled (&shape_y, n, c, h, w, factor)];
          }
}
