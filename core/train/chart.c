/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Curves drawn as SVG.
 */

#include "train/chart.h"

#include <math.h>
#include <string.h>

#include "base/atomic-file.h"

/* Pixels of the SVG. */
enum
{
  WIDTH = 800,
  PANEL_HEIGHT = 300,
  LEFT = 80, /* margins of a panel's frame */
  RIGHT = 20,
  TOP = 36,
  BOTTOM = 48,
  LEGEND_ENTRY = 170
};

/* About two points a pixel of the frame. */
#define MAX_POINTS 1400

/* Ticks along an axis, at most about so many. */
#define N_TICKS 6

/* The range of an axis, on a logarithmic one of the logarithms to base 10, and where it lies in the picture. */
typedef struct
{
  gboolean is_log;
  double low, high;
  double begin, end; /* pixels that 'low' and 'high' fall on */
} Axis;

/* Beyond this a number is as good as infinite: the length of the axis shall not overflow. */
#define LARGEST 1e100

static double
scaled (const Axis *axis, double value)
{
  if (! (fabs (value) < LARGEST))
    return NAN;
  return axis->is_log ? (value > 0.0 ? log10 (value) : NAN) : value;
}

static double
place (const Axis *axis, double value)
{
  return axis->begin
         + (scaled (axis, value) - axis->low) / (axis->high - axis->low)
               * (axis->end - axis->begin);
}

static void
widen (Axis *axis, double value)
{
  const double v = scaled (axis, value);

  if (! isfinite (v))
    return;
  axis->low = fmin (axis->low, v);
  axis->high = fmax (axis->high, v);
}

static gboolean
is_drawn (const Axis *x, const Axis *y, const AtlCurve *curve, int i)
{
  return isfinite (scaled (x, curve->x[i])) && isfinite (scaled (y, curve->y[i]));
}

/* An axis needs some length, also for one point, or none: with 5 % to spare above and below the curves. */
static void
pad (Axis *axis, double part)
{
  if (axis->low > axis->high)
    {
      axis->low = 0.0;
      axis->high = 1.0;
    }

  const double length = axis->high - axis->low;
  const double margin = length > 1e-12 * fmax (fabs (axis->low), fabs (axis->high))
                            ? part * length
                            : fmax (fabs (axis->low) * 0.1, 1e-6);

  axis->low -= margin;
  axis->high += margin;
}

static void
find_ranges (Axis *x, Axis *y, const AtlPanel *panel)
{
  for (int c = 0; c < panel->n_curves; c++)
    for (int i = 0; i < panel->curves[c].n; i++)
      {
        /* Where there is nothing to draw too: panels below each other then have the same axis. */
        widen (x, panel->curves[c].x[i]);
        if (is_drawn (x, y, &panel->curves[c], i))
          widen (y, panel->curves[c].y[i]);
      }

  pad (x, 0.0);
  pad (y, 0.05);
}

/* Numbers are written by GLib: a decimal point in every language. */
static void
append_number (GString *svg, const char *before, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (svg, "%s%s", before, g_ascii_formatd (text, sizeof text, "%.1f", value));
}

/* The next point of a path: the command "M" goes there, "L" draws a line. */
static void
append_point (GString *svg, const char *command, double x, double y)
{
  append_number (svg, command, x);
  append_number (svg, " ", y);
}

static void
append_line (GString *svg, double x1, double y1, double x2, double y2, const char *style)
{
  g_string_append (svg, "<path d=\"");
  append_point (svg, "M", x1, y1);
  append_point (svg, "L", x2, y2);
  g_string_append_printf (svg, "\" %s/>\n", style);
}

static void
append_text (GString *svg, double x, double y, const char *anchor, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *escaped = g_markup_escape_text (valid, -1);

  append_number (svg, "<text x=\"", x);
  append_number (svg, "\" y=\"", y);
  g_string_append_printf (svg, "\" text-anchor=\"%s\">%s</text>\n", anchor, escaped);
}

/* The distance of ticks, 1, 2 or 5 times a power of ten; of a logarithmic axis whole decades, or, where there is hardly
 * one, parts of it. */
static double
tick_distance (const Axis *axis)
{
  const double rough = (axis->high - axis->low) / N_TICKS;
  const double power = pow (10.0, floor (log10 (rough)));
  const double factor = rough / power;

  if (axis->is_log && axis->high - axis->low >= 2.0)
    return ceil (rough);
  return power * (factor <= 1.0 ? 1.0 : factor <= 2.0 ? 2.0 : factor <= 5.0 ? 5.0 : 10.0);
}

