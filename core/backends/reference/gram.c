/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Gram matrix of each image's feature map, the style statistic.
 *
 *   G[n, c, d]   = sum over p of F[n, c, p] F[n, d, p] / (C P)                      P = H W pixels
 *   dF[n, c, p] += sum over d of (dG[n, c, d] + dG[n, d, c]) F[n, d, p] / (C P)
 *
 * Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
 * section 3.2.
 */

#include "backends/reference/reference.h"

size_t
atl_gram_scratch_size_reference (const AtlShape *shape)
{
  return 0;
}

/* g: N x C x C.  f: N x C x P. */
void
atl_gram_forward_reference (float *g, const float *f, const AtlShape *shape, float *scratch)
{
  const size_t C = (size_t) shape->c, P = (size_t) shape->h * (size_t) shape->w;

  for (int n = 0; n < shape->n; n++, g += C * C, f += C * P)
    for (size_t c = 0; c < C; c++)
      for (size_t d = 0; d < C; d++)
        {
          double sum = 0.0;

          for (size_t p = 0; p < P; p++)
            sum += (double) f[c * P + p] * f[d * P + p];
          g[c * C + d] = (float) (sum / ((double) C * (double) P));
        }
}

void
atl_gram_backward_reference (float *df, const float *dg, const float *f, const AtlShape *shape,
                             float *scratch)
{
  const size_t C = (size_t) shape->c, P = (size_t) shape->h * (size_t) shape->w;

  for (int n = 0; n < shape->n; n++, dg += C * C, df += C * P, f += C * P)
    for (size_t c = 0; c < C; c++)
      for (size_t p = 0; p < P; p++)
        {
          double sum = 0.0;

          for (size_t d = 0; d < C; d++)
            sum += ((double) dg[c * C + d] + dg[d * C + c]) * f[d * P + p];
          df[c * P + p] += (float) (sum / ((double) C * (double) P));
        }
}
