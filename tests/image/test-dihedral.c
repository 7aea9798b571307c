/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Flips and rotations: each of the eight as it is described, and back.
 */

#include "suite.h"

#include <string.h>

#include "image/dihedral.h"

enum
{
  WIDTH = 3,
  HEIGHT = 2,
  SIZE = WIDTH * HEIGHT
};

static const char *const oriented[ATL_N_ORIENTATIONS] = {
  "abcdef", /* abc over def */
  "cbafed", /* left-right */
  "defabc", /* top-bottom */
  "fedcba", /* both */
  "adbecf", /* transposed: ad over be over cf */
  "cfbead", /* left-right, then transposed */
  "daebfc", /* top-bottom, then transposed */
  "fcebda", /* both, then transposed */
};

static void
orients_planes (void)
{
  float plane[2 * SIZE], result[2 * SIZE], back[2 * SIZE];

  for (int i = 0; i < 2 * SIZE; i++)
    plane[i] = (float) ('a' + i % SIZE + (i < SIZE ? 0 : 100));
  for (int o = 0; o < ATL_N_ORIENTATIONS; o++)
    {
      atl_dihedral_planes (result, plane, 2, WIDTH, HEIGHT, o);
      for (int i = 0; i < 2 * SIZE; i++)
        CU_ASSERT_EQUAL (result[i], (float) (oriented[o][i % SIZE] + (i < SIZE ? 0 : 100)));
      atl_dihedral_planes_back (back, result, 2, WIDTH, HEIGHT, o);
      CU_ASSERT_EQUAL (memcmp (back, plane, sizeof plane), 0);
    }
}

/* A region holds the same letters as its picture in the oriented plane. */
static void
orients_regions (void)
{
  const AtlRegion region = { 1, 0, 2, 1 }; /* "bc" */

  for (int o = 0; o < ATL_N_ORIENTATIONS; o++)
    {
      const int width = o & 4 ? HEIGHT : WIDTH;
      const AtlRegion there = atl_dihedral_region (&region, WIDTH, HEIGHT, o);
      const AtlRegion back = atl_dihedral_region_back (&there, WIDTH, HEIGHT, o);
      int n_b = 0, n_c = 0;

      CU_ASSERT_EQUAL (there.width * there.height, 2);
      for (int y = there.y; y < there.y + there.height; y++)
        for (int x = there.x; x < there.x + there.width; x++)
          {
            n_b += oriented[o][y * width + x] == 'b';
            n_c += oriented[o][y * width + x] == 'c';
          }
      CU_ASSERT (n_b == 1 && n_c == 1);
      CU_ASSERT_EQUAL (memcmp (&back, &region, sizeof region), 0);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "orients planes", orients_planes },
    { "orients regions", orients_regions },
  };

  return atl_suite_run ("dihedral", tests, G_N_ELEMENTS (tests));
}
