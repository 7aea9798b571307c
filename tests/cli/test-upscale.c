/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier upscale': what it writes, what it says, and what it refuses.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "cli/command.h"
#include "image/rgb-file.h"
#include "models.h"
#include "run.h"

/* A folder with a photo; models are in a folder of their own. */
typedef struct
{
  AtlTestFolder *folder, *models;
  char *photo, *output;
} Place;

static char *
path_in (const Place *place, const char *name)
{
  return g_build_filename (place->folder, name, NULL);
}

static char *
write_photo (const char *path, int width, int height)
{
  g_autofree guint8 *pixels = g_malloc (3 * (size_t) (width * height));

  for (int i = 0; i < 3 * width * height; i++)
    pixels[i] = (guint8) ((i / 3 % width * 3 + i / width) % 256);
  CU_ASSERT_FATAL (atl_rgb_write_png (path, pixels, width, height, NULL));
  return g_strdup (path);
}

static void
place_init (Place *place)
{
  place->models = atl_test_models_folder_new ();
  place->folder = atl_test_folder_new ();
  place->output = path_in (place, "out.png");
  g_autofree char *photo = path_in (place, "photo.png");
  place->photo = write_photo (photo, 40, 30);
  atl_test_model_write (place->models, "upscale-x2", "upscale", 2, 1.0f);
}

static void
place_clear (Place *place)
{
  g_free (place->photo);
  g_free (place->output);
  atl_test_folder_free (place->folder);
  atl_test_folder_free (place->models);
}

static void
check_size (const char *path, int width, int height)
{
  int found_width = 0, found_height = 0;
  g_autofree guint8 *pixels = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &found_width, &found_height,
                                            NULL);

  CU_ASSERT_PTR_NOT_NULL (pixels);
  CU_ASSERT_EQUAL (found_width, width);
  CU_ASSERT_EQUAL (found_height, height);
}

static void
enlarges (void)
{
  Place place;
  g_autofree char *output = NULL, *messages = NULL;

  place_init (&place);
  atl_test_run (ATL_EXIT_DONE, &output, &messages,
                ATL_ARGUMENTS ("upscale", place.photo, "-o", place.output, "-q"));
  CU_ASSERT_STRING_EQUAL (output, "");
  CU_ASSERT_STRING_EQUAL (messages, "");
  check_size (place.output, 80, 60);

  atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                ATL_ARGUMENTS ("upscale", "--scale=3.3", "--quality=best", "--threads=1",
                               place.photo, "-o", place.output));
  check_size (place.output, 132, 99);
  atl_test_folder_holds (place.folder, "out.png photo.png");
  place_clear (&place);
}

static void
tells_what_it_did (void)
{
  Place place;
  g_autofree char *output = NULL, *messages = NULL;

  place_init (&place);
  atl_test_run (ATL_EXIT_DONE, &output, &messages,
                ATL_ARGUMENTS ("upscale", place.photo, "-o", place.output, "--json", "-v"));
  atl_test_contains (messages, "80 x 60 pixels");
  atl_test_contains (messages, "'upscale-x2' on the processor (");

  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  CU_ASSERT_FATAL (node != NULL && JSON_NODE_HOLDS_ARRAY (node));
  JsonObject *file = json_array_get_object_element (json_node_get_array (node), 0);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (file, "output"), place.output);
  CU_ASSERT_EQUAL (json_object_get_int_member (file, "width"), 80);
  place_clear (&place);
}

/* One bad file among three: the others are made, and the status tells. */
static void
goes_on_after_a_failure (void)
{
  Place place;

  place_init (&place);
  g_autofree char *bad = atl_test_file_new (place.folder, "bad\xff.png", "nonsense", 8);
  g_autofree char *last = path_in (&place, "last.png");
  g_autoptr (AtlTestFolder) results = atl_test_folder_new ();
  g_autofree char *written = write_photo (last, 21, 10);
  g_autofree char *output = NULL, *messages = NULL;

  atl_test_run (ATL_EXIT_FAILED, &output, &messages,
                ATL_ARGUMENTS ("upscale", place.photo, bad, written, "-o", results, "--json"));
  atl_test_contains (messages, ".png' cannot be read");
  atl_test_folder_holds (results, "last.png photo.png");

  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  CU_ASSERT_FATAL (node != NULL && JSON_NODE_HOLDS_ARRAY (node));
  JsonArray *files = json_node_get_array (node);
  CU_ASSERT_EQUAL_FATAL (json_array_get_length (files), 3);
  JsonObject *failed = json_array_get_object_element (files, 1);
  atl_test_contains (json_object_get_string_member (failed, "input"), "/bad\357\277\275.png");
  atl_test_contains (json_object_get_string_member (failed, "error"), "bad");
  place_clear (&place);
}

