/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The curves of a training: losses, score and rate over its steps.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Draws the rows of a log, a GArray of AtlLogRow, as SVG; 'score_name' is that of the log. G_FILE_ERROR. */
gboolean atl_curves_write (const char *path, const GArray *rows, const char *score_name,
                           GError **error);

G_END_DECLS
