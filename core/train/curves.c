/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The curves of a training.
 */

#include "train/curves.h"

#include <math.h>

#include "base/i18n.h"
#include "train/chart.h"
#include "train/log.h"

/* One number of each row, all of them arrays of as many as there are rows. */
typedef struct
{
  double *steps, *training_loss, *validation_loss, *score, *rate;
} Columns;

static void
columns_init (Columns *c, const GArray *rows)
{
  const guint n = rows->len;

  c->steps = g_new (double, n);
  c->training_loss = g_new (double, n);
  c->validation_loss = g_new (double, n);
  c->score = g_new (double, n);
  c->rate = g_new (double, n);
  for (guint i = 0; i < n; i++)
    {
      const AtlLogRow *row = &g_array_index (rows, AtlLogRow, i);

      c->steps[i] = (double) row->step;
      c->training_loss[i] = row->training_loss;
      c->validation_loss[i] = row->has_validation ? row->validation_loss : NAN;
      c->score[i] = row->has_validation ? row->score : NAN;
      c->rate[i] = row->rate;
    }
}

static void
columns_clear (Columns *c)
{
  g_free (c->steps);
  g_free (c->training_loss);
  g_free (c->validation_loss);
  g_free (c->score);
  g_free (c->rate);
}

gboolean
atl_curves_write (const char *path, const GArray *rows, const char *score_name, GError **error)
{
  const int n = (int) rows->len;
  Columns c;

  columns_init (&c, rows);

  const AtlCurve losses[] = { { _ ("training"), "#1f77b4", n, c.steps, c.training_loss },
                              { _ ("validation"), "#d62728", n, c.steps, c.validation_loss } };
  const AtlCurve score = { score_name, "#2ca02c", n, c.steps, c.score };
  const AtlCurve rate = { _ ("learning rate"), "#9467bd", n, c.steps, c.rate };
  AtlPanel panels[] = {
    { .title = _ ("loss"), .log_y = TRUE, .curves = losses, .n_curves = G_N_ELEMENTS (losses) },
    { .title = _ ("score of the validation"), .curves = &score, .n_curves = 1 },
    { .title = _ ("learning rate"), .curves = &rate, .n_curves = 1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (panels); i++)
    {
      panels[i].x_title = _ ("steps");
      panels[i].mark = NAN;
    }

  const gboolean done = atl_chart_write (path, panels, G_N_ELEMENTS (panels), error);
  columns_clear (&c);
  return done;
}
