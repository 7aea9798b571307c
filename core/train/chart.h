/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Curves drawn as SVG, which any browser shows: panels with axes, ticks and a line for each curve.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* n points from left to right; what is not finite, or not positive on a logarithmic axis, is left out. All borrowed. */
typedef struct
{
  const char *name;  /* for the legend */
  const char *color; /* "#1f77b4" */
  int n;
  const double *x, *y;
} AtlCurve;

typedef struct
{
  const char *title, *x_title;
  gboolean log_x, log_y;
  double mark; /* x of a dashed upright line; NAN for none */
  const char *mark_name;
  const AtlCurve *curves;
  int n_curves;
} AtlPanel;

/* The panels below each other as a whole SVG file; owned by the caller. A curve of more points than can be told apart is
 * thinned, so that the size of the text has a limit. */
char *atl_chart_to_svg (const AtlPanel *panels, int n_panels);

/* Writes it, at once and only when it is complete. G_FILE_ERROR. */
gboolean atl_chart_write (const char *path, const AtlPanel *panels, int n_panels, GError **error);

G_END_DECLS
