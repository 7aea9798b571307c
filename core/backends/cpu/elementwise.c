/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operators that treat every number by itself: ReLU, scaled addition, scale and shift.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "backends/cpu/vector.h"
#include "base/threads.h"

enum
{
  CHUNK = 32768 /* floats of a chunk: 128 KiB, a part of the second-level cache */
};

typedef struct
{
  float *y;
  const float *a, *b;
  gboolean accumulate;
  size_t n;
} FlatJob;

/* Numbers in a tensor, with the added channels. */
static size_t
tensor_size (const AtlShape *shape)
{
  return (size_t) shape->n * atl_padded_channels (shape->c) * shape->h * shape->w;
}

static void
run_flat (const FlatJob *job, AtlChunkFunc *func)
{
  atl_parallel_for ((int) ((job->n + CHUNK - 1) / CHUNK), func, (void *) job);
}

static void
relu_chunk (int chunk, int worker, void *data)
{
  const FlatJob *job = data;
  const size_t begin = (size_t) chunk * CHUNK, end = MIN (begin + CHUNK, job->n);

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    atl_store8 (job->y + i, atl_relu8 (atl_load8 (job->a + i)));
}

static void
relu_forward (float *y, const float *x, const AtlShape *shape)
{
  run_flat (&(FlatJob) { .y = y, .a = x, .n = tensor_size (shape) }, relu_chunk);
}

static void
relu_backward_chunk (int chunk, int worker, void *data)
{
  const FlatJob *job = data;
  const size_t begin = (size_t) chunk * CHUNK, end = MIN (begin + CHUNK, job->n);
  float *dx = job->y;
  const float *dy = job->a, *y = job->b;

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    {
      AtlVector8 d = atl_where_positive8 (atl_load8 (dy + i), atl_load8 (y + i));

      if (job->accumulate)
        d += atl_load8 (dx + i);
      atl_store8 (dx + i, d);
    }
}

static void
relu_backward (float *dx, const float *dy, const float *y, const AtlShape *shape,
               gboolean accumulate)
{
  run_flat (
      &(FlatJob) { .y = dx, .a = dy, .b = y, .accumulate = accumulate, .n = tensor_size (shape) },
      relu_backward_chunk);
}

/* A small picture laid over a larger one at an offset. */
typedef struct
{
  float *y;
  const float *a, *b;
  int h, w;             /* of the small one */
  int h_large, w_large; /* of the large one */
  AtlOffset offset;
  float gain;
  gboolean accumulate;
} OverlayJob;

/* A chunk is a picture of a channel block. y is small, a large. */
static void
scaled_add_chunk (int chunk, int worker, void *data)
{
  const OverlayJob *job = data;
  const size_t n_row = (size_t) job->w * ATL_CHANNEL_BLOCK;

  for (int r = 0; r < job->h; r++)
    {
      float *y = job->y + ((size_t) chunk * job->h + r) * n_row;
      const float *b = job->b + ((size_t) chunk * job->h + r) * n_row;
      const float *a = job->a
                       + (((size_t) chunk * job->h_large + job->offset.top + r) * job->w_large
                          + job->offset.left)
                             * ATL_CHANNEL_BLOCK;

      for (size_t i = 0; i < n_row; i++)
        y[i] = a[i] + job->gain * b[i];
    }
}

static void
scaled_add_forward (float *y, const float *a, const float *b, const AtlShape *shape,
                    const AtlShape *shape_a, AtlOffset offset, float gain)
{
  OverlayJob job = {
    .y = y,
    .a = a,
    .b = b,
    .h = shape->h,
    .w = shape->w,
    .h_large = shape_a->h,
    .w_large = shape_a->w,
    .offset = offset,
    .gain = gain,
  };

  atl_parallel_for (shape->n * atl_channel_blocks (shape->c), scaled_add_chunk, &job);
}

/* y is large, a small. */
static void
scaled_add_backward_chunk (int chunk, int worker, void *data)
{
  const OverlayJob *job = data;
  const size_t n_row = (size_t) job->w * ATL_CHANNEL_BLOCK;
  const size_t n_large = (size_t) job->w_large * ATL_CHANNEL_BLOCK;

  for (int r = 0; r < job->h_large; r++)
    {
      float *dx = job->y + ((size_t) chunk * job->h_large + r) * n_large;
      const int r_small = r - job->offset.top;
      float *inside = dx + (size_t) job->offset.left * ATL_CHANNEL_BLOCK;

      if (! job->accumulate)
        memset (dx, 0, n_large * sizeof (float));
      if (r_small < 0 || r_small >= job->h)
        continue;

      const float *dy = job->a + ((size_t) chunk * job->h + r_small) * n_row;

      for (size_t i = 0; i < n_row; i++)
        inside[i] += job->gain * dy[i];
    }
}

static void
scaled_add_backward (float *dx, const float *dy, const AtlShape *shape, const AtlShape *shape_x,
                     AtlOffset offset, float gain, gboolean accumulate)
{
  OverlayJob job = {
    .y = dx,
    .a = dy,
    .h = shape->h,
    .w = shape->w,
    .h_large = shape_x->h,
    .w_large = shape_x->w,
    .offset = offset,
    .gain = gain,
    .accumulate = accumulate,
  };

  atl_parallel_for (shape->n * atl_channel_blocks (shape->c), scaled_add_backward_chunk, &job);
}

typedef struct
{
  float *y;
  const float *x, *scale, *shift;
  int n_blocks;
  size_t n_pixels;
} ScaleShiftJob;

/* A chunk is a picture of a channel block. */
static void
scale_shift_chunk (int chunk, int worker, void *data)
{
  const ScaleShiftJob *job = data;
  const int channel = chunk % job->n_blocks * ATL_CHANNEL_BLOCK;
  const AtlVector8 scale = atl_load8 (job->scale + channel);
  const AtlVector8 shift = atl_load8 (job->shift + channel);
  const size_t begin = chunk * job->n_pixels * ATL_CHANNEL_BLOCK;
  const size_t end = begin + job->n_pixels * ATL_CHANNEL_BLOCK;

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    atl_store8 (job->y + i, atl_load8 (job->x + i) * scale + shift);
}

static void
scale_shift (float *y, const float *x, const float *scale, const float *shift,
             const AtlShape *shape)
{
  ScaleShiftJob job = {
    .y = y,
    .x = x,
    .scale = scale,
    .shift = shift,
    .n_blocks = atl_channel_blocks (shape->c),
    .n_pixels = (size_t) shape->h * shape->w,
  };

  atl_parallel_for (shape->n * job.n_blocks, scale_shift_chunk, &job);
}

const AtlCpuElementwise ATL_CPU_ELEMENTWISE = {
  .relu_forward = relu_forward,
  .relu_backward = relu_backward,
  .scaled_add_forward = scaled_add_forward,
  .scaled_add_backward = scaled_add_backward,
  .scale_shift = scale_shift,
};
