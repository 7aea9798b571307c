/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files for tests.
 */

#include "photos.h"

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

#include "suite.h"

const char *
atl_test_space_profile (const Babl *space, int *size)
{
  const char *profile = babl_space_get_icc (space, size);

#ifdef HAVE_VALGRIND
  (void) VALGRIND_MAKE_MEM_DEFINED (profile, *size);
#endif
  return profile;
}

char *
atl_test_photo_path (const AtlTestFolder *folder, const char *name)
{
  return g_build_filename (folder, name, NULL);
}

VipsImage *
atl_test_ramp_new (int bands, VipsBandFormat format, VipsInterpretation interpretation, double peak)
{
  const int n = ATL_TEST_RAMP_WIDTH * ATL_TEST_RAMP_HEIGHT * bands;
  g_autofree float *pixels = g_new (float, (gsize) n);
  VipsImage *cast = NULL, *named = NULL;

  for (int i = 0; i < n; i++)
    pixels[i] = (float) (peak * (0.8 * i / n + 0.2 * (i * 7 % 11) / 10.0));
  VipsImage *image = vips_image_new_from_memory_copy (pixels, sizeof (float) * (size_t) n,
                                                      ATL_TEST_RAMP_WIDTH, ATL_TEST_RAMP_HEIGHT,
                                                      bands, VIPS_FORMAT_FLOAT);
  CU_ASSERT_EQUAL_FATAL (vips_cast (image, &cast, format, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_copy (cast, &named, "interpretation", interpretation, NULL), 0);
  g_object_unref (image);
  g_object_unref (cast);
  return named;
}

void
atl_test_photo_save (VipsImage *take_image, const char *path)
{
  if (vips_image_write_to_file (take_image, path, NULL) != 0)
    {
      printf ("  %s\n", vips_error_buffer ());
      CU_FAIL_FATAL ("a test picture could not be written");
    }
  g_object_unref (take_image);
}

AtlPhotoFile *
atl_test_photo_open (const char *path)
{
  g_autoptr (GError) error = NULL;
  AtlPhotoFile *file = atl_photo_file_open (path, NULL, &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  return file;
}

void
atl_test_photo_copy (const char *from, const char *to)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPhotoFile) file = atl_test_photo_open (from);

  CU_ASSERT_TRUE (atl_photo_file_write (file, atl_photo_file_buffer (file), to, NULL, &error));
  atl_test_no_error (error);
}

double
atl_test_photo_difference (const char *a, const char *b)
{
  VipsImage *image_a = vips_image_new_from_file (a, NULL);
  VipsImage *image_b = vips_image_new_from_file (b, NULL);
  VipsImage *difference = NULL, *absolute = NULL;
  double largest = 0.0;

  CU_ASSERT_PTR_NOT_NULL_FATAL (image_a);
  CU_ASSERT_PTR_NOT_NULL_FATAL (image_b);
  CU_ASSERT_EQUAL (image_a->Bands, image_b->Bands);
  CU_ASSERT_EQUAL (image_a->BandFmt, image_b->BandFmt);
  CU_ASSERT_EQUAL (image_a->Type, image_b->Type);
  CU_ASSERT_EQUAL_FATAL (vips_subtract (image_a, image_b, &difference, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_abs (difference, &absolute, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_max (absolute, &largest, NULL), 0);
  g_object_unref (absolute);
  g_object_unref (difference);
  g_object_unref (image_b);
  g_object_unref (image_a);
  return largest;
}
