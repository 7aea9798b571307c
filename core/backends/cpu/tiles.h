/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tiles of pictures for Winograd's convolution, and the transformation of what lies under them.
 *
 * All tiles of all images are numbered row by row, so that a block of them may go on from one row or
 * image to the next; what a block holds of one row of tiles is a segment.
 */

#pragma once

#include "backends/cpu/blocks.h"
#include "backends/cpu/winograd.h"

G_BEGIN_DECLS

typedef struct
{
  int n_down, n_across; /* of an image */
  int n;                /* of all images */
} AtlTiles;

typedef struct
{
  int image, row, column; /* in tiles */
  int n_tiles;
} AtlSegment;

/* What a transformation reads: the inputs of a tile, or the gradients of its outputs. */
typedef enum
{
  ATL_TILE_INPUTS,
  ATL_TILE_GRADIENTS
} AtlTileKind;

/* One channel block of a picture, and where the inputs of tile (0, 0) begin in it. */
typedef struct
{
  const float *x;
  int h, w;
  int top, left;
} AtlTiled;

/* Where a transformation writes: product k of tile t is at v + k product_step + t tile_step. */
typedef struct
{
  float *v;
  size_t product_step, tile_step;
} AtlProducts;

static inline AtlTiles
atl_tiles (int n_images, int h, int w)
{
  const int n_down = atl_divide_up (h, ATL_TILE), n_across = atl_divide_up (w, ATL_TILE);

  return (AtlTiles) { .n_down = n_down, .n_across = n_across, .n = n_images * n_down * n_across };
}

/* The segment that begins with a tile, in a block that ends before tile 'end'. */
static inline AtlSegment
atl_segment_at (const AtlTiles *tiles, int tile, int end)
{
  const int column = tile % tiles->n_across;

  return (AtlSegment) {
    .image = tile / (tiles->n_down * tiles->n_across),
    .row = tile / tiles->n_across % tiles->n_down,
    .column = column,
    .n_tiles = MIN (tiles->n_across - column, end - tile),
  };
}

/* Floats of the buffer that the transformation of a segment needs: rows of a number for each point,
 * transformed down the columns, and a row of zeros. */
static inline size_t
atl_transform_scratch_size (int n_tiles)
{
  return (size_t) (ATL_POINTS + 1) * (n_tiles * ATL_TILE + ATL_POINTS - ATL_TILE)
         * ATL_CHANNEL_BLOCK;
}

ATL_ALWAYS_INLINE int
atl_tile_size (AtlTileKind kind)
{
  return kind == ATL_TILE_INPUTS ? ATL_POINTS : ATL_TILE;
}

ATL_ALWAYS_INLINE void
atl_transform (AtlVector8 v[ATL_POINTS], const AtlVector8 d[ATL_POINTS], AtlTileKind kind)
{
  if (kind == ATL_TILE_INPUTS)
    atl_winograd_inputs (v, d);
  else
    atl_winograd_gradients (v, d);
}

/* Transforms down the columns; pixels outside the picture are zero. */
ATL_ALWAYS_INLINE void
atl_transform_columns (float *columns, float *zeros, const AtlTiled *tiled, int row, int column,
                       int n_columns, AtlTileKind kind)
{
  const int top = row * ATL_TILE + tiled->top, left = column * ATL_TILE + tiled->left;
  const size_t n_row = (size_t) n_columns * ATL_CHANNEL_BLOCK;
  const size_t begin = (size_t) CLAMP (-left, 0, n_columns) * ATL_CHANNEL_BLOCK;
  const size_t end = MAX ((size_t) CLAMP (tiled->w - left, 0, n_columns) * ATL_CHANNEL_BLOCK,
                          begin);
  const size_t plane = (size_t) tiled->h * tiled->w * ATL_CHANNEL_BLOCK;
  const float *rows[ATL_POINTS];

  memset (zeros, 0, n_row * sizeof (float));
  for (int i = 0; i < atl_tile_size (kind); i++)
    rows[i] = top + i >= 0 && top + i < tiled->h
                  ? tiled->x + ((gssize) (top + i) * tiled->w + left) * ATL_CHANNEL_BLOCK
                  : zeros;
  for (int i = 0; i < ATL_POINTS; i++)
    {
      memset (columns + i * n_row, 0, begin * sizeof (float));
      memset (columns + i * n_row + end, 0, (n_row - end) * sizeof (float));
    }

  for (size_t q = begin; q < end; q += ATL_CHANNEL_BLOCK)
    {
      AtlVector8 d[ATL_POINTS], v[ATL_POINTS];

      for (int i = 0; i < atl_tile_size (kind); i++)
        {
          d[i] = atl_load8 (rows[i] + q);
          __builtin_prefetch (rows[i] + q + plane);
        }
      atl_transform (v, d, kind);
      for (int i = 0; i < ATL_POINTS; i++)
        atl_store8 (columns + i * n_row + q, v[i]);
    }
}

/* Transforms along the rows. */
ATL_ALWAYS_INLINE void
atl_transform_rows (const AtlProducts *to, const float *columns, int n_columns, int n_tiles,
                    AtlTileKind kind)
{
  for (int i = 0; i < ATL_POINTS; i++)
    for (int t = 0; t < n_tiles; t++)
      {
        const float *from = columns + ((size_t) i * n_columns + t * ATL_TILE) * ATL_CHANNEL_BLOCK;
        float *v = to->v + i * ATL_POINTS * to->product_step + t * to->tile_step;
        AtlVector8 d[ATL_POINTS], transformed[ATL_POINTS];

        for (int j = 0; j < atl_tile_size (kind); j++)
          d[j] = atl_load8 (from + j * ATL_CHANNEL_BLOCK);
        atl_transform (transformed, d, kind);
        for (int j = 0; j < ATL_POINTS; j++)
          atl_store8 (v + j * to->product_step, transformed[j]);
      }
}

/* Transforms what lies under the tiles of a segment in one channel block. */
ATL_ALWAYS_INLINE void
atl_transform_segment (const AtlProducts *to, const AtlTiled *tiled, const AtlSegment *segment,
                       AtlTileKind kind, float *scratch)
{
  const int n_columns = segment->n_tiles * ATL_TILE + atl_tile_size (kind) - ATL_TILE;
  float *zeros = scratch + (size_t) ATL_POINTS * n_columns * ATL_CHANNEL_BLOCK;

  atl_transform_columns (scratch, zeros, tiled, segment->row, segment->column, n_columns, kind);
  atl_transform_rows (to, scratch, n_columns, segment->n_tiles, kind);
}

G_END_DECLS
