/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier upscale' and the kinds of files: sizes, depths, profiles, and what is said of losses.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "cli/command.h"
#include "image/libraries.h"
#include "photos.h"
#include "run.h"
#include "temporary.h"

/* A folder with a picture of 37 x 300 pixels. */
typedef struct
{
  AtlTestFolder *folder;
  char *picture, *output;
} Place;

static void
place_init (Place *place)
{
  place->folder = atl_test_folder_new ();
  place->picture = atl_test_photo_path (place->folder, "in.png");
  place->output = atl_test_photo_path (place->folder, "out.png");
  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       place->picture);
}

static void
place_clear (Place *place)
{
  g_free (place->picture);
  g_free (place->output);
  atl_test_folder_free (place->folder);
}

static void
check_size (const char *path, int width, int height)
{
  VipsImage *image = vips_image_new_from_file (path, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (image);
  if (image->Xsize != width || image->Ysize != height)
    {
      printf ("  %s: %d x %d, expected %d x %d\n", path, image->Xsize, image->Ysize, width, height);
      CU_FAIL ("another size was expected");
    }
  g_object_unref (image);
}

static void
writes_every_kind (void)
{
  static const char *const names[] = { "out.png",  "out.jpg",  "out.JPEG",  "out.tif",
                                       "out.tiff", "out.webp", "ü [1] .png" };
  Place place;

  place_init (&place);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = atl_test_photo_path (place.folder, names[i]);
      g_autofree char *output = NULL, *messages = NULL;

      atl_test_run (ATL_EXIT_DONE, &output, &messages,
                    ATL_ARGUMENTS ("upscale", place.picture, "-o", path));
      CU_ASSERT_STRING_EQUAL (output, "");
      CU_ASSERT_STRING_EQUAL (messages, "");
      check_size (path, 74, 600);
    }
  atl_test_folder_holds (place.folder,
                         "in.png out.JPEG out.jpg out.png out.tif out.tiff out.webp ü [1] .png");
  place_clear (&place);
}

/* What is only read becomes PNG in a folder, however many there are. */
static void
kinds_only_read_become_png (void)
{
  Place place;

  place_init (&place);
  g_autofree char *folder = atl_test_photo_path (place.folder, "results");
  g_autofree char *other = atl_test_photo_path (place.folder, "still.ppm");
  g_autofree char *messages = NULL;

  CU_ASSERT_EQUAL_FATAL (g_mkdir (folder, 0777), 0);
  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       other);
  atl_test_run (ATL_EXIT_DONE, NULL, &messages,
                ATL_ARGUMENTS ("upscale", place.picture, other, "-v", "-o", folder));
  atl_test_contains (messages, "still.png: 74 x 600 pixels");
  atl_test_folder_holds (folder, "in.png still.png");
  place_clear (&place);
}

/* Sizes that divide by nothing, and scales that no network has. */
static void
enlarges_by_any_scale (void)
{
  static const struct
  {
    int width, height;
    const char *scale;
    int result_width, result_height;
  } cases[] = {
    { 1, 1, "2", 2, 2 },     { 3, 5, "2.5", 8, 13 }, { 1, 40, "3", 3, 120 },
    { 40, 1, "1.5", 60, 2 }, { 7, 5, "8", 56, 40 },  { 9, 4, "1.01", 9, 4 },
  };
  Place place;

  place_init (&place);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      VipsImage *ramp = atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0);
      VipsImage *image = NULL;

      CU_ASSERT_EQUAL_FATAL (vips_resize (ramp, &image, (double) cases[i].width / ramp->Xsize,
                                          "vscale", (double) cases[i].height / ramp->Ysize, NULL),
                             0);
      g_object_unref (ramp);
      atl_test_photo_save (image, place.picture);
      check_size (place.picture, cases[i].width, cases[i].height);
      atl_test_run (
          ATL_EXIT_DONE, NULL, NULL,
          ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output, "--scale", cases[i].scale));
      check_size (place.output, cases[i].result_width, cases[i].result_height);
    }
  place_clear (&place);
}

static double
mean_of (const char *path)
{
  VipsImage *image = vips_image_new_from_file (path, NULL);
  double mean = NAN;

  CU_ASSERT_PTR_NOT_NULL_FATAL (image);
  CU_ASSERT_EQUAL (vips_avg (image, &mean, NULL), 0);
  g_object_unref (image);
  return mean;
}

/* The network that we ship makes nothing lighter or darker, whatever the numbers mean; depth and profile
 * come back. */
