/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files: every depth and what stands beside the pixels comes back; what is no picture is told;
 * a file that is not complete is never there.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>
#include <vips/vips.h>

#include "base/error.h"
#include "image/libraries.h"
#include "photos.h"

static void
pixels_come_back (void)
{
  static const struct
  {
    const char *ending;
    int bands;
    VipsBandFormat format;
    VipsInterpretation interpretation;
    double peak;
    const char *buffer; /* the buffer's format */
  } cases[] = {
    { "png", 1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W, 255.0, "Y' u8" },
    { "png", 2, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W, 255.0, "Y'A u8" },
    { "png", 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0, "R'G'B' u8" },
    { "png", 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0, "R'G'B'A u8" },
    { "png", 1, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_GREY16, 65535.0, "Y' u16" },
    { "png", 2, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_GREY16, 65535.0, "Y'A u16" },
    { "png", 3, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0, "R'G'B' u16" },
    { "png", 4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0, "R'G'B'A u16" },
    { "tif", 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0, "R'G'B' u8" },
    { "tif", 4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0, "R'G'B'A u16" },
    { "TIFF", 2, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_GREY16, 65535.0, "Y'A u16" },
    { "tif", 1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W, 255.0, "Y' u8" },
    { "tif", 1, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_GREY16, 65535.0, "Y' u16" },
    { "tif", 3, VIPS_FORMAT_UINT, VIPS_INTERPRETATION_sRGB, 4294967000.0, "R'G'B' u32" },
    { "tif", 4, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB, 3.5, "RGBA float" },
    { "tif", 2, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_B_W, 3.5, "Y'A float" },
    { "tif", 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB, 3.5, "RGB float" },
    { "tif", 1, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_B_W, 3.5, "Y' float" },
    { "webp", 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0, "R'G'B' u8" },
    { "jpg", 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0, "R'G'B' u8" },
    { "JPEG", 1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W, 255.0, "Y' u8" },
  };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("in%zu.%s", i, cases[i].ending);
      g_autofree char *copy_name = g_strdup_printf ("out%zu.%s", i, cases[i].ending);
      g_autofree char *from = atl_test_photo_path (folder, name),
                      *to = atl_test_photo_path (folder, copy_name);
      const gboolean lossy = strchr ("wjJ", cases[i].ending[0]) != NULL;

      atl_test_photo_save (atl_test_ramp_new (cases[i].bands, cases[i].format,
                                              cases[i].interpretation, cases[i].peak),
                           from);
      g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
      const Babl *format = gegl_buffer_get_format (atl_photo_file_buffer (file));
      CU_ASSERT_STRING_EQUAL (babl_format_get_encoding (format), cases[i].buffer);
      CU_ASSERT_PTR_NULL (atl_photo_file_remark (file));

      atl_test_photo_copy (from, to);
      const double difference = atl_test_photo_difference (from, to);
      if (difference > (lossy ? 40.0 : 0.0))
        {
          printf ("  %s differs by %g\n", name, difference);
          CU_FAIL ("pixels changed");
        }
    }
}

static void
set_blob (VipsImage *image, const char *name, const void *data, int size)
{
  vips_image_set_blob_copy (image, name, data, (size_t) size);
}

static void
check_same_blob (VipsImage *image, const char *name, const void *data, int size)
{
  const void *found = NULL;
  size_t found_size = 0;

  CU_ASSERT_EQUAL_FATAL (vips_image_get_blob (image, name, &found, &found_size), 0);
  CU_ASSERT (found_size == (size_t) size && memcmp (found, data, found_size) == 0);
}

