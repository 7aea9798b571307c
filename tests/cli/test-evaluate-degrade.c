/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier evaluate --degrade': models that get spoilt pictures, and those that only clean.
 */

#include "suite.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "formula.h"
#include "image/rgb-file.h"
#include "nets/model.h"
#include "run.h"
#include "stripes.h"
#include "temporary.h"
#include "train/quality.h"

static const char model[] = MODELS_FOLDER "/sr-resnet-x2.safetensors";

/* A model of scale 1 that changes nothing. Returns its path. */
static char *
write_cleaner (const AtlTestFolder *folder)
{
  const AtlNetworkConfig config = { .scale = 1, .width = 4, .blocks = 1 };
  char *path = g_build_filename (folder, "clean.safetensors", NULL);
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlModel) cleaner = atl_model_new ("upscale", "sr-resnet", &config, &random, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (cleaner);
  atl_sr_resnet_start_nearest (cleaner->graph, cleaner->parameters);
  CU_ASSERT_FATAL (atl_model_save (cleaner, path, ATL_DTYPE_F32, NULL));
  return path;
}

static JsonObject *
picture_of (JsonNode *node, guint index)
{
  return json_array_get_object_element (
      json_object_get_array_member (atl_test_first_set (node), "pictures"), index);
}

/* The expected numbers: what tests/train/evaluate-reference.py --degraded tells of the two. */
static void
spoils_small_pictures (void)
{
  static const struct
  {
    double model_psnr;
    AtlTestScores scores;
  } expected[] = { { 16.0913, { 19.7699, 0.481743, 19.8520, 0.491694 } },
                   { 16.0204, { 19.8092, 0.497319, 19.8948, 0.506275 } } };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *output = NULL;

  atl_test_stripes_new (folder, "a.png", 40, 24);
  atl_test_stripes_new (folder, "b.png", 33, 31);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "--model", model, "--json",
                               "--degrade=blur=1.2", folder));
  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (json_node_get_object (node), "degrade"),
                          "blur=1.2");
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      JsonObject *picture = picture_of (node, i);

      CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "psnr"),
                              expected[i].model_psnr, 2e-3);
      atl_test_scores (picture, &expected[i].scores);
    }
}

/* What the model got of NAME.png among the pictures at 'place', as bytes of a file. */
static GBytes *
spoilt_picture (const char *place, const char *name)
{
  g_autoptr (AtlTestFolder) saved = atl_test_folder_new ();
  g_autofree char *file = g_strconcat (name, "-lr.png", NULL);
  g_autofree char *path = g_build_filename (saved, file, NULL);
  char *bytes = NULL;
  gsize size;

  atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "-q", "--save", saved,
                               "--degrade=blur=0..1,noise=2..20,jpeg=30..90", place));
  CU_ASSERT_FATAL (g_file_get_contents (path, &bytes, &size, NULL));
  return g_bytes_new_take (bytes, size);
}

/* A picture is spoilt the same each time, whatever stands before it, and the same pixels of another name otherwise. */
static void
repeats_what_it_draws (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "b.png", NULL);

  atl_test_stripes_new (folder, "a.png", 40, 24);
  atl_test_stripes_new (folder, "b.png", 40, 24);
  g_autoptr (GBytes) among = spoilt_picture (folder, "b"), alone = spoilt_picture (path, "b");
  g_autoptr (GBytes) other = spoilt_picture (folder, "a");
  CU_ASSERT (g_bytes_equal (among, alone));
  CU_ASSERT_FALSE (g_bytes_equal (among, other));
}

static float *
read_luma (const char *folder, const char *what)
{
  g_autofree char *file = g_strdup_printf ("a-%s.png", what);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_auto (AtlPhoto) photo = { 0 };

  photo.rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &photo.width, &photo.height, NULL);
  CU_ASSERT_FATAL (photo.rgb != NULL && photo.width == 41 && photo.height == 30);
  return atl_luma_new (&photo, NULL);
}

/* A model that changes nothing is as good as doing nothing, and that is measured on the saved pictures. */
static void
measures_cleaning (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), saved = atl_test_folder_new ();
  g_autoptr (AtlTestFolder) models = atl_test_folder_new ();
  g_autofree char *cleaner = write_cleaner (models), *output = NULL, *table = NULL;
  g_autofree char *judge = g_build_filename (models, "judge.safetensors", NULL);
  g_autoptr (AtlGraph) graph = atl_squeezenet_new ();

  atl_test_formula_write (judge, graph);
  atl_test_stripes_new (folder, "a.png", 41, 30);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", cleaner, "-j", "--degrade=noise=12",
                               "--perceptual", judge, "--save", saved, folder));
  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  JsonObject *picture = picture_of (node, 0);
  g_autoptr (AtlFloats) hr = read_luma (saved, "hr"), lr = read_luma (saved, "lr");
  g_autoptr (AtlFloats) sr = read_luma (saved, "sr");
  const double psnr = atl_psnr (hr, lr, 41, 30, 1);

  /* Luma has less of it than each colour, 12 of 255. */
  CU_ASSERT (psnr > 26.0 && psnr < 36.0);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "unchanged-psnr"), psnr, 1e-9);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "unchanged-ssim"),
                          atl_ssim (hr, lr, 41, 30, 1), 1e-9);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "psnr"),
                          atl_psnr (hr, sr, 41, 30, 1), 1e-9);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "psnr"), psnr, 0.1);
  CU_ASSERT (json_object_get_double_member (picture, "unchanged-distance") > 1e-4);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "distance"),
                          json_object_get_double_member (picture, "unchanged-distance"), 1e-4);
  CU_ASSERT_FALSE (json_object_has_member (picture, "bicubic-psnr"));

  atl_test_run (
      ATL_EXIT_DONE, &table, NULL,
      ATL_ARGUMENTS ("evaluate", "upscale", "-m", cleaner, "-q", "--degrade=noise=12", folder));
  atl_test_contains (table, "unchanged");
  CU_ASSERT_PTR_NULL (strstr (table, "bicubic"));
}

static void
misuse_is_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), models = atl_test_folder_new ();
  g_autofree char *cleaner = write_cleaner (models);

  atl_test_stripes_new (folder, "a.png", 40, 24);
#define FAILS(text, ...)                                                                           \
  atl_test_run_fails (ATL_EXIT_USAGE, text,                                                        \
                      ATL_ARGUMENTS ("evaluate", "upscale", folder, __VA_ARGS__))
  FAILS ("only cleans: say by '--degrade'", "-m", cleaner);
  FAILS ("'rain=1' is no way to degrade", "-m", model, "--degrade=blur=1,rain=1");
  FAILS ("'blur=900' is no way to degrade", "-m", model, "--degrade=blur=900");
  FAILS ("'' is no way to degrade", "-m", model, "--degrade=");
#undef FAILS
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "spoils small pictures", spoils_small_pictures },
    { "repeats what it draws", repeats_what_it_draws },
    { "measures cleaning", measures_cleaning },
    { "misuse is told", misuse_is_told },
  };

  return atl_suite_run ("evaluate-degrade", tests, G_N_ELEMENTS (tests));
}
