/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Colours for transparent pixels, made of the visible ones around them, so that a network never sees
 * what happens to lie under full transparency.
 *
 * A pyramid of means weighted by alpha; where a cell has no visible pixel it takes the colour of the
 * next coarser level, interpolated. From cells of 8 x 8 pixels upward the pyramid is made once for the
 * whole picture, below that anew for each window; so the result is the same however the picture is cut.
 *
 * After Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.4.2.
 */

#pragma once

#include "graph/plan.h"

G_BEGIN_DECLS

typedef struct AtlFill AtlFill;

/* For a picture of this size. */
AtlFill *atl_fill_new (int width, int height, GError **error);
void atl_fill_free (AtlFill *fill);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlFill, atl_fill_free)

/* Adds a part of the picture; rgba: H x W x 4, straight alpha. Each pixel is to be added once. The order
 * does not count if the parts' inner edges lie on multiples of ATL_FILL_PART. */
void atl_fill_add (AtlFill *fill, const float *rgba, const AtlRegion *part);

#define ATL_FILL_PART 512

/* To be called once, when all is added. any_visible: FALSE if all is transparent, so that there is
 * nothing to fill with and atl_fill_apply () must not be called. */
gboolean atl_fill_finish (AtlFill *fill, gboolean *any_visible, GError **error);

/* What must be read for the pixels of 'region' to be filled. */
AtlRegion atl_fill_window (const AtlFill *fill, const AtlRegion *region);

/* Fills the pixels with alpha 0; rgba: H x W x 4 of a window from atl_fill_window (). Only the pixels
 * of the region that it was asked for become right. */
gboolean atl_fill_apply (const AtlFill *fill, float *rgba, const AtlRegion *window, GError **error);

G_END_DECLS
