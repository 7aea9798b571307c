/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finding photos in folders, decoding them, and making pairs of them.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "pictures.h"
#include "train/pairs.h"

enum
{
  LARGEST = 10000
};

static char *
inside (const char *folder, const char *name)
{
  return g_build_filename (folder, name, NULL);
}

/* What is found, as paths relative to the folder, with a space between. */
static char *
found (const char *folder, const char *const *places)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) paths = atl_photos_find (places, &error);
  g_autoptr (GString) names = g_string_new (NULL);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (paths);
  for (guint i = 0; i < paths->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "",
                            (char *) g_ptr_array_index (paths, i) + strlen (folder) + 1);
  return g_strdup (names->str);
}

static void
finds_in_folders (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *below = inside (folder, "below"), *hidden = inside (folder, ".hidden");
  g_autofree char *circle = inside (below, "circle"), *single = inside (below, "c.png");

  g_mkdir (below, 0777);
  g_mkdir (hidden, 0777);
  CU_ASSERT_EQUAL (symlink (folder, circle), 0);
  g_free (atl_test_file_new (folder, "b.JPG", "", 0));
  g_free (atl_test_file_new (folder, "a.png", "", 0));
  g_free (atl_test_file_new (folder, "COPYRIGHT", "", 0));
  g_free (atl_test_file_new (folder, "notes.txt", "", 0));
  g_free (atl_test_file_new (folder, ".d.png", "", 0));
  g_free (atl_test_file_new (below, "c.png", "", 0));
  g_free (atl_test_file_new (hidden, "e.png", "", 0));

  const char *const places[] = { folder, single, folder, NULL };
  g_autofree char *names = found (folder, places);
  CU_ASSERT_STRING_EQUAL (names, "a.png b.JPG below/c.png");
}

