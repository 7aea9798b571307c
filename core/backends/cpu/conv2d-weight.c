/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gradient of a convolution's weights and bias, computed directly, for any kernel, stride and size.
 *
 *   dw[o, i, a, b] = sum over n, r, q of dy[n, o, r, q] x[n, i, r stride + a - pad_top,
 *                                                            q stride + b - pad_left]
 *   db[o]          = sum over n, r, q of dy[n, o, r, q]
 *
 * For one row a of the kernel, the K * 8 numbers of x that a pixel of dy meets, for b from 0 to K-1 and
 * eight channels i, lie side by side in memory. A group of them, each spread over a vector, times the 16
 * output channels of the pixel of dy are summed in registers over a block of pixels.
 *
 * The blocks are divided into parts whose number depends on the shape alone. Each part has its own sums,
 * which are then added in the order of the parts.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/conv2d.h"
#include "base/threads.h"

enum
{
  BLOCK_PIXELS = 256, /* outputs of a block; also the most numbers in one chain of float sums */
  N_CHUNKS = 64,      /* at least so many chunks, if there are as many blocks */
};

/* Sums of a part for one block of output channels: C_in / 8 x K x (K * 8) x 16, then the bias's 16. */
typedef struct
{
  float *dw, *db;
  const float *x, *dy;
  const AtlConv2d *conv;
  float gain;
  AtlGrid grid;
  int n_blocks; /* in all images */
  int n_parts;
  int n_out; /* blocks of 16 output channels */
  float *sums;
  size_t sums_size;
  float *scratch;
  size_t worker_scratch;
} Job;

static AtlGrid
grid_of (const AtlConv2d *conv)
{
  return atl_grid (conv->h_out, conv->w_out, BLOCK_PIXELS);
}

static int
count_parts (const AtlConv2d *conv, int n_blocks)
{
  return CLAMP (N_CHUNKS / atl_divide_up (conv->c_out, ATL_CPU_LANES), 1, n_blocks);
}

static size_t
sums_size (const AtlConv2d *conv)
{
  return ((size_t) atl_padded_channels (conv->c_in) * conv->kernel * conv->kernel + 1)
         * ATL_CPU_LANES;
}

/* Floats for the input of a block that had to be copied: one channel block. */
static size_t
copy_size (const AtlConv2d *conv, const AtlGrid *grid)
{
  return (size_t) ATL_CHANNEL_BLOCK * ((grid->n_rows - 1) * conv->stride + conv->kernel)
         * ((grid->n_columns - 1) * conv->stride + conv->kernel);
}

static size_t
worker_scratch_size (const AtlConv2d *conv, const AtlGrid *grid)
{
  const size_t n = copy_size (conv, grid) + (size_t) grid->n_rows * grid->n_columns * ATL_CPU_LANES;

  return (n + ATL_CPU_LANES - 1) / ATL_CPU_LANES * ATL_CPU_LANES;
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlGrid grid = grid_of (conv);
  const int n_parts = count_parts (conv, conv->n * grid.n_down * grid.n_across);

  return n_parts * atl_divide_up (conv->c_out, ATL_CPU_LANES) * sums_size (conv)
         + worker_scratch_size (conv, &grid) * atl_threads_count ();
}

/* The block of dy for 16 output channels, as rows x columns x 16; their sums are added to db. */
static void
gather_dy (const Job *job, int image, const AtlBlock *block, int channel, float *dy, float *db)
{
  const AtlConv2d *conv = job->conv;
  const int b_out = atl_channel_blocks (conv->c_out);
  const size_t plane = (size_t) conv->h_out * conv->w_out * ATL_CHANNEL_BLOCK;

  for (int half = 0; half < ATL_CPU_LANES; half += ATL_CHANNEL_BLOCK)
    {
      const int b = (channel + half) / ATL_CHANNEL_BLOCK;
      const gboolean exists = b < b_out;
      const float *from = exists ? job->dy + ((size_t) image * b_out + b) * plane : NULL;
      AtlVector8 sum = { 0.0f };

      for (int r = 0; r < block->n_rows; r++)
        for (int q = 0; q < block->n_columns; q++)
          {
            const size_t pixel = (size_t) (block->row + r) * conv->w_out + block->column + q;
            const AtlVector8 v = exists ? atl_load8 (from + pixel * ATL_CHANNEL_BLOCK)
                                        : (AtlVector8) { 0.0f };

            atl_store8 (dy + ((size_t) r * block->n_columns + q) * ATL_CPU_LANES + half, v);
            sum += v;
          }
      atl_store8 (db + half, atl_load8 (db + half) + sum);
    }
}

