/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier upscale' with weight files that are damaged, hostile, or for something else: one message that
 * names the file, exit status 1, and nothing written.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>

#include "cli/command.h"
#include "image/rgb-file.h"
#include "run.h"
#include "temporary.h"

#define GOOD MODELS_FOLDER "/sr-resnet-x2.safetensors"

/* What is done to a good file: 'from' becomes 'to' in its header, the first of them only; or, for those
 * without 'from', its bytes are changed. */
typedef struct
{
  const char *from, *to;
  void (*change) (GByteArray *bytes);
  const char *message;
  gboolean is_refused_when_listed; /* so that a folder with nothing else has no model */
} Damage;

static size_t
header_size (const GByteArray *bytes)
{
  guint64 size;

  memcpy (&size, bytes->data, sizeof size);
  return (size_t) GUINT64_FROM_LE (size);
}

static void
set_header_size (GByteArray *bytes, guint64 size)
{
  size = GUINT64_TO_LE (size);
  memcpy (bytes->data, &size, sizeof size);
}

static void
cut_in_the_numbers (GByteArray *bytes)
{
  g_byte_array_set_size (bytes, bytes->len - 100);
}

static void
cut_in_the_header (GByteArray *bytes)
{
  g_byte_array_set_size (bytes, 500);
}

static void
cut_to_nothing (GByteArray *bytes)
{
  g_byte_array_set_size (bytes, 0);
}

static void
claim_a_huge_header (GByteArray *bytes)
{
  set_header_size (bytes, G_GUINT64_CONSTANT (1) << 62);
}

static void
claim_a_large_header (GByteArray *bytes)
{
  set_header_size (bytes, 50 << 20);
}

static void
put_float (GByteArray *bytes, guint32 bits)
{
  bits = GUINT32_TO_LE (bits);
  memcpy (bytes->data + 8 + header_size (bytes) + 8, &bits, sizeof bits);
}

static void
put_nan (GByteArray *bytes)
{
  put_float (bytes, 0x7fc00000);
}

static void
put_infinity (GByteArray *bytes)
{
  put_float (bytes, 0xff800000);
}

static void
fill_with_nan (GByteArray *bytes)
{
  memset (bytes->data + 8 + header_size (bytes), 0xff, bytes->len - 8 - header_size (bytes));
}

static void
become_text (GByteArray *bytes)
{
  g_byte_array_set_size (bytes, 0);
  g_byte_array_append (bytes, (const guint8 *) "Dear reader, here is a model.", 29);
}

#define BIAS_1                                                                                     \
  "\"features.1.m.0.0.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[456,472]}"
#define BIAS_2                                                                                     \
  "\"features.1.m.1.0.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[1048,1064]}"
#define BIAS_2_AS(name, dtype, shape, offsets)                                                     \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

