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

/* One channel block of a picture, each pixel of x standing for enlargement^2 of it, and where the inputs of tile (0, 0)
 * begin in it. */
typedef struct
{
  const float *x;
  int h, w, enlargement;
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

/* The same, of no more tiles than are transformed at once: what lies between the two directions then stays near. */
static inline AtlSegment
atl_near_segment_at (const AtlTiles *tiles, int tile, int end)
{
  return atl_segment_at (tiles, tile, MIN (tile + ATL_TRANSFORMED_TILES, end));
}

/* Floats of the buffer that the transformation of such a segment needs, whole lines of the cache: rows of a number
 * for each point, transformed down the columns, and a row of zeros. */
static inline size_t
atl_transform_scratch_size (void)
{
  return atl_floats_aligned ((size_t) (ATL_POINTS + 1)
                             * (ATL_TRANSFORMED_TILES * ATL_TILE + ATL_POINTS - ATL_TILE)
                             * ATL_CHANNEL_BLOCK);
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

/* Where pixel 0 of a row lies that was transformed down the columns. ATL_WIDE rows lie side by side, pixel by
 * pixel, so that they are then transformed together. */
ATL_ALWAYS_INLINE float *
atl_transformed_row (float *columns, int n_columns, int row)
{
  return columns
         + ((size_t) (row / ATL_WIDE) * n_columns * ATL_WIDE + row % ATL_WIDE) * ATL_CHANNEL_BLOCK;
}

/* Transforms n_pixels columns, one or ATL_WIDE, of pixel 'pixel' of the rows; to column q and on. */
ATL_ALWAYS_INLINE void
atl_transform_pixels (float *columns, int n_columns, const float *const rows[ATL_POINTS], int q,
                      gssize pixel, size_t plane, AtlTileKind kind, const int n_pixels)
{
  AtlWide d[ATL_POINTS], v[ATL_POINTS];

  for (int i = 0; i < atl_tile_size (kind); i++)
    {
      const float *x = rows[i] + pixel * ATL_CHANNEL_BLOCK;

      d[i] = n_pixels == ATL_WIDE ? atl_load_wide (x) : atl_widen (atl_load8 (x));
      __builtin_prefetch (x + plane, 0, 2);
    }
  atl_transform (v, d, kind);
  for (int i = 0; i < ATL_POINTS; i++)
    for (int p = 0; p < n_pixels; p++)
      atl_store8 (atl_transformed_row (columns, n_columns, i)
                      + (size_t) (q + p) * ATL_WIDE * ATL_CHANNEL_BLOCK,
                  atl_block_of_wide (v[i], p));
}

/* Copies a column from the one before it. */
ATL_ALWAYS_INLINE void
atl_repeat_column (float *columns, int n_columns, int q)
{
  for (int i = 0; i < ATL_POINTS; i += ATL_WIDE)
    {
      float *to = atl_transformed_row (columns, n_columns, i) + (size_t) q * ATL_WIDE_CHANNELS;

      for (int r = 0; r < ATL_WIDE_CHANNELS; r += ATL_CHANNEL_BLOCK)
        atl_store8 (to + r, atl_load8 (to - ATL_WIDE_CHANNELS + r));
    }
}

/* Transforms down the columns; pixels outside the picture are zero. */
ATL_ALWAYS_INLINE void
atl_transform_columns (float *columns, float *zeros, const AtlTiled *tiled, int row, int column,
                       int n_columns, AtlTileKind kind)
{
  const int top = row * ATL_TILE + tiled->top, left = column * ATL_TILE + tiled->left;
  const size_t n_row = (size_t) n_columns * ATL_CHANNEL_BLOCK;
  const int begin = CLAMP (-left, 0, n_columns), end = CLAMP (tiled->w - left, begin, n_columns);
  const int f = tiled->enlargement;
  const size_t x_row = (size_t) (tiled->w / f) * ATL_CHANNEL_BLOCK, plane = tiled->h / f * x_row;
  const size_t pixel = ATL_WIDE * ATL_CHANNEL_BLOCK; /* of the rows that lie side by side */
  const float *rows[ATL_POINTS];                     /* pixel 0 of the picture, or of zeros */
  int q = begin;

  memset (zeros, 0, n_row * sizeof (float));
  for (int i = 0; i < atl_tile_size (kind); i++)
    rows[i] = top + i >= 0 && top + i < tiled->h
                  ? tiled->x + (top + i) / f * x_row
                  : zeros - (gssize) (left + begin) / f * ATL_CHANNEL_BLOCK;
  for (int i = 0; i < ATL_POINTS; i += ATL_WIDE)
    {
      float *to = atl_transformed_row (columns, n_columns, i);

      memset (to, 0, begin * pixel * sizeof (float));
      memset (to + end * pixel, 0, (n_columns - end) * pixel * sizeof (float));
    }

  if (f > 1)
    {
      for (; q < end; q++)
        if (q > begin && (left + q) % f != 0)
          atl_repeat_column (columns, n_columns, q);
        else
          atl_transform_pixels (columns, n_columns, rows, q, (left + q) / f, plane, kind, 1);
      return;
    }

  /* Pixels that share a line of the cache are read together. */
  if (ATL_WIDE > 1 && (left + q) % ATL_WIDE != 0 && q < end)
    {
      atl_transform_pixels (columns, n_columns, rows, q, left + q, plane, kind, 1);
      q++;
    }
  for (; q + ATL_WIDE <= end; q += ATL_WIDE)
    atl_transform_pixels (columns, n_columns, rows, q, left + q, plane, kind, ATL_WIDE);
  for (; q < end; q++)
    atl_transform_pixels (columns, n_columns, rows, q, left + q, plane, kind, 1);
}

/* Transforms along the rows. */
ATL_ALWAYS_INLINE void
atl_transform_rows (const AtlProducts *to, float *columns, int n_columns, int n_tiles,
                    AtlTileKind kind)
{
  const size_t pixel = ATL_WIDE * ATL_CHANNEL_BLOCK;

  for (int i = 0; i < ATL_POINTS; i += ATL_WIDE)
    for (int t = 0; t < n_tiles; t++)
      {
        const float *from = atl_transformed_row (columns, n_columns, i) + t * ATL_TILE * pixel;
        AtlWide d[ATL_POINTS], transformed[ATL_POINTS];

        for (int j = 0; j < atl_tile_size (kind); j++)
          d[j] = atl_load_wide (from + j * pixel);
        atl_transform (transformed, d, kind);
        for (int j = 0; j < ATL_POINTS; j++)
          for (int r = 0; r < ATL_WIDE; r++)
            atl_store8 (to->v + ((i + r) * ATL_POINTS + j) * to->product_step + t * to->tile_step,
                        atl_block_of_wide (transformed[j], r));
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
