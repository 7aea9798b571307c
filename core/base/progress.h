/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Progress and cancelling of long work.
 */

#pragma once

#include <gio/gio.h>

#include "base/visibility.h"

G_BEGIN_DECLS

/* How far the work has come, told to the host. fraction: 0..1, never falling. */
typedef void AtlProgressFunc (double fraction, void *data);

/* Held by the caller for as long as the work lasts; all members may be zero. Passed by const pointer;
 * NULL stands for nobody listening. */
typedef struct
{
  AtlProgressFunc *report;
  void *data;                /* for report */
  GCancellable *cancellable; /* borrowed */
  double begin, span;        /* the part of 0..1 that this work fills; span 0 stands for all */
} AtlProgress;

/* Reports that 'fraction' (0..1) of this work is done. FALSE and G_IO_ERROR_CANCELLED when the work
 * was cancelled and is to be left as soon as possible. */
ATL_PUBLIC gboolean atl_progress_update (const AtlProgress *progress, double fraction,
                                         GError **error);

/* The part of 'whole' from 'begin' to 'end' (0..1), to be passed on to one stage of the work. */
ATL_PUBLIC AtlProgress atl_progress_part (const AtlProgress *whole, double begin, double end);

G_END_DECLS