static void
append_ticks (GString *svg, const Axis *axis, const Axis *other, gboolean is_x)
{
  const double distance = tick_distance (axis);
  const double first = ceil (axis->low / distance - 1e-9);

  for (int i = 0; i < 3 * N_TICKS; i++)
    {
      const double at = (first + i) * distance;
      /* 0 is not left as the 1e-17 that sums make of it. */
      const double v = fabs (at) < 1e-9 * distance ? 0.0 : at;
      char number[G_ASCII_DTOSTR_BUF_SIZE];

      if (v > axis->high + 1e-9 * distance)
        return;

      const double p = axis->begin
                       + (v - axis->low) / (axis->high - axis->low) * (axis->end - axis->begin);
      g_ascii_formatd (number, sizeof number, axis->is_log ? "%.3g" : "%.6g",
                       axis->is_log ? pow (10.0, v) : v);
      if (is_x)
        {
          append_line (svg, p, other->begin, p, other->end, "class=\"grid\"");
          append_text (svg, p, other->begin + 16.0, "middle", number);
        }
      else
        {
          append_line (svg, other->begin, p, other->end, p, "class=\"grid\"");
          append_text (svg, other->begin - 6.0, p + 4.0, "end", number);
        }
    }
}

static void
append_curve (GString *svg, const Axis *x, const Axis *y, const AtlCurve *curve)
{
  const int stride = (curve->n + MAX_POINTS - 1) / MAX_POINTS;
  int n_drawn = 0;
  double last_x = 0.0, last_y = 0.0;

  g_string_append_printf (svg, "<path stroke=\"%s\" class=\"curve\" d=\"", curve->color);
  for (int i = 0; i < curve->n; i++)
    {
      if (i % MAX (stride, 1) != 0 && i != curve->n - 1)
        continue;
      if (! is_drawn (x, y, curve, i))
        continue;

      last_x = place (x, curve->x[i]);
      last_y = place (y, curve->y[i]);
      append_point (svg, n_drawn++ == 0 ? "M" : "L", last_x, last_y);
    }
  /* A single point would not be seen. */
  if (n_drawn == 1)
    append_point (svg, "L", last_x + 3.0, last_y);
  g_string_append (svg, "\"/>\n");
}

static void
append_legend (GString *svg, const AtlPanel *panel, double y)
{
  for (int c = 0; c < panel->n_curves; c++)
    {
      const double x = WIDTH - RIGHT - LEGEND_ENTRY * (panel->n_curves - c);
      g_autofree char *style = g_strdup_printf ("stroke=\"%s\" class=\"curve\"",
                                                panel->curves[c].color);

      append_line (svg, x, y - 4.0, x + 20.0, y - 4.0, style);
      append_text (svg, x + 26.0, y, "start", panel->curves[c].name);
    }
}

static void
append_panel (GString *svg, const AtlPanel *panel, double top)
{
  Axis x = { panel->log_x, INFINITY, -INFINITY, LEFT, WIDTH - RIGHT };
  Axis y = { panel->log_y, INFINITY, -INFINITY, top + PANEL_HEIGHT - BOTTOM, top + TOP };

  find_ranges (&x, &y, panel);
  append_ticks (svg, &x, &y, TRUE);
  append_ticks (svg, &y, &x, FALSE);
  for (int c = 0; c < panel->n_curves; c++)
    append_curve (svg, &x, &y, &panel->curves[c]);

  const double mark = place (&x, panel->mark);
  if (mark >= x.begin && mark <= x.end)
    {
      append_line (svg, mark, y.begin, mark, y.end, "class=\"mark\"");
      append_text (svg, mark + 4.0, y.end + 14.0, "start", panel->mark_name);
    }

  append_text (svg, LEFT, top + TOP - 12.0, "start", panel->title);
  append_text (svg, WIDTH - RIGHT, top + PANEL_HEIGHT - BOTTOM + 34.0, "end", panel->x_title);
  append_legend (svg, panel, top + TOP - 12.0);
}

char *
atl_chart_to_svg (const AtlPanel *panels, int n_panels)
{
  const int height = n_panels * PANEL_HEIGHT;
  GString *svg = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

  g_string_append_printf (svg,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                          "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
                          "<style>.grid{stroke:#ddd}.curve{fill:none;stroke-width:1.5}"
                          ".mark{stroke:#444;stroke-dasharray:4 3}</style>\n"
                          "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                          WIDTH, height, WIDTH, height, WIDTH, height);
  for (int i = 0; i < n_panels; i++)
    append_panel (svg, &panels[i], i * PANEL_HEIGHT);
  g_string_append (svg, "</svg>\n");
  return g_string_free (svg, FALSE);
}

gboolean
atl_chart_write (const char *path, const AtlPanel *panels, int n_panels, GError **error)
{
  g_autofree char *svg = atl_chart_to_svg (panels, n_panels);

  return atl_atomic_file_save (path, svg, strlen (svg), error);
}