static void
keeps_brightness_depth_and_profile (void)
{
  static const struct
  {
    int bands;
    VipsBandFormat format;
    VipsInterpretation interpretation;
    double peak;
    const char *curve; /* of the profile, or NULL for none */
  } cases[] = {
    { 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0, NULL },
    { 1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W, 255.0, NULL },
    { 4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0, "sRGB" },
    { 3, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0, "linear" },
    { 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB, 1.0, "sRGB" },
    { 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB, 1.0, "linear" },
    { 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB, 1.0, NULL },
  };
  Place place;

  place_init (&place);
  g_autofree char *from = atl_test_photo_path (place.folder, "in.tif");
  g_autofree char *to = atl_test_photo_path (place.folder, "out.tif");
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      VipsImage *ramp = atl_test_ramp_new (cases[i].bands, cases[i].format, cases[i].interpretation,
                                           cases[i].peak);
      VipsImage *part = NULL;
      int size = 0;

      CU_ASSERT_EQUAL_FATAL (vips_crop (ramp, &part, 0, 130, 36, 40, NULL), 0);
      g_object_unref (ramp);
      if (cases[i].curve != NULL)
        {
          const Babl *space = babl_space_with_trc (babl_space ("sRGB"), babl_trc (cases[i].curve));
          const char *icc = atl_test_space_profile (space, &size);

          vips_image_set_blob_copy (part, VIPS_META_ICC_NAME, icc, (size_t) size);
        }
      atl_test_photo_save (part, from);
      atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                    ATL_ARGUMENTS ("upscale", from, "-o", to, "--model",
                                   SHIPPED_FOLDER "/upscale-x2.safetensors"));

      VipsImage *result = vips_image_new_from_file (to, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (result);
      CU_ASSERT (result->BandFmt == cases[i].format && result->Bands == cases[i].bands
                 && result->Type == cases[i].interpretation);
      CU_ASSERT_EQUAL (vips_image_get_typeof (result, VIPS_META_ICC_NAME) != 0, size > 0);
      g_object_unref (result);
      const double ratio = mean_of (to) / mean_of (from);
      if (! (fabs (ratio - 1.0) < 0.03))
        {
          printf ("  case %zu: the mean is %g of the input's\n", i, ratio);
          CU_FAIL ("the brightness changed");
        }
    }
  place_clear (&place);
}

/* A few pixels of one colour stay that colour: the network must not see them in the middle of zeros. */
static void
keeps_the_smallest_pictures (void)
{
  static const int sizes[][2] = { { 1, 1 }, { 2, 2 }, { 60, 1 }, { 1, 15 }, { 16, 16 } };
  Place place;

  place_init (&place);
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      VipsImage *black = NULL, *grey = NULL, *bytes = NULL, *result;
      double least = 0.0, most = 0.0;

      vips_black (&black, sizes[i][0], sizes[i][1], "bands", 3, NULL);
      vips_linear1 (black, &grey, 1.0, 170.0, "uchar", TRUE, NULL);
      CU_ASSERT_EQUAL_FATAL (
          vips_copy (grey, &bytes, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
      g_object_unref (black);
      g_object_unref (grey);
      atl_test_photo_save (bytes, place.picture);
      atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                    ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output, "--model",
                                   SHIPPED_FOLDER "/upscale-x2.safetensors"));

      check_size (place.output, 2 * sizes[i][0], 2 * sizes[i][1]);
      result = vips_image_new_from_file (place.output, NULL);
      CU_ASSERT_EQUAL_FATAL (vips_min (result, &least, NULL), 0);
      CU_ASSERT_EQUAL_FATAL (vips_max (result, &most, NULL), 0);
      g_object_unref (result);
      if (least < 168.0 || most > 172.0)
        {
          printf ("  %d x %d: 170 became %g to %g\n", sizes[i][0], sizes[i][1], least, most);
          CU_FAIL ("the colour changed");
        }
    }
  place_clear (&place);
}

static void
says_what_is_lost (void)
{
  Place place;

  place_init (&place);
  g_autofree char *deep = atl_test_photo_path (place.folder, "deep.tif");
  g_autofree char *jpeg = atl_test_photo_path (place.folder, "out.jpg");
  g_autofree char *cmyk = atl_test_photo_path (place.folder, "cmyk.tif");
  g_autofree char *losses = NULL, *remark = NULL, *quiet = NULL;

  atl_test_photo_save (
      atl_test_ramp_new (4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16, 65535.0), deep);
  atl_test_photo_save (atl_test_ramp_new (4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_CMYK, 255.0),
                       cmyk);

  atl_test_run (ATL_EXIT_DONE, NULL, &losses, ATL_ARGUMENTS ("upscale", deep, "-o", jpeg));
  atl_test_contains (losses, "out.jpg: JPEG has no transparency");
  atl_test_run (ATL_EXIT_DONE, NULL, &remark, ATL_ARGUMENTS ("upscale", cmyk, "-o", jpeg));
  atl_test_contains (remark, "cmyk.tif: its colours were converted to sRGB");
  atl_test_run (ATL_EXIT_DONE, NULL, &quiet, ATL_ARGUMENTS ("upscale", cmyk, "-qo", jpeg));
  CU_ASSERT_STRING_EQUAL (quiet, "");
  place_clear (&place);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "writes every kind", writes_every_kind },
    { "kinds only read become PNG", kinds_only_read_become_png },
    { "enlarges by any scale", enlarges_by_any_scale },
    { "keeps brightness, depth and profile", keeps_brightness_depth_and_profile },
    { "keeps the smallest pictures", keeps_the_smallest_pictures },
    { "says what is lost", says_what_is_lost },
  };

  g_setenv ("ATELIER_MODEL_PATH", MODELS_FOLDER, TRUE);
  /* Dozens of kinds of files would take valgrind minutes; it sees them in the tests of core/image. */
  g_unsetenv ("ATELIER_TEST_WRAPPER");
  if (! atl_image_libraries_start (0, NULL))
    return 1;
  const int status = atl_suite_run ("cli-upscale-files", tests, G_N_ELEMENTS (tests));
  atl_image_libraries_stop ();
  vips_shutdown ();
  return status;
}
