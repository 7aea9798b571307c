/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier evaluate --perceptual': the distances of what was saved, and weight files that are none.
 */

#include "suite.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "formula.h"
#include "image/rgb-file.h"
#include "nets/network.h"
#include "run.h"
#include "stripes.h"
#include "temporary.h"
#include "train/perceptual-distance.h"

static const char model[] = MODELS_FOLDER "/sr-resnet-x2.safetensors";

/* SqueezeNet by a formula. Returns its path. */
static char *
write_weights (const AtlTestFolder *folder)
{
  g_autoptr (AtlGraph) graph = atl_squeezenet_new ();
  char *path = g_build_filename (folder, "judge.safetensors", NULL);

  atl_test_formula_write (path, graph);
  return path;
}

static void
read_saved (AtlPhoto *photo, const char *folder, const char *what)
{
  g_autofree char *file = g_strdup_printf ("a-%s.png", what);
  g_autofree char *path = g_build_filename (folder, file, NULL);

  photo->rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &photo->width, &photo->height, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (photo->rgb);
}

/* The distances are those of the pictures that were saved, the small one enlarged anew. */
static void
measures_distances (void)
{
  static const char *const members[] = { "distance", "bicubic-distance", "lanczos-distance" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), saved = atl_test_folder_new ();
  g_autoptr (AtlTestFolder) weights = atl_test_folder_new ();
  g_autofree char *judge = write_weights (weights), *output = NULL;
  g_auto (AtlPhoto) hr = { 0 }, lr = { 0 }, sr = { 0 }, bicubic = { 0 }, lanczos = { 0 };
  const AtlPhoto *const photos[] = { &sr, &bicubic, &lanczos };
  double distances[3];

  atl_test_stripes_new (folder, "a.png", 60, 44);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "--model", model, "--perceptual", judge,
                               "--json", "--save", saved, folder));
  read_saved (&hr, saved, "hr");
  read_saved (&lr, saved, "lr");
  read_saved (&sr, saved, "sr");
  CU_ASSERT_FATAL (atl_photo_init_resized (&bicubic, &lr, ATL_KERNEL_BICUBIC, 60, 44, NULL));
  CU_ASSERT_FATAL (atl_photo_init_resized (&lanczos, &lr, ATL_KERNEL_LANCZOS3, 60, 44, NULL));
  g_autoptr (AtlPerceptual) perceptual = atl_perceptual_load (judge, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (perceptual);
  CU_ASSERT_FATAL (atl_perceptual_distances (perceptual, distances, &hr, photos, 3, NULL, NULL));

  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  JsonObject *set = atl_test_first_set (node);
  JsonObject *picture = json_array_get_object_element (
      json_object_get_array_member (set, "pictures"), 0);
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      CU_ASSERT (distances[i] > 1e-3);
      CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, members[i]), distances[i],
                              1e-4 * distances[i]);
      CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (set, members[i]), distances[i],
                              1e-4 * distances[i]);
    }
  CU_ASSERT (distances[0] != distances[1] && distances[1] != distances[2]);
}

/* Without the option nothing is said of distances; with it, in the table too. The weights may be installed. */
static void
is_asked_for (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), weights = atl_test_folder_new ();
  g_autofree char *judge = write_weights (weights), *with = NULL, *without = NULL, *json = NULL;

  atl_test_stripes_new (folder, "a.png", 40, 24);
  g_setenv ("ATELIER_MODEL_PATH", weights, TRUE);
  atl_test_run (
      ATL_EXIT_DONE, &with, NULL,
      ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "--perceptual", "judge", "-q", folder));
  atl_test_run_fails (
      ATL_EXIT_FAILED, "no model 'nobody'",
      ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "--perceptual", "nobody", "-q", folder));
  g_unsetenv ("ATELIER_MODEL_PATH");
  atl_test_contains (with, "distance");

  atl_test_run (ATL_EXIT_DONE, &without, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "-q", folder));
  atl_test_run (ATL_EXIT_DONE, &json, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "-j", folder));
  CU_ASSERT_PTR_NULL (strstr (without, "distance"));
  CU_ASSERT_PTR_NULL (strstr (json, "distance"));
}

/* Half a weight file, text, another network, nothing: all are told before any picture is read. */
static void
wrong_weights_are_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *judge = write_weights (folder), *contents = NULL;
  g_autofree char *text = atl_test_file_new (folder, "text.safetensors", "no tensors", 10);
  gsize size;

  CU_ASSERT_FATAL (g_file_get_contents (judge, &contents, &size, NULL));
  g_autofree char *half = atl_test_file_new (folder, "half.safetensors", contents, size / 2);
#define FAILS(weights, text)                                                                       \
  atl_test_run_fails (                                                                             \
      ATL_EXIT_FAILED, text,                                                                       \
      ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "--perceptual", weights, folder))
  atl_test_stripes_new (folder, "a.png", 40, 24);
  FAILS (half, "half.safetensors'");
  FAILS (text, "text.safetensors'");
  FAILS (model, "this network is 'sr-resnet', but pictures are compared by the features of");
  FAILS ("/no.safetensors", "/no.safetensors");
#undef FAILS
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "measures distances", measures_distances },
    { "is asked for", is_asked_for },
    { "wrong weights are told", wrong_weights_are_told },
  };

  return atl_suite_run ("evaluate-perceptual", tests, G_N_ELEMENTS (tests));
}