/* Profile, orientation, resolution, EXIF and XMP of a JPEG reach every kind of file. */
static void
what_is_beside_the_pixels_comes_back (void)
{
  static const char *const endings[] = { "jpg", "png", "tif", "webp" };
  static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>";
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.jpg");
  int icc_size = 0;
  const char *icc = atl_test_space_profile (babl_space ("ProPhoto"), &icc_size);
  VipsImage *image = atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0);

  set_blob (image, VIPS_META_ICC_NAME, icc, icc_size);
  set_blob (image, VIPS_META_XMP_NAME, xmp, sizeof xmp - 1);
  vips_image_set_int (image, VIPS_META_ORIENTATION, 6);
  vips_image_set_string (image, "exif-ifd0-Copyright", "Ada");
  image->Xres = image->Yres = 300.0 / 25.4;
  atl_test_photo_save (image, from);

  for (size_t i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *name = g_strconcat ("out.", endings[i], NULL);
      g_autofree char *to = atl_test_photo_path (folder, name);
      const char *text = "";
      int orientation = 0;

      atl_test_photo_copy (from, to);
      VipsImage *copy = vips_image_new_from_file (to, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
      CU_ASSERT_EQUAL (copy->Xsize, ATL_TEST_RAMP_WIDTH); /* not turned */
      check_same_blob (copy, VIPS_META_ICC_NAME, icc, icc_size);
      check_same_blob (copy, VIPS_META_XMP_NAME, xmp, sizeof xmp - 1);
      vips_image_get_int (copy, VIPS_META_ORIENTATION, &orientation);
      CU_ASSERT_EQUAL (orientation, 6);
      if (i != 2) /* libvips gives a TIFF file no EXIF, and its loss is told */
        {
          CU_ASSERT_EQUAL (vips_image_get_string (copy, "exif-ifd0-Copyright", &text), 0);
          CU_ASSERT (g_str_has_prefix (text, "Ada"));
        }
      if (i < 3) /* WebP has no resolution but that in its EXIF */
        CU_ASSERT_DOUBLE_EQUAL (copy->Xres, 300.0 / 25.4, 0.02);
      g_object_unref (copy);
    }

  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  g_autofree char *loss = atl_photo_file_loss (file, "out.tif");
  CU_ASSERT_PTR_NOT_NULL_FATAL (loss);
  CU_ASSERT_PTR_NOT_NULL (strstr (loss, "EXIF"));
  CU_ASSERT_PTR_NULL (atl_photo_file_loss (file, "out.png"));
  const Babl *space = babl_format_get_space (gegl_buffer_get_format (atl_photo_file_buffer (file)));
  CU_ASSERT_PTR_NOT_EQUAL (space, babl_space ("sRGB"));
}

/* A result with more colours than the palette, and more levels than black and white. */
static void
palettes_are_left_behind (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *palette = atl_test_photo_path (folder, "palette.png"),
                  *to = atl_test_photo_path (folder, "out.png");
  g_autofree char *many = atl_test_photo_path (folder, "many.png");
  VipsImage *image = atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_EQUAL_FATAL (vips_pngsave (image, palette, "palette", TRUE, "colours", 4, NULL), 0);
  atl_test_photo_save (image, many);
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (palette);
  g_autoptr (AtlPhotoFile) colourful = atl_test_photo_open (many);
  CU_ASSERT_TRUE (atl_photo_file_write (file, atl_photo_file_buffer (colourful), to, NULL, &error));
  atl_test_no_error (error);
  CU_ASSERT_EQUAL (atl_test_photo_difference (many, to), 0.0);
}

