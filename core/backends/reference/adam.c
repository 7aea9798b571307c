/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adam. With gradient g, step t from 1, rate lr and weight decay d:
 *
 *   g = g + d w                        L2, or
 *   w = w - lr d w                     decoupled
 *   m = beta1 m + (1 - beta1) g
 *   v = beta2 v + (1 - beta2) g^2
 *   w = w - lr m^ / (sqrt (v^) + epsilon)      m^ = m / (1 - beta1^t),  v^ = v / (1 - beta2^t)
 *
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. Loshchilov and
 * Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2, without the schedule.
 */

#include <math.h>

#include "backends/reference/reference.h"

/* w, m, v, g: n. */
void
atl_adam_reference (float *w, float *m, float *v, const float *g, size_t n, const AtlAdam *adam)
{
  const double lr = adam->learning_rate, decay = adam->weight_decay;
  const double correction_m = 1.0 - pow (adam->beta1, (double) adam->step);
  const double correction_v = 1.0 - pow (adam->beta2, (double) adam->step);

  for (size_t i = 0; i < n; i++)
    {
      const double gradient = adam->decoupled ? g[i] : g[i] + decay * w[i];
      const double weight = adam->decoupled ? w[i] - lr * decay * w[i] : w[i];
      const double first = adam->beta1 * m[i] + (1.0 - adam->beta1) * gradient;
      const double second = adam->beta2 * v[i] + (1.0 - adam->beta2) * gradient * gradient;
      const double step = (first / correction_m) / (sqrt (second / correction_v) + adam->epsilon);

      m[i] = (float) first;
      v[i] = (float) second;
      w[i] = (float) (weight - lr * step);
    }
}
