/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log of a training, log.csv: a row every so many steps, each written out at once.
 */

#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 step;
  double epoch;         /* rounds over the data done */
  double rate;          /* learning rate of the last step */
  double training_loss; /* mean since the row before */
  gboolean has_validation;
  double validation_loss;
  double score; /* what the task measures by, larger is better */
  double samples_per_second;
  double seconds; /* since the start, all sittings together */
} AtlLogRow;

/* Opens the log in 'path': a new one (what was there is replaced), or the old one without its rows after
 * 'step'. 'score_name' heads its column: "psnr". */
FILE *atl_log_open (const char *path, const char *score_name, gboolean keep, guint64 step,
                    GError **error);

gboolean atl_log_write (FILE *log, const char *path, const AtlLogRow *row, GError **error);

/* The rows of a log that is there, a GArray of AtlLogRow; what is no row of one is left out. */
GArray *atl_log_read (const char *path, GError **error);

G_END_DECLS