/* Adds a block of pixels to the sums of 16 output channels. */
static void
add_block (const Job *job, int image, const AtlBlock *block, int channel, float *sums,
           float *buffer)
{
  const AtlConv2d *conv = job->conv;
  const int k = conv->kernel, s = conv->stride;
  const int b_in = atl_channel_blocks (conv->c_in);
  const size_t plane = (size_t) conv->h_in * conv->w_in * ATL_CHANNEL_BLOCK;
  float *dy = buffer + copy_size (conv, &job->grid);

  gather_dy (job, image, block, channel, dy, sums + sums_size (conv) - ATL_CPU_LANES);

  for (int b = 0; b < b_in; b++)
    {
      const AtlView view = atl_view (
          job->x + ((size_t) image * b_in + b) * plane, 1, conv->h_in, conv->w_in,
          block->row * s - conv->pad_top, block->column * s - conv->pad_left,
          (block->n_rows - 1) * s + k, (block->n_columns - 1) * s + k, buffer);

      for (int a = 0; a < k; a++)
        for (int j = 0; j < k * ATL_CHANNEL_BLOCK;)
          {
            const AtlPairs pairs = {
              .x = view.x + a * view.row + j,
              .dy = dy,
              .x_row = s * view.row,
              .x_step = s * ATL_CHANNEL_BLOCK,
              .dy_step = ATL_CPU_LANES,
              .n_rows = block->n_rows,
              .n_columns = block->n_columns,
            };
            const int n = atl_next_group (k * ATL_CHANNEL_BLOCK - j);

            atl_sum_products (sums, &pairs, n);
            j += n;
            sums += n * ATL_CPU_LANES;
          }
    }
}

/* A chunk is a part of the blocks for 16 output channels. */
static void
sum_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int part = chunk / job->n_out, channel = chunk % job->n_out * ATL_CPU_LANES;
  const int n_image_blocks = job->grid.n_down * job->grid.n_across;
  const int begin = (int) ((gint64) job->n_blocks * part / job->n_parts);
  const int end = (int) ((gint64) job->n_blocks * (part + 1) / job->n_parts);
  float *sums = job->sums + chunk * job->sums_size;

  memset (sums, 0, job->sums_size * sizeof (float));
  for (int i = begin; i < end; i++)
    {
      const AtlBlock block = atl_grid_block (&job->grid, i % n_image_blocks);

      add_block (job, i / n_image_blocks, &block, channel, sums,
                 job->scratch + worker * job->worker_scratch);
    }
}

/* 16 numbers summed over the parts. */
static void
add_parts (double total[ATL_CPU_LANES], const Job *job, int out, size_t where)
{
  for (int lane = 0; lane < ATL_CPU_LANES; lane++)
    total[lane] = 0.0;

  for (int part = 0; part < job->n_parts; part++)
    {
      const float *sums = job->sums + ((size_t) part * job->n_out + out) * job->sums_size + where;

      for (int lane = 0; lane < ATL_CPU_LANES; lane++)
        total[lane] += sums[lane];
    }
}

/* A chunk is the gradient of 16 output and eight input channels. */
static void
finish_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlConv2d *conv = job->conv;
  const int n_taps = conv->kernel * conv->kernel;
  const int b_in = atl_channel_blocks (conv->c_in);
  const int out = chunk / b_in, first = chunk % b_in * ATL_CHANNEL_BLOCK;
  const int channel = out * ATL_CPU_LANES;
  const int n_lanes = MIN (ATL_CPU_LANES, conv->c_out - channel);
  double total[ATL_CPU_LANES];

  for (int i = 0; i < MIN (ATL_CHANNEL_BLOCK, conv->c_in - first); i++)
    for (int tap = 0; tap < n_taps; tap++)
      {
        add_parts (total, job, out,
                   ((size_t) first * n_taps + tap * ATL_CHANNEL_BLOCK + i) * ATL_CPU_LANES);
        for (int lane = 0; lane < n_lanes; lane++)
          job->dw[((size_t) (channel + lane) * conv->c_in + first + i) * n_taps + tap] +=
              (float) (job->gain * total[lane]);
      }

  if (first == 0 && job->db != NULL)
    {
      add_parts (total, job, out, job->sums_size - ATL_CPU_LANES);
      for (int lane = 0; lane < n_lanes; lane++)
        job->db[channel + lane] += (float) (job->gain * total[lane]);
    }
}

static void
backward_weight (float *dw, float *db, const float *x, const float *dy, const AtlConv2d *conv,
                 float gain, float *scratch)
{
  const AtlGrid grid = grid_of (conv);
  const int n_blocks = conv->n * grid.n_down * grid.n_across;
  Job job = {
    .dw = dw,
    .db = db,
    .x = x,
    .dy = dy,
    .conv = conv,
    .gain = gain,
    .grid = grid,
    .n_blocks = n_blocks,
    .n_parts = count_parts (conv, n_blocks),
    .n_out = atl_divide_up (conv->c_out, ATL_CPU_LANES),
    .sums = scratch,
    .sums_size = sums_size (conv),
    .worker_scratch = worker_scratch_size (conv, &grid),
  };

  job.scratch = scratch + (size_t) job.n_parts * job.n_out * job.sums_size;
  atl_parallel_for (job.n_parts * job.n_out, sum_chunk, &job);
  atl_parallel_for (job.n_out * atl_channel_blocks (conv->c_in), finish_chunk, &job);
}

const AtlCpuConv2dWeight ATL_CPU_CONV2D_WEIGHT = {
  .scratch_size = scratch_size,
  .backward_weight = backward_weight,
};