static const Damage damages[] = {
  { NULL, NULL, cut_in_the_numbers, "features.6.0.weight' lies at bytes", TRUE },
  { NULL, NULL, cut_in_the_header, "a header of 1880 bytes, but the file ends after 492", TRUE },
  { NULL, NULL, cut_to_nothing, "0 bytes are too few for a weight file", TRUE },
  { NULL, NULL, become_text, "not a weight file", TRUE },
  { NULL, NULL, claim_a_huge_header, "not a weight file (safetensors): a header of", TRUE },
  { NULL, NULL, claim_a_large_header, "a header of 52428800 bytes, at most 16777216", TRUE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bias", "F32", "4", "1044,1060"), NULL, "overlap", TRUE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bias", "F32", "4", "1052,1068"), NULL,
    "4 unused bytes before tensor 'features.1.m.1.0.bias'", TRUE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bias", "F32", "4", "18446744073709551600,0"), NULL,
    "features.1.m.1.0.bias", TRUE },
  { BIAS_2, BIAS_2_AS ("features.1.m.0.0.bias", "F32", "4", "1048,1064"), NULL,
    "there are two tensors 'features.1.m.0.0.bias'", TRUE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bias", "C64", "2", "1048,1064"), NULL,
    "tensor 'features.1.m.1.0.bias' holds numbers of type 'C64'", TRUE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bias", "I32", "4", "1048,1064"), NULL,
    "tensor 'features.1.m.1.0.bias' is missing; 'sr-resnet' expects it as 4", FALSE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bias", "F32", "2,2", "1048,1064"), NULL,
    "tensor 'features.1.m.1.0.bias' is 2x2, but 'sr-resnet' expects 4", FALSE },
  { BIAS_2, BIAS_2_AS ("features.1.m.1.0.bios", "F32", "4", "1048,1064"), NULL,
    "tensor 'features.1.m.1.0.bias' is missing", FALSE },
  { "[4,4,3,3]", "[4,4,1,9]", NULL, "is 4x4x1x9, but 'sr-resnet' expects 4x4x3x3", FALSE },
  { NULL, NULL, put_nan, "number 1 of 4 of tensor 'features.0.0.bias' is not finite", FALSE },
  { NULL, NULL, put_infinity, "number 1 of 4 of tensor 'features.0.0.bias' is not finite", FALSE },
  { NULL, NULL, fill_with_nan, "is not finite", FALSE },
  { "\"upscale\"", "\"stylize\"", NULL,
    "this model is for the task 'stylize', but one for 'upscale' is needed", TRUE },
  { "\"rgb-perceptual-unit-1\"", "\"bgr-linear-signed-22\"", NULL,
    "the card wants input 'bgr-linear-signed-22'", TRUE },
  { "\"atelier.format\":\"1\"", "\"atelier.format\":\"2\"", NULL, "the card has format '2'", TRUE },
  { "\"sr-resnet\"", "\"sr-mamba!\"", NULL, "the architecture 'sr-mamba!' is unknown", FALSE },
  { "\\\"width\\\": 4", "\\\"width\\\": 5", NULL, "expects", FALSE },
  { "\\\"scale\\\": 2", "\\\"scale\\\": 9", NULL, "'scale' is 9, but must be from 1 to 8", FALSE },
  { "{\\\"scale\\\": 2", "[\\\"scale\\\": 2", NULL, "the config of 'sr-resnet'", FALSE },
};

static GByteArray *
damaged_file (const Damage *damage)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autofree char *good = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (g_file_get_contents (GOOD, &good, &size, NULL));
  g_byte_array_append (bytes, (const guint8 *) good, (guint) size);
  if (damage->change != NULL)
    {
      damage->change (bytes);
      return bytes;
    }

  const size_t n_header = header_size (bytes);
  g_autofree char *header = g_strndup ((const char *) bytes->data + 8, n_header);
  const char *place = strstr (header, damage->from);
  CU_ASSERT_PTR_NOT_NULL_FATAL (place);

  const guint before = (guint) (place - header), from = (guint) strlen (damage->from);
  g_byte_array_set_size (bytes, 8 + before);
  g_byte_array_append (bytes, (const guint8 *) damage->to, (guint) strlen (damage->to));
  set_header_size (bytes, n_header - from + strlen (damage->to));
  g_byte_array_append (bytes, (const guint8 *) good + 8 + before + from,
                       (guint) size - 8 - before - from);
  return bytes;
}

/* A folder with a picture, a result of before, and a weight file. */
typedef struct
{
  AtlTestFolder *folder;
  char *picture, *output, *weights;
} Place;

static void
place_init (Place *place, const Damage *damage)
{
  g_autoptr (GByteArray) bytes = damaged_file (damage);
  guint8 pixels[3 * 9 * 7];

  for (size_t i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * i % 251);
  place->folder = atl_test_folder_new ();
  place->picture = g_build_filename (place->folder, "in.png", NULL);
  CU_ASSERT_FATAL (atl_rgb_write_png (place->picture, pixels, 9, 7, NULL));
  place->output = atl_test_file_new (place->folder, "out.png", "before", 6);
  place->weights = atl_test_file_new (place->folder, "w.safetensors", bytes->data, bytes->len);
  g_setenv ("ATELIER_MODEL_PATH", place->folder, TRUE);
}

/* Everything must be as it was. */
static void
place_clear (Place *place)
{
  atl_test_folder_holds (place->folder, "in.png out.png w.safetensors");
  atl_test_file_holds (place->output, "before");
  g_free (place->picture);
  g_free (place->output);
  g_free (place->weights);
  atl_test_folder_free (place->folder);
}

