/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The search for a learning rate: a short training whose rate grows from step to step, and what its losses say.
 *
 * Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3, with fastai's smoothing. Of
 * N steps, with L[i] the loss of step i and L0[i] that of the first weights on the same batch,
 *
 *   rate[i]     = lowest (highest / lowest)^(i / (N - 1))
 *   a[i]        = b a[i-1] + (1 - b) L[i] / L0[i],  a[-1] = 0
 *   smoothed[i] = a[i] / (1 - b^(i+1)),             b = 1 - 10 / N
 *
 * How hard a batch is falls out of the quotient. That matters where training starts from good weights: there the loss
 * differs more from batch to batch than it falls. The sweep ends early when smoothed[i] is more than 4 times the least
 * so far.
 */

#pragma once

#include "train/trainer.h"

G_BEGIN_DECLS

/* Fewer steps cannot be smoothed. */
#define ATL_RATE_SWEEP_MIN 20

typedef struct
{
  double lowest, highest;
  int n_steps; /* at least ATL_RATE_SWEEP_MIN */
} AtlRateSweep;

/* One step of a sweep. */
typedef struct
{
  double rate;
  double loss;     /* finite */
  double smoothed; /* relative to the first weights: 1 is as good as they are */
} AtlRatePoint;

/* Trains the model, whose parameters are of no use afterwards, by the recipe's options but for the rate, and writes
 * nothing. A GArray of AtlRatePoint, of which the first is there; ATL_ERROR_TRAINING if that has no finite loss. */
GArray *atl_rate_sweep_run (const AtlRateSweep *sweep, AtlModel *model, const AtlRecipe *recipe,
                            const AtlBackend *backend, const AtlProgress *progress, GError **error);

/* The highest rate to train at: the lowest from which on, up to the least smoothed loss, four fifths of the fall from 1 to
 * it are done. The least itself is where learning and blowing up are in balance, and too far. 0 if the loss never fell. */
double atl_rate_suggest (const GArray *points);

/* Draws the smoothed loss against the rate, with a suggestion marked (0: none). G_FILE_ERROR. */
gboolean atl_rate_plot_write (const char *path, const GArray *points, double suggestion,
                              GError **error);

G_END_DECLS
