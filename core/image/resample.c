/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resizing by separable, antialiased kernels.
 *
 *   y[d] = sum over s of w[d, s] x[mirror (s)]
 *   w[d, s] = k ((c - s) f) / sum,   c = (d + 1/2) / scale - 1/2,   f = min (1, scale)
 *
 * with scale = destination size / source size, along rows and then along columns.
 *
 * k: Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE Trans. ASSP 29, 1981,
 * with a = -1/2, or Lanczos' sinc (x) sinc (x / 3), or the triangle 1 - |x|.
 */

#include "image/resample.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"

/* One direction: n_taps source indices, mirrored into the picture already, and weights for each of the
 * n destinations. */
typedef struct
{
  int n, n_taps;
  int *index;
  float *weight;
} Axis;

struct AtlResampler
{
  Axis horizontal, vertical;
};

static double
keys_cubic (double x)
{
  x = fabs (x);
  if (x <= 1.0)
    return (1.5 * x - 2.5) * x * x + 1.0;
  if (x < 2.0)
    return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return 0.0;
}

static double
sinc (double x)
{
  return x == 0.0 ? 1.0 : sin (G_PI * x) / (G_PI * x);
}

static double
kernel_value (AtlKernel kernel, double x)
{
  switch (kernel)
    {
    case ATL_KERNEL_LINEAR:
      return fmax (0.0, 1.0 - fabs (x));
    case ATL_KERNEL_BICUBIC:
      return keys_cubic (x);
    case ATL_KERNEL_LANCZOS3:
      return fabs (x) < 3.0 ? sinc (x) * sinc (x / 3.0) : 0.0;
    }
  return 0.0;
}

static double
kernel_radius (AtlKernel kernel)
{
  switch (kernel)
    {
    case ATL_KERNEL_LINEAR:
      return 1.0;
    case ATL_KERNEL_BICUBIC:
      return 2.0;
    case ATL_KERNEL_LANCZOS3:
      return 3.0;
    }
  return 0.0;
}

/* … 1 0 | 0 1 … n-1 | n-1 n-2 … */
static int
mirror (gint64 i, int n)
{
  const gint64 period = 2 * (gint64) n;

  i = ((i % period) + period) % period;
  return (int) (i < n ? i : period - 1 - i);
}

static void
axis_clear (Axis *axis)
{
  g_free (axis->index);
  g_free (axis->weight);
}

/* An open interval of length L holds at most ceil (L) whole numbers. */
static gboolean
axis_init (Axis *axis, AtlKernel kernel, int n_dst, int n_src, GError **error)
{
  const double scale = (double) n_dst / n_src;
  const double stretch = fmin (1.0, scale);
  const double radius = kernel_radius (kernel) / stretch;

  axis->n = n_dst;
  axis->n_taps = (int) ceil (2.0 * radius);
  axis->index = g_try_malloc_n (axis->n_taps, n_dst * sizeof (int));
  axis->weight = g_try_malloc_n (axis->n_taps, n_dst * sizeof (float));
  g_autofree double *tap = g_try_new (double, axis->n_taps);
  if (axis->index == NULL || axis->weight == NULL || tap == NULL)
    {
      atl_error_set_memory (error, _ ("resampling weights"),
                            (size_t) axis->n_taps * n_dst * (sizeof (int) + sizeof (float)));
      return FALSE;
    }

  for (int d = 0; d < n_dst; d++)
    {
      const double centre = (d + 0.5) / scale - 0.5;
      const gint64 first = (gint64) floor (centre - radius) + 1;
      double sum = 0.0;

      for (int t = 0; t < axis->n_taps; t++)
        {
          tap[t] = kernel_value (kernel, (centre - (double) (first + t)) * stretch);
          sum += tap[t];
        }

      for (int t = 0; t < axis->n_taps; t++)
        {
          const size_t at = (size_t) d * axis->n_taps + t;

          axis->index[at] = mirror (first + t, n_src);
          axis->weight[at] = (float) (tap[t] / sum);
        }
    }

  return TRUE;
}

/* The first and the last source index for the destinations 'first' to 'first + n - 1'. */
static void
axis_source_range (int *low, int *high, const Axis *axis, int first, int n)
{
  *low = G_MAXINT;
  *high = 0;

  for (size_t i = (size_t) first * axis->n_taps; i < (size_t) (first + n) * axis->n_taps; i++)
    {
      *low = MIN (*low, axis->index[i]);
      *high = MAX (*high, axis->index[i]);
    }
}

