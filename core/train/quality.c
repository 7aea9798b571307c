/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * PSNR and SSIM on luma.
 *
 *   Y     = 16 + 65.481 R + 128.553 G + 24.966 B          R, G, B in 0..1
 *   PSNR  = 10 log10 (255^2 / mean of (a - b)^2)
 *   SSIM  = mean of (2 ma mb + C1) (2 sab + C2) / ((ma^2 + mb^2 + C1) (sa^2 + sb^2 + C2))
 *
 * where ma, mb, sa^2, sb^2, sab are means, variances and covariance under a Gaussian window of 11 x 11
 * with deviation 1.5, at every place where it lies inside; C1 = (0.01 255)^2, C2 = (0.03 255)^2. Wang et
 * al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
 */

#include "train/quality.h"

#include <math.h>

#include "base/i18n.h"
#include "base/memory.h"

enum
{
  WINDOW = ATL_SSIM_WINDOW,
  N_MOMENTS = 5 /* of a, b, a^2, b^2, a b */
};

float *
atl_luma_new (const AtlPhoto *picture, GError **error)
{
  const size_t n = (size_t) picture->width * picture->height;
  float *luma = atl_floats_new (n, _ ("measuring a picture"), error);

  for (size_t i = 0; luma != NULL && i < n; i++)
    {
      const guint8 *pixel = picture->rgb + 3 * i;

      luma[i] = (float) (16.0 + (65.481 * pixel[0] + 128.553 * pixel[1] + 24.966 * pixel[2]) / 255);
    }
  return luma;
}

double
atl_psnr (const float *a, const float *b, int width, int height, int border)
{
  const double n = (double) (width - 2 * border) * (height - 2 * border);
  double squares = 0.0;

  for (int y = border; y < height - border; y++)
    for (int x = border; x < width - border; x++)
      {
        const size_t i = (size_t) y * width + x;
        const double d = (double) a[i] - b[i];

        squares += d * d;
      }

  return 10.0 * log10 (255.0 * 255.0 * n / squares);
}

/* The Gaussian of one dimension, with sum 1. */
static void
make_window (double window[WINDOW])
{
  double sum = 0.0;

  for (int i = 0; i < WINDOW; i++)
    {
      const double d = i - WINDOW / 2;

      window[i] = exp (-d * d / (2.0 * 1.5 * 1.5));
      sum += window[i];
    }
  for (int i = 0; i < WINDOW; i++)
    window[i] /= sum;
}

/* Moments of the column of WINDOW pixels from 'first' on. */
static void
column_moments (double *moments, const float *a, const float *b, int stride, const double *window)
{
  for (int m = 0; m < N_MOMENTS; m++)
    moments[m] = 0.0;

  for (int i = 0; i < WINDOW; i++)
    {
      const double p = a[(size_t) i * stride], q = b[(size_t) i * stride];
      const double of[N_MOMENTS] = { p, q, p * p, q * q, p * q };

      for (int m = 0; m < N_MOMENTS; m++)
        moments[m] += window[i] * of[m];
    }
}

static double
similarity (const double *m)
{
  const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
  const double a_variance = m[2] - m[0] * m[0];
  const double b_variance = m[3] - m[1] * m[1];
  const double covariance = m[4] - m[0] * m[1];

  return (2.0 * m[0] * m[1] + c1) * (2.0 * covariance + c2)
         / ((m[0] * m[0] + m[1] * m[1] + c1) * (a_variance + b_variance + c2));
}

double
atl_ssim (const float *a, const float *b, int width, int height, int border)
{
  const int w = width - 2 * border, h = height - 2 * border;
  g_return_val_if_fail (w >= WINDOW && h >= WINDOW, NAN);

  const int n_x = w - WINDOW + 1, n_y = h - WINDOW + 1;
  g_autofree double *columns = g_try_new (double, (size_t) N_MOMENTS *w);
  double window[WINDOW], sum = 0.0;

  if (columns == NULL)
    return NAN;

  make_window (window);
  for (int y = 0; y < n_y; y++)
    {
      const size_t row = (size_t) (border + y) * width + border;

      for (int x = 0; x < w; x++)
        column_moments (columns + N_MOMENTS * x, a + row + x, b + row + x, width, window);
      for (int x = 0; x < n_x; x++)
        {
          double moments[N_MOMENTS] = { 0 };

          for (int i = 0; i < WINDOW; i++)
            for (int m = 0; m < N_MOMENTS; m++)
              moments[m] += window[i] * columns[N_MOMENTS * (x + i) + m];
          sum += similarity (moments);
        }
    }

  return sum / ((double) n_x * n_y);
}