static void
usage_is_checked (void)
{
  Place place;

  place_init (&place);
#define FAILS(text, ...)                                                                           \
  atl_test_run_fails (ATL_EXIT_USAGE, text, ATL_ARGUMENTS ("upscale", __VA_ARGS__))
  FAILS ("pictures are missing", "-o", place.output);
  FAILS ("'-o' is missing", place.photo);
  FAILS ("--nonsense", "--nonsense", place.photo, "-o", place.output);
  FAILS ("--scope", "--scope=layers", place.photo, "-o", place.output);
  FAILS ("'scale' is '9'", "--scale=9", place.photo, "-o", place.output);
  FAILS ("'scale' is '0.5'", "--scale=0.5", place.photo, "-o", place.output);
  FAILS ("'scale' is '2x'", "--scale=2x", place.photo, "-o", place.output);
  FAILS ("'normal', 'best'", "--quality=good", place.photo, "-o", place.output);
  FAILS ("'--threads' is 0", "--threads=0", place.photo, "-o", place.output);
  FAILS ("'--threads' is -2", "--threads=-2", place.photo, "-o", place.output);
  FAILS ("several pictures", place.photo, "/other.png", "-o", place.output);
  FAILS ("Missing argument for -o", place.photo, "-o");
  FAILS ("'scale' is 'nan'", "--scale=nan", place.photo, "-o", place.output);
  FAILS ("'scale' is ''", "--scale=", place.photo, "-o", place.output);
  FAILS ("Cannot parse integer value", "--threads=two", place.photo, "-o", place.output);
  FAILS ("Try 'atelier upscale --help'", "--threads=100000", place.photo, "-o", place.output);
  FAILS ("both become 'photo.png'", place.photo, "/other/photo.png", "-o", place.folder);
#undef FAILS
  g_autofree char *missing = g_build_filename (place.folder, "missing/", NULL);
  atl_test_run_fails (ATL_EXIT_FAILED, "make it first",
                      ATL_ARGUMENTS ("upscale", place.photo, "-o", missing));
  atl_test_run_fails (ATL_EXIT_FAILED, "make it first",
                      ATL_ARGUMENTS ("upscale", place.photo, "/other.png", "-o", missing));
  atl_test_folder_holds (place.folder, "photo.png");
  place_clear (&place);
}

static void
broken_networks_are_told (void)
{
  Place place;

  place_init (&place);
  g_autofree char *broken = g_build_filename (place.models, "broken.safetensors", NULL);
  g_autofree char *constant = g_build_filename (place.models, "constant.safetensors", NULL);

  atl_test_model_write (place.models, "broken", "upscale", 2, 1e30f);
  atl_test_model_write (place.models, "constant", "upscale", 2, 0.0f);
  atl_test_model_write (place.models, "clean", "upscale", 1, 1.0f);
#define FAILS(text, model, ...)                                                                    \
  atl_test_run_fails (                                                                             \
      ATL_EXIT_FAILED, text,                                                                       \
      ATL_ARGUMENTS ("upscale", place.photo, "-o", place.output, "--model", model, __VA_ARGS__))
  FAILS ("not finite", broken, "-q");
  FAILS ("one single colour", constant, "-q");
  FAILS ("only cleans", "clean", "--scale=2");
#undef FAILS
  atl_test_folder_holds (place.folder, "photo.png");
  place_clear (&place);
}

static void
no_model_is_told (void)
{
  Place place;

  place_init (&place);
  g_autofree char *good = g_build_filename (place.models, "upscale-x2.safetensors", NULL);
  g_unlink (good);
  atl_test_run_fails (ATL_EXIT_FAILED, place.models,
                      ATL_ARGUMENTS ("upscale", place.photo, "-o", place.output, "--scale=1"));
  atl_test_folder_holds (place.folder, "photo.png");
  place_clear (&place);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "enlarges", enlarges },
    { "tells what it did", tells_what_it_did },
    { "goes on after a failure", goes_on_after_a_failure },
    { "usage is checked", usage_is_checked },
    { "broken networks are told", broken_networks_are_told },
    { "no model is told", no_model_is_told },
  };

  return atl_suite_run ("cli-upscale", tests, G_N_ELEMENTS (tests));
}