AtlResampler *
atl_resampler_new (AtlKernel kernel, int dst_width, int dst_height, int src_width, int src_height,
                   GError **error)
{
  g_return_val_if_fail (dst_width > 0 && dst_height > 0, NULL);
  g_return_val_if_fail (src_width > 0 && src_height > 0, NULL);

  g_autoptr (AtlResampler) resampler = g_new0 (AtlResampler, 1);

  if (! axis_init (&resampler->horizontal, kernel, dst_width, src_width, error)
      || ! axis_init (&resampler->vertical, kernel, dst_height, src_height, error))
    return NULL;

  return g_steal_pointer (&resampler);
}

void
atl_resampler_free (AtlResampler *resampler)
{
  if (resampler == NULL)
    return;

  axis_clear (&resampler->horizontal);
  axis_clear (&resampler->vertical);
  g_free (resampler);
}

AtlRegion
atl_resampler_source_region (const AtlResampler *resampler, const AtlRegion *dst_region)
{
  int left, right, top, bottom;

  axis_source_range (&left, &right, &resampler->horizontal, dst_region->x, dst_region->width);
  axis_source_range (&top, &bottom, &resampler->vertical, dst_region->y, dst_region->height);

  return (AtlRegion) { left, top, right - left + 1, bottom - top + 1 };
}

/* dst: n numbers of the row from 'first' on; src: the row from source column 'src_first' on. */
static void
resample_row (float *dst, const float *src, const Axis *axis, int first, int n, int src_first)
{
  const int n_taps = axis->n_taps;

  for (int d = 0; d < n; d++)
    {
      const int *index = axis->index + (size_t) (first + d) * n_taps;
      const float *weight = axis->weight + (size_t) (first + d) * n_taps;
      float sum = 0.0f;

      for (int t = 0; t < n_taps; t++)
        sum += weight[t] * src[index[t] - src_first];
      dst[d] = sum;
    }
}

/* dst: row 'd' of the destination; rows: the source rows from 'src_first' on, each of 'width'. */
static void
resample_columns (float *dst, const float *rows, const Axis *axis, int d, int width, int src_first)
{
  memset (dst, 0, sizeof (float) * width);

  for (int t = 0; t < axis->n_taps; t++)
    {
      const size_t at = (size_t) d * axis->n_taps + t;
      const float weight = axis->weight[at];
      const float *row = rows + (size_t) (axis->index[at] - src_first) * width;

      for (int x = 0; x < width; x++)
        dst[x] += weight * row[x];
    }
}

gboolean
atl_resampler_run (const AtlResampler *resampler, float *dst, const AtlRegion *dst_region,
                   const float *src, const AtlRegion *src_region, GError **error)
{
  const AtlRegion needed = atl_resampler_source_region (resampler, dst_region);
  const int width = dst_region->width;

  g_return_val_if_fail (needed.x >= src_region->x && needed.y >= src_region->y
                            && needed.x + needed.width <= src_region->x + src_region->width
                            && needed.y + needed.height <= src_region->y + src_region->height,
                        FALSE);

  /* needed.height x width: the rows, each resampled already. */
  g_autoptr (AtlFloats)
      rows = atl_floats_new ((size_t) needed.height * width, _ ("resampling"), error);
  if (rows == NULL)
    return FALSE;

  for (int y = 0; y < needed.height; y++)
    resample_row (rows + (size_t) y * width,
                  src + (size_t) (needed.y - src_region->y + y) * src_region->width,
                  &resampler->horizontal, dst_region->x, width, src_region->x);

  for (int y = 0; y < dst_region->height; y++)
    resample_columns (dst + (size_t) y * width, rows, &resampler->vertical, dst_region->y + y,
                      width, needed.y);

  return TRUE;
}

float *
atl_resampler_planes (const AtlResampler *resampler, const AtlRegion *dst_region, const float *src,
                      const AtlRegion *src_region, int n, GError **error)
{
  const size_t dst_size = (size_t) dst_region->width * dst_region->height;
  const size_t src_size = (size_t) src_region->width * src_region->height;
  g_autoptr (AtlFloats) dst = atl_floats_new (n * dst_size, _ ("resampling"), error);

  if (dst == NULL)
    return NULL;

  for (int p = 0; p < n; p++)
    if (! atl_resampler_run (resampler, dst + p * dst_size, dst_region, src + p * src_size,
                             src_region, error))
      return NULL;

  return g_steal_pointer (&dst);
}

float *
atl_resized_plane_new (AtlKernel kernel, int width, int height, const float *plane, int from_width,
                       int from_height, GError **error)
{
  const AtlRegion whole = { 0, 0, width, height }, from = { 0, 0, from_width, from_height };
  g_autoptr (AtlResampler)
      resampler = atl_resampler_new (kernel, width, height, from_width, from_height, error);

  return resampler != NULL ? atl_resampler_planes (resampler, &whole, plane, &from, 1, error)
                           : NULL;
}
