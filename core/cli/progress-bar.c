/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far the work has come.
 */

#include "cli/progress-bar.h"

#include <stdio.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/output.h"

enum
{
  BAR_WIDTH = 30,                        /* characters */
  REDRAW_INTERVAL = G_USEC_PER_SEC / 10, /* of the bar */
  LINE_INTERVAL = 10 * G_USEC_PER_SEC,   /* between plain lines */
  TRUSTED_AFTER = 2 * G_USEC_PER_SEC     /* an estimate of the time left before that is wild */
};

gboolean
atl_can_redraw (void)
{
  return isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

gboolean
atl_is_time_to_show (gint64 *last_shown, gboolean redraws)
{
  const gint64 now = g_get_monotonic_time ();

  if (now - *last_shown < (gint64) (redraws ? REDRAW_INTERVAL : LINE_INTERVAL))
    return FALSE;
  *last_shown = now;
  return TRUE;
}

struct AtlProgressBar
{
  AtlProgress progress;
  char *command;
  char *what;
  gboolean quiet;
  gboolean on_terminal;
  gint64 begin; /* microseconds, as the next */
  gint64 last_shown;
};

/* ", 12 s left", or nothing while that cannot be known. */
static char *
time_left (const AtlProgressBar *bar, double fraction)
{
  const gint64 spent = bar->last_shown - bar->begin;

  if (spent < TRUSTED_AFTER || fraction <= 0.0)
    return g_strdup ("");

  g_autofree char *left = atl_duration_to_string ((double) spent / G_USEC_PER_SEC * (1.0 - fraction)
                                                  / fraction);
  return g_strdup_printf (_ (", %s left"), left);
}

static void
draw (const AtlProgressBar *bar, double fraction, const char *left)
{
  const int n_full = (int) (fraction * BAR_WIDTH);
  g_autofree char *full = g_strnfill (n_full, '#');
  g_autofree char *empty = g_strnfill (BAR_WIDTH - n_full, '.');

  g_printerr ("\r\033[K%s [%s%s] %3d %%%s", bar->what, full, empty, (int) (100.0 * fraction), left);
}

static void
report (double fraction, void *data)
{
  AtlProgressBar *bar = data;

  if (bar->quiet || ! atl_is_time_to_show (&bar->last_shown, bar->on_terminal))
    return;

  g_autofree char *left = time_left (bar, fraction);
  if (bar->on_terminal)
    draw (bar, fraction, left);
  else
    atl_say (bar->command, _ ("%s: %d %% done%s"), bar->what, (int) (100.0 * fraction), left);
}

AtlProgressBar *
atl_progress_bar_new (const char *command, const char *what, gboolean quiet)
{
  AtlProgressBar *bar = g_new0 (AtlProgressBar, 1);

  bar->progress.report = report;
  bar->progress.data = bar;
  bar->progress.cancellable = atl_interrupt_cancellable ();
  bar->command = g_strdup (command);
  bar->what = g_strdup (what);
  bar->quiet = quiet;
  bar->on_terminal = atl_can_redraw ();
  bar->begin = g_get_monotonic_time ();
  bar->last_shown = bar->begin;
  return bar;
}

const AtlProgress *
atl_progress_bar_progress (const AtlProgressBar *bar)
{
  return &bar->progress;
}

void
atl_progress_bar_free (AtlProgressBar *bar)
{
  if (bar == NULL)
    return;

  if (bar->on_terminal && bar->last_shown != bar->begin)
    g_printerr ("\r\033[K");
  g_free (bar->command);
  g_free (bar->what);
  g_free (bar);
}