/* Files that come in pieces of other order, and pixels smaller than a byte. */
static void
other_codings_are_read (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *interlaced = atl_test_photo_path (folder, "interlaced.png");
  g_autofree char *progressive = atl_test_photo_path (folder, "progressive.jpg");
  g_autofree char *bits = atl_test_photo_path (folder, "bits.png");
  g_autofree char *to = atl_test_photo_path (folder, "out.png");
  g_autofree char *to_jpeg = atl_test_photo_path (folder, "out.jpg");
  VipsImage *image = atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0);
  VipsImage *grey = atl_test_ramp_new (1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W, 255.0);
  int is_multiscan = 0;

  CU_ASSERT_EQUAL_FATAL (vips_pngsave (image, interlaced, "interlace", TRUE, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_jpegsave (image, progressive, "interlace", TRUE, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_pngsave (grey, bits, "bitdepth", 1, NULL), 0);
  g_object_unref (image);
  g_object_unref (grey);

  atl_test_photo_copy (interlaced, to);
  CU_ASSERT_EQUAL (atl_test_photo_difference (interlaced, to), 0.0);
  atl_test_photo_copy (bits, to);
  CU_ASSERT_EQUAL (atl_test_photo_difference (bits, to), 0.0);
  atl_test_photo_copy (progressive, to_jpeg);
  CU_ASSERT (atl_test_photo_difference (progressive, to_jpeg) < 40.0);

  VipsImage *copy = vips_image_new_from_file (to_jpeg, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
  CU_ASSERT (
      vips_image_get_typeof (copy, "jpeg-multiscan") == 0
      || (vips_image_get_int (copy, "jpeg-multiscan", &is_multiscan) == 0 && ! is_multiscan));
  g_object_unref (copy);
}

/* Of a film the first picture is taken, and the result, twice as high, is no film of two. */
static void
films_are_left_behind (void)
{
  static const char *const films[] = { "film.webp", "film.gif", "film.tif" };
  static const char *const results[] = { "out.webp", "out.tif", "out.png" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GeglBuffer) result = gegl_buffer_new (
      GEGL_RECTANGLE (0, 0, 2 * ATL_TEST_RAMP_WIDTH, 2 * ATL_TEST_RAMP_HEIGHT / 3),
      babl_format ("R'G'B' u8"));

  for (size_t f = 0; f < G_N_ELEMENTS (films); f++)
    {
      g_autofree char *film = atl_test_photo_path (folder, films[f]);
      VipsImage *image = atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0);

      vips_image_set_int (image, VIPS_META_PAGE_HEIGHT, ATL_TEST_RAMP_HEIGHT / 3);
      atl_test_photo_save (image, film);
      g_autoptr (AtlPhotoFile) file = atl_test_photo_open (film);
      CU_ASSERT_EQUAL (gegl_buffer_get_height (atl_photo_file_buffer (file)),
                       ATL_TEST_RAMP_HEIGHT / 3);
      CU_ASSERT_PTR_NOT_NULL_FATAL (atl_photo_file_remark (file));
      CU_ASSERT_PTR_NOT_NULL (strstr (atl_photo_file_remark (file), "3 pages"));

      for (size_t r = 0; r < G_N_ELEMENTS (results); r++)
        {
          g_autofree char *to = atl_test_photo_path (folder, results[r]);
          g_autoptr (GError) error = NULL;
          int n_pages = 1;

          CU_ASSERT_TRUE (atl_photo_file_write (file, result, to, NULL, &error));
          atl_test_no_error (error);
          VipsImage *copy = vips_image_new_from_file (to, NULL);
          CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
          CU_ASSERT_EQUAL (copy->Ysize, 2 * ATL_TEST_RAMP_HEIGHT / 3);
          if (vips_image_get_typeof (copy, VIPS_META_N_PAGES) != 0)
            vips_image_get_int (copy, VIPS_META_N_PAGES, &n_pages);
          CU_ASSERT_EQUAL (n_pages, 1);
          g_object_unref (copy);
        }
    }
}

/* What a kind of file has not: it is said, and made the best of. */
static void
losses_are_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.png"),
                  *to = atl_test_photo_path (folder, "out.jpg");
  VipsImage *image = atl_test_ramp_new (4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0);
  VipsImage *clear = NULL;
  double *corner = NULL;
  int n = 0;

  /* Black under full transparency. */
  CU_ASSERT_EQUAL_FATAL (vips_linear1 (image, &clear, 0.0, 0.0, NULL), 0);
  g_object_unref (image);
  CU_ASSERT_EQUAL_FATAL (vips_cast_ushort (clear, &image, NULL), 0);
  g_object_unref (clear);
  image->Type = VIPS_INTERPRETATION_RGB16;
  atl_test_photo_save (image, from);

  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  g_autofree char *to_jpeg = atl_photo_file_loss (file, to);
  g_autofree char *to_webp = atl_photo_file_loss (file, "out.webp");
  CU_ASSERT_PTR_NOT_NULL_FATAL (to_jpeg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (to_webp);
  CU_ASSERT_PTR_NOT_NULL (strstr (to_jpeg, "transparency"));
  CU_ASSERT_PTR_NOT_NULL (strstr (to_jpeg, "8 bits"));
  CU_ASSERT_PTR_NOT_NULL (strstr (to_webp, "8 bits"));
  CU_ASSERT_PTR_NULL (atl_photo_file_loss (file, "out.png"));
  CU_ASSERT_PTR_NULL (atl_photo_file_loss (file, "out.tif"));

  atl_test_photo_copy (from, to);
  VipsImage *copy = vips_image_new_from_file (to, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
  CU_ASSERT_EQUAL (copy->Bands, 3);
  CU_ASSERT_EQUAL_FATAL (vips_getpoint (copy, &corner, &n, 3, 3, NULL), 0);
  CU_ASSERT (corner[0] > 253.0 && corner[1] > 253.0 && corner[2] > 253.0);
  g_free (corner);
  g_object_unref (copy);
}

static void
names_may_be_odd (void)
{
  static const char *const names[] = { "a b.png", "a[1].png", "grün, 100 %.PNG", "-x.png",
                                       "two.dots.png" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *plain = atl_test_photo_path (folder, "plain.png");

  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       plain);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *odd = atl_test_photo_path (folder, names[i]),
                      *back = atl_test_photo_path (folder, "back.png");

      atl_test_photo_copy (plain, odd);
      atl_test_photo_copy (odd, back);
      CU_ASSERT_EQUAL (atl_test_photo_difference (plain, back), 0.0);
    }
}

static void
expect_unreadable (const char *path, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_path_get_basename (path);

  CU_ASSERT_PTR_NULL (atl_photo_file_open (path, NULL, &error));
  atl_test_error (&error, domain, code, name);
}

static void
what_is_no_picture_is_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *missing = atl_test_photo_path (folder, "missing.png");
  g_autofree char *empty = atl_test_file_new (folder, "empty.jpg", "", 0);
  g_autofree char *text = atl_test_file_new (folder, "text.png", "hello world", 11);
  g_autofree char *whole = atl_test_photo_path (folder, "whole.jpg");
  g_autofree char *bytes = NULL;
  gsize size = 0;

  expect_unreadable (missing, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  expect_unreadable (folder, ATL_ERROR, ATL_ERROR_FORMAT);
  expect_unreadable (empty, ATL_ERROR, ATL_ERROR_FORMAT);
  expect_unreadable (text, ATL_ERROR, ATL_ERROR_FORMAT);

  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       whole);
  CU_ASSERT_TRUE_FATAL (g_file_get_contents (whole, &bytes, &size, NULL));
  g_autofree char *half = atl_test_file_new (folder, "half.jpg", bytes, size / 2);
  g_autofree char *head = atl_test_file_new (folder, "head.jpg", bytes, 30);
  expect_unreadable (half, ATL_ERROR, ATL_ERROR_FORMAT);
  expect_unreadable (head, ATL_ERROR, ATL_ERROR_FORMAT);
}

