/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The eight flips and rotations of a picture.
 */

#include "image/dihedral.h"

static void
mirror_region (AtlRegion *region, int width, int height, int orientation)
{
  if (orientation & 1)
    region->x = width - region->x - region->width;
  if (orientation & 2)
    region->y = height - region->y - region->height;
}

static AtlRegion
transposed (const AtlRegion *region)
{
  return (AtlRegion) { region->y, region->x, region->height, region->width };
}

AtlRegion
atl_dihedral_region (const AtlRegion *region, int width, int height, int orientation)
{
  AtlRegion result = *region;

  mirror_region (&result, width, height, orientation);
  return orientation & 4 ? transposed (&result) : result;
}

AtlRegion
atl_dihedral_region_back (const AtlRegion *region, int width, int height, int orientation)
{
  AtlRegion result = orientation & 4 ? transposed (region) : *region;

  mirror_region (&result, width, height, orientation);
  return result;
}

/* Where the pixel at (x, y) of a plane lies in the oriented plane. */
static size_t
oriented_index (int x, int y, int width, int height, int orientation)
{
  if (orientation & 1)
    x = width - 1 - x;
  if (orientation & 2)
    y = height - 1 - y;
  return orientation & 4 ? (size_t) x * height + y : (size_t) y * width + x;
}

void
atl_dihedral_planes (float *dst, const float *src, int n, int width, int height, int orientation)
{
  const size_t size = (size_t) width * height;

  for (int p = 0; p < n; p++, dst += size)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        dst[oriented_index (x, y, width, height, orientation)] = *src++;
}

void
atl_dihedral_planes_back (float *dst, const float *src, int n, int width, int height,
                          int orientation)
{
  const size_t size = (size_t) width * height;

  for (int p = 0; p < n; p++, src += size)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        *dst++ = src[oriented_index (x, y, width, height, orientation)];
}
