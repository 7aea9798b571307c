/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pixel shuffle and its gradient, which move each number to another place:
 *
 *   y[c, r f + i, q f + j] = x[c f f + i f + j, r, q]
 *
 * Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
 * Convolutional Neural Network", CVPR 2016, section 3.2.
 *
 * For f = 2, four channels of y at the four pixels (i, j) are 16 channels of x at one pixel: the
 * transpose of a 4 x 4 matrix, done in vectors of four.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "base/threads.h"

enum
{
  BLOCK = ATL_CHANNEL_BLOCK,
  QUAD = 4
};

typedef float Quad __attribute__ ((vector_size (4 * QUAD)));
typedef float QuadMemory __attribute__ ((vector_size (4 * QUAD), aligned (4), may_alias));

/* x: N x c_x x h x w, y: N x c_y x h factor x w factor. */
typedef struct
{
  float *x, *y;
  int c_x, c_y, h, w, factor;
  gboolean backward, accumulate;
} Job;

/* Channel c of the first pixel of a row. */
static float *
row_of_x (const Job *job, int image, int c, int r)
{
  const size_t block = (size_t) image * atl_channel_blocks (job->c_x) + c / BLOCK;

  return job->x + ((block * job->h + r) * job->w) * BLOCK + c % BLOCK;
}

static float *
row_of_y (const Job *job, int image, int c, int r)
{
  const size_t block = (size_t) image * atl_channel_blocks (job->c_y) + c / BLOCK;

  return job->y + ((block * job->h * job->factor + r) * job->w * job->factor) * BLOCK + c % BLOCK;
}

static void
transpose (Quad to[QUAD], const Quad from[QUAD])
{
  const Quad low_01 = __builtin_shufflevector (from[0], from[1], 0, 4, 1, 5);
  const Quad low_23 = __builtin_shufflevector (from[2], from[3], 0, 4, 1, 5);
  const Quad high_01 = __builtin_shufflevector (from[0], from[1], 2, 6, 3, 7);
  const Quad high_23 = __builtin_shufflevector (from[2], from[3], 2, 6, 3, 7);

  to[0] = __builtin_shufflevector (low_01, low_23, 0, 1, 4, 5);
  to[1] = __builtin_shufflevector (low_01, low_23, 2, 3, 6, 7);
  to[2] = __builtin_shufflevector (high_01, high_23, 0, 1, 4, 5);
  to[3] = __builtin_shufflevector (high_01, high_23, 2, 3, 6, 7);
}

/* Factor 2: channels c to c + 3 of y, a multiple of four, in two of its rows. */
static void
shuffle_quad (const Job *job, int image, int c, int r)
{
  QuadMemory *x[QUAD], *y[QUAD]; /* of channel c + k; of pixel k = 2 i + j */
  Quad from[QUAD], to[QUAD];

  for (int k = 0; k < QUAD; k++)
    {
      x[k] = (QuadMemory *) row_of_x (job, image, (c + k) * QUAD, r);
      y[k] = (QuadMemory *) (row_of_y (job, image, c, 2 * r + k / 2) + k % 2 * BLOCK);
    }

  for (int q = 0; q < job->w; q++)
    {
      const int x_step = BLOCK / QUAD * q, y_step = 2 * x_step;

      for (int k = 0; k < QUAD; k++)
        from[k] = *(job->backward ? &y[k][y_step] : &x[k][x_step]);
      transpose (to, from);
      for (int k = 0; k < QUAD; k++)
        if (! job->backward)
          y[k][y_step] = to[k];
        else if (job->accumulate)
          x[k][x_step] += to[k];
        else
          x[k][x_step] = to[k];
    }
}

/* Channel c of y at the pixels (i, j) of all squares of a row of x. */
static void
shuffle_channel (const Job *job, int image, int c, int r, int i, int j)
{
  const int f = job->factor;
  float *x = row_of_x (job, image, (c * f + i) * f + j, r);
  float *y = row_of_y (job, image, c, r * f + i) + j * BLOCK;

  for (int q = 0; q < job->w; q++, x += BLOCK, y += f * BLOCK)
    if (! job->backward)
      *y = *x;
    else
      *x = job->accumulate ? *x + *y : *y;
}

/* Sets the added channels of a row of the last block to zero; 'row' is that of the first of them. */
static void
clear_channels (float *row, int n_channels, int n_pixels)
{
  for (int q = 0; q < n_pixels; q++)
    for (int c = 0; c < n_channels; c++)
      row[q * BLOCK + c] = 0.0f;
}

static void
clear_added_channels (const Job *job, int image, int r)
{
  const int f = job->factor;
  const int n_x = atl_padded_channels (job->c_x) - job->c_x;
  const int n_y = atl_padded_channels (job->c_y) - job->c_y;

  if (job->backward && ! job->accumulate && n_x > 0)
    clear_channels (row_of_x (job, image, job->c_x, r), n_x, job->w);
  if (! job->backward && n_y > 0)
    for (int i = 0; i < f; i++)
      clear_channels (row_of_y (job, image, job->c_y, r * f + i), n_y, job->w * f);
}

/* A chunk is a row of x in one image. */
static void
shuffle_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int f = job->factor, image = chunk / job->h, r = chunk % job->h;
  const int n_by_quads = f == 2 ? job->c_y / QUAD * QUAD : 0;

  for (int c = 0; c < n_by_quads; c += QUAD)
    shuffle_quad (job, image, c, r);
  for (int c = n_by_quads; c < job->c_y; c++)
    for (int i = 0; i < f; i++)
      for (int j = 0; j < f; j++)
        shuffle_channel (job, image, c, r, i, j);
  clear_added_channels (job, image, r);
}

static Job
job_of_shape (float *x, float *y, const AtlShape *shape, int factor)
{
  return (Job) {
    .x = x,
    .y = y,
    .c_x = shape->c,
    .c_y = shape->c / (factor * factor),
    .h = shape->h,
    .w = shape->w,
    .factor = factor,
  };
}

void
atl_cpu_pixel_shuffle_forward (float *y, const float *x, const AtlShape *shape, int factor)
{
  Job job = job_of_shape ((float *) x, y, shape, factor);

  atl_parallel_for (shape->n * shape->h, shuffle_chunk, &job);
}

void
atl_cpu_pixel_shuffle_backward (float *dx, const float *dy, const AtlShape *shape, int factor,
                                gboolean accumulate)
{
  Job job = job_of_shape (dx, (float *) dy, shape, factor);

  job.backward = TRUE;
  job.accumulate = accumulate;
  atl_parallel_for (shape->n * shape->h, shuffle_chunk, &job);
}
