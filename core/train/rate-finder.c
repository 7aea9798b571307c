/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The search for a learning rate.
 */

#include "train/rate-finder.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "train/chart.h"
#include "train/learner.h"

/* fastai's: a loss that is 4 times its least does not come back. */
#define STOP_FACTOR 4.0

static double
rate_of (const AtlRateSweep *sweep, int step)
{
  return sweep->lowest * pow (sweep->highest / sweep->lowest, (double) step / (sweep->n_steps - 1));
}

/* Part of the fall of the loss. Tried on 60 photos of BSDS, batch 8, crops of 24, 200 steps: networks of width 8 with 2
 * blocks and of width 16 with 4 blocks, started as nearest neighbour, get 0.0007 and 0.0008, the first one started at
 * random, with the lesson's options, 0.005. Of the constant rates 0.0001, 0.0003, 0.001, 0.003 and 0.01 the best after
 * 300 steps are 0.001 for the first of them and 0.003 for the last. The steepest descent gave rates that are too low
 * where little is to be learned, a tenth of the least loss's rate still lower ones. */
#define FALLEN 0.8

GArray *
atl_rate_sweep_run (const AtlRateSweep *sweep, AtlModel *model, const AtlRecipe *recipe,
                    const AtlBackend *backend, const AtlProgress *progress, GError **error)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (AtlRatePoint));
  g_auto (AtlLearner) learner = { 0 };
  g_autoptr (AtlFloats) start = NULL;
  const size_t size = atl_graph_parameters_size (model->graph);
  const double beta = 1.0 - 10.0 / sweep->n_steps;
  double mean = 0.0, least = INFINITY;

  if (! atl_learner_init (&learner, model, recipe, backend, error))
    return NULL;
  start = atl_floats_new (size, _ ("the first weights"), error);
  if (start == NULL)
    return NULL;

  memcpy (start, model->parameters, size * sizeof (float));
  for (int i = 0; i < sweep->n_steps; i++)
    {
      const AtlPace pace = { rate_of (sweep, i), ATL_MOMENTUM };
      AtlRatePoint point = { .rate = pace.rate };
      double start_loss;

      if (! atl_progress_update (progress, (double) i / sweep->n_steps, error)
          || ! atl_learner_loss (&learner, &start_loss, (guint64) i, start, error)
          || ! atl_learner_step (&learner, &point.loss, (guint64) i, &pace, error))
        return NULL;
      if (! isfinite (point.loss / start_loss))
        break;

      mean = beta * mean + (1.0 - beta) * point.loss / start_loss;
      point.smoothed = mean / (1.0 - pow (beta, i + 1));
      g_array_append_val (points, point);
      if (point.smoothed > STOP_FACTOR * least)
        break;
      least = fmin (least, point.smoothed);
    }

  if (points->len > 0)
    return g_steal_pointer (&points);
  g_set_error_literal (
      error, ATL_ERROR, ATL_ERROR_TRAINING,
      _ ("there is no rate to look for: the first loss is no number, or nothing is left to learn"));
  return NULL;
}

double
atl_rate_suggest (const GArray *points)
{
  const AtlRatePoint *p = (const AtlRatePoint *) points->data;
  guint least = 0;

  for (guint i = 1; i < points->len; i++)
    if (p[i].smoothed < p[least].smoothed)
      least = i;
  if (points->len == 0 || p[least].smoothed >= 1.0)
    return 0.0;

  const double enough = 1.0 - FALLEN * (1.0 - p[least].smoothed);
  guint i = least;
  while (i > 0 && p[i - 1].smoothed <= enough)
    i--;
  return p[i].rate;
}

gboolean
atl_rate_plot_write (const char *path, const GArray *points, double suggestion, GError **error)
{
  const int n = (int) points->len;
  g_autofree double *rates = g_new (double, n);
  g_autofree double *losses = g_new (double, n);
  const AtlCurve curve = { _ ("smoothed loss"), "#1f77b4", n, rates, losses };
  char mark[G_ASCII_DTOSTR_BUF_SIZE];
  const AtlPanel panel = { .title = _ ("loss, relative to that of the first weights"),
                           .x_title = _ ("learning rate"),
                           .log_x = TRUE,
                           .log_y = TRUE,
                           .mark = suggestion,
                           .mark_name = mark,
                           .curves = &curve,
                           .n_curves = 1 };

  g_ascii_formatd (mark, sizeof mark, "%.2g", suggestion);
  for (int i = 0; i < n; i++)
    {
      rates[i] = g_array_index (points, AtlRatePoint, i).rate;
      losses[i] = g_array_index (points, AtlRatePoint, i).smoothed;
    }
  return atl_chart_write (path, &panel, 1, error);
}
