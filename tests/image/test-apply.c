/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Networks over whole pictures: tiles do not show, alpha and values outside 0..1 find their way around
 * the network, a bad result is no result.
 */

#include "suite.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "image/dihedral.h"
#include "image/resample.h"
#include "image/swap.h"
#include "image/tiles.h"
#include "nets/network.h"
#include "pictures.h"

static GeglBuffer *
apply (const AtlTestModel *models, const int *factors, int n, gboolean average, GeglBuffer *input,
       int width, int height, const char *tile)
{
  AtlStage stages[3];
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < n; i++)
    stages[i] = (AtlStage) { models[i].prepared, factors[i] };

  g_setenv ("ATELIER_TILE", tile, TRUE);
  GeglBuffer *result = atl_apply_stages (&(AtlStages) { stages, n, average }, input, width, height,
                                         NULL, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (result);
  CU_ASSERT_EQUAL (gegl_buffer_get_width (result), width);
  CU_ASSERT_EQUAL (gegl_buffer_get_height (result), height);
  CU_ASSERT_PTR_EQUAL (gegl_buffer_get_format (result), gegl_buffer_get_format (input));
  return result;
}

/* Against the network run over the whole picture by itself, without any of the code tested here but for
 * clipping. */
static void
equals_the_network (void)
{
  const int w = 31, h = 23;
  const AtlRegion all = { 0, 0, 2 * w, 2 * h };
  AtlTestModel model;

  atl_test_model_init (&model, 2);
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R~G~B~ float"), w, h);
  g_autoptr (GeglBuffer) result = apply (&model, (int[]) { 2 }, 1, FALSE, input, 2 * w, 2 * h, "7");

  size_t n, n_out;
  g_autofree float *pixels = atl_test_pixels (input, "R~G~B~ float", &n);
  g_autofree float *found = atl_test_pixels (result, "R~G~B~ float", &n_out);
  g_autofree float *planes = g_new (float, n);
  g_autofree float *output = g_new (float, n_out);
  g_autofree float *expected = g_new (float, n_out);
  for (size_t i = 0; i < n; i++)
    planes[i % 3 * (n / 3) + i / 3] = pixels[i];

  g_autoptr (AtlPlan) plan = atl_plan_new_inference (model.prepared, w, h, &all);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  atl_plan_infer (plan, workspace, output, planes);
  for (size_t i = 0; i < n_out; i++)
    expected[i] = CLAMP (output[i % 3 * (n_out / 3) + i / 3], 0.0f, 1.0f);

  atl_test_close ("network", found, expected, n_out, 1e-5);
  atl_test_model_clear (&model);
}

static void
tiles_do_not_show (void)
{
  static const struct
  {
    const char *format;
    int width, height, factor, out_width, out_height;
    gboolean average;
  } cases[] = {
    { "R~G~B~A float", 61, 47, 2, 122, 94, FALSE },
    { "R'G'B' u8", 61, 47, 2, 122, 94, FALSE },
    { "R'G'B'A u16", 40, 33, 4, 160, 132, FALSE },
    { "Y'A u8", 40, 33, 2, 80, 66, TRUE },
    { "R~G~B~A float", 40, 33, 2, 61, 50, FALSE },
    { "RGBA half", 33, 20, 1, 33, 20, TRUE },
    { "Y' u16", 1, 1, 2, 2, 2, FALSE },
    { "R'G'B' u8", 3, 200, 2, 6, 400, FALSE },
    { "R'G'B'A u8", 200, 3, 2, 500, 8, TRUE },
  };
  static const char *const tiles[] = { "7", "16", "33" };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i += atl_test_quick () ? 4 : 1)
    {
      AtlTestModel model;
      const int w = cases[i].out_width, h = cases[i].out_height;

      atl_test_model_init (&model, cases[i].factor);
      g_autoptr (GeglBuffer)
          input = atl_test_picture (babl_format (cases[i].format), cases[i].width, cases[i].height);
      g_autoptr (GeglBuffer)
          whole = apply (&model, &cases[i].factor, 1, cases[i].average, input, w, h, "4096");

      for (size_t t = 0; t < G_N_ELEMENTS (tiles); t++)
        {
          g_autoptr (GeglBuffer)
              tiled = apply (&model, &cases[i].factor, 1, cases[i].average, input, w, h, tiles[t]);
          const double difference = atl_test_difference (tiled, whole);
          /* Whole numbers may be rounded to the other side. */
          const double step = strstr (cases[i].format, "u8")     ? 1.0 / 255.0
                              : strstr (cases[i].format, "u16")  ? 1.0 / 65535.0
                              : strstr (cases[i].format, "half") ? 1.0 / 1024.0
                                                                 : 0.0;

          if (difference > 1e-5 + step)
            {
              printf ("  %s, tiles of %s: differ by %g\n", cases[i].format, tiles[t], difference);
              CU_FAIL ("tiles show");
            }
        }
      atl_test_model_clear (&model);
    }
}

