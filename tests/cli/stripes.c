/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures whose scores are known, and what 'atelier evaluate --json' says of such.
 */

#include "stripes.h"

#include "image/rgb-file.h"
#include "suite.h"

void
atl_test_stripes_new (const AtlTestFolder *folder, const char *name, int width, int height)
{
  g_autofree guint8 *pixels = g_malloc (3 * (size_t) (width * height));
  g_autofree char *path = g_build_filename (folder, name, NULL);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        guint8 *pixel = pixels + 3 * (y * width + x);

        pixel[0] = x / 7 % 2 == 0 ? 40 : 200;
        pixel[1] = y / 5 % 2 == 0 ? 60 : 180;
        pixel[2] = (guint8) ((x * x + 3 * y) % 256);
      }
  CU_ASSERT_FATAL (atl_rgb_write_png (path, pixels, width, height, NULL));
}

JsonObject *
atl_test_first_set (JsonNode *node)
{
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  return json_array_get_object_element (
      json_object_get_array_member (json_node_get_object (node), "sets"), 0);
}

void
atl_test_scores (JsonObject *picture, const AtlTestScores *expected)
{
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "bicubic-psnr"),
                          expected->bicubic_psnr, 2e-3);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "bicubic-ssim"),
                          expected->bicubic_ssim, 2e-5);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "lanczos-psnr"),
                          expected->lanczos_psnr, 2e-3);
  CU_ASSERT_DOUBLE_EQUAL (json_object_get_double_member (picture, "lanczos-ssim"),
                          expected->lanczos_ssim, 2e-5);
}
