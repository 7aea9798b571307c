/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Operators that compute a pixel from its neighbourhood in the same channel: nearest-neighbour enlargement and
 * max pooling.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "backends/cpu/vector.h"
#include "base/threads.h"

typedef struct
{
  float *y, *x; /* both directions */
  int h, w, factor;
  gboolean accumulate;
} UpsampleJob;

/* A chunk is a row of x in a channel block of an image. */
static void
upsample_chunk (int chunk, int worker, void *data)
{
  const UpsampleJob *job = data;
  const int f = job->factor;
  const float *x = job->x + (size_t) chunk * job->w * ATL_CHANNEL_BLOCK;
  const size_t n_row = (size_t) job->w * f * ATL_CHANNEL_BLOCK;
  float *y = job->y + (size_t) chunk * f * n_row;

  for (int i = 0; i < f; i++, y += n_row)
    for (int q = 0; q < job->w; q++)
      {
        const AtlVector8 pixel = atl_load8 (x + (size_t) q * ATL_CHANNEL_BLOCK);

        for (int j = 0; j < f; j++)
          atl_store8 (y + ((size_t) q * f + j) * ATL_CHANNEL_BLOCK, pixel);
      }
}

static void
upsample_backward_chunk (int chunk, int worker, void *data)
{
  const UpsampleJob *job = data;
  const int f = job->factor;
  float *dx = job->x + (size_t) chunk * job->w * ATL_CHANNEL_BLOCK;
  const size_t n_row = (size_t) job->w * f * ATL_CHANNEL_BLOCK;
  const float *dy = job->y + (size_t) chunk * f * n_row;

  for (int q = 0; q < job->w; q++)
    {
      AtlVector8 sum = { 0.0f };

      for (int i = 0; i < f; i++)
        for (int j = 0; j < f; j++)
          sum += atl_load8 (dy + i * n_row + ((size_t) q * f + j) * ATL_CHANNEL_BLOCK);
      if (job->accumulate)
        sum += atl_load8 (dx + (size_t) q * ATL_CHANNEL_BLOCK);
      atl_store8 (dx + (size_t) q * ATL_CHANNEL_BLOCK, sum);
    }
}

static UpsampleJob
upsample_job (float *y, float *x, const AtlShape *shape, int factor)
{
  return (UpsampleJob) { .y = y, .x = x, .h = shape->h, .w = shape->w, .factor = factor };
}

static void
upsample_forward (float *y, const float *x, const AtlShape *shape, int factor)
{
  UpsampleJob job = upsample_job (y, (float *) x, shape, factor);

  atl_parallel_for (shape->n * atl_channel_blocks (shape->c) * shape->h, upsample_chunk, &job);
}

static void
upsample_backward (float *dx, const float *dy, const AtlShape *shape, int factor,
                   gboolean accumulate)
{
  UpsampleJob job = upsample_job ((float *) dy, dx, shape, factor);

  job.accumulate = accumulate;
  atl_parallel_for (shape->n * atl_channel_blocks (shape->c) * shape->h, upsample_backward_chunk,
                    &job);
}

typedef struct
{
  float *y, *dx; /* dx: of the gradient */
  const float *x, *dy;
  AtlMaxPool pool;
  gboolean accumulate, relu;
} PoolJob;

/* The part of a window, in one direction, that lies in the picture: taps from 'begin' to before 'end'. */
typedef struct
{
  int first; /* row or column of x that tap 0 reads */
  int begin, end;
} Taps;

static Taps
taps_of (int index, int stride, int pad, int kernel, int size)
{
  const int first = index * stride - pad;

  return (Taps) { .first = first, .begin = MAX (0, -first), .end = MIN (kernel, size - first) };
}

/* Per channel the larger number, and a where they are equal or a is NaN; NaN if b is one. */
ATL_ALWAYS_INLINE AtlVector8
larger8 (AtlVector8 a, AtlVector8 b)
{
  AtlParts best = { .whole = a };
  const AtlParts other = { .whole = b };

  for (int i = 0; i < ATL_N_PARTS; i++)
    {
      const AtlPartMask takes = (other.part[i] > best.part[i])
                                | ((other.part[i] != other.part[i])
                                   & (best.part[i] == best.part[i]));

      best.part[i] = (AtlPart) (((AtlPartMask) other.part[i] & takes)
                                | ((AtlPartMask) best.part[i] & ~takes));
    }
  return best.whole;
}

static const float *
pixel_of_x (const PoolJob *job, int plane, int row, int column)
{
  return job->x
         + (((size_t) plane * job->pool.h_in + row) * job->pool.w_in + column) * ATL_CHANNEL_BLOCK;
}

/* Takes out of 'left' what belongs to the numbers equal to 'largest', of which a NaN is one if that is one too. */
ATL_ALWAYS_INLINE AtlVector8
take_where_equal8 (AtlVector8 *left, AtlVector8 x, AtlVector8 largest)
{
  AtlParts rest = { .whole = *left }, taken;
  const AtlParts a = { .whole = x }, b = { .whole = largest };

  for (int i = 0; i < ATL_N_PARTS; i++)
    {
      const AtlPartMask equal = (a.part[i] == b.part[i])
                                | ((a.part[i] != a.part[i]) & (b.part[i] != b.part[i]));

      taken.part[i] = (AtlPart) ((AtlPartMask) rest.part[i] & equal);
      rest.part[i] = (AtlPart) ((AtlPartMask) rest.part[i] & ~equal);
    }
  *left = rest.whole;
  return taken.whole;
}