/* The mean over the orientations does not change when the picture is turned; one run does. */
static void
average_turns_with_the_picture (void)
{
  const int w = 21, h = 14, turn = 6; /* transposed and flipped */
  AtlTestModel model;
  size_t n;

  atl_test_model_init (&model, 2);
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R~G~B~ float"), w, h);
  g_autofree float *pixels = atl_test_pixels (input, "R~G~B~ float", &n);
  g_autofree float *planes = g_new (float, n);
  g_autofree float *turned_planes = g_new (float, n);

  for (size_t i = 0; i < n; i++)
    planes[i % 3 * (n / 3) + i / 3] = pixels[i];
  atl_dihedral_planes (turned_planes, planes, 3, w, h, turn);
  for (size_t i = 0; i < n; i++)
    pixels[i] = turned_planes[i % 3 * (n / 3) + i / 3];
  g_autoptr (GeglBuffer)
      turned = gegl_buffer_new (GEGL_RECTANGLE (0, 0, h, w), babl_format ("R~G~B~ float"));
  gegl_buffer_set (turned, NULL, 0, babl_format ("R~G~B~ float"), pixels, GEGL_AUTO_ROWSTRIDE);

  for (int average = 0; average < 2; average++)
    {
      g_autoptr (GeglBuffer)
          a = apply (&model, (int[]) { 2 }, 1, average, input, 2 * w, 2 * h, "9");
      g_autoptr (GeglBuffer)
          b = apply (&model, (int[]) { 2 }, 1, average, turned, 2 * h, 2 * w, "9");
      g_autofree float *of_a = atl_test_pixels (a, "R~G~B~ float", &n);
      g_autofree float *of_b = atl_test_pixels (b, "R~G~B~ float", &n);
      double largest = 0.0;

      for (int y = 0; y < 2 * h; y++)
        for (int x = 0; x < 2 * w; x++)
          {
            const AtlRegion there = atl_dihedral_region (&(AtlRegion) { x, y, 1, 1 }, 2 * w, 2 * h,
                                                         turn);
            const float *p = of_a + 3 * (y * 2 * w + x);
            const float *q = of_b + 3 * (there.y * 2 * h + there.x);

            for (int c = 0; c < 3; c++)
              largest = fmax (largest, fabs ((double) p[c] - (double) q[c]));
          }
      CU_ASSERT ((largest < 1e-5) == (average == 1));
    }
  atl_test_model_clear (&model);
}

/* Two doublings are the same as their four-fold, and the last stage alone gets alpha. */
static void
stages_follow_each_other (void)
{
  AtlTestModel twice[2], once;

  atl_test_model_init_copy (&twice[0], 2, 1.0f, 0.0f);
  atl_test_model_init_copy (&twice[1], 2, 1.0f, 0.0f);
  atl_test_model_init_copy (&once, 4, 1.0f, 0.0f);
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("RGBA float"), 30, 21);
  g_autoptr (GeglBuffer) a = apply (twice, (int[]) { 2, 2 }, 2, FALSE, input, 120, 84, "8");
  g_autoptr (GeglBuffer) b = apply (&once, (int[]) { 4 }, 1, FALSE, input, 120, 84, "8");
  CU_ASSERT (atl_test_difference (a, b) < 1e-6);

  for (int i = 0; i < 2; i++)
    atl_test_model_clear (&twice[i]);
  atl_test_model_clear (&once);
}

