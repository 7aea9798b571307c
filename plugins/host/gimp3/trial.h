/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter tried out beside a dialog: in a thread, one question after the other, the last one counts.
 */

#pragma once

#include "filters/filter.h"

typedef struct AtlTrial AtlTrial;

typedef struct
{
  const GError *error; /* why there is no answer; then nothing else is set */

  /* Of settings. */
  const char *how; /* models and backend; NULL: the answer is that of a part */
  double scale;
  double seconds; /* for the picture */
  size_t memory;  /* bytes at a time, beside the picture's own */

  /* Of a part. */
  GeglBuffer *result;
} AtlTrialAnswer;

/* Called in the thread of the main loop. */
typedef void AtlTrialFunc (const AtlTrialAnswer *answer, void *data);

AtlTrial *atl_trial_new (const AtlFilter *filter, AtlTrialFunc *answered, void *data);
/* Waits until its thread rests, in the main loop; nothing is answered any more. */
void atl_trial_free (AtlTrial *trial);

/* What would the settings do to a picture of width x height? All earlier questions are dropped. Takes the settings. */
void atl_trial_ask (AtlTrial *trial, AtlSettings *settings, int width, int height);

/* What becomes of a part of it, in a result of width x height? To be asked once there is an answer on the settings.
 * The thread reads the part, so that it must be of memory, not GIMP's. */
void atl_trial_ask_part (AtlTrial *trial, GeglBuffer *part, int width, int height);
