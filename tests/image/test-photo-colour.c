/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The colours of picture files: what a profile says of the numbers, and what becomes of other colour
 * models.
 */

#include "suite.h"

#include <string.h>

#include "base/error.h"
#include "image/libraries.h"
#include "photos.h"

/* How many numbers a profile says all there is to say in. */
enum
{
  PROFILE_SIZE = 128 + 4 + 2 * 12 + 20 + 16
};

static void
put (guint8 *bytes, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (bytes, &value, sizeof value);
}

static void
put_tag (guint8 *profile, int index, const char *name, guint32 offset, guint32 size)
{
  guint8 *entry = profile + 132 + 12 * index;

  memcpy (entry, name, 4);
  put (entry + 4, offset);
  put (entry + 8, size);
}

/* A small ICC profile, version 2 (ICC.1:2001-04): 128 bytes of header, the number of tags, a name, offset
 * and size of each, and the tags: the white point and a curve that is a gamma, under the name 'curve'. */
static void
make_profile (guint8 profile[PROFILE_SIZE], const char *model, const char *curve, double gamma)
{
  guint8 *white = profile + 156, *tone = white + 20;

  memset (profile, 0, PROFILE_SIZE);
  put (profile, PROFILE_SIZE);
  put (profile + 8, 0x02400000);
  memcpy (profile + 12, "mntr", 4);
  memcpy (profile + 16, model, 4);
  memcpy (profile + 20, "XYZ ", 4);
  memcpy (profile + 36, "acsp", 4);
  put (profile + 68, 0xf6d6); /* D50, in 1/65536 */
  put (profile + 72, 0x10000);
  put (profile + 76, 0xd32d);
  put (profile + 128, 2);
  put_tag (profile, 0, "wtpt", 156, 20);
  put_tag (profile, 1, curve, 176, 14);
  memcpy (white, "XYZ ", 4);
  memcpy (white + 8, profile + 68, 12);
  memcpy (tone, "curv", 4);
  put (tone + 8, 1);
  tone[12] = (guint8) gamma;
  tone[13] = (guint8) ((gamma - tone[12]) * 256.0);
}

/* 4 x 4 pixels of one colour. */
static VipsImage *
flat_new (const double *colour, int bands, VipsBandFormat format, VipsInterpretation interpretation)
{
  float pixels[4 * 4 * 5];
  VipsImage *cast = NULL, *named = NULL;

  for (int i = 0; i < 16 * bands; i++)
    pixels[i] = (float) colour[i % bands];
  VipsImage *image = vips_image_new_from_memory_copy (
      pixels, sizeof (float) * (size_t) (16 * bands), 4, 4, bands, VIPS_FORMAT_FLOAT);
  CU_ASSERT_EQUAL_FATAL (vips_cast (image, &cast, format, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_copy (cast, &named, "interpretation", interpretation, NULL), 0);
  g_object_unref (image);
  g_object_unref (cast);
  return named;
}

/* The first pixel of a file as a network sees it: perceptual, in the file's own space. */
static void
read_pixel (float colour[4], const AtlPhotoFile *file)
{
  GeglBuffer *buffer = atl_photo_file_buffer (file);
  const Babl *space = babl_format_get_space (gegl_buffer_get_format (buffer));

  gegl_buffer_get (buffer, GEGL_RECTANGLE (1, 1, 1, 1), 1.0,
                   babl_format_with_space ("R~G~B~A float", space), colour, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_NONE);
}

/* 0.5 in linear light is this much in sRGB's curve (IEC 61966-2-1): 1.055 * 0.5^(1/2.4) - 0.055. */
#define HALF_PERCEPTUAL 0.7354f

/* A float file of 0.5, with a profile or without, as GIMP writes it. */
static void
check_half (const char *icc, int icc_size, float expected)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.tif");
  g_autofree char *to = atl_test_photo_path (folder, "out.tif");
  static const double half[] = { 0.5, 0.5, 0.5 };
  VipsImage *image = flat_new (half, 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB);
  float colour[4] = { 0.0f };

  if (icc != NULL)
    vips_image_set_blob_copy (image, VIPS_META_ICC_NAME, icc, (size_t) icc_size);
  atl_test_photo_save (image, from);
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  read_pixel (colour, file);
  for (int c = 0; c < 3; c++)
    CU_ASSERT_DOUBLE_EQUAL (colour[c], expected, 0.002);

  atl_test_photo_copy (from, to);
  CU_ASSERT_EQUAL (atl_test_photo_difference (from, to), 0.0);
}

/* What the numbers of a float file mean is in its profile. */
static void
profiles_tell_linear_from_perceptual (void)
{
  const Babl *linear = babl_space_with_trc (babl_space ("sRGB"), babl_trc ("linear"));
  int size = 0, linear_size = 0;
  const char *icc = atl_test_space_profile (babl_space ("sRGB"), &size);
  const char *linear_icc = atl_test_space_profile (linear, &linear_size);

  check_half (icc, size, 0.5f);
  check_half (linear_icc, linear_size, HALF_PERCEPTUAL);
  check_half (NULL, 0, HALF_PERCEPTUAL);
}

