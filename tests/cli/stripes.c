/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures whose scores are known.
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
