/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the kernels cut pictures into blocks, and how a block of the input is read.
 *
 * A tensor is N x B x H x W x 8 with B channel blocks. The outputs of a convolution are computed in
 * rectangular blocks, the unit of work of a thread. A block whose input lies inside the picture reads
 * it in place; at the borders the input is copied first, with zeros around the picture.
 */

#pragma once

#include <string.h>

#include "backends/backend.h"
#include "base/rounding.h"

G_BEGIN_DECLS

/* Blocks of n_rows x n_columns outputs, the last of each direction smaller. */
typedef struct
{
  int height, width; /* of the whole */
  int n_rows, n_columns;
  int n_down, n_across;
} AtlGrid;

/* One of them. */
typedef struct
{
  int row, column;
  int n_rows, n_columns;
} AtlBlock;

/* A part of a tensor's picture that is read: pixel (r, q) of channel block b is at
 * x + b block + r row + q 8. */
typedef struct
{
  const float *x;
  size_t block, row;
} AtlView;

static inline int
atl_channel_blocks (int n_channels)
{
  return atl_divide_up (n_channels, ATL_CHANNEL_BLOCK);
}

/* About n_pixels outputs a block, at most 96 in a row: the input of a block of 64 channels then stays in
 * the second-level cache. */
static inline AtlGrid
atl_grid (int height, int width, int n_pixels)
{
  const int n_columns = MIN (width, 96);
  const int n_rows = CLAMP (n_pixels / n_columns, 1, height);

  return (AtlGrid) {
    .height = height,
    .width = width,
    .n_rows = n_rows,
    .n_columns = n_columns,
    .n_down = atl_divide_up (height, n_rows),
    .n_across = atl_divide_up (width, n_columns),
  };
}

static inline AtlBlock
atl_grid_block (const AtlGrid *grid, int index)
{
  const int row = index / grid->n_across * grid->n_rows;
  const int column = index % grid->n_across * grid->n_columns;

  return (AtlBlock) {
    .row = row,
    .column = column,
    .n_rows = MIN (grid->n_rows, grid->height - row),
    .n_columns = MIN (grid->n_columns, grid->width - column),
  };
}

/* Copies n_rows x n_columns pixels from (top, left), which may lie outside the h x w picture. Each pixel of the
 * plane stands for enlargement^2 of the picture. */
static inline void
atl_copy_plane (float *to, const float *plane, int h, int w, int enlargement, int top, int left,
                int n_rows, int n_columns)
{
  const int begin = CLAMP (-left, 0, n_columns);
  const int end = CLAMP (w - left, begin, n_columns);
  const size_t pixel = ATL_CHANNEL_BLOCK * sizeof (float);

  for (int r = 0; r < n_rows; r++)
    {
      float *row = to + (size_t) r * n_columns * ATL_CHANNEL_BLOCK;
      const gboolean inside = top + r >= 0 && top + r < h;
      const int first = inside ? begin : n_columns;
      const int last = inside ? end : n_columns;
      const float *from = plane
                          + (size_t) (inside ? (top + r) / enlargement : 0) * (w / enlargement)
                                * ATL_CHANNEL_BLOCK;

      memset (row, 0, first * pixel);
      if (enlargement == 1 && last > first)
        memcpy (row + first * ATL_CHANNEL_BLOCK, from + (left + first) * ATL_CHANNEL_BLOCK,
                (last - first) * pixel);
      for (int q = first; enlargement > 1 && q < last; q++)
        memcpy (row + q * ATL_CHANNEL_BLOCK, from + (left + q) / enlargement * ATL_CHANNEL_BLOCK,
                pixel);
      memset (row + last * ATL_CHANNEL_BLOCK, 0, (n_columns - last) * pixel);
    }
}

/* The channel blocks of an image: a picture of h x w, each pixel of a plane standing for enlargement^2 of it. */
typedef struct
{
  const float *planes;
  int n_blocks;
  int h, w, enlargement;
} AtlImage;

static inline size_t
atl_plane_size (const AtlImage *image)
{
  return (size_t) (image->h / image->enlargement) * (image->w / image->enlargement)
         * ATL_CHANNEL_BLOCK;
}

/* The pixels from (top, left) of all channel blocks, in place if they all lie inside and are not enlarged, else
 * copied into the buffer of n_blocks * n_rows * n_columns * 8 floats. */
static inline AtlView
atl_view (const AtlImage *image, int top, int left, int n_rows, int n_columns, float *buffer)
{
  const int h = image->h, w = image->w;
  const size_t plane = atl_plane_size (image);
  const size_t copy = (size_t) n_rows * n_columns * ATL_CHANNEL_BLOCK;

  if (image->enlargement == 1 && top >= 0 && left >= 0 && n_rows <= h - top
      && n_columns <= w - left)
    return (AtlView) {
      .x = image->planes + ((size_t) top * w + left) * ATL_CHANNEL_BLOCK,
      .block = plane,
      .row = (size_t) w * ATL_CHANNEL_BLOCK,
    };

  for (int b = 0; b < image->n_blocks; b++)
    atl_copy_plane (buffer + b * copy, image->planes + b * plane, h, w, image->enlargement, top,
                    left, n_rows, n_columns);

  return (AtlView) {
    .x = buffer,
    .block = copy,
    .row = (size_t) n_columns * ATL_CHANNEL_BLOCK,
  };
}

G_END_DECLS
