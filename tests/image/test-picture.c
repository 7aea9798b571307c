/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures as planes: every kind of pixel comes back as it was, hidden colours stay hidden, values
 * outside 0..1 are not lost, and no part depends on how the picture is cut.
 */

#include "suite.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "image/picture.h"

static const char *const formats[] = {
  "R'G'B' u8",     "R'G'B'A u8", "R'G'B' u16", "RGBA u16", "RGB u32",       "R~G~B~A half",
  "R'G'B'A float", "RGB float",  "RGB double", "Y' u8",    "Y'A u8",        "Y u16",
  "Y~A u16",       "Y' half",    "YA float",   "Y~ float", "R~G~B~A float", "R~G~B~ u8",
};

static gboolean
is_whole_numbers (const char *format)
{
  return strstr (format, " u") != NULL;
}

/* Spaces as files and GIMP make them; the profile's space has curves of its own. */
static const Babl *
space_number (int i)
{
  static const char *const names[] = { "sRGB", "ProPhoto", "Rec2020" };
  const char *message = NULL;

  if (i < (int) G_N_ELEMENTS (names))
    return babl_space (names[i]);

  int length = 0;
  const char *icc = babl_space_get_icc (babl_space ("Adobish"), &length);
  return babl_space_from_icc (icc, length, BABL_ICC_INTENT_RELATIVE_COLORIMETRIC, &message);
}

/* Smooth colours from 0 to 1 and some noise, alpha from 'low_alpha' to 1, at (3, -5) to show that the
 * extent need not begin at 0. */
static GeglBuffer *
buffer_new (const Babl *format, int width, int height, float low_alpha)
{
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (3, -5, width, height), format);
  g_autofree float *rgba = g_new (float, (gsize) width *height * 4);
  AtlRandom random;

  atl_random_init (&random, 1, 1);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        float *pixel = rgba + ((gsize) y * width + x) * 4;

        pixel[0] = (float) (0.9 * x / width + 0.1 * atl_random_uniform (&random));
        pixel[1] = (float) (0.9 * y / height + 0.1 * atl_random_uniform (&random));
        pixel[2] = (float) atl_random_uniform (&random);
        pixel[3] = low_alpha + (1.0f - low_alpha) * (float) atl_random_uniform (&random);
      }
  gegl_buffer_set (buffer, NULL, 0,
                   babl_format_with_space ("R~G~B~A float", babl_format_get_space (format)), rgba,
                   GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

/* The pixels in the buffer's own precision and model, as double. */
static double *
numbers_new (GeglBuffer *buffer, int *n)
{
  const Babl *format = gegl_buffer_get_format (buffer);
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);
  g_autofree guchar *raw = NULL;

  *n = extent->width * extent->height * babl_format_get_n_components (format);
  raw = g_malloc ((gsize) extent->width * extent->height
                  * babl_format_get_bytes_per_pixel (format));
  gegl_buffer_get (buffer, extent, 1.0, format, raw, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);

  double *numbers = g_new (double, *n);
  const char *type = babl_get_name (babl_format_get_type (format, 0));
  for (int i = 0; i < *n; i++)
    if (strcmp (type, "u8") == 0)
      numbers[i] = raw[i];
    else if (strcmp (type, "u16") == 0)
      numbers[i] = ((guint16 *) raw)[i];
    else if (strcmp (type, "u32") == 0)
      numbers[i] = ((guint32 *) raw)[i];
    else if (strcmp (type, "float") == 0)
      numbers[i] = ((float *) raw)[i];
    else if (strcmp (type, "double") == 0)
      numbers[i] = ((double *) raw)[i];
    else
      numbers[i] = ((guint16 *) raw)[i]; /* half: its code */
  return numbers;
}

static GeglBuffer *
copy_through_planes (GeglBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (picture);

  const AtlRegion whole = { 0, 0, atl_picture_width (picture), atl_picture_height (picture) };
  const size_t n = (size_t) whole.width * whole.height;
  g_autofree float *planes = g_new (float, n * 7);
  float *excess = planes + 3 * n, *alpha = planes + 6 * n;

  CU_ASSERT_TRUE (atl_picture_read (picture, planes, excess, alpha, &whole, &error));
  for (size_t i = 0; i < 3 * n; i++)
    {
      CU_ASSERT (planes[i] >= 0.0f && planes[i] <= 1.0f);
      planes[i] += excess[i];
    }

  GeglBuffer *result = atl_picture_new_result (picture, whole.width, whole.height);
  CU_ASSERT_TRUE (atl_picture_write (picture, result, planes, alpha, &whole, &error));
  return result;
}

