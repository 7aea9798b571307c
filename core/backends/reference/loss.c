/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Losses of a batch y against its target t, each a mean over M = N C H W numbers, with the gradient
 * times 'gain'.
 *
 *   L1   loss = sum |y - t| / M      dy = gain sign (y - t) / M, 0 where they are equal
 *   MSE  loss = sum (y - t)^2 / M    dy = gain 2 (y - t) / M
 *   BCE  loss = sum (max (y, 0) - y t + log (1 + exp (-|y|))) / M
 *        dy = gain (1 / (1 + exp (-y)) - t) / M
 *
 * The binary cross-entropy is that of the probability 1 / (1 + exp (-y)) against t, written so that no
 * exponential overflows.
 */

#include <math.h>

#include "backends/reference/reference.h"

size_t
atl_loss_scratch_size_reference (const AtlShape *shape)
{
  return 0;
}

/* dy, y, t: N x C x H x W. */
double
atl_l1_loss_reference (float *dy, const float *y, const float *t, const AtlShape *shape, float gain,
                       float *scratch)
{
  const size_t size = atl_shape_size (shape);
  double sum = 0.0;

  for (size_t i = 0; i < size; i++)
    {
      const double difference = (double) y[i] - t[i];
      const double sign = (difference > 0.0) - (difference < 0.0);

      sum += fabs (difference);
      dy[i] = (float) (gain * sign / (double) size);
    }

  return sum / (double) size;
}

/* dy, y, t: N x C x H x W. */
double
atl_mse_loss_reference (float *dy, const float *y, const float *t, const AtlShape *shape,
                        float gain, float *scratch)
{
  const size_t size = atl_shape_size (shape);
  double sum = 0.0;

  for (size_t i = 0; i < size; i++)
    {
      const double difference = (double) y[i] - t[i];

      sum += difference * difference;
      dy[i] = (float) (gain * 2.0 * difference / (double) size);
    }

  return sum / (double) size;
}

/* dy, y, t: N x C x H x W. */
double
atl_binary_cross_entropy_loss_reference (float *dy, const float *y, const float *t,
                                         const AtlShape *shape, float gain, float *scratch)
{
  const size_t size = atl_shape_size (shape);
  double sum = 0.0;

  for (size_t i = 0; i < size; i++)
    {
      const double logit = y[i];

      sum += fmax (logit, 0.0) - logit * t[i] + log1p (exp (-fabs (logit)));
      dy[i] = (float) (gain * (1.0 / (1.0 + exp (-logit)) - t[i]) / (double) size);
    }

  return sum / (double) size;
}