/* A copying network of factor 1 gives back each picture as it was, values outside 0..1 too. */
static void
copy_is_the_same (void)
{
  static const char *const formats[] = { "R'G'B' u8", "R'G'B'A u16", "RGBA float", "Y'A u8",
                                         "RGB half",  "Y float",     "RGB double" };
  AtlTestModel model;

  atl_test_model_init_copy (&model, 1, 1.0f, 0.0f);
  for (size_t f = 0; f < G_N_ELEMENTS (formats); f++)
    {
      g_autoptr (GeglBuffer) input = atl_test_picture (
          babl_format_with_space (formats[f], babl_space ("ProPhoto")), 29, 17);
      const float bright[] = { 7.5f, 0.25f, -0.5f, 1.0f };

      gegl_buffer_set (input, GEGL_RECTANGLE (14, 8, 1, 1), 0,
                       babl_format_with_space ("RGBA float", babl_space ("ProPhoto")), bright,
                       GEGL_AUTO_ROWSTRIDE);
      g_autoptr (GeglBuffer) result = apply (&model, (int[]) { 1 }, 1, FALSE, input, 29, 17, "8");
      size_t n;
      g_autofree float *a = atl_test_pixels (input, "R~G~B~A float", &n);
      g_autofree float *b = atl_test_pixels (result, "R~G~B~A float", &n);
      double largest = 0.0;

      for (size_t i = 0; i < n; i++)
        if (a[i / 4 * 4 + 3] > 0.0f) /* what is hidden may change */
          largest = fmax (largest, fabs ((double) a[i] - (double) b[i]));
      if (largest > (strstr (formats[f], "half") != NULL ? 2e-3 : 2e-6))
        {
          printf ("  %s differs by %g\n", formats[f], largest);
          CU_FAIL ("a copy is not the same");
        }
    }
  atl_test_model_clear (&model);
}

/* A bright square in a grey picture stays as bright, is never overshot, and darkens nothing. */
static void
excess_is_resampled (void)
{
  AtlTestModel model;
  size_t n;

  atl_test_model_init_copy (&model, 2, 1.0f, 0.0f);
  g_autoptr (GeglBuffer)
      input = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 20, 20), babl_format ("R~G~B~ float"));
  gegl_buffer_set_color_from_pixel (input, NULL, (float[]) { 0.5f, 0.5f, 0.5f },
                                    babl_format ("R~G~B~ float"));
  gegl_buffer_set_color_from_pixel (input, GEGL_RECTANGLE (8, 8, 4, 4),
                                    (float[]) { 4.0f, 1.0f, -2.0f }, babl_format ("R~G~B~ float"));
  g_autoptr (GeglBuffer) result = apply (&model, (int[]) { 2 }, 1, FALSE, input, 40, 40, "8");
  g_autofree float *pixels = atl_test_pixels (result, "R~G~B~ float", &n);

  for (size_t i = 0; i < n / 3; i++)
    {
      CU_ASSERT (pixels[3 * i] >= 0.5f - 1e-6f && pixels[3 * i] <= 4.0f + 1e-5f);
      CU_ASSERT (pixels[3 * i + 2] <= 0.5f + 1e-6f && pixels[3 * i + 2] >= -2.0f - 1e-5f);
    }
  const float *middle = pixels + 3 * (20 * 40 + 20);
  CU_ASSERT_DOUBLE_EQUAL (middle[0], 4.0, 1e-5);
  CU_ASSERT_DOUBLE_EQUAL (middle[2], -2.0, 1e-4);
  atl_test_model_clear (&model);
}

static float *
alpha_of (GeglBuffer *buffer, size_t *n)
{
  float *pixels = atl_test_pixels (buffer, "R~G~B~A float", n);

  *n /= 4;
  for (size_t i = 0; i < *n; i++)
    pixels[i] = pixels[4 * i + 3];
  return pixels;
}

