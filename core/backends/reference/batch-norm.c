/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Batch normalisation of each channel over the M = N H W numbers it has in the batch.
 *
 *   mean     = sum x / M
 *   variance = sum (x - mean)^2 / M
 *   x^       = (x - mean) / sqrt (variance + epsilon)
 *   z        = gamma x^ + beta
 *   y        = z, or max (residual + gain z, 0) or parts of that
 *
 *   dz       = gain dy
 *   dbeta   += sum dz
 *   dgamma  += sum dz x^
 *   dx       = gamma / sqrt (variance + epsilon)  (dz - sum dz / M - x^ sum (dz x^) / M)
 *
 * Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
 * Covariate Shift", ICML 2015, algorithm 1 and section 3.
 *
 * Shapes:  x, y, dx, dy  N x C x H x W      gamma, beta, dgamma, dbeta, mean, variance  C
 */

#include <math.h>

#include "backends/reference/reference.h"

size_t
atl_batch_norm_scratch_size_reference (const AtlShape *shape)
{
  return 0;
}

static double
mean_of_channel (const float *x, const AtlShape *shape, int c)
{
  double sum = 0.0;

  for (int n = 0; n < shape->n; n++)
    for (int h = 0; h < shape->h; h++)
      for (int w = 0; w < shape->w; w++)
        sum += x[atl_nchw (shape, n, c, h, w)];

  return sum / ((double) shape->n * shape->h * shape->w);
}

static double
variance_of_channel (const float *x, double mean, const AtlShape *shape, int c)
{
  double sum = 0.0;

  for (int n = 0; n < shape->n; n++)
    for (int h = 0; h < shape->h; h++)
      for (int w = 0; w < shape->w; w++)
        {
          const double difference = x[atl_nchw (shape, n, c, h, w)] - mean;

          sum += difference * difference;
        }

  return sum / ((double) shape->n * shape->h * shape->w);
}

void
atl_batch_norm_forward_reference (float *y, float *mean, float *variance, const float *x,
                                  const float *gamma, const float *beta, const AtlShape *shape,
                                  float epsilon, const AtlNormEpilogue *epilogue, float *scratch)
{
  for (int c = 0; c < shape->c; c++)
    {
      const double m = mean_of_channel (x, shape, c);
      const double v = variance_of_channel (x, m, shape, c);
      const double scale = gamma[c] / sqrt (v + epsilon);

      mean[c] = (float) m;
      variance[c] = (float) v;

      for (int n = 0; n < shape->n; n++)
        for (int h = 0; h < shape->h; h++)
          for (int w = 0; w < shape->w; w++)
            {
              const size_t i = atl_nchw (shape, n, c, h, w);

              const double z = scale * (x[i] - m) + beta[c];
              const double sum = epilogue->residual == NULL
                                     ? z
                                     : epilogue->residual[i] + (double) epilogue->gain * z;

              y[i] = epilogue->relu && sum < 0.0 ? 0.0f : (float) sum;
            }
    }
}

/* The gradients of one channel; deviation = sqrt (variance + epsilon). */
static void
backward_of_channel (float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
                     double gamma, double mean, double deviation, const AtlShape *shape, int c,
                     double gain, gboolean accumulate, gboolean relu)
{
  const double count = (double) shape->n * shape->h * shape->w;
  double sum_dz = 0.0, sum_dz_x = 0.0;

  for (int n = 0; n < shape->n; n++)
    for (int h = 0; h < shape->h; h++)
      for (int w = 0; w < shape->w; w++)
        {
          const size_t i = atl_nchw (shape, n, c, h, w);

          sum_dz += gain * dy[i];
          sum_dz_x += gain * dy[i] * (x[i] - mean) / deviation;
        }

  if (dgamma != NULL)
    dgamma[c] = (float) (dgamma[c] + sum_dz_x);
  if (dbeta != NULL)
    dbeta[c] = (float) (dbeta[c] + sum_dz);

  for (int n = 0; n < shape->n; n++)
    for (int h = 0; h < shape->h; h++)
      for (int w = 0; w < shape->w; w++)
        {
          const size_t i = atl_nchw (shape, n, c, h, w);
          const double x_hat = (x[i] - mean) / deviation;
          const double before = accumulate ? dx[i] : 0.0;

          dx[i] = (float) (before
                           + gamma / deviation
                                 * (gain * dy[i] - sum_dz / count - x_hat * sum_dz_x / count));
          if (relu && ! (x[i] > 0.0f))
            dx[i] = 0.0f;
        }
}

void
atl_batch_norm_backward_reference (float *dx, float *dgamma, float *dbeta, const float *dy,
                                   const float *x, const float *gamma, const float *mean,
                                   const float *variance, const AtlShape *shape, float epsilon,
                                   float gain, gboolean accumulate, gboolean relu, float *scratch)
{
  for (int c = 0; c < shape->c; c++)
    {
      const double deviation = sqrt ((double) variance[c] + epsilon);

      backward_of_channel (dx, dgamma, dbeta, dy, x, gamma[c], mean[c], deviation, shape, c, gain,
                           accumulate, relu);
    }
}
