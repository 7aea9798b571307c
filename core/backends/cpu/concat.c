/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tensors joined to one of more channels. Whole channel blocks are copied row by row; channels that begin or end
 * inside a block of y one by one.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "base/threads.h"

typedef struct
{
  float *y, *x; /* both directions */
  AtlShape shape, shape_x;
  AtlOffset offset;
  int channel;
  gboolean backward, accumulate;
} Job;

static float *
row_of_y (const Job *job, int image, int c, int r)
{
  const AtlShape *s = &job->shape;
  const size_t block = (size_t) image * atl_channel_blocks (s->c) + c / ATL_CHANNEL_BLOCK;

  return job->y + ((block * s->h + r) * s->w) * ATL_CHANNEL_BLOCK + c % ATL_CHANNEL_BLOCK;
}

static float *
row_of_x (const Job *job, int image, int c, int r)
{
  const AtlShape *s = &job->shape_x;
  const size_t block = (size_t) image * atl_channel_blocks (s->c) + c / ATL_CHANNEL_BLOCK;

  return job->x
         + ((block * s->h + job->offset.top + r) * s->w + job->offset.left) * ATL_CHANNEL_BLOCK
         + c % ATL_CHANNEL_BLOCK;
}

static gboolean
is_in_blocks (const Job *job)
{
  return job->channel % ATL_CHANNEL_BLOCK == 0
         && (job->shape_x.c % ATL_CHANNEL_BLOCK == 0
             || job->channel + job->shape_x.c == job->shape.c);
}

/* to = or += from, for n numbers 'step' apart. */
static void
move_numbers (float *to, const float *from, size_t n, int step, gboolean add)
{
  if (add)
    for (size_t i = 0; i < n; i += (size_t) step)
      to[i] += from[i];
  else if (step == 1)
    memcpy (to, from, n * sizeof (float));
  else
    for (size_t i = 0; i < n; i += (size_t) step)
      to[i] = from[i];
}

/* A row of x's channels from c on: eight of them, or one. */
static void
move_row (const Job *job, int image, int c, int r, gboolean whole_block)
{
  float *y = row_of_y (job, image, job->channel + c, r), *x = row_of_x (job, image, c, r);
  const size_t n = (size_t) job->shape.w * ATL_CHANNEL_BLOCK;
  const int step = whole_block ? 1 : ATL_CHANNEL_BLOCK;

  if (job->backward)
    move_numbers (x, y, n, step, job->accumulate);
  else
    move_numbers (y, x, n, step, FALSE);
}

/* The added channels behind the last one of a row of y. */
static void
clear_added (const Job *job, int image, int r)
{
  for (int c = job->shape.c; c % ATL_CHANNEL_BLOCK != 0; c++)
    {
      float *y = row_of_y (job, image, c, r);

      for (int q = 0; q < job->shape.w; q++)
        y[(size_t) q * ATL_CHANNEL_BLOCK] = 0.0f;
    }
}

/* A chunk is a row of an image of y. */
static void
move_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int image = chunk / job->shape.h, r = chunk % job->shape.h;

  if (is_in_blocks (job))
    {
      for (int c = 0; c < job->shape_x.c; c += ATL_CHANNEL_BLOCK)
        move_row (job, image, c, r, TRUE);
      return;
    }

  for (int c = 0; c < job->shape_x.c; c++)
    move_row (job, image, c, r, FALSE);
  if (! job->backward && job->channel + job->shape_x.c == job->shape.c)
    clear_added (job, image, r);
}

void
atl_cpu_concat_forward (float *y, const float *x, const AtlShape *shape, const AtlShape *shape_x,
                        AtlOffset offset, int channel)
{
  Job job = { .y = y,
              .x = (float *) x,
              .shape = *shape,
              .shape_x = *shape_x,
              .offset = offset,
              .channel = channel };

  atl_parallel_for (shape->n * shape->h, move_chunk, &job);
}

void
atl_cpu_concat_backward (float *dx, const float *dy, const AtlShape *shape, const AtlShape *shape_x,
                         AtlOffset offset, int channel, gboolean accumulate)
{
  Job job = { .y = (float *) dy,
              .x = dx,
              .shape = *shape,
              .shape_x = *shape_x,
              .offset = offset,
              .channel = channel,
              .backward = TRUE,
              .accumulate = accumulate };
  const gboolean has_rim = shape_x->h > shape->h || shape_x->w > shape->w;

  /* The rim, and the added channels of what is copied one by one. */
  if (! accumulate && (has_rim || ! is_in_blocks (&job)))
    memset (dx, 0, atl_cpu_tensor_size (shape_x) * sizeof (float));
  atl_parallel_for (shape->n * shape->h, move_chunk, &job);
}