/* Alpha is the bicubic resampling of alpha, in 0..1, whatever the colours are; opaque stays opaque. */
static void
alpha_goes_its_own_way (void)
{
  const int w = 27, h = 19;
  AtlTestModel model;
  size_t n, n_out;

  atl_test_model_init (&model, 2);
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R~G~B~A float"), w, h);
  g_autoptr (GeglBuffer) result = apply (&model, (int[]) { 2 }, 1, FALSE, input, 2 * w, 2 * h, "8");
  g_autofree float *a = alpha_of (input, &n);
  g_autofree float *found = alpha_of (result, &n_out);
  g_autoptr (AtlFloats)
      expected = atl_resized_plane_new (ATL_KERNEL_BICUBIC, 2 * w, 2 * h, a, w, h, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (expected);
  for (size_t i = 0; i < n_out; i++)
    expected[i] = CLAMP (expected[i], 0.0f, 1.0f);
  atl_test_close ("alpha", found, expected, n_out, 2e-6);

  gegl_buffer_set_color_from_pixel (input, NULL, (float[]) { 0.25f, 0.5f, 0.75f, 1.0f },
                                    babl_format ("R~G~B~A float"));
  g_autoptr (GeglBuffer) opaque = apply (&model, (int[]) { 2 }, 1, FALSE, input, 2 * w, 2 * h, "8");
  g_autofree float *still = alpha_of (opaque, &n_out);
  for (size_t i = 0; i < n_out; i++)
    CU_ASSERT_EQUAL (still[i], 1.0f);
  atl_test_model_clear (&model);
}

/* What is hidden under transparency does not reach any visible pixel. */
static void
hidden_colours_do_not_bleed (void)
{
  AtlTestModel model;
  GeglBuffer *results[2];

  atl_test_model_init (&model, 2);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GeglBuffer)
          input = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 48, 48), babl_format ("R'G'B'A u8"));
      const guchar hidden[4] = { i ? 255 : 0, i ? 0 : 255, i ? 255 : 0, 0 };
      const guchar shown[4] = { 200, 120, 40, 255 };

      gegl_buffer_set_color_from_pixel (input, NULL, hidden, babl_format ("R'G'B'A u8"));
      gegl_buffer_set_color_from_pixel (input, GEGL_RECTANGLE (13, 11, 20, 17), shown,
                                        babl_format ("R'G'B'A u8"));
      results[i] = apply (&model, (int[]) { 2 }, 1, FALSE, input, 96, 96, "16");
    }
  CU_ASSERT_EQUAL (atl_test_difference (results[0], results[1]), 0.0);
  g_object_unref (results[0]);
  g_object_unref (results[1]);
  atl_test_model_clear (&model);
}

/* Runs a copying network with gain and bias over a picture, for its error. */
static void
expect_error (float gain, float bias, int width, int height, int code, const char *text)
{
  AtlTestModel model;
  g_autoptr (GError) error = NULL;

  atl_test_model_init_copy (&model, 2, gain, bias);
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R'G'B' u8"), 30, 20);
  const AtlStage stage = { model.prepared, 2 };
  CU_ASSERT_PTR_NULL (
      atl_apply_stages (&(AtlStages) { &stage, 1, FALSE }, input, width, height, NULL, &error));
  atl_test_error (&error, ATL_ERROR, code, text);
  atl_test_model_clear (&model);
}

static void
bad_results_are_errors (void)
{
  g_unsetenv ("ATELIER_TILE");
  expect_error (1.0f, NAN, 60, 40, ATL_ERROR_RESULT, "not finite");
  expect_error (INFINITY, 0.5f, 60, 40, ATL_ERROR_RESULT, "not finite");
  expect_error (0.0f, 0.5f, 60, 40, ATL_ERROR_RESULT, "one single colour");
  expect_error (1.0f, -3.0f, 60, 40, ATL_ERROR_RESULT, "one single colour"); /* all black */
}

static void
bad_sizes_are_errors (void)
{
  expect_error (1.0f, 0.0f, 0, 40, ATL_ERROR_SHAPE, "0 x 40");
  expect_error (1.0f, 0.0f, 60, 2000000000, ATL_ERROR_SHAPE, "2000000000");
  expect_error (1.0f, 0.0f, 500000, 500000, ATL_ERROR_MEMORY, "too large");
}

/* A disk on which no file may grow any more: tiles that leave the memory are lost, and so is the result, which
 * is told. Afterwards all is well again. */