/* Largest difference that is allowed: none for 8 and 16 bits, else that of perceptual float, in which
 * the slope of the curve is up to 13 in the dark. */
static void
compare_buffers (const char *what, GeglBuffer *result, GeglBuffer *expected)
{
  int n, n_expected;
  g_autofree double *a = numbers_new (result, &n);
  g_autofree double *b = numbers_new (expected, &n_expected);
  const gboolean exact = is_whole_numbers (what) && strstr (what, "u32") == NULL;
  const double tolerance = strstr (what, "u32") != NULL    ? 4294967295.0 * 2e-6
                           : strstr (what, "half") != NULL ? 1.0
                           : exact                         ? 0.0
                                                           : 2e-6;
  double largest = 0.0;

  CU_ASSERT_EQUAL_FATAL (n, n_expected);
  CU_ASSERT_PTR_EQUAL (gegl_buffer_get_format (result), gegl_buffer_get_format (expected));
  for (int i = 0; i < n; i++)
    largest = fmax (largest, fabs (a[i] - b[i]));
  if (largest > tolerance)
    {
      printf ("  %s: differs by %g\n", what, largest);
      CU_FAIL ("pixels changed");
    }
}

static void
every_format_comes_back (void)
{
  for (int s = 0; s < 4; s++)
    for (size_t f = 0; f < G_N_ELEMENTS (formats); f++)
      {
        const Babl *format = babl_format_with_space (formats[f], space_number (s));
        g_autoptr (GeglBuffer) buffer = buffer_new (format, 37, 29, 0.1f);
        g_autoptr (GeglBuffer) result = copy_through_planes (buffer);
        g_autofree char *what = g_strdup_printf ("%s, space %d", formats[f], s);

        compare_buffers (what, result, buffer);
      }
}

/* Grey is the same in all planes, and colour is not. */
static void
grey_is_neutral (void)
{
  static const char *const names[] = { "Y' u8", "R'G'B' u8" };

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GeglBuffer) buffer = buffer_new (babl_format (names[i]), 8, 8, 1.0f);
      g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
      const AtlRegion whole = { 0, 0, 8, 8 };
      float planes[3 * 64];
      int n_different = 0;

      CU_ASSERT_TRUE (atl_picture_read (picture, planes, NULL, NULL, &whole, NULL));
      for (int p = 0; p < 64; p++)
        n_different += planes[p] != planes[64 + p] || planes[p] != planes[128 + p];
      CU_ASSERT ((n_different == 0) == (i == 0));
    }
}

static void
set_rgba (GeglBuffer *buffer, int x, int y, float r, float g, float b, float a)
{
  const float pixel[4] = { r, g, b, a };

  gegl_buffer_set (buffer, GEGL_RECTANGLE (x + 3, y - 5, 1, 1), 0, babl_format ("R~G~B~A float"),
                   pixel, GEGL_AUTO_ROWSTRIDE);
}

/* Values above 1 and below 0 are in the excess, wherever the buffer can hold them. */
static void
excess_is_kept (void)
{
  g_autoptr (GeglBuffer) buffer = buffer_new (babl_format ("RGBA float"), 5, 4, 1.0f);
  const AtlRegion part = { 1, 1, 2, 1 };
  float colour[6], excess[6], alpha[2];

  g_autoptr (AtlPicture) plain = atl_picture_new (buffer, NULL, NULL);
  CU_ASSERT_FALSE (atl_picture_has_excess (plain));

  set_rgba (buffer, 1, 1, 3.5f, 0.5f, -0.25f, 1.0f);
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
  CU_ASSERT_TRUE (atl_picture_has_excess (picture));
  CU_ASSERT_TRUE (atl_picture_read (picture, colour, excess, alpha, &part, NULL));
  CU_ASSERT_DOUBLE_EQUAL (colour[0], 1.0, 1e-6);
  CU_ASSERT_DOUBLE_EQUAL (excess[0], 2.5, 1e-5);
  CU_ASSERT_DOUBLE_EQUAL (colour[2], 0.5, 1e-6);
  CU_ASSERT_DOUBLE_EQUAL (excess[2], 0.0, 1e-6);
  CU_ASSERT_DOUBLE_EQUAL (colour[4], 0.0, 1e-6);
  CU_ASSERT_DOUBLE_EQUAL (excess[4], -0.25, 1e-5);
  CU_ASSERT_EQUAL (excess[1], 0.0f);
}

