/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier find-lr': what it prints and draws, and what it refuses.
 */

#include "suite.h"

#include <string.h>

#include "base/json.h"
#include "cli/command.h"
#include "run.h"
#include "stripes.h"
#include "temporary.h"

#define TINY "--width=4", "--blocks=1", "--crop=8", "--batch=2", "--start=random", "--data", photo

typedef struct
{
  AtlTestFolder *folder;
  char *photo, *plot;
} Place;

static void
place_init (Place *place)
{
  place->folder = atl_test_folder_new ();
  place->photo = g_build_filename (place->folder, "photo.png", NULL);
  place->plot = g_build_filename (place->folder, "plot.svg", NULL);
  atl_test_stripes_new (place->folder, "photo.png", 40, 32);
}

static void
place_clear (Place *place)
{
  g_free (place->photo);
  g_free (place->plot);
  atl_test_folder_free (place->folder);
}

/* The same rate on stdout and in JSON, and no file but the drawing. */
static void
finds_a_rate (void)
{
  Place place;
  g_autofree char *output = NULL, *json = NULL, *svg = NULL;

  place_init (&place);
  const char *photo = place.photo;
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("find-lr", "upscale", TINY, "-o", place.plot, "-q"));
  const double rate = g_ascii_strtod (output, NULL);
  CU_ASSERT (rate > 1e-5 && rate < 1.0);
  CU_ASSERT (g_file_get_contents (place.plot, &svg, NULL, NULL));
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, "class=\"mark\""));
  atl_test_folder_holds (place.folder, "photo.png plot.svg");

  atl_test_run (ATL_EXIT_DONE, &json, NULL,
                ATL_ARGUMENTS ("find-lr", "upscale", TINY, "-o", place.plot, "-q", "--json"));
  g_autoptr (JsonNode) node = atl_json_parse (json, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  JsonObject *object = json_node_get_object (node);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (object, "rate") / rate, 1.0, 0.06);
  JsonArray *points = json_object_get_array_member (object, "points");
  CU_ASSERT (json_array_get_length (points) > 50 && json_array_get_length (points) <= 200);
  JsonObject *first = json_array_get_object_element (points, 0);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (first, "rate"), 1e-6, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (first, "smoothed-loss"), 1.0, 1e-9);
  place_clear (&place);
}

/* Rates that are all far too high give no answer. */
static void
says_if_there_is_none (void)
{
  Place place;

  place_init (&place);
  const char *photo = place.photo;
  atl_test_run_fails (ATL_EXIT_FAILED, "the loss never fell",
                      ATL_ARGUMENTS ("find-lr", "upscale", TINY, "-o", place.plot, "-q",
                                     "--lowest=8", "--highest=10", "--steps=20"));
  place_clear (&place);
}

static void
usage_is_checked (void)
{
  Place place;

  place_init (&place);
#define FAILS(text, ...)                                                                           \
  atl_test_run_fails (ATL_EXIT_USAGE, text, ATL_ARGUMENTS ("find-lr", __VA_ARGS__))
  FAILS ("'upscale'", "-o", place.plot);
  FAILS ("'paint' cannot be trained", "paint");
  FAILS ("'--output' is missing: the drawing", "upscale", "--data", place.photo);
  FAILS ("must end in .svg", "upscale", "--data", place.photo, "-o", "w.safetensors");
  FAILS ("'--data' is missing", "upscale", "-o", place.plot);
  FAILS ("'--lowest' is 1, which is not below", "upscale", "-o", place.plot, "--lowest=1");
  FAILS ("'--steps' is '19'", "upscale", "-o", place.plot, "--steps=19");
  FAILS ("'--highest' is 'nan'", "upscale", "-o", place.plot, "--highest=nan");
  FAILS ("--lr", "upscale", "-o", place.plot, "--lr=1");
  FAILS ("--resume", "upscale", "-o", place.plot, "--resume");
#undef FAILS
  atl_test_run_fails (
      ATL_EXIT_FAILED, "'/nowhere/plot.svg' cannot be written",
      ATL_ARGUMENTS ("find-lr", "upscale", "--data", place.photo, "-o", "/nowhere/plot.svg"));
  atl_test_folder_holds (place.folder, "photo.png");
  place_clear (&place);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "finds a rate", finds_a_rate },
    { "says if there is none", says_if_there_is_none },
    { "usage is checked", usage_is_checked },
  };

  return atl_suite_run ("find-lr", tests, G_N_ELEMENTS (tests));
}