/* Writes a file of this profile and a copy of it; the numbers must be the same, and so the profile, unless
 * libvips itself leaves it out in reading, as newer versions do with one that does not fit the pixels.
 * Returns what was read. */
static AtlPhotoFile *
copy_with_profile (const AtlTestFolder *folder, int bands, const guint8 *icc, size_t size)
{
  g_autofree char *from = atl_test_photo_path (folder, "in.tif");
  g_autofree char *to = atl_test_photo_path (folder, "out.tif");
  VipsImage *image = atl_test_ramp_new (
      bands, VIPS_FORMAT_UCHAR, bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
      255.0);
  const void *found = NULL;
  size_t found_size = 0;

  vips_image_set_blob_copy (image, VIPS_META_ICC_NAME, icc, size);
  atl_test_photo_save (image, from);
  atl_test_photo_copy (from, to);
  CU_ASSERT_EQUAL (atl_test_photo_difference (from, to), 0.0);

  VipsImage *original = vips_image_new_from_file (from, NULL);
  VipsImage *copy = vips_image_new_from_file (to, NULL);
  CU_ASSERT_FATAL (original != NULL && copy != NULL);
  if (vips_image_get_typeof (original, VIPS_META_ICC_NAME) != 0)
    {
      CU_ASSERT_EQUAL_FATAL (vips_image_get_blob (copy, VIPS_META_ICC_NAME, &found, &found_size),
                             0);
      CU_ASSERT (found_size == size && memcmp (found, icc, size) == 0);
    }
  g_object_unref (original);
  g_object_unref (copy);
  return atl_test_photo_open (from);
}

static const Babl *
space_of (const AtlPhotoFile *file)
{
  return babl_format_get_space (gegl_buffer_get_format (atl_photo_file_buffer (file)));
}

static void
grey_profiles_are_followed (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  guint8 icc[PROFILE_SIZE];
  float colour[4] = { 0.0f };
  guint8 pixel[2] = { 0 }; /* grey, and alpha where there is one */

  make_profile (icc, "GRAY", "kTRC", 1.0);
  for (int bands = 1; bands <= 2; bands++)
    {
      g_autoptr (AtlPhotoFile) file = copy_with_profile (folder, bands, icc, sizeof icc);
      GeglBuffer *buffer = atl_photo_file_buffer (file);

      CU_ASSERT_TRUE (babl_space_is_gray (space_of (file)));
      gegl_buffer_set_color_from_pixel (buffer, NULL, (guint8[]) { 128, 255 },
                                        gegl_buffer_get_format (buffer));
      gegl_buffer_get (buffer, GEGL_RECTANGLE (1, 1, 1, 1), 1.0, NULL, pixel, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      CU_ASSERT_EQUAL (pixel[0], 128);
      read_pixel (colour, file);
      for (int c = 0; c < 3; c++)
        CU_ASSERT_DOUBLE_EQUAL (colour[c], HALF_PERCEPTUAL, 0.003);
    }
}

/* A profile that is nonsense, of another colour model, or of tables that babl does not know stays with the
 * numbers; they are taken for sRGB. */
static void
strange_profiles_are_kept (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  guint8 grey[PROFILE_SIZE], tables[PROFILE_SIZE];
  static const guint8 nonsense[200] = "no profile";

  make_profile (grey, "GRAY", "kTRC", 2.2);
  make_profile (tables, "RGB ", "A2B0", 1.0);
  g_autoptr (AtlPhotoFile) of_grey = copy_with_profile (folder, 3, grey, sizeof grey);
  g_autoptr (AtlPhotoFile) of_tables = copy_with_profile (folder, 3, tables, sizeof tables);
  g_autoptr (AtlPhotoFile) of_nonsense = copy_with_profile (folder, 3, nonsense, sizeof nonsense);

  CU_ASSERT_PTR_EQUAL (space_of (of_grey), babl_space ("sRGB"));
  CU_ASSERT_PTR_EQUAL (space_of (of_tables), babl_space ("sRGB"));
  CU_ASSERT_PTR_EQUAL (space_of (of_nonsense), babl_space ("sRGB"));
}

/* Wide spaces, as phones and cameras write them. */
static void
wide_profiles_are_followed (void)
{
  static const char *const names[] = { "Apple", "Adobish", "ProPhoto", "Rec2020" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      int size = 0;
      const char *icc = atl_test_space_profile (babl_space (names[i]), &size);
      g_autoptr (AtlPhotoFile)
          file = copy_with_profile (folder, 3, (const guint8 *) icc, (size_t) size);

      CU_ASSERT_PTR_NOT_EQUAL (space_of (file), babl_space ("sRGB"));
    }
}

/* Reads a file of one colour in another model, whose remark must tell of the conversion. */
static void
check_converted (const double *colour, int bands, VipsBandFormat format,
                 VipsInterpretation interpretation, const char *name, const float *expected)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, name);
  g_autofree char *to = atl_test_photo_path (folder, "out.png");
  VipsImage *image = flat_new (colour, bands, format, interpretation);
  float found[4] = { 0.0f };

  vips_image_set_blob_copy (image, VIPS_META_ICC_NAME, "of another model", 16);
  atl_test_photo_save (image, from);
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  CU_ASSERT_PTR_NOT_NULL_FATAL (atl_photo_file_remark (file));
  CU_ASSERT_STRING_EQUAL (atl_photo_file_remark (file), "its colours were converted to sRGB");
  read_pixel (found, file);
  for (int c = 0; c < 3; c++)
    if (ABS (found[c] - expected[c]) > 0.08f)
      {
        printf ("  %s: channel %d is %g, expected %g\n", name, c, found[c], expected[c]);
        CU_FAIL ("another colour was expected");
      }
  CU_ASSERT_EQUAL (found[3], 1.0f);

  atl_test_photo_copy (from, to);
  VipsImage *copy = vips_image_new_from_file (to, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
  CU_ASSERT_EQUAL (copy->Type, VIPS_INTERPRETATION_sRGB);
  CU_ASSERT_EQUAL (copy->Bands, 3);
  CU_ASSERT_EQUAL (vips_image_get_typeof (copy, VIPS_META_ICC_NAME), 0);
  g_object_unref (copy);
}

