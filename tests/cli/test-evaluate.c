/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier evaluate': numbers, table, JSON and saved pictures, and misuse.
 */

#include "suite.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "cli/command.h"
#include "image/rgb-file.h"
#include "run.h"
#include "temporary.h"

/* Broad vertical stripes. */
static void
write_picture (const AtlTestFolder *folder, const char *name, int width, int height)
{
  g_autofree guint8 *pixels = g_malloc (3 * (size_t) (width * height));
  g_autofree char *path = g_build_filename (folder, name, NULL);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      memset (pixels + 3 * (y * width + x), x / 7 % 2 == 0 ? 40 : 200, 3);
  CU_ASSERT_FATAL (atl_rgb_write_png (path, pixels, width, height, NULL));
}

static const char model[] = MODELS_FOLDER "/sr-resnet-x2.safetensors";

static void
measures_pictures (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), saved = atl_test_folder_new ();
  g_autofree char *output = NULL;

  write_picture (folder, "b.png", 33, 31);
  write_picture (folder, "a.png", 40, 24);
  atl_test_run (
      ATL_EXIT_DONE, &output, NULL,
      ATL_ARGUMENTS ("evaluate", "upscale", "--model", model, "--json", "--save", saved, folder));

  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  JsonObject *root = json_node_get_object (node);
  CU_ASSERT_EQUAL (json_object_get_int_member (root, "scale"), 2);
  JsonObject *set = json_array_get_object_element (json_object_get_array_member (root, "sets"), 0);
  JsonArray *pictures = json_object_get_array_member (set, "pictures");
  CU_ASSERT_EQUAL_FATAL (json_array_get_length (pictures), 2);

  double psnr = 0.0;
  for (guint i = 0; i < 2; i++)
    {
      JsonObject *picture = json_array_get_object_element (pictures, i);

      psnr += json_object_get_double_member (picture, "psnr") / 2;
      CU_ASSERT (json_object_get_double_member (picture, "bicubic-psnr") > 10.0);
      CU_ASSERT (json_object_get_double_member (picture, "bicubic-ssim") > 0.5);
    }
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (set, "psnr"), psnr, 1e-9);
  JsonObject *last = json_array_get_object_element (pictures, 1);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (last, "name"), "b.png");
  CU_ASSERT_EQUAL (json_object_get_int_member (last, "width"), 32);
  CU_ASSERT_EQUAL (json_object_get_int_member (last, "height"), 30);
  atl_test_folder_holds (saved, "a-hr.png a-lr.png a-sr.png b-hr.png b-lr.png b-sr.png");
  atl_test_run_fails (
      ATL_EXIT_USAGE, "both be saved as 'a'",
      ATL_ARGUMENTS ("evaluate", "upscale", "--model", model, "--save", saved, folder, folder));
}

static void
prints_a_table (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *picture = g_build_filename (folder, "a.png", NULL);
  g_autofree char *output = NULL;

  write_picture (folder, "a.png", 40, 24);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "-q", picture));
  atl_test_contains (output, "40 x 24");
  atl_test_contains (output, "bicubic");
  atl_test_contains (output, "mean");
}

static void
misuse_is_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *tiny = g_build_filename (folder, "tiny.png", NULL);
  g_autofree char *text = atl_test_file_new (folder, "text.png", "no picture", 10);

  write_picture (folder, "tiny.png", 12, 40);
#define FAILS(status, text, ...)                                                                   \
  atl_test_run_fails (status, text, ATL_ARGUMENTS ("evaluate", __VA_ARGS__))
  FAILS (ATL_EXIT_USAGE, "'upscale'", "--model=x");
  FAILS (ATL_EXIT_USAGE, "'--model' is missing", "upscale", folder);
  FAILS (ATL_EXIT_USAGE, "pictures are missing", "upscale", "--model", model);
  FAILS (ATL_EXIT_USAGE, "'stylize' cannot be measured", "stylize", "--model", model, tiny);
  FAILS (ATL_EXIT_USAGE, "'--threads' is -3", "upscale", "--model", model, "--threads=-3", tiny);
  FAILS (ATL_EXIT_FAILED, "make it first", "upscale", "--model", model, "--save=/no", tiny);
  FAILS (ATL_EXIT_USAGE, "quality", "upscale", "--model", model, "--quality=good", tiny);
  FAILS (ATL_EXIT_FAILED, "/no.safetensors", "upscale", "--model=/no.safetensors", tiny);
  FAILS (ATL_EXIT_FAILED, "12 x 40 pixels, which are too few", "upscale", "--model", model, tiny);
  FAILS (ATL_EXIT_FAILED, "text.png' cannot be read", "upscale", "--model", model, text);
  FAILS (ATL_EXIT_FAILED, "'/nowhere'", "upscale", "--model", model, "/nowhere");
#undef FAILS
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "measures pictures", measures_pictures },
    { "prints a table", prints_a_table },
    { "misuse is told", misuse_is_told },
  };

  return atl_suite_run ("evaluate", tests, G_N_ELEMENTS (tests));
}
