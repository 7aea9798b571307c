/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Curves as SVG: well-formed, of limited size, and with points where the numbers say.
 */

#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/chart.h"

/* Asserts that GLib's parser, which knows XML without its rarer parts, reads the whole text. */
static void
check_xml (const char *svg)
{
  static const GMarkupParser parser = { 0 };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, NULL, NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT (g_markup_parse_context_parse (context, svg, -1, &error)
             && g_markup_parse_context_end_parse (context, &error));
  atl_test_no_error (error);
}

/* The points of the path that is drawn in this colour, the legend's line not being one: pairs of x and y. */
static GArray *
points_of (const char *svg, const char *color)
{
  g_autofree char *start = g_strdup_printf ("<path stroke=\"%s\" class=\"curve\" d=\"", color);
  GArray *points = g_array_new (FALSE, FALSE, sizeof (double));
  const char *at = strstr (svg, start);

  CU_ASSERT_PTR_NOT_NULL_FATAL (at);
  at += strlen (start);
  while (*at == 'M' || *at == 'L')
    for (int i = 0; i < 2; i++)
      {
        char *end;
        const double v = g_ascii_strtod (at + 1, &end);

        g_array_append_val (points, v);
        at = end;
      }
  return points;
}

static double
number (const GArray *points, guint i)
{
  CU_ASSERT_FATAL (i < points->len);
  return g_array_index (points, double, i);
}

/* Equal factors are equal distances on a logarithmic axis, and larger is higher. */
static void
places_points (void)
{
  const double x[] = { 1e-4, 1e-3, 1e-2 }, y[] = { 1.0, 2.0, 4.0 };
  const AtlCurve curve = { "a < b", "#123456", 3, x, y };
  const AtlPanel panel = { .title = "loss & more",
                           .x_title = "rate",
                           .log_x = TRUE,
                           .mark = 1e-3,
                           .mark_name = "here",
                           .curves = &curve,
                           .n_curves = 1 };
  g_autofree char *svg = atl_chart_to_svg (&panel, 1);
  g_autoptr (GArray) points = points_of (svg, "#123456");

  check_xml (svg);
  CU_ASSERT_EQUAL_FATAL (points->len, 6);
  CU_ASSERT_DOUBLE_EQUAL (number (points, 2) - number (points, 0),
                          number (points, 4) - number (points, 2), 0.11);
  CU_ASSERT (number (points, 2) - number (points, 0) > 300.0);
  CU_ASSERT_DOUBLE_EQUAL (number (points, 3) - number (points, 5),
                          2.0 * (number (points, 1) - number (points, 3)), 0.31);
  CU_ASSERT (number (points, 5) < number (points, 3));
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, "a &lt; b"));
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, "loss &amp; more"));

  g_autofree char *mark = g_strdup_printf ("<path d=\"M%.1f ", number (points, 2));
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, mark));
}

/* A curve that begins late is drawn from where it begins, below one that begins at once. */
static void
panels_have_one_axis (void)
{
  const double x[] = { 0.0, 1.0, 2.0 }, whole[] = { 1.0, 2.0, 3.0 }, late[] = { NAN, 1.0, 2.0 };
  const AtlCurve curves[] = { { "a", "#111111", 3, x, whole }, { "b", "#222222", 3, x, late } };
  const AtlPanel panels[] = {
    { .title = "", .x_title = "", .mark = NAN, .curves = &curves[0], .n_curves = 1 },
    { .title = "", .x_title = "", .mark = NAN, .curves = &curves[1], .n_curves = 1 },
  };
  g_autofree char *svg = atl_chart_to_svg (panels, 2);
  g_autoptr (GArray) a = points_of (svg, "#111111"), b = points_of (svg, "#222222");

  CU_ASSERT_EQUAL_FATAL (b->len, 4);
  CU_ASSERT_EQUAL (number (b, 0), number (a, 2));
  CU_ASSERT_EQUAL (number (b, 2), number (a, 4));
  CU_ASSERT (number (b, 1) > number (a, 1)); /* the panel below */
}

/* What cannot be drawn is left out, whatever it is. */
static void
bears_any_numbers (void)
{
  static const double sets[][4] = {
    { NAN, NAN, NAN, NAN },          { INFINITY, -INFINITY, 0.0, 1.0 },
    { 0.0, -1.0, -2.0, 0.0 },        { 1e308, -1e308, 1e300, 1.0 },
    { 5.0, 5.0, 5.0, 5.0 },          { 0.0, 0.0, 0.0, 0.0 },
    { 1e-310, 1e-320, 1e99, -1e99 },
  };

  for (size_t s = 0; s < G_N_ELEMENTS (sets); s++)
    for (int is_log = 0; is_log < 2; is_log++)
      for (int n = 0; n <= 4; n++)
        {
          const double x[] = { 1.0, 2.0, 3.0, 4.0 };
          const AtlCurve curves[] = { { "x", "#111111", n, x, sets[s] },
                                      { "y", "#222222", n, sets[s], x } };
          const AtlPanel panel = { .title = "",
                                   .x_title = "",
                                   .log_x = is_log,
                                   .log_y = is_log,
                                   .mark = NAN,
                                   .curves = curves,
                                   .n_curves = 2 };
          g_autofree char *svg = atl_chart_to_svg (&panel, 1);

          check_xml (svg);
          CU_ASSERT_PTR_NULL (strstr (svg, "nan"));
          CU_ASSERT_PTR_NULL (strstr (svg, "inf"));
          CU_ASSERT_PTR_NULL (strstr (svg, "mark\"/>"));
        }
}

static void
has_a_limit (void)
{
  enum
  {
    N = 100000
  };
  g_autofree double *x = g_new (double, N);
  const AtlCurve curve = { "x", "#111111", N, x, x };
  const AtlPanel panel = {
    .title = "", .x_title = "", .mark = NAN, .curves = &curve, .n_curves = 1
  };

  for (int i = 0; i < N; i++)
    x[i] = i;
  g_autofree char *svg = atl_chart_to_svg (&panel, 1);
  g_autoptr (GArray) points = points_of (svg, "#111111");
  CU_ASSERT (points->len > 2000 && points->len < 3000);
  CU_ASSERT_DOUBLE_EQUAL (number (points, points->len - 2), 780.0, 0.11); /* the last is there */
  CU_ASSERT (strlen (svg) < 50000);
}

static void
failures_are_told (void)
{
  const AtlPanel panel = { .title = "", .x_title = "", .mark = NAN };
  GError *error = NULL;

  CU_ASSERT_FALSE (atl_chart_write ("/nowhere/a.svg", &panel, 1, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "/nowhere/a.svg");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "places points", places_points },         { "panels have one axis", panels_have_one_axis },
    { "bears any numbers", bears_any_numbers }, { "has a limit", has_a_limit },
    { "failures are told", failures_are_told },
  };

  return atl_suite_run ("chart", tests, G_N_ELEMENTS (tests));
}