static void
lost_tiles_are_errors (void)
{
  const guint64 cache = (guint64) 256 << 10;
  struct rlimit before, tight;
  guint64 cache_before;
  AtlTestModel model;
  g_autoptr (GError) error = NULL;

  atl_test_model_init_copy (&model, 2, 1.0f, 0.0f);
  const AtlStage stage = { model.prepared, 2 };
  const AtlStages stages = { &stage, 1, FALSE };
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R'G'B'A float"), 300, 200);

  g_setenv ("ATELIER_TILE", "64", TRUE);
  g_object_get (gegl_config (), "tile-cache-size", &cache_before, NULL);
  g_object_set (gegl_config (), "tile-cache-size", cache, NULL);
  CU_ASSERT_EQUAL_FATAL (getrlimit (RLIMIT_FSIZE, &before), 0);
  tight = before;
  tight.rlim_cur = 64 << 10;
  signal (SIGXFSZ, SIG_IGN);
  CU_ASSERT_EQUAL_FATAL (setrlimit (RLIMIT_FSIZE, &tight), 0);
  const guint losses = atl_swap_losses ();
  g_autoptr (GeglBuffer) lost = atl_apply_stages (&stages, input, 600, 400, NULL, &error);
  /* The last tiles may still have been in memory. */
  if (lost != NULL)
    CU_ASSERT_FALSE (atl_swap_check_buffer (lost, losses, &error));
  CU_ASSERT_EQUAL (setrlimit (RLIMIT_FSIZE, &before), 0);
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MEMORY, "could not keep it in its swap folder");

  g_autoptr (GeglBuffer) again = atl_test_picture (babl_format ("R'G'B'A float"), 300, 200);
  g_autoptr (GeglBuffer) kept = atl_apply_stages (&stages, again, 600, 400, NULL, &error);
  atl_test_no_error (error);
  CU_ASSERT (kept != NULL && atl_swap_check_buffer (kept, atl_swap_losses (), &error));
  g_object_set (gegl_config (), "tile-cache-size", cache_before, NULL);
  atl_test_model_clear (&model);
}

/* A constant picture may stay one. */
static void
constant_of_constant (void)
{
  AtlTestModel model;

  atl_test_model_init_copy (&model, 2, 1.0f, 0.0f);
  g_autoptr (GeglBuffer)
      input = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 9, 9), babl_format ("R'G'B' u8"));
  g_autoptr (GeglBuffer) result = apply (&model, (int[]) { 2 }, 1, FALSE, input, 18, 18, "64");
  atl_test_model_clear (&model);
}

typedef struct
{
  GCancellable *cancellable;
  double last;
  int n_reports, cancel_at;
} Listener;

static void
listen_to (double fraction, void *data)
{
  Listener *listener = data;

  CU_ASSERT (fraction >= listener->last && fraction <= 1.0);
  listener->last = fraction;
  if (++listener->n_reports == listener->cancel_at)
    g_cancellable_cancel (listener->cancellable);
}

static void
progress_and_cancel (void)
{
  AtlTestModel model;
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R'G'B'A u8"), 60, 60);

  g_setenv ("ATELIER_TILE", "10", TRUE);
  atl_test_model_init (&model, 2);
  const AtlStage stage = { model.prepared, 2 };
  for (int cancel_at = 0; cancel_at < 20; cancel_at += 6)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      Listener listener = { cancellable, 0.0, 0, cancel_at };
      const AtlProgress progress = { listen_to, &listener, cancellable, 0.0, 0.0 };
      g_autoptr (GeglBuffer) result = atl_apply_stages (&(AtlStages) { &stage, 1, FALSE }, input,
                                                        120, 120, &progress, &error);

      CU_ASSERT_EQUAL (result != NULL, cancel_at == 0);
      if (cancel_at == 0)
        {
          CU_ASSERT_DOUBLE_EQUAL (listener.last, 1.0, 1e-9);
          CU_ASSERT (listener.n_reports >= 36);
        }
      else
        {
          CU_ASSERT (listener.n_reports <= cancel_at + 1);
          atl_test_error (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
        }
    }
  atl_test_model_clear (&model);
}

