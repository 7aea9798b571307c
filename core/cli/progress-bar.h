/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far the work has come, on stderr: a bar with the time left on a terminal, elsewhere a line now and
 * then.
 */

#pragma once

#include "base/progress.h"

G_BEGIN_DECLS

/* Work shorter than this many seconds is not announced. */
#define ATL_LONG_SECONDS 10.0

/* Whether what is shown can be drawn over: stderr is a terminal that knows how. */
gboolean atl_can_redraw (void);

/* Whether to show again how far the work has come: not too often for the eye, or, in lines that stay, for
 * a log. 'last_shown' (monotonic microseconds) is then now. */
gboolean atl_is_time_to_show (gint64 *last_shown, gboolean redraws);

typedef struct AtlProgressBar AtlProgressBar;

/* 'what' is shown before the bar: the file that is worked on. With 'quiet' nothing is shown. */
AtlProgressBar *atl_progress_bar_new (const char *command, const char *what, gboolean quiet);

/* To be given to the work, which SIGINT and SIGTERM then cancel; valid until the bar is freed. Reports
 * may come from one thread at a time. */
const AtlProgress *atl_progress_bar_progress (const AtlProgressBar *bar);

/* Takes the bar off the terminal. Accepts NULL. */
void atl_progress_bar_free (AtlProgressBar *bar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlProgressBar, atl_progress_bar_free)

G_END_DECLS
