/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SIGINT and SIGTERM. A thread of its own waits for them, since the main one computes.
 */

#include "cli/interrupt.h"

#include <glib-unix.h>

static gboolean
cancel (void *cancellable)
{
  g_cancellable_cancel (cancellable);
  /* Removing the last source of a signal makes it deadly again. */
  return G_SOURCE_REMOVE;
}

static void catch (int number, GMainContext *context, GCancellable *cancellable)
{
  g_autoptr (GSource) source = g_unix_signal_source_new (number);

  g_source_set_callback (source, cancel, cancellable, NULL);
  g_source_attach (source, context);
}

static void *
wait_for_signals (void *context)
{
  for (;;)
    g_main_context_iteration (context, TRUE);
  return NULL;
}

GCancellable *
atl_interrupt_cancellable (void)
{
  static GCancellable *cancellable = NULL;

  if (g_once_init_enter (&cancellable))
    {
      GMainContext *context = g_main_context_new ();
      GCancellable *made = g_cancellable_new ();

      catch (SIGINT, context, made);
      catch (SIGTERM, context, made);
      g_thread_unref (g_thread_new ("signals", wait_for_signals, context));
      g_once_init_leave (&cancellable, made);
    }
  return cancellable;
}
