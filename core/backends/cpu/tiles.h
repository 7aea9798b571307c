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
#include "base/memory.h"

G_BEGIN_DECLS

enum
{
  ATL_TRANSFORMED_TILES = 24 / ATL_TILE
};

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

/* ATL_WIDE channel blocks of a picture, each pixel of x standing for enlargement^2 of it, and where the inputs of tile
 * (0, 0) begin in it. If there is no second block, next_block is 0: the first stands in for it. */
typedef struct
{
  const float *x;
  size_t next_block; /* floats from one to the other */
  int h, w, enlargement;
  int top, left;
} AtlTiled;

/* Where a transformation writes eight numbers each: product k of tile t in the b-th of its channel blocks at
 * v + k product_step + t tile_step + b block_step. */
typedef struct
{
  float *v;
  size_t product_step, tile_step, block_step;
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

/* The same, of no more tiles than are transformed at once: what lies between the two directions then stays near. */
static inline AtlSegment
atl_near_segment_at (const AtlTiles *tiles, int tile, int end)
{
  return atl_segment_at (tiles, tile, MIN (tile + ATL_TRANSFORMED_TILES, end));
}

/* Floats of the buffer that the transformation of such a segment needs, whole lines of the cache: a row for each point,
 * transformed down the columns, and one of zeros. */
static inline size_t
atl_transform_scratch_size (void)
{
  return atl_floats_aligned ((size_t) (ATL_POINTS + 1)
                             * (ATL_TRANSFORMED_TILES * ATL_TILE + ATL_POINTS - ATL_TILE)
                             * ATL_WIDE_CHANNELS);
}

ATL_ALWAYS_INLINE int
atl_tile_size (AtlTileKind kind)
{
  return kind == ATL_TILE_INPUTS ? ATL_POINTS : ATL_TILE;
}

ATL_ALWAYS_INLINE void
atl_transform (AtlWide v[ATL_POINTS], const AtlWide d[ATL_POINTS], AtlTileKind kind)
{
  if (kind == ATL_TILE_INPUTS)
    atl_winograd_inputs (v, d);
  else
    atl_winograd_gradients (v, d);
}

/* Where pixel 0 of a row lies that was transformed down the columns. */
ATL_ALWAYS_INLINE float *
atl_transformed_row (float *columns, int n_columns, int row)
{
  return columns + (size_t) row * n_columns * ATL_WIDE_CHANNELS;
}

/* A row of the picture, or of zeros: pixel 0, and how far it is to the next channel block. */
typedef struct
{
  const float *x;
  size_t next_block;
} AtlTiledRow;

/* Transforms the column of pixel 'pixel' of the rows, to column q. Meanwhile it asks for a line of the cache that the
 * next channel blocks need, which holds ATL_WIDE pixels of one of them; 'plane' is the size of a block. */
ATL_ALWAYS_INLINE void
atl_transform_column (float *columns, int n_columns, const AtlTiledRow rows[ATL_POINTS], int q,
                      gssize pixel, size_t plane, AtlTileKind kind)
{
  AtlWide d[ATL_POINTS], v[ATL_POINTS];

  for (int i = 0; i < atl_tile_size (kind); i++)
    {
      const float *x = rows[i].x + pixel * ATL_CHANNEL_BLOCK;

      d[i] = atl_load_blocks (x, rows[i].next_block, ATL_WIDE);
      __builtin_prefetch (x + (ATL_WIDE + q % ATL_WIDE) * plane, 0, 2);
    }
  atl_transform (v, d, kind);
  for (int i = 0; i < ATL_POINTS; i++)
    atl_store_wide (atl_transformed_row (columns, n_columns, i) + (size_t) q * ATL_WIDE_CHANNELS,
                    v[i]);
}

/* Copies a column from the one before it. */
ATL_ALWAYS_INLINE void
atl_repeat_column (float *columns, int n_columns, int q)
{
  for (int i = 0; i < ATL_POINTS; i++)
    {
      float *to = atl_transformed_row (columns, n_columns, i) + (size_t) q * ATL_WIDE_CHANNELS;

      atl_store_wide (to, atl_load_wide (to - ATL_WIDE_CHANNELS));
    }
}

/* Transforms down the columns; pixels outside the picture are zero. */
ATL_ALWAYS_INLINE void
atl_transform_columns (float *columns, float *zeros, const AtlTiled *tiled, int row, int column,
                       int n_columns, AtlTileKind kind)
{
  const int top = row * ATL_TILE + tiled->top, left = column * ATL_TILE + tiled->left;
  const int begin = CLAMP (-left, 0, n_columns), end = CLAMP (tiled->w - left, begin, n_columns);
  const int f = tiled->enlargement;
  const size_t x_row = (size_t) (tiled->w / f) * ATL_CHANNEL_BLOCK, plane = tiled->h / f * x_row;
  AtlTiledRow rows[ATL_POINTS];

  memset (zeros, 0, (size_t) n_columns * ATL_CHANNEL_BLOCK * sizeof (float));
  for (int i = 0; i < atl_tile_size (kind); i++)
    rows[i] = top + i >= 0 && top + i < tiled->h
                  ? (AtlTiledRow) { tiled->x + (top + i) / f * x_row, tiled->next_block }
                  : (AtlTiledRow) { zeros - (gssize) (left + begin) / f * ATL_CHANNEL_BLOCK, 0 };
  if (begin > 0 || end < n_columns)
    for (int i = 0; i < ATL_POINTS; i++)
      {
        float *to = atl_transformed_row (columns, n_columns, i);

        memset (to, 0, (size_t) begin * ATL_WIDE_CHANNELS * sizeof (float));
        memset (to + (size_t) end * ATL_WIDE_CHANNELS, 0,
                (size_t) (n_columns - end) * ATL_WIDE_CHANNELS * sizeof (float));
      }

  if (f == 1)
    for (int q = begin; q < end; q++)
      atl_transform_column (columns, n_columns, rows, q, left + q, plane, kind);
  else
    for (int q = begin; q < end; q++)
      if (q > begin && (left + q) % f != 0)
        atl_repeat_column (columns, n_columns, q);
      else
        atl_transform_column (columns, n_columns, rows, q, (left + q) / f, plane, kind);
}

/* Transforms along the rows. */
ATL_ALWAYS_INLINE void
atl_transform_rows (const AtlProducts *to, float *columns, int n_columns, int n_tiles,
                    AtlTileKind kind)
{
  for (int i = 0; i < ATL_POINTS; i++)
    for (int t = 0; t < n_tiles; t++)
      {
        const float *from = atl_transformed_row (columns, n_columns, i)
                            + (size_t) t * ATL_TILE * ATL_WIDE_CHANNELS;
        float *v = to->v + i * ATL_POINTS * to->product_step + t * to->tile_step;
        AtlWide d[ATL_POINTS], transformed[ATL_POINTS];

        for (int j = 0; j < atl_tile_size (kind); j++)
          d[j] = atl_load_wide (from + (size_t) j * ATL_WIDE_CHANNELS);
        atl_transform (transformed, d, kind);
        for (int j = 0; j < ATL_POINTS; j++)
          for (int b = 0; b < ATL_WIDE; b++)
            {
              float *product = v + j * to->product_step + b * to->block_step;

              atl_store8 (product, atl_block_of_wide (transformed[j], b));
              __builtin_prefetch (product + 2 * to->tile_step, 1);
            }
      }
}

/* Transforms what lies under the tiles of a segment in ATL_WIDE channel blocks. */
ATL_ALWAYS_INLINE void
atl_transform_segment (const AtlProducts *to, const AtlTiled *tiled, const AtlSegment *segment,
                       AtlTileKind kind, float *scratch)
{
  const int n_columns = segment->n_tiles * ATL_TILE + atl_tile_size (kind) - ATL_TILE;
  float *zeros = scratch + (size_t) ATL_POINTS * n_columns * ATL_WIDE_CHANNELS;

  atl_transform_columns (scratch, zeros, tiled, segment->row, segment->column, n_columns, kind);
  atl_transform_rows (to, scratch, n_columns, segment->n_tiles, kind);
}

G_END_DECLS
