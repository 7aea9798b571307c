/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture continued beyond its edges by mirroring. A pixel of a channel block is 32 bytes that are copied
 * together.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "base/threads.h"

typedef struct
{
  float *y, *x; /* both directions */
  AtlReflectionPad pad;
} Job;

static const float *
row_of_x (const Job *job, int plane, int r)
{
  const AtlReflectionPad *pad = &job->pad;
  const int row = atl_mirrored (r + pad->top, pad->height) - pad->x_top;

  return job->x + ((size_t) plane * pad->h_x + row) * pad->w_x * ATL_CHANNEL_BLOCK;
}

static size_t
column_of_x (const Job *job, int q)
{
  const AtlReflectionPad *pad = &job->pad;

  return (size_t) (atl_mirrored (q + pad->left, pad->width) - pad->x_left) * ATL_CHANNEL_BLOCK;
}

/* The columns of y that lie inside of the picture, where x follows pixel by pixel. */
static void
find_inside (const AtlReflectionPad *pad, int *begin, int *end)
{
  *begin = CLAMP (-pad->left, 0, pad->w_y);
  *end = CLAMP (pad->width - pad->left, *begin, pad->w_y);
}

/* A chunk is a row of a picture of a channel block. */
static void
forward_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlReflectionPad *pad = &job->pad;
  const float *x = row_of_x (job, chunk / pad->h_y, chunk % pad->h_y);
  float *y = job->y + (size_t) chunk * pad->w_y * ATL_CHANNEL_BLOCK;
  const size_t pixel = ATL_CHANNEL_BLOCK * sizeof (float);
  int begin, end;

  find_inside (pad, &begin, &end);
  for (int q = 0; q < begin; q++)
    memcpy (y + (size_t) q * ATL_CHANNEL_BLOCK, x + column_of_x (job, q), pixel);
  if (end > begin)
    memcpy (y + (size_t) begin * ATL_CHANNEL_BLOCK, x + column_of_x (job, begin),
            (size_t) (end - begin) * pixel);
  for (int q = end; q < pad->w_y; q++)
    memcpy (y + (size_t) q * ATL_CHANNEL_BLOCK, x + column_of_x (job, q), pixel);
}

/* A chunk is a picture of a channel block: several rows of y read the same of x. */
static void
backward_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlReflectionPad *pad = &job->pad;

  for (int r = 0; r < pad->h_y; r++)
    {
      float *dx = (float *) row_of_x (job, chunk, r);
      const float *dy = job->y + ((size_t) chunk * pad->h_y + r) * pad->w_y * ATL_CHANNEL_BLOCK;

      for (int q = 0; q < pad->w_y; q++)
        {
          float *to = dx + column_of_x (job, q);

          for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
            to[i] += dy[(size_t) q * ATL_CHANNEL_BLOCK + i];
        }
    }
}

void
atl_cpu_reflection_pad_forward (float *y, const float *x, const AtlReflectionPad *pad)
{
  Job job = { .y = y, .x = (float *) x, .pad = *pad };

  atl_parallel_for (pad->n * atl_channel_blocks (pad->c) * pad->h_y, forward_chunk, &job);
}

void
atl_cpu_reflection_pad_backward (float *dx, const float *dy, const AtlReflectionPad *pad,
                                 gboolean accumulate)
{
  Job job = { .y = (float *) dy, .x = dx, .pad = *pad };
  const AtlShape shape_x = { pad->n, pad->c, pad->h_x, pad->w_x };

  if (! accumulate)
    memset (dx, 0, atl_cpu_tensor_size (&shape_x) * sizeof (float));
  atl_parallel_for (pad->n * atl_channel_blocks (pad->c), backward_chunk, &job);
}