static void
not_finite_is_refused (void)
{
  static const float bad[] = { NAN, INFINITY };

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GeglBuffer) buffer = buffer_new (babl_format ("R~G~B~A float"), 5, 4, 1.0f);
      g_autoptr (GError) error = NULL;

      set_rgba (buffer, 4, 2, 0.0f, bad[i], 0.0f, 1.0f);
      CU_ASSERT_PTR_NULL (atl_picture_new (buffer, NULL, &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "4, 2");
    }
}

static void
empty_is_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GeglBuffer)
      buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 0, 0), babl_format ("R~G~B~A float"));

  CU_ASSERT_PTR_NULL (atl_picture_new (buffer, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_SHAPE, "0 x 0");
}

/* A red disc; around it full transparency over garish green. */
static GeglBuffer *
disc_new (int width, int height, double radius)
{
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height),
                                        babl_format ("R'G'B'A u8"));
  g_autofree guchar *rgba = g_new (guchar, (gsize) width * height * 4);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        const gboolean inside = hypot (x - width / 2, y - height / 2) <= radius;
        guchar *pixel = rgba + ((gsize) y * width + x) * 4;

        pixel[0] = inside ? 200 : 0;
        pixel[1] = inside ? 20 : 255;
        pixel[2] = inside ? x * 255 / width : 0;
        pixel[3] = inside ? 255 : 0;
      }
  gegl_buffer_set (buffer, NULL, 0, babl_format ("R'G'B'A u8"), rgba, GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

static void
hidden_colour_is_replaced (void)
{
  static const int sizes[][2] = { { 61, 47 }, { 1000, 3 }, { 9, 700 } };

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      const AtlRegion whole = { 0, 0, sizes[i][0], sizes[i][1] };
      const size_t n = (size_t) whole.width * whole.height;
      g_autoptr (GeglBuffer) buffer = disc_new (whole.width, whole.height, 10.0);
      g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
      g_autofree float *planes = g_new (float, 4 * n);
      int n_filled = 0;

      CU_ASSERT_TRUE (atl_picture_read (picture, planes, NULL, planes + 3 * n, &whole, NULL));
      for (size_t p = 0; p < n; p++)
        {
          n_filled += planes[3 * n + p] == 0.0f;
          CU_ASSERT_DOUBLE_EQUAL (planes[p], 200.0 / 255.0, 1e-5);
          CU_ASSERT_DOUBLE_EQUAL (planes[n + p], 20.0 / 255.0, 1e-5);
        }
      CU_ASSERT (n_filled > 500);
    }
}

/* Next to an edge the filled colour is the edge's, not a mean of the whole. */
static void
fill_follows_neighbours (void)
{
  g_autoptr (GeglBuffer) buffer = disc_new (256, 64, 100.0);
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
  const AtlRegion left = { 20, 32, 1, 1 }, right = { 236, 32, 1, 1 };
  float colour[3];

  CU_ASSERT_TRUE (atl_picture_read (picture, colour, NULL, NULL, &left, NULL));
  CU_ASSERT_DOUBLE_EQUAL (colour[2], 28.0 / 256.0, 0.03);
  CU_ASSERT_TRUE (atl_picture_read (picture, colour, NULL, NULL, &right, NULL));
  CU_ASSERT_DOUBLE_EQUAL (colour[2], 228.0 / 256.0, 0.03);
}

/* Between the two sides of a gap in a ramp the filled colours climb, but for half a pixel's worth where
 * a mean of two pixels lags behind the outer one. */
static void
fill_is_smooth (void)
{
  const AtlRegion row = { 0, 5, 200, 1 };
  float colour[3 * 200];
  g_autoptr (GeglBuffer)
      buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 200, 11), babl_format ("R'G'B'A float"));

  for (int x = 0; x < 200; x++)
    {
      const float level = (float) x / 200.0f;
      const float pixel[4] = { level, level, level, x > 70 && x < 131 ? 0.0f : 1.0f };

      gegl_buffer_set_color_from_pixel (buffer, GEGL_RECTANGLE (x, 0, 1, 11), pixel,
                                        babl_format ("R'G'B'A float"));
    }
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
  CU_ASSERT_TRUE (atl_picture_read (picture, colour, NULL, NULL, &row, NULL));
  for (int x = 1; x < 200; x++)
    CU_ASSERT (colour[x] >= colour[x - 1] - 0.01f);
}

