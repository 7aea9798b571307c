/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier evaluate': numbers, table, JSON and saved pictures, and misuse.
 */

#include "suite.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "cli/command.h"
#include "image/rgb-file.h"
#include "run.h"
#include "stripes.h"
#include "temporary.h"

static const char model[] = MODELS_FOLDER "/sr-resnet-x2.safetensors";

/* What is measured of a saved picture, computed anew and slowly: luma of BT.601 in doubles, PSNR, and SSIM
 * by a window of two dimensions. */

enum
{
  BORDER = 2, /* the scale */
  WINDOW = 11
};

typedef struct
{
  int width, height;
  double *luma;
} Plane;

static Plane
plane_of (const char *folder, const char *name, const char *what)
{
  g_autofree char *file = g_strdup_printf ("%s-%s.png", name, what);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  Plane plane;
  g_autofree guint8 *rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &plane.width, &plane.height, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (rgb);
  plane.luma = g_new (double, (size_t) (plane.width * plane.height));
  for (int i = 0; i < plane.width * plane.height; i++)
    plane.luma[i] = 16.0 + 65.481 / 255 * rgb[3 * i] + 128.553 / 255 * rgb[3 * i + 1]
                    + 24.966 / 255 * rgb[3 * i + 2];
  return plane;
}

static double
psnr_of (const Plane *a, const Plane *b)
{
  double squares = 0.0;
  int n = 0;

  for (int y = BORDER; y < a->height - BORDER; y++)
    for (int x = BORDER; x < a->width - BORDER; x++, n++)
      {
        const double d = a->luma[y * a->width + x] - b->luma[y * a->width + x];

        squares += d * d;
      }
  return 10.0 * log10 (255.0 * 255.0 / (squares / n));
}

/* Of the window whose corner is (left, top). */
static double
similarity (const Plane *a, const Plane *b, int left, int top)
{
  double sum = 0.0, ma = 0.0, mb = 0.0, va = 0.0, vb = 0.0, cov = 0.0;

  for (int pass = 0; pass < 2; pass++)
    for (int j = 0; j < WINDOW; j++)
      for (int i = 0; i < WINDOW; i++)
        {
          const double w = exp (-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2.0 * 1.5 * 1.5));
          const double p = a->luma[(top + j) * a->width + left + i];
          const double q = b->luma[(top + j) * a->width + left + i];

          if (pass == 0)
            {
              sum += w;
              ma += w * p;
              mb += w * q;
              continue;
            }
          va += w / sum * (p - ma / sum) * (p - ma / sum);
          vb += w / sum * (q - mb / sum) * (q - mb / sum);
          cov += w / sum * (p - ma / sum) * (q - mb / sum);
        }

  const double c1 = 6.5025, c2 = 58.5225; /* (0.01 255)^2, (0.03 255)^2 */
  ma /= sum;
  mb /= sum;
  return (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

static double
ssim_of (const Plane *a, const Plane *b)
{
  double sum = 0.0;
  int n = 0;

  for (int y = BORDER; y <= a->height - BORDER - WINDOW; y++)
    for (int x = BORDER; x <= a->width - BORDER - WINDOW; x++, n++)
      sum += similarity (a, b, x, y);
  return sum / n;
}

/* The numbers of a picture are those of the files that were saved. */
static void
check_measured (JsonObject *picture, const char *saved, const char *name)
{
  Plane original = plane_of (saved, name, "hr"), result = plane_of (saved, name, "sr");

  CU_ASSERT_EQUAL_FATAL (original.width, result.width);
  CU_ASSERT_EQUAL_FATAL (original.height, result.height);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "psnr"),
                          psnr_of (&original, &result), 1e-4);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "ssim"),
                          ssim_of (&original, &result), 1e-5);
  g_free (original.luma);
  g_free (result.luma);
}

