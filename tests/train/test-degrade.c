/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blur, noise and compression: as strong as asked for, and nothing else.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/degrade.h"

enum
{
  WIDTH = 75,
  HEIGHT = 61,
  N = 3 * WIDTH * HEIGHT
};

/* Waves of colours, between 40 and 215. */
static void
make_photo (AtlPhoto *photo)
{
  CU_ASSERT_FATAL (atl_photo_init (photo, WIDTH, HEIGHT, NULL));
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      for (int c = 0; c < 3; c++)
        photo->rgb[3 * (y * WIDTH + x) + c] = (guint8) lrint (
            127.5 + 87.0 * sin (0.2 * x + 0.07 * c) * cos (0.3 * y - 0.9 * c));
}

static void
degrade (AtlPhoto *photo, const char *how, guint64 seed)
{
  AtlDegradation degradation;
  AtlRandom random;

  atl_random_init (&random, seed, 0);
  make_photo (photo);
  CU_ASSERT_FATAL (atl_degradation_parse (&degradation, how, NULL));
  CU_ASSERT (atl_degrade (&degradation, photo, &random, NULL));
}

/* The mean and deviation of what was changed. */
static void
measure (const char *how, guint64 seed, double *mean, double *deviation)
{
  g_auto (AtlPhoto) before = { 0 }, after = { 0 };
  double sum = 0.0, squares = 0.0;

  make_photo (&before);
  degrade (&after, how, seed);
  for (int i = 0; i < N; i++)
    {
      const double d = (double) after.rgb[i] - before.rgb[i];

      sum += d;
      squares += d * d;
    }
  *mean = sum / N;
  *deviation = sqrt (squares / N - *mean * *mean);
}

static void
reads_ranges (void)
{
  AtlDegradation d;

  CU_ASSERT_FATAL (atl_degradation_parse (&d, "jpeg=30..95,blur=0.5", NULL));
  CU_ASSERT_EQUAL (d.jpeg.least, 30.0);
  CU_ASSERT_EQUAL (d.jpeg.most, 95.0);
  CU_ASSERT_EQUAL (d.blur.least, 0.5);
  CU_ASSERT_EQUAL (d.blur.most, 0.5);
  CU_ASSERT_EQUAL (d.noise.most, 0.0);
}

static void
refuses_what_it_cannot_do (void)
{
  static const char *const wrong[] = {
    "",         "jpeg",       "jpeg=",     "jpeg=0..50",      "jpeg=50..101",
    "jpeg=9..", "blur=1..0",  "blur=-1",   "blur=0..9",       "noise=nan",
    "noise=1 ", "noise=0x..", "sharpen=1", "jpeg=50,,blur=1", "noise=1e999"
  };

  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      AtlDegradation d;

      CU_ASSERT_FALSE (atl_degradation_parse (&d, wrong[i], &error));
      CU_ASSERT (g_error_matches (error, ATL_ERROR, ATL_ERROR_ARGUMENT));
    }
}

/* Rounding adds a deviation of sqrt (1 / 12). */
static void
noise_is_as_strong_as_asked_for (void)
{
  for (double strength = 1.0; strength <= 8.0; strength *= 2.0)
    {
      g_autofree char *how = g_strdup_printf ("noise=%g", strength);
      double mean, deviation;

      measure (how, 1, &mean, &deviation);
      CU_ASSERT_DOUBLE_EQUAL (mean, 0.0, 5.0 * strength / sqrt (N));
      CU_ASSERT_DOUBLE_EQUAL (deviation, sqrt (strength * strength + 1.0 / 12.0), 0.03 * strength);
    }
}

/* A wave of frequency w loses all but exp (-(w deviation)^2 / 2) of its height; here in both directions. */
static void
blur_is_gaussian (void)
{
  const double deviation = 1.5, kept = exp (-0.5 * (0.2 * 0.2 + 0.3 * 0.3) * deviation * deviation);
  g_auto (AtlPhoto) photo = { 0 };

  degrade (&photo, "blur=1.5", 1);
  for (int y = 6; y < HEIGHT - 6; y++)
    for (int x = 6; x < WIDTH - 6; x++)
      for (int c = 0; c < 3; c++)
        CU_ASSERT_DOUBLE_EQUAL (
            photo.rgb[3 * (y * WIDTH + x) + c],
            127.5 + kept * 87.0 * sin (0.2 * x + 0.07 * c) * cos (0.3 * y - 0.9 * c), 2.0);
}

static void
jpeg_loses_more_at_lower_quality (void)
{
  double mean, low, middle, high;

  measure ("jpeg=10", 1, &mean, &low);
  measure ("jpeg=50", 1, &mean, &middle);
  measure ("jpeg=97", 1, &mean, &high);
  CU_ASSERT_DOUBLE_EQUAL (mean, 0.0, 0.5);
  CU_ASSERT (high > 0.1 && high < middle && middle < low && low < 20.0);
}

/* Of two colours side by side, whose luma is equal, half of the width is lost or not. */
static void
colours_are_halved_every_other_time (void)
{
  int n_halved = 0;

  for (guint64 seed = 0; seed < 40; seed++)
    {
      static const AtlDegradation best = { .jpeg = { 100.0, 100.0 } };
      g_auto (AtlPhoto) photo = { 0 };
      AtlRandom random;

      CU_ASSERT_FATAL (atl_photo_init (&photo, 32, 32, NULL));
      for (int i = 0; i < 32 * 32; i++)
        memcpy (photo.rgb + 3 * i, i % 2 == 0 ? "\xc0\x40\x80" : "\x40\x80\x80", 3);
      atl_random_init (&random, seed, 0);
      CU_ASSERT (atl_degrade (&best, &photo, &random, NULL));
      n_halved += abs (photo.rgb[3 * 100] - 0xc0) > 30;
    }
  CU_ASSERT (n_halved > 8 && n_halved < 32);
}

static void
follows_from_the_random_numbers (void)
{
  g_auto (AtlPhoto) one = { 0 }, again = { 0 }, other = { 0 };
  static const char how[] = "jpeg=20..90,noise=1..9,blur=0..2";

  degrade (&one, how, 1);
  degrade (&again, how, 1);
  degrade (&other, how, 2);
  CU_ASSERT_EQUAL (memcmp (one.rgb, again.rgb, N), 0);
  CU_ASSERT_NOT_EQUAL (memcmp (one.rgb, other.rgb, N), 0);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reads ranges", reads_ranges },
    { "refuses what it cannot do", refuses_what_it_cannot_do },
    { "noise is as strong as asked for", noise_is_as_strong_as_asked_for },
    { "blur is Gaussian", blur_is_gaussian },
    { "a JPEG loses more at lower quality", jpeg_loses_more_at_lower_quality },
    { "colours are halved every other time", colours_are_halved_every_other_time },
    { "follows from the random numbers", follows_from_the_random_numbers },
  };

  return atl_suite_run ("degrade", tests, G_N_ELEMENTS (tests));
}