static void
other_models_become_srgb (void)
{
  static const double paper[] = { 0.0, 0.0, 0.0, 0.0 }, ink[] = { 200.0, 180.0, 180.0, 255.0 };
  static const double lab[] = { 53.585, 0.0, 0.0 }; /* the L* of sRGB's 0.5 */
  static const float white[] = { 1.0f, 1.0f, 1.0f }, black[] = { 0.1f, 0.1f, 0.1f };
  static const float grey[] = { 0.5f, 0.5f, 0.5f };

  check_converted (paper, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_CMYK, "in.jpg", white);
  check_converted (ink, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_CMYK, "in.tif", black);
  check_converted (lab, 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_LAB, "in.tif", grey);
}

/* Radiance's pixels of shared exponents are plain, linear numbers. */
static void
packed_pixels_are_unpacked (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.hdr");
  g_autofree char *to = atl_test_photo_path (folder, "out.tif");
  static const double bright[] = { 0.5, 3.0, 0.25 };
  float colour[4] = { 0.0f };

  atl_test_photo_save (flat_new (bright, 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB), from);
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);
  CU_ASSERT_PTR_NULL (atl_photo_file_remark (file));
  read_pixel (colour, file);
  CU_ASSERT_DOUBLE_EQUAL (colour[0], HALF_PERCEPTUAL, 0.01);
  CU_ASSERT (colour[1] > 1.5f);

  atl_test_photo_copy (from, to);
  VipsImage *copy = vips_image_new_from_file (to, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
  CU_ASSERT_EQUAL (copy->BandFmt, VIPS_FORMAT_FLOAT);
  CU_ASSERT_EQUAL (copy->Bands, 3);
  g_object_unref (copy);
}

/* Half of black on white is, in linear light, 188 of 255. */
static void
jpeg_has_white_behind (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *from = atl_test_photo_path (folder, "in.png");
  g_autofree char *to = atl_test_photo_path (folder, "out.jpg");
  static const double colour[] = { 0.0, 0.0, 0.0, 127.5 }, grey[] = { 0.0, 127.5 };

  for (int bands = 2; bands <= 4; bands += 2)
    {
      double *found = NULL;
      int n = 0;

      atl_test_photo_save (
          flat_new (bands == 2 ? grey : colour, bands, VIPS_FORMAT_UCHAR,
                    bands == 2 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB),
          from);
      atl_test_photo_copy (from, to);
      VipsImage *copy = vips_image_new_from_file (to, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (copy);
      CU_ASSERT_EQUAL (copy->Bands, bands - 1);
      CU_ASSERT_EQUAL_FATAL (vips_getpoint (copy, &found, &n, 2, 2, NULL), 0);
      for (int c = 0; c < n; c++)
        CU_ASSERT_DOUBLE_EQUAL (found[c], 188.0, 2.0);
      g_free (found);
      g_object_unref (copy);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "profiles tell linear from perceptual", profiles_tell_linear_from_perceptual },
    { "grey profiles are followed", grey_profiles_are_followed },
    { "strange profiles are kept", strange_profiles_are_kept },
    { "wide profiles are followed", wide_profiles_are_followed },
    { "other models become sRGB", other_models_become_srgb },
    { "packed pixels are unpacked", packed_pixels_are_unpacked },
    { "JPEG has white behind", jpeg_has_white_behind },
  };

  if (! atl_image_libraries_start (0, NULL))
    return 1;
  const int status = atl_suite_run ("photo-colour", tests, G_N_ELEMENTS (tests));
  atl_image_libraries_stop ();
  vips_shutdown ();
  return status;
}