static void
time_is_estimated (void)
{
  AtlTestModel model;

  atl_test_model_init (&model, 2);
  const AtlStage stage = { model.prepared, 2 };

  /* Each estimate is a trial of its own, which another program may disturb. */
  gboolean plausible = FALSE;
  for (int i = 0; i < 10 && ! plausible; i++)
    {
      const double one = atl_apply_seconds (&(AtlStages) { &stage, 1, FALSE }, 500, 400, NULL);
      const double eight = atl_apply_seconds (&(AtlStages) { &stage, 1, TRUE }, 500, 400, NULL);

      CU_ASSERT (one > 0.0);
      plausible = eight > 3.0 * one && eight < 20.0 * one;
    }
  CU_ASSERT (plausible);
  atl_test_model_clear (&model);
}

/* Of a picture of several tiles as much as of one. */
static void
memory_is_bounded (void)
{
  AtlTestModel model;

  atl_test_model_init (&model, 2);
  const AtlStage stage = { model.prepared, 2 };
  const AtlStages stages = { &stage, 1, FALSE };
  const size_t small = atl_apply_memory (&stages, 20, 20);
  const size_t tile = atl_apply_memory (&stages, 1024, 1024);

  CU_ASSERT (small > 20 * 20 * sizeof (float));
  CU_ASSERT (tile > small);
  CU_ASSERT_EQUAL (atl_apply_memory (&stages, 20000, 30000), tile);
  atl_test_model_clear (&model);
}

/* Results would differ with them in their last bits. */
static void
tiles_do_not_depend_on_threads (void)
{
  static const int n_threads[] = { 1, 16, 64, 256 };
  const int side = 1300, factor = 4, n_threads_before = atl_threads_count ();
  g_autoptr (AtlGraph) graph = atl_sr_resnet_new (factor, 64, 1);
  g_autoptr (AtlFloats)
      parameters = atl_floats_new (atl_graph_parameters_size (graph), "a test", NULL);
  g_autoptr (GeglBuffer) input = atl_test_picture (babl_format ("R~G~B~ float"), side, side);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPicture) picture = atl_picture_new (input, NULL, &error);
  int n_tiles = 0;
  AtlRandom random;

  g_unsetenv ("ATELIER_TILE");
  atl_random_init (&random, 1, 0);
  atl_network_init_parameters (graph, parameters, &random);
  g_autoptr (AtlPrepared) prepared = atl_prepared_new (graph, parameters, atl_backend_cpu (), NULL);
  const AtlStage stage = { prepared, factor };

  for (size_t i = 0; i < G_N_ELEMENTS (n_threads); i++)
    {
      atl_threads_set_count (n_threads[i]);
      g_autoptr (AtlTiles)
          tiles = atl_tiles_new (&stage, FALSE, picture, factor * side, factor * side, &error);
      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (tiles);
      if (i == 0)
        n_tiles = atl_tiles_count (tiles);
      CU_ASSERT_EQUAL (atl_tiles_count (tiles), n_tiles);
    }
  atl_threads_set_count (n_threads_before);
}

int
main (int argc, char **argv)
{
  static const AtlTest tests[] = {
    { "equals the network", equals_the_network },
    { "tiles do not show", tiles_do_not_show },
    { "tiles do not depend on threads", tiles_do_not_depend_on_threads },
    { "average turns with the picture", average_turns_with_the_picture },
    { "stages follow each other", stages_follow_each_other },
    { "copy is the same", copy_is_the_same },
    { "excess is resampled", excess_is_resampled },
    { "alpha goes its own way", alpha_goes_its_own_way },
    { "hidden colours do not bleed", hidden_colours_do_not_bleed },
    { "bad results are errors", bad_results_are_errors },
    { "bad sizes are errors", bad_sizes_are_errors },
    { "lost tiles are errors", lost_tiles_are_errors },
    { "constant of constant", constant_of_constant },
    { "progress and cancel", progress_and_cancel },
    { "memory is bounded", memory_is_bounded },
    { "time is estimated", time_is_estimated },
  };

  gegl_init (&argc, &argv);
  const int status = atl_suite_run ("apply", tests, G_N_ELEMENTS (tests));
  gegl_exit ();
  return status;
}
