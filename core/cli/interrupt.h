/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SIGINT and SIGTERM: the first one asks the work to end cleanly, the second of the same kind ends the
 * process at once.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Cancelled when a signal arrives; from the first call on, signals are caught. Borrowed, lives for
 * ever. */
GCancellable *atl_interrupt_cancellable (void);

G_END_DECLS
