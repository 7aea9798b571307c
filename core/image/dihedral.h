/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The eight flips and rotations of a picture (the dihedral group of the square).
 *
 * Orientation o, 0 to 7: first mirrored left-right if o & 1, then top-bottom if o & 2, then rows and
 * columns exchanged if o & 4. Sizes and regions given are those before, unless said.
 */

#pragma once

#include "graph/plan.h"

G_BEGIN_DECLS

#define ATL_N_ORIENTATIONS 8

/* Where a region of a picture of width x height lies after it was oriented. */
AtlRegion atl_dihedral_region (const AtlRegion *region, int width, int height, int orientation);

/* The opposite: where a region of the oriented picture comes from; width x height is the size before. */
AtlRegion atl_dihedral_region_back (const AtlRegion *region, int width, int height,
                                    int orientation);

/* Orients planes: n x H x W to n x H x W or n x W x H. */
void atl_dihedral_planes (float *dst, const float *src, int n, int width, int height,
                          int orientation);

/* The opposite; width x height is the size of dst. */
void atl_dihedral_planes_back (float *dst, const float *src, int n, int width, int height,
                               int orientation);

G_END_DECLS
