/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Luma, PSNR and SSIM: by the numbers of evaluate-reference.py, and where they are known.
 */

#include "suite.h"

#include <math.h>

#include "base/memory.h"
#include "train/quality.h"

enum
{
  WIDTH = 41,
  HEIGHT = 30
};

static void
make_photo (AtlPhoto *photo, int k)
{
  CU_ASSERT_FATAL (atl_photo_init (photo, WIDTH, HEIGHT, NULL));
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      for (int c = 0; c < 3; c++)
        photo->rgb[3 * (y * WIDTH + x) + c] =
            (guint8) ((x * 7 + y * 13 * (c + 1) + k * (x * y % (11 + c))) % 256);
}

/* The expected numbers: evaluate-reference.py's luma (), psnr () and ssim () of these photos. */
static void
follows_the_literature (void)
{
  g_auto (AtlPhoto) photo_a = { 0 }, photo_b = { 0 };

  make_photo (&photo_a, 1);
  make_photo (&photo_b, 3);
  g_autoptr (AtlFloats) a = atl_luma_new (&photo_a, NULL);
  g_autoptr (AtlFloats) b = atl_luma_new (&photo_b, NULL);

  CU_ASSERT_DOUBLE_EQUAL (a[3 * WIDTH + 5], 109.586, 1e-4);
  CU_ASSERT_DOUBLE_EQUAL (atl_psnr (a, b, WIDTH, HEIGHT, 0), 19.403146604, 1e-5);
  CU_ASSERT_DOUBLE_EQUAL (atl_psnr (a, b, WIDTH, HEIGHT, 4), 19.303292031, 1e-5);
  CU_ASSERT_DOUBLE_EQUAL (atl_ssim (a, b, WIDTH, HEIGHT, 0), 0.711805875, 1e-6);
  CU_ASSERT_DOUBLE_EQUAL (atl_ssim (a, b, WIDTH, HEIGHT, 4), 0.667010070, 1e-6);
}

static void
equal_pictures (void)
{
  g_auto (AtlPhoto) photo = { 0 };

  make_photo (&photo, 2);
  g_autoptr (AtlFloats) a = atl_luma_new (&photo, NULL);

  CU_ASSERT (isinf (atl_psnr (a, a, WIDTH, HEIGHT, 2)));
  CU_ASSERT_DOUBLE_EQUAL (atl_ssim (a, a, WIDTH, HEIGHT, 2), 1.0, 1e-12);
}

/* A difference of 1 everywhere is a mean square of 1: 20 log10 (255). */
static void
one_step_of_grey (void)
{
  float a[9] = { 0 }, b[9];

  for (int i = 0; i < 9; i++)
    b[i] = i == 4 ? 1.0f : 100.0f; /* the border must not count */
  CU_ASSERT_DOUBLE_EQUAL (atl_psnr (a, b, 3, 3, 1), 48.130804, 1e-6);
}

/* The ends of the studio range. */
static void
luma_of_white_and_black (void)
{
  guint8 rgb[] = { 255, 255, 255, 0, 0, 0 };
  const AtlPhoto photo = { 2, 1, rgb };
  g_autoptr (AtlFloats) luma = atl_luma_new (&photo, NULL);

  CU_ASSERT_DOUBLE_EQUAL (luma[0], 235.0, 1e-4);
  CU_ASSERT_DOUBLE_EQUAL (luma[1], 16.0, 1e-4);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "follows the literature", follows_the_literature },
    { "equal pictures", equal_pictures },
    { "one step of grey", one_step_of_grey },
    { "luma of white and black", luma_of_white_and_black },
  };

  return atl_suite_run ("quality", tests, G_N_ELEMENTS (tests));
}
