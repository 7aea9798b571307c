/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The layout of tensors: N x ceil (C / 8) x H x W x 8, the added channels being zero.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "base/threads.h"

typedef struct
{
  float *to;
  const float *from;
  int n_channels, n_blocks, h, w;
} LayoutJob;

size_t
atl_cpu_tensor_size (const AtlShape *shape)
{
  return (size_t) shape->n * atl_padded_channels (shape->c) * shape->h * shape->w;
}

/* A chunk is a channel block of an image. */
static void
import_chunk (int chunk, int worker, void *data)
{
  const LayoutJob *job = data;
  const int image = chunk / job->n_blocks, first = chunk % job->n_blocks * ATL_CHANNEL_BLOCK;
  const size_t n_pixels = (size_t) job->h * job->w;
  const int n = MIN (ATL_CHANNEL_BLOCK, job->n_channels - first);
  const float *from = job->from + ((size_t) image * job->n_channels + first) * n_pixels;
  float *to = job->to + chunk * n_pixels * ATL_CHANNEL_BLOCK;

  for (size_t p = 0; p < n_pixels; p++, to += ATL_CHANNEL_BLOCK)
    for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
      to[i] = i < n ? from[i * n_pixels + p] : 0.0f;
}

static void
export_chunk (int chunk, int worker, void *data)
{
  const LayoutJob *job = data;
  const int image = chunk / job->n_blocks, first = chunk % job->n_blocks * ATL_CHANNEL_BLOCK;
  const size_t n_pixels = (size_t) job->h * job->w;
  const int n = MIN (ATL_CHANNEL_BLOCK, job->n_channels - first);
  const float *from = job->from + chunk * n_pixels * ATL_CHANNEL_BLOCK;
  float *to = job->to + ((size_t) image * job->n_channels + first) * n_pixels;

  for (size_t p = 0; p < n_pixels; p++, from += ATL_CHANNEL_BLOCK)
    for (int i = 0; i < n; i++)
      to[i * n_pixels + p] = from[i];
}

static void
run_layout (float *to, const float *from, const AtlShape *shape, AtlChunkFunc *func)
{
  LayoutJob job = {
    .to = to,
    .from = from,
    .n_channels = shape->c,
    .n_blocks = atl_channel_blocks (shape->c),
    .h = shape->h,
    .w = shape->w,
  };

  atl_parallel_for (shape->n * job.n_blocks, func, &job);
}

void
atl_cpu_tensor_import (float *tensor, const float *nchw, const AtlShape *shape)
{
  run_layout (tensor, nchw, shape, import_chunk);
}

void
atl_cpu_tensor_export (float *nchw, const float *tensor, const AtlShape *shape)
{
  run_layout (nchw, tensor, shape, export_chunk);
}

typedef struct
{
  float *y;
  const float *x;
  int h_y, h_x, row_y, row_x;
  size_t row_size; /* of a channel block, in floats */
  int n_rows;
} CopyJob;

/* A chunk is a channel block of an image. */
static void
copy_chunk (int chunk, int worker, void *data)
{
  const CopyJob *job = data;
  const size_t to = (size_t) chunk * job->h_y + job->row_y;
  const size_t from = (size_t) chunk * job->h_x + job->row_x;

  memcpy (job->y + to * job->row_size, job->x + from * job->row_size,
          job->n_rows * job->row_size * sizeof (float));
}

void
atl_cpu_tensor_copy_rows (float *y, const AtlShape *shape, int row_y, const float *x,
                          const AtlShape *shape_x, int row_x, int n_rows)
{
  CopyJob job = {
    .y = y,
    .x = x,
    .h_y = shape->h,
    .h_x = shape_x->h,
    .row_y = row_y,
    .row_x = row_x,
    .row_size = (size_t) shape->w * ATL_CHANNEL_BLOCK,
    .n_rows = n_rows,
  };

  atl_parallel_for (shape->n * atl_channel_blocks (shape->c), copy_chunk, &job);
}
