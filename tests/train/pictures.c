/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures that tests train on.
 */

#include "pictures.h"

#include <CUnit/CUnit.h>

#include "base/random.h"
#include "image/rgb-file.h"

void
atl_test_picture_new (const AtlTestFolder *folder, const char *name, int width, int height,
                      int seed)
{
  const size_t n = 3 * (size_t) width * (size_t) height;
  g_autofree guint8 *pixels = g_malloc (n);
  g_autofree char *file = g_strconcat (name, ".png", NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  AtlRandom random;

  atl_random_init (&random, (guint64) seed, 0);
  for (size_t i = 0; i < n; i++)
    {
      const guint noise = (guint) (atl_random_bits (&random) >> 56);

      /* Half of the pixel to the left. */
      pixels[i] = (guint8) (i < 3 ? noise : (noise + pixels[i - 3]) / 2);
    }
  CU_ASSERT_FATAL (atl_rgb_write_png (path, pixels, width, height, NULL));
}
