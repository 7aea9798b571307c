/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The layout of tensors, N x ceil (C / 8) x H x W x 8, and the operators that only move numbers.
 *
 * The pixel shuffle is y[c, r f + i, q f + j] = x[c f f + i f + j, r, q]; Shi et al., "Real-Time Single
 * Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", CVPR
 * 2016, section 3.2.
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

/* x: N x C x H x W, y: N x C / factor^2 x H factor x W factor. */
typedef struct
{
  float *x, *y;
  int c, h, w, factor;
  gboolean backward, accumulate;
} ShuffleJob;

/* Moves one channel of y in the columns 'factor q' from (or to) one channel of x, for all q. */
static void
shuffle_numbers (const ShuffleJob *job, float *y, float *x)
{
  const int y_step = job->factor * ATL_CHANNEL_BLOCK;

  if (! job->backward)
    for (int q = 0; q < job->w; q++)
      y[q * y_step] = x[q * ATL_CHANNEL_BLOCK];
  else if (job->accumulate)
    for (int q = 0; q < job->w; q++)
      x[q * ATL_CHANNEL_BLOCK] += y[q * y_step];
  else
    for (int q = 0; q < job->w; q++)
      x[q * ATL_CHANNEL_BLOCK] = y[q * y_step];
}

/* Sets one channel of a row to zero. */
static void
clear_numbers (float *row, int n_pixels)
{
  for (int q = 0; q < n_pixels; q++)
    row[q * ATL_CHANNEL_BLOCK] = 0.0f;
}

/* A chunk is a row of x in one image. */
static void
shuffle_chunk (int chunk, int worker, void *data)
{
  const ShuffleJob *job = data;
  const int f = job->factor, image = chunk / job->h, r = chunk % job->h;
  const int c_y = job->c / (f * f), n_y = atl_padded_channels (c_y),
            n_x = atl_padded_channels (job->c);
  const size_t y_plane = (size_t) job->h * f * job->w * f, x_plane = (size_t) job->h * job->w;

  for (int c = 0; c < n_y; c++)
    for (int i = 0; i < f; i++)
      {
        const size_t y_row = (size_t) (r * f + i) * job->w * f;
        float *y = job->y + ((image * (size_t) n_y + c / 8 * 8) * y_plane + y_row * 8) + c % 8;

        if (c >= c_y && ! job->backward)
          clear_numbers (y, job->w * f);
        for (int j = 0; j < f && c < c_y; j++)
          {
            const int c_x = (c * f + i) * f + j;
            float *x = job->x + (image * (size_t) n_x + c_x / 8 * 8) * x_plane
                       + (size_t) r * job->w * 8 + c_x % 8;

            shuffle_numbers (job, y + j * 8, x);
          }
      }

  if (job->backward && ! job->accumulate)
    for (int c_x = job->c; c_x < n_x; c_x++)
      clear_numbers (job->x + (image * (size_t) n_x + c_x / 8 * 8) * x_plane
                         + (size_t) r * job->w * 8 + c_x % 8,
                     job->w);
}

void
atl_cpu_pixel_shuffle_forward (float *y, const float *x, const AtlShape *shape, int factor)
{
  ShuffleJob job = {
    .x = (float *) x, .y = y, .c = shape->c, .h = shape->h, .w = shape->w, .factor = factor
  };

  atl_parallel_for (shape->n * shape->h, shuffle_chunk, &job);
}

void
atl_cpu_pixel_shuffle_backward (float *dx, const float *dy, const AtlShape *shape, int factor,
                                gboolean accumulate)
{
  ShuffleJob job = {
    .x = dx,
    .y = (float *) dy,
    .c = shape->c,
    .h = shape->h,
    .w = shape->w,
    .factor = factor,
    .backward = TRUE,
    .accumulate = accumulate,
  };

  atl_parallel_for (shape->n * shape->h, shuffle_chunk, &job);
}