static void
five_bands_are_refused (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "five.tif");
  g_autoptr (GError) error = NULL;

  atl_test_photo_save (
      atl_test_ramp_new (5, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_MULTIBAND, 255.0), from);
  CU_ASSERT_PTR_NULL (atl_photo_file_open (from, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "five.tif' has 5 channels");
}

static void
wrong_outputs_are_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.png");
  g_autofree char *xyz = atl_test_photo_path (folder, "out.xyz"),
                  *bare = atl_test_photo_path (folder, "png");
  g_autofree char *nowhere = atl_test_photo_path (folder, "nowhere/out.png");
  g_autofree char *taken = atl_test_photo_path (folder, "taken.png");
  g_autoptr (GError) error = NULL;

  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       from);
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  GeglBuffer *buffer = atl_photo_file_buffer (file);

  CU_ASSERT_FALSE (atl_photo_file_write (file, buffer, xyz, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "out.xyz");
  CU_ASSERT_FALSE (atl_photo_file_write (file, buffer, bare, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, ".png");
  CU_ASSERT_FALSE (atl_photo_file_write (file, buffer, nowhere, NULL, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "nowhere");

  g_mkdir (taken, 0755);
  CU_ASSERT_FALSE (atl_photo_file_write (file, buffer, taken, NULL, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "taken.png");
  atl_test_folder_holds (folder, "in.png taken.png");

  /* What no file of the kind can hold. */
  CU_ASSERT (atl_photo_file_check_size ("out.webp", 16383, 9, &error));
  CU_ASSERT_FALSE (atl_photo_file_check_size ("out.webp", 9, 16384, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "9 x 16384 pixels");
  CU_ASSERT_FALSE (atl_photo_file_check_size ("out.JPG", 65501, 9, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "at most 65500");
  CU_ASSERT (atl_photo_file_check_size ("out.tif", 100000, 9, &error));
}

static void
cancel_at_once (double fraction, void *data)
{
  if (fraction >= 0.3)
    g_cancellable_cancel (data);
}

static void
cancelled_files_are_not_there (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.png"),
                  *to = atl_test_photo_path (folder, "out.png");

  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       from);
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  for (int writing = 0; writing < 2; writing++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      const AtlProgress progress = { cancel_at_once, cancellable, cancellable, 0.0, 0.0 };

      if (writing)
        CU_ASSERT_FALSE (
            atl_photo_file_write (file, atl_photo_file_buffer (file), to, &progress, &error))
      else
        CU_ASSERT_PTR_NULL (atl_photo_file_open (from, &progress, &error));
      atl_test_error (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
    }
  atl_test_folder_holds (folder, "in.png");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "pixels come back", pixels_come_back },
    { "what is beside the pixels comes back", what_is_beside_the_pixels_comes_back },
    { "palettes are left behind", palettes_are_left_behind },
    { "other codings are read", other_codings_are_read },
    { "films are left behind", films_are_left_behind },
    { "losses are told", losses_are_told },
    { "names may be odd", names_may_be_odd },
    { "what is no picture is told", what_is_no_picture_is_told },
    { "five bands are refused", five_bands_are_refused },
    { "wrong outputs are told", wrong_outputs_are_told },
    { "cancelled files are not there", cancelled_files_are_not_there },
  };

  if (! atl_image_libraries_start (0, NULL))
    return 1;
  const int status = atl_suite_run ("photo-file", tests, G_N_ELEMENTS (tests));
  atl_image_libraries_stop ();
  vips_shutdown ();
  return status;
}
