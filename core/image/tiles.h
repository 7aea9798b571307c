/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One stage of a network over a picture, cut into tiles. For a tile of the result, from the end to the
 * beginning:
 *
 *   tile of the result <- resampler <- region of the network's output <- plan <- region of its input
 */

#pragma once

#include "image/apply.h"
#include "image/picture.h"

G_BEGIN_DECLS

typedef struct AtlTiles AtlTiles;

/* 'stage' and 'picture' are borrowed. The result is resampled to out_width x out_height if the network's
 * output has another size. */
AtlTiles *atl_tiles_new (const AtlStage *stage, gboolean average, const AtlPicture *picture,
                         int out_width, int out_height, GError **error);
void atl_tiles_free (AtlTiles *tiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTiles, atl_tiles_free)

/* The tiles, in the order of rows; together they are the whole result. */
int atl_tiles_count (const AtlTiles *tiles);
AtlRegion atl_tiles_region (const AtlTiles *tiles, int index);

/* The bytes that computing a tile takes. */
size_t atl_tiles_memory (const AtlTiles *tiles);

/* Computes the colours of a tile, 3 x H x W in 0..1; owned by the caller. */
float *atl_tiles_colour (AtlTiles *tiles, const AtlRegion *tile, const AtlProgress *progress,
                         GError **error);

/* When all tiles are computed: ATL_ERROR_RESULT if they are of one colour and the picture is not. */
gboolean atl_tiles_check_result (const AtlTiles *tiles, GError **error);

/* What a stage over a picture of this size will take, not resampled. */
typedef struct
{
  double multiply_adds; /* tile by tile */
  size_t memory;        /* the bytes that computing a tile takes */
} AtlTilesCost;
AtlTilesCost atl_tiles_cost (const AtlStage *stage, gboolean average, int width, int height);

G_END_DECLS
