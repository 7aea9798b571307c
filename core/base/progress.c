/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Progress and cancelling.
 */

#include "base/progress.h"

gboolean
atl_progress_update (const AtlProgress *progress, double fraction, GError **error)
{
  if (progress == NULL)
    return TRUE;

  if (g_cancellable_set_error_if_cancelled (progress->cancellable, error))
    return FALSE;

  if (progress->report != NULL)
    {
      const double span = progress->span > 0.0 ? progress->span : 1.0;
      progress->report (progress->begin + span * CLAMP (fraction, 0.0, 1.0), progress->data);
    }

  return TRUE;
}

AtlProgress
atl_progress_part (const AtlProgress *whole, double begin, double end)
{
  if (whole == NULL)
    return (AtlProgress) { 0 };

  const double span = whole->span > 0.0 ? whole->span : 1.0;
  AtlProgress part = *whole;

  part.begin = whole->begin + span * begin;
  part.span = span * (end - begin);
  return part;
}
