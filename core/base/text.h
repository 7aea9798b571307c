/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts for a terminal or a dialog: those of others made fit for it (names of files, and what stands in a file),
 * and durations; and numbers that were typed.
 */

#pragma once

#include <glib.h>

#include "base/visibility.h"

G_BEGIN_DECLS

/* Whether a text is UTF-8 without control characters, but for those of 'also_allowed' (ASCII). */
gboolean atl_text_is_shown (const char *text, const char *also_allowed);

/* The text for a message: its first 100 characters, with '?' for control characters and U+FFFD for what
 * is not UTF-8. Owned by the caller. */
char *atl_text_shown (const char *text);

/* The same of the whole text. */
char *atl_text_shown_whole (const char *text);

/* A word of a command of the shell, fit to be copied from a terminal: bytes that it would not show as they are stand in
 * it as $'\033'. Owned by the caller. */
char *atl_text_quoted (const char *text);

/* Reads a text that is a number and nothing else, with a decimal point in every language; it may be NaN. */
gboolean atl_text_to_number (const char *text, double *number);

/* A duration for people: "7 s", "1:05 min", "2:03 h". Owned by the caller. */
ATL_PUBLIC char *atl_duration_to_string (double seconds);

G_END_DECLS