static void
are_refused_by_path (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      Place place;

      place_init (&place, &damages[i]);
      g_autofree char *named = g_strdup_printf ("atelier upscale: '%s': ", place.weights);
      g_autofree char *messages = NULL;
      atl_test_run (
          ATL_EXIT_FAILED, NULL, &messages,
          ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output, "--model", place.weights));
      CU_ASSERT (g_str_has_prefix (messages, named));
      atl_test_contains (messages, damages[i].message);
      CU_ASSERT_PTR_EQUAL (strchr (messages, '\n'), messages + strlen (messages) - 1);
      place_clear (&place);
    }
}

/* Without --model a file that cannot be a model is left out; then there is none, and the message tells
 * why. */
static void
are_refused_in_a_folder (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      Place place;

      place_init (&place, &damages[i]);
      g_autofree char *messages = NULL;
      atl_test_run (ATL_EXIT_FAILED, NULL, &messages,
                    ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output));
      if (damages[i].is_refused_when_listed)
        atl_test_contains (messages, "atelier upscale: There is no model that enlarges in ");
      if (strstr (damages[i].message, "task") == NULL)
        atl_test_contains (messages, damages[i].message);
      place_clear (&place);
    }
}

static void
missing_ones_are_told (void)
{
  Place place;

  place_init (&place, &damages[0]);
#define FAILS(text, ...)                                                                           \
  atl_test_run_fails (                                                                             \
      ATL_EXIT_FAILED, text,                                                                       \
      ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output, "--model", __VA_ARGS__))
  FAILS ("There is no model 'nobody', nor another one for upscale, in ", "nobody");
  FAILS ("'/nowhere/w.safetensors': cannot be read: ", "/nowhere/w.safetensors");
  FAILS ("': cannot be read: ", place.folder);
  FAILS ("has no card that tells what network it is for",
         MODELS_FOLDER "/sr-resnet-x2.expected.safetensors");
  FAILS ("enlarges, but a scale of 1 needs one that only cleans", GOOD, "--scale=1");
  g_setenv ("ATELIER_MODEL_PATH", MODELS_FOLDER, TRUE);
  FAILS ("There is no model 'nobody' in " MODELS_FOLDER, "nobody");
  FAILS ("there are 'sr-resnet-x2', 'sr-resnet-x4'", "nobody");
#undef FAILS
  atl_test_run_fails (ATL_EXIT_FAILED,
                      "There is no model that cleans, which a scale of 1 needs, in ",
                      ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output, "--scale=1"));
  g_setenv ("ATELIER_MODEL_PATH", "/nowhere", TRUE);
  atl_test_run_fails (ATL_EXIT_FAILED, "There is no model that enlarges in /nowhere, ",
                      ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output));
  place_clear (&place);
}

/* A file that would be right but is not the one that is asked for does no harm. */
static void
bad_neighbours_do_no_harm (void)
{
  Place place;

  place_init (&place, &damages[0]);
  g_autofree char *path = g_strconcat (place.folder, ":" MODELS_FOLDER, NULL);
  g_autofree char *result = g_build_filename (place.folder, "result.png", NULL);
  g_setenv ("ATELIER_MODEL_PATH", path, TRUE);
  atl_test_run (ATL_EXIT_DONE, NULL, NULL, ATL_ARGUMENTS ("upscale", place.picture, "-o", result));
  CU_ASSERT_EQUAL (g_unlink (result), 0);
  place_clear (&place);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "are refused by path", are_refused_by_path },
    { "are refused in a folder", are_refused_in_a_folder },
    { "missing ones are told", missing_ones_are_told },
    { "bad neighbours do no harm", bad_neighbours_do_no_harm },
  };
  /* No other models than those of the test. */
  g_autoptr (AtlTestFolder) data = g_dir_make_tmp ("atelier-test-XXXXXX", NULL);

  g_setenv ("XDG_DATA_HOME", data, TRUE);
  return atl_suite_run ("cli-upscale-weights", tests, G_N_ELEMENTS (tests));
}