/* BT.601, of three planes that differ. */
static void
grey_is_written_as_luma (void)
{
  const AtlRegion pixel = { 1, 2, 1, 1 };
  const float colour[3] = { 0.2f, 0.5f, 0.9f };
  float found = 0.0f;
  g_autoptr (GeglBuffer) buffer = buffer_new (babl_format ("Y' float"), 4, 4, 1.0f);
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
  g_autoptr (GeglBuffer) result = atl_picture_new_result (picture, 4, 4);

  CU_ASSERT_TRUE (atl_picture_write (picture, result, colour, NULL, &pixel, NULL));
  gegl_buffer_get (result, GEGL_RECTANGLE (1, 2, 1, 1), 1.0, babl_format ("Y' float"), &found,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  CU_ASSERT_DOUBLE_EQUAL (found, 0.299 * 0.2 + 0.587 * 0.5 + 0.114 * 0.9, 1e-6);
}

static void
all_transparent_stays (void)
{
  g_autoptr (GeglBuffer) buffer = disc_new (20, 20, -1.0);
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
  const AtlRegion part = { 7, 7, 1, 1 };
  float colour[3], alpha;

  CU_ASSERT_TRUE (atl_picture_read (picture, colour, NULL, &alpha, &part, NULL));
  CU_ASSERT_EQUAL (alpha, 0.0f);
  CU_ASSERT_DOUBLE_EQUAL (colour[1], 1.0, 1e-6);
}

static void
parts_equal_whole (void)
{
  const AtlRegion whole = { 0, 0, 1100, 530 }; /* several parts of the survey, no whole cells */
  const size_t n = (size_t) whole.width * whole.height;
  g_autoptr (GeglBuffer) buffer = disc_new (whole.width, whole.height, 90.0);
  g_autoptr (AtlPicture) picture = atl_picture_new (buffer, NULL, NULL);
  g_autofree float *planes = g_new (float, 3 * n);
  AtlRandom random;

  CU_ASSERT_TRUE (atl_picture_read (picture, planes, NULL, NULL, &whole, NULL));
  atl_random_init (&random, 5, 0);
  for (int i = 0; i < 300; i++)
    {
      AtlRegion part = { (int) atl_random_below (&random, whole.width),
                         (int) atl_random_below (&random, whole.height), 0, 0 };
      part.width = 1 + (int) atl_random_below (&random, MIN (60, whole.width - part.x));
      part.height = 1 + (int) atl_random_below (&random, MIN (60, whole.height - part.y));
      const size_t n_part = (size_t) part.width * part.height;
      g_autofree float *cut = g_new (float, 3 * n_part);
      int n_different = 0;

      CU_ASSERT_TRUE (atl_picture_read (picture, cut, NULL, NULL, &part, NULL));
      for (int c = 0; c < 3; c++)
        for (int y = 0; y < part.height; y++)
          for (int x = 0; x < part.width; x++)
            n_different += cut[c * n_part + y * part.width + x]
                           != planes[c * n + (size_t) (part.y + y) * whole.width + part.x + x];
      CU_ASSERT_EQUAL (n_different, 0);
    }
}

int
main (int argc, char **argv)
{
  static const AtlTest tests[] = {
    { "every format comes back", every_format_comes_back },
    { "grey is neutral", grey_is_neutral },
    { "excess is kept", excess_is_kept },
    { "not finite is refused", not_finite_is_refused },
    { "empty is refused", empty_is_refused },
    { "hidden colour is replaced", hidden_colour_is_replaced },
    { "fill follows neighbours", fill_follows_neighbours },
    { "fill is smooth", fill_is_smooth },
    { "grey is written as luma", grey_is_written_as_luma },
    { "all transparent stays", all_transparent_stays },
    { "parts equal the whole", parts_equal_whole },
  };

  gegl_init (&argc, &argv);
  const int status = atl_suite_run ("picture", tests, G_N_ELEMENTS (tests));
  gegl_exit ();
  return status;
}
