/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the learning rate changes over a training, which goes from progress 0 to 1.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ATL_SCHEDULE_CONSTANT,
  ATL_SCHEDULE_COSINE,        /* down to 0 along half a cosine */
  ATL_SCHEDULE_ONE_CYCLE,     /* fastai's use_clr = (DIV, CUT) */
  ATL_SCHEDULE_ONE_CYCLE_BETA /* fastai's use_clr_beta = (DIV, PCT) */
} AtlScheduleKind;

typedef struct
{
  AtlScheduleKind kind;
  double warm_up; /* constant, cosine: part of the training that the rate climbs from 0, 0..1 */
  double divisor; /* one-cycle: the cycle begins and ends at peak / divisor, at least 1 */
  double cut;     /* one-cycle: the peak is reached after 1 / cut of the training, more than 1 */
  double percent; /* one-cycle beta: the last percent of the training, 0..99, go down further */
} AtlSchedule;

/* Reads 'constant', 'constant:WARM-UP', 'cosine', 'cosine:WARM-UP' (per cent), 'one-cycle:DIV,CUT' or
 * 'one-cycle-beta:DIV,PCT'; ATL_ERROR_ARGUMENT with what there is. */
gboolean atl_schedule_parse (AtlSchedule *schedule, const char *text, GError **error);

/* The learning rate at 'progress', 0..1, for a highest rate of 'peak'. */
double atl_schedule_rate (const AtlSchedule *schedule, double peak, double progress);

G_END_DECLS