static void
measures_pictures (void)
{
  /* What tests/train/evaluate-reference.py tells of the two. */
  static const struct
  {
    const char *name;
    AtlTestScores scores;
  } expected[] = { { "a", { 24.9063, 0.856478, 24.9937, 0.859399 } },
                   { "b", { 24.9244, 0.860030, 25.0207, 0.859504 } } };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), saved = atl_test_folder_new ();
  g_autofree char *output = NULL;

  atl_test_stripes_new (folder, "b.png", 33, 31);
  atl_test_stripes_new (folder, "a.png", 40, 24);
  atl_test_run (
      ATL_EXIT_DONE, &output, NULL,
      ATL_ARGUMENTS ("evaluate", "upscale", "--model", model, "--json", "--save", saved, folder));

  g_autoptr (JsonNode) node = json_from_string (output, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  JsonObject *root = json_node_get_object (node);
  CU_ASSERT_EQUAL (json_object_get_int_member (root, "scale"), 2);
  JsonObject *set = atl_test_first_set (node);
  JsonArray *pictures = json_object_get_array_member (set, "pictures");
  CU_ASSERT_EQUAL_FATAL (json_array_get_length (pictures), 2);

  double psnr = 0.0;
  for (guint i = 0; i < 2; i++)
    {
      JsonObject *picture = json_array_get_object_element (pictures, i);

      psnr += json_object_get_double_member (picture, "psnr") / 2;
      check_measured (picture, saved, expected[i].name);
      atl_test_scores (picture, &expected[i].scores);
    }
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (set, "psnr"), psnr, 1e-9);
  JsonObject *last = json_array_get_object_element (pictures, 1);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (last, "name"), "b.png");
  CU_ASSERT_EQUAL (json_object_get_int_member (last, "width"), 32);
  CU_ASSERT_EQUAL (json_object_get_int_member (last, "height"), 30);
  atl_test_folder_holds (saved, "a-hr.png a-lr.png a-sr.png b-hr.png b-lr.png b-sr.png");
}

/* Names of which two would be saved as one are told before any work. */
static void
clashing_names_are_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new (), other = atl_test_folder_new ();
  g_autoptr (AtlTestFolder) saved = atl_test_folder_new ();

  atl_test_stripes_new (folder, "a.png", 40, 24);
  atl_test_stripes_new (folder, "b.png", 40, 24);
  atl_test_stripes_new (other, "b.png", 40, 24);
  atl_test_run_fails (
      ATL_EXIT_USAGE, "both be saved as 'b'",
      ATL_ARGUMENTS ("evaluate", "upscale", "--model", model, "--save", saved, folder, other));
  atl_test_folder_holds (saved, "");
}

/* Thousands of pictures take long on any machine. */
static void
length_is_announced (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *picture = g_build_filename (folder, "a.png", NULL);
  g_autoptr (GError) error = NULL;

  atl_test_stripes_new (folder, "a.png", 400, 300);
  for (int i = 0; i < 5000; i++)
    {
      g_autofree char *name = g_strdup_printf ("%d.png", i);
      g_autofree char *link = g_build_filename (folder, name, NULL);

      CU_ASSERT_EQUAL_FATAL (symlink (picture, link), 0);
    }
  g_autoptr (GSubprocess) process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, g_getenv ("ATELIER"), "evaluate", "upscale", "-m",
      model, "--threads=1", "--quality=best", folder, NULL);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (process);
  CU_ASSERT (atl_test_read_until (g_subprocess_get_stderr_pipe (process),
                                  "atelier evaluate: 5001 pictures, about "));
  g_subprocess_send_signal (process, SIGINT);
  CU_ASSERT (g_subprocess_communicate (process, NULL, NULL, NULL, NULL, NULL));
}

/* Names need not be UTF-8, but JSON must. */
static void
json_is_utf8 (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *output = NULL;

  atl_test_stripes_new (folder, "\351.png", 40, 24);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "-j", folder));
  CU_ASSERT (g_utf8_validate (output, -1, NULL));
  atl_test_contains (output, "\357\277\275.png");
}

static void
prints_a_table (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *picture = g_build_filename (folder, "a.png", NULL);
  g_autofree char *output = NULL;

  atl_test_stripes_new (folder, "a.png", 40, 24);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("evaluate", "upscale", "-m", model, "-q", picture));
  atl_test_contains (output, "40 x 24");
  atl_test_contains (output, "bicubic");
  atl_test_contains (output, "Lanczos");
  atl_test_contains (output, "mean");
}

static void
misuse_is_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *tiny = g_build_filename (folder, "tiny.png", NULL);
  g_autofree char *text = atl_test_file_new (folder, "text.png", "no picture", 10);

  atl_test_stripes_new (folder, "tiny.png", 12, 40);
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
    { "clashing names are told", clashing_names_are_told },
    { "length is announced", length_is_announced },
    { "JSON is UTF-8", json_is_utf8 },
    { "prints a table", prints_a_table },
    { "misuse is told", misuse_is_told },
  };

  return atl_suite_run ("evaluate", tests, G_N_ELEMENTS (tests));
}