static AtlVector8
largest_of_window (const PoolJob *job, int plane, const Taps *rows, const Taps *columns)
{
  AtlVector8 largest = atl_load8 (
      pixel_of_x (job, plane, rows->first + rows->begin, columns->first + columns->begin));

  for (int a = rows->begin; a < rows->end; a++)
    for (int b = columns->begin; b < columns->end; b++)
      largest = larger8 (largest,
                         atl_load8 (pixel_of_x (job, plane, rows->first + a, columns->first + b)));
  return largest;
}

/* A chunk is a row of y in a channel block of an image. */
static void
max_pool_chunk (int chunk, int worker, void *data)
{
  const PoolJob *job = data;
  const AtlMaxPool *p = &job->pool;
  const int plane = chunk / p->h_out;
  const Taps rows = taps_of (chunk % p->h_out, p->stride, p->pad_top, p->kernel, p->h_in);
  float *y = job->y + (size_t) chunk * p->w_out * ATL_CHANNEL_BLOCK;

  for (int q = 0; q < p->w_out; q++)
    {
      const Taps columns = taps_of (q, p->stride, p->pad_left, p->kernel, p->w_in);

      atl_store8 (y + (size_t) q * ATL_CHANNEL_BLOCK,
                  largest_of_window (job, plane, &rows, &columns));
    }
}

/* Adds a window's gradient to the first largest number of each channel. */
static void
give_to_largest (const PoolJob *job, int plane, const Taps *rows, const Taps *columns,
                 AtlVector8 dy)
{
  const AtlVector8 largest = largest_of_window (job, plane, rows, columns);

  for (int a = rows->begin; a < rows->end; a++)
    for (int b = columns->begin; b < columns->end; b++)
      {
        const float *x = pixel_of_x (job, plane, rows->first + a, columns->first + b);
        float *dx = job->dx + (x - job->x);

        atl_store8 (dx, atl_load8 (dx) + take_where_equal8 (&dy, atl_load8 (x), largest));
      }
}

/* The rows of dx from 'begin' to 'end', before the first window adds to them. */
static void
begin_rows (const PoolJob *job, int plane, int begin, int end)
{
  const size_t n_row = (size_t) job->pool.w_in * ATL_CHANNEL_BLOCK;

  if (! job->accumulate && begin < end)
    memset (job->dx + ((size_t) plane * job->pool.h_in + begin) * n_row, 0,
            (end - begin) * n_row * sizeof (float));
}

/* The same after the last one. */
static void
finish_rows (const PoolJob *job, int plane, int begin, int end)
{
  const size_t n_row = (size_t) job->pool.w_in * ATL_CHANNEL_BLOCK;
  const size_t first = (size_t) plane * job->pool.h_in * n_row;

  if (job->relu)
    for (size_t i = first + begin * n_row; i < first + end * n_row; i += ATL_CHANNEL_BLOCK)
      atl_store8 (job->dx + i,
                  atl_where_positive8 (atl_load8 (job->dx + i), atl_load8 (job->x + i)));
}

/* A chunk is a picture of a channel block: windows overlap. */
static void
max_pool_backward_chunk (int chunk, int worker, void *data)
{
  const PoolJob *job = data;
  const AtlMaxPool *p = &job->pool;
  const float *dy = job->dy + (size_t) chunk * p->h_out * p->w_out * ATL_CHANNEL_BLOCK;
  int begun = 0, finished = 0; /* rows of dx */

  for (int r = 0; r < p->h_out; r++)
    {
      const Taps rows = taps_of (r, p->stride, p->pad_top, p->kernel, p->h_in);
      const int complete = CLAMP (rows.first, finished, begun);

      finish_rows (job, chunk, finished, complete);
      finished = complete;
      begin_rows (job, chunk, begun, rows.first + rows.end);
      begun = MAX (begun, rows.first + rows.end);
      for (int q = 0; q < p->w_out; q++, dy += ATL_CHANNEL_BLOCK)
        {
          const Taps columns = taps_of (q, p->stride, p->pad_left, p->kernel, p->w_in);

          give_to_largest (job, chunk, &rows, &columns, atl_load8 (dy));
        }
    }
  begin_rows (job, chunk, begun, p->h_in);
  finish_rows (job, chunk, finished, p->h_in);
}

static void
max_pool_forward (float *y, const float *x, const AtlMaxPool *pool)
{
  PoolJob job = { .y = y, .x = x, .pool = *pool };

  atl_parallel_for (pool->n * atl_channel_blocks (pool->c) * pool->h_out, max_pool_chunk, &job);
}

static void
max_pool_backward (float *dx, const float *dy, const float *x, const AtlMaxPool *pool,
                   gboolean accumulate, gboolean relu)
{
  PoolJob job = {
    .dx = dx, .dy = dy, .x = x, .pool = *pool, .accumulate = accumulate, .relu = relu
  };

  atl_parallel_for (pool->n * atl_channel_blocks (pool->c), max_pool_backward_chunk, &job);
}

const AtlCpuSpatial ATL_CPU_SPATIAL = {
  .upsample_forward = upsample_forward,
  .upsample_backward = upsample_backward,
  .max_pool_forward = max_pool_forward,
  .max_pool_backward = max_pool_backward,
};
