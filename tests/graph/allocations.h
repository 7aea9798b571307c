/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts what a test program asks memory for, on all threads and in all libraries.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begins to count. FALSE where counting is not possible; 'why' then says so. */
gboolean atl_test_allocations_start (const char **why);

/* How often memory was asked for since then, given or not. */
int atl_test_allocations_stop (void);

G_END_DECLS