static void
no_photos_is_an_error (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *missing = inside (folder, "missing");
  const char *const places[] = { folder, NULL }, *const nowhere[] = { missing, NULL };
  GError *error = NULL;

  CU_ASSERT_PTR_NULL (atl_photos_find (places, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "no photos");
  CU_ASSERT_PTR_NULL (atl_photos_find (nowhere, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "missing");
}

static GPtrArray *
find_one (const char *folder)
{
  const char *const places[] = { folder, NULL };
  GPtrArray *paths = atl_photos_find (places, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (paths);
  return paths;
}

static void
leaves_out_what_is_no_use (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_auto (AtlPhotos) photos = { 0 };

  atl_test_picture_new (folder, "a", 20, 16, 1);
  atl_test_picture_new (folder, "b", 30, 15, 2);
  atl_test_picture_new (folder, "e", 64, 20, 3);
  g_free (atl_test_file_new (folder, "c.png", "no picture", 10));
  g_free (atl_test_file_new (folder, "d.jpg", "", 0));

  g_autoptr (GPtrArray) paths = find_one (folder);
  CU_ASSERT_FATAL (atl_photos_load (&photos, paths,
                                    &(AtlPhotoLimits) { 16, LARGEST, G_MAXINT, G_MAXSIZE },
                                    problems, NULL, NULL));
  CU_ASSERT_EQUAL_FATAL (photos.n, 5);
  CU_ASSERT_EQUAL (photos.photos[0].width, 20);
  CU_ASSERT_EQUAL (photos.photos[0].height, 16);
  for (int i = 1; i < 4; i++)
    CU_ASSERT (photos.photos[i].width == 0 && photos.photos[i].rgb == NULL);
  CU_ASSERT_EQUAL (photos.photos[4].width, 64);
  CU_ASSERT_EQUAL_FATAL (problems->len, 3);
  CU_ASSERT_PTR_NOT_NULL (strstr (problems->pdata[0], "b.png' has 30 x 15 pixels"));
  CU_ASSERT_PTR_NOT_NULL (strstr (problems->pdata[1], "c.png' cannot be read"));
  CU_ASSERT_PTR_NOT_NULL (strstr (problems->pdata[2], "d.jpg' cannot be read"));
}

static void
stops_when_memory_is_full (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_auto (AtlPhotos) photos = { 0 };
  int n_loaded = 0;

  for (int i = 0; i < 70; i++)
    {
      g_autofree char *name = g_strdup_printf ("%02d", i);
      atl_test_picture_new (folder, name, 8, 8, i);
    }

  g_autoptr (GPtrArray) paths = find_one (folder);
  CU_ASSERT_FATAL (atl_photos_load (
      &photos, paths, &(AtlPhotoLimits) { 8, LARGEST, G_MAXINT, 192 * 20 }, problems, NULL, NULL));
  for (int i = 0; i < photos.n; i++)
    n_loaded += photos.photos[i].width > 0;
  CU_ASSERT (n_loaded >= 20 && n_loaded < 70);
  CU_ASSERT_EQUAL_FATAL (problems->len, 1);
  g_autofree char *expected = g_strdup_printf ("%d photos do not fit", 70 - n_loaded);
  CU_ASSERT_PTR_NOT_NULL (strstr (problems->pdata[0], expected));
}

static void
large_ones_are_shrunk (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_auto (AtlPhotos) photos = { 0 };

  atl_test_picture_new (folder, "a", 200, 100, 1);
  g_autoptr (GPtrArray) paths = find_one (folder);
  CU_ASSERT_FATAL (atl_photos_load (
      &photos, paths, &(AtlPhotoLimits) { 8, 50, G_MAXINT, G_MAXSIZE }, problems, NULL, NULL));
  CU_ASSERT_EQUAL (photos.photos[0].width, 50);
  CU_ASSERT_EQUAL (photos.photos[0].height, 25);
}

static void
pairs_are_cut_and_shrunk (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_auto (AtlPhotos) photos = { 0 };
  g_auto (AtlPhoto) large = { 0 }, small = { 0 };

  g_free (atl_test_file_new (folder, "a.png", "", 0));
  atl_test_picture_new (folder, "b", 23, 17, 1);
  g_autoptr (GPtrArray) paths = find_one (folder);
  CU_ASSERT_FATAL (atl_photos_load (
      &photos, paths, &(AtlPhotoLimits) { 8, LARGEST, G_MAXINT, G_MAXSIZE }, problems, NULL, NULL));
  CU_ASSERT_FATAL (atl_photo_init_part (&large, &photos.photos[1], 0, 0, 20, 16, NULL));
  CU_ASSERT_FATAL (atl_photo_init_resized (&small, &large, ATL_KERNEL_BICUBIC, 5, 4, NULL));

  g_autoptr (GArray) pairs = atl_pairs_new (&photos, 4, NULL, NULL);
  CU_ASSERT_EQUAL_FATAL (pairs->len, 1);
  const AtlPair *pair = &g_array_index (pairs, AtlPair, 0);
  CU_ASSERT_EQUAL (pair->large.width, 20);
  CU_ASSERT_EQUAL (pair->large.height, 16);
  CU_ASSERT_EQUAL (pair->small.width, 5);
  CU_ASSERT_EQUAL (pair->small.height, 4);
  CU_ASSERT_EQUAL (memcmp (pair->large.rgb, large.rgb, 20 * 16 * 3), 0);
  CU_ASSERT_EQUAL (memcmp (pair->small.rgb, small.rgb, 5 * 4 * 3), 0);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "finds in folders", finds_in_folders },
    { "no photos is an error", no_photos_is_an_error },
    { "leaves out what is no use", leaves_out_what_is_no_use },
    { "stops when memory is full", stops_when_memory_is_full },
    { "large ones are shrunk", large_ones_are_shrunk },
    { "pairs are cut and shrunk", pairs_are_cut_and_shrunk },
  };

  return atl_suite_run ("photos", tests, G_N_ELEMENTS (tests));
}
