/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gradient of a convolution's weights and bias, computed directly, for any kernel, stride and size.
 *
 *   dw[o, i, a, b] = sum over n, r, q of dy[n, o, r, q] x[n, i, r stride + a - pad_top,
 *                                                            q stride + b - pad_left]
 *   db[o]          = sum over n, r, q of dy[n, o, r, q]
 *
 * For one row a of the kernel, the K * 8 numbers of x that a pixel of dy meets, for b from 0 to K-1 and
 * eight channels i, lie side by side in memory: a window. Groups of them, each number spread over a
 * vector, times the L = ATL_CPU_LANES output channels of the pixel of dy are summed in registers over a block of pixels.
 * Where there are fewer than eight channels, x is copied without the added ones.
 *
 * With a stride of 1 the two may change places, dy being spread and x giving vectors:
 *
 *   dw[o, i, a, b] = sum over n, r, q of x[n, i, r, q] dy[n, o, r - a + pad_top, q - b + pad_left],
 *
 * the gradient of a convolution from C_out to C_in channels with the turned kernel. This is done where
 * the outputs would fill too little of a vector.
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

typedef struct
{
  float *dw, *db;
  const float *x, *dy; /* as conv has them: they have changed places if 'swapped' */
  AtlConv2d conv;
  gboolean swapped;
  float gain;
  int n_kept;   /* channels of a pixel of x in memory: eight, or fewer if there are no more */
  int n_window; /* numbers of a window, a multiple of ATL_SMALL_GROUP; the last ones may be unused */
  AtlGrid grid;
  int n_blocks; /* in all images */
  int n_parts;
  int n_out;   /* groups of L output channels */
  float *sums; /* of a part and L output channels: C_in / 8 x K x n_window x L, then the bias's L */
  size_t sums_size;
  float *bias_sums; /* if swapped: of an image, 8 */
  float *scratch;
  size_t worker_scratch;
} Job;

/* Floats for the input of a block that had to be copied: one channel block. */
static size_t
copy_size (const Job *job)
{
  const AtlConv2d *conv = &job->conv;

  return (size_t) ATL_CHANNEL_BLOCK * ((job->grid.n_rows - 1) * conv->stride + conv->kernel)
         * ((job->grid.n_columns - 1) * conv->stride + conv->kernel);
}

static AtlConv2d
swap_channels (const AtlConv2d *conv)
{
  return (AtlConv2d) {
    .n = conv->n,
    .c_in = conv->c_out,
    .c_out = conv->c_in,
    .kernel = conv->kernel,
    .stride = 1,
    .h_in = conv->h_out,
    .w_in = conv->w_out,
    .h_out = conv->h_in,
    .w_out = conv->w_in,
    .pad_top = conv->kernel - 1 - conv->pad_top,
    .pad_left = conv->kernel - 1 - conv->pad_left,
  };
}

static Job
job_of_conv (const AtlConv2d *conv)
{
  Job job = {
    .swapped = conv->stride == 1 && conv->c_out < ATL_CHANNEL_BLOCK
               && conv->c_in > ATL_CHANNEL_BLOCK,
  };
  size_t n;

  job.conv = job.swapped ? swap_channels (conv) : *conv;
  job.n_kept = MIN (ATL_CHANNEL_BLOCK, job.conv.c_in);
  job.n_window = atl_divide_up (conv->kernel * job.n_kept, ATL_SMALL_GROUP) * ATL_SMALL_GROUP;
  job.grid = atl_grid (job.conv.h_out, job.conv.w_out, BLOCK_PIXELS);
  job.n_blocks = conv->n * job.grid.n_down * job.grid.n_across;
  job.n_out = atl_divide_up (job.conv.c_out, ATL_CPU_LANES);
  job.n_parts = CLAMP (N_CHUNKS / job.n_out, 1, job.n_blocks);
  job.sums_size = ((size_t) atl_channel_blocks (job.conv.c_in) * conv->kernel * job.n_window + 1)
                  * ATL_CPU_LANES;
  n = copy_size (&job) + (size_t) job.grid.n_rows * job.grid.n_columns * ATL_CPU_LANES;
  job.worker_scratch = (n + ATL_CPU_LANES - 1) / ATL_CPU_LANES * ATL_CPU_LANES;
  return job;
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const Job job = job_of_conv (conv);

  return job.n_parts * job.n_out * job.sums_size + job.worker_scratch * atl_threads_count ()
         + (size_t) conv->n * ATL_CHANNEL_BLOCK;
}

/* The block of dy for L output channels, as rows x columns x L; their sums are added to db. */
static void
gather_dy (const Job *job, int image, const AtlBlock *block, int channel, float *dy, float *db)
{
  const AtlConv2d *conv = &job->conv;
  const int b_out = atl_channel_blocks (conv->c_out);
  const size_t plane = (size_t) conv->h_out * conv->w_out * ATL_CHANNEL_BLOCK;

  for (int o = 0; o < ATL_CPU_LANES; o += ATL_CHANNEL_BLOCK)
    {
      const int b = (channel + o) / ATL_CHANNEL_BLOCK;
      const gboolean exists = b < b_out;
      const float *from = exists ? job->dy + ((size_t) image * b_out + b) * plane : NULL;
      AtlVector8 sum = { 0.0f };

      for (int r = 0; r < block->n_rows; r++)
        for (int q = 0; q < block->n_columns; q++)
          {
            const size_t pixel = (size_t) (block->row + r) * conv->w_out + block->column + q;
            const AtlVector8 v = exists ? atl_load8 (from + pixel * ATL_CHANNEL_BLOCK)
                                        : (AtlVector8) { 0.0f };

            atl_store8 (dy + ((size_t) r * block->n_columns + q) * ATL_CPU_LANES + o, v);
            sum += v;
          }
      atl_store8 (db + o, atl_load8 (db + o) + sum);
    }
}

/* The input of a block in one channel block; its pixels are job->n_kept numbers apart. */
static AtlView
view_input (const Job *job, int image, const AtlBlock *block, int b, float *buffer)
{
  const AtlConv2d *conv = &job->conv;
  const int top = block->row * conv->stride - conv->pad_top;
  const int left = block->column * conv->stride - conv->pad_left;
  const int n_rows = (block->n_rows - 1) * conv->stride + conv->kernel;
  const int n_columns = (block->n_columns - 1) * conv->stride + conv->kernel;
  const size_t plane = (size_t) conv->h_in * conv->w_in * ATL_CHANNEL_BLOCK;
  const float *x = job->x + ((size_t) image * atl_channel_blocks (conv->c_in) + b) * plane;

  if (job->n_kept == ATL_CHANNEL_BLOCK)
    return atl_view (x, 1, conv->h_in, conv->w_in, top, left, n_rows, n_columns, buffer);

  atl_copy_plane (buffer, x, conv->h_in, conv->w_in, top, left, n_rows, n_columns);
  for (size_t p = 1; p < (size_t) n_rows * n_columns; p++)
    for (int i = 0; i < job->n_kept; i++)
      buffer[p * job->n_kept + i] = buffer[p * ATL_CHANNEL_BLOCK + i];

  return (AtlView) { .x = buffer, .row = (size_t) n_columns * job->n_kept };
}

/* Adds a block of pixels to the sums of L output channels. A window's unused numbers are those of the
 * next pixel, or what the copy has left behind the last one. */
static void
add_block (const Job *job, int image, const AtlBlock *block, int channel, float *sums,
           float *buffer)
{
  const AtlConv2d *conv = &job->conv;
  float *dy = buffer + copy_size (job);

  gather_dy (job, image, block, channel, dy, sums + job->sums_size - ATL_CPU_LANES);

  for (int b = 0; b < atl_channel_blocks (conv->c_in); b++)
    {
      const AtlView view = view_input (job, image, block, b, buffer);

      for (int a = 0; a < conv->kernel; a++)
        for (int j = 0; j < job->n_window;)
          {
            const int n = atl_next_group (job->n_window - j);
            const AtlPairs pairs = {
              .x = view.x + a * view.row + j,
              .dy = dy,
              .x_row = conv->stride * view.row,
              .x_step = conv->stride * job->n_kept,
              .dy_step = ATL_CPU_LANES,
              .n_rows = block->n_rows,
              .n_columns = block->n_columns,
            };

            atl_sum_products (sums, &pairs, n);
            j += n;
            sums += n * ATL_CPU_LANES;
          }
    }
}

/* A chunk is a part of the blocks for L output channels. */
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

/* L numbers summed over the parts. */
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

/* A chunk is the gradient of L output and eight input channels. */
static void
finish_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlConv2d *conv = &job->conv;
  const int k = conv->kernel, n_taps = k * k;
  const int b_in = atl_channel_blocks (conv->c_in);
  const int out = chunk / b_in, b = chunk % b_in;
  const int n_lanes = MIN (ATL_CPU_LANES, conv->c_out - out * ATL_CPU_LANES);
  const int n = MIN (ATL_CHANNEL_BLOCK, conv->c_in - b * ATL_CHANNEL_BLOCK);
  double total[ATL_CPU_LANES];

  for (int tap = 0; tap < n_taps; tap++)
    for (int i = 0; i < n; i++)
      {
        const size_t row = ((size_t) b * k + tap / k) * job->n_window;
        const int c_in = b * ATL_CHANNEL_BLOCK + i;

        add_parts (total, job, out, (row + tap % k * job->n_kept + i) * ATL_CPU_LANES);
        for (int lane = 0; lane < n_lanes; lane++)
          {
            const int c_out = out * ATL_CPU_LANES + lane;
            const size_t where = job->swapped ? ((size_t) c_in * conv->c_out + c_out) * n_taps
                                                    + n_taps - 1 - tap
                                              : ((size_t) c_out * conv->c_in + c_in) * n_taps + tap;

            job->dw[where] += (float) (job->gain * total[lane]);
          }
      }

  if (b == 0 && job->db != NULL && ! job->swapped)
    {
      add_parts (total, job, out, job->sums_size - ATL_CPU_LANES);
      for (int lane = 0; lane < n_lanes; lane++)
        job->db[out * ATL_CPU_LANES + lane] += (float) (job->gain * total[lane]);
    }
}

/* The bias's gradient if dy is what is spread, fewer than eight channels. A chunk is an image. */
static void
sum_bias_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const size_t n_row = (size_t) job->conv.w_in * ATL_CHANNEL_BLOCK;
  const float *dy = job->x + (size_t) chunk * job->conv.h_in * n_row;
  AtlVector8 total = { 0.0f };

  for (int r = 0; r < job->conv.h_in; r++)
    {
      AtlVector8 sum = { 0.0f };

      for (size_t i = 0; i < n_row; i += ATL_CHANNEL_BLOCK)
        sum += atl_load8 (dy + r * n_row + i);
      total += sum;
    }
  atl_store8 (job->bias_sums + (size_t) chunk * ATL_CHANNEL_BLOCK, total);
}

static void
add_swapped_bias (Job *job)
{
  atl_parallel_for (job->conv.n, sum_bias_chunk, job);
  for (int o = 0; o < job->conv.c_in; o++)
    {
      double total = 0.0;

      for (int image = 0; image < job->conv.n; image++)
        total += job->bias_sums[image * ATL_CHANNEL_BLOCK + o];
      job->db[o] += (float) (job->gain * total);
    }
}

static void
backward_weight (float *dw, float *db, const float *x, const float *dy, const AtlConv2d *conv,
                 float gain, float *scratch)
{
  Job job = job_of_conv (conv);

  job.dw = dw;
  job.db = db;
  job.x = job.swapped ? dy : x;
  job.dy = job.swapped ? x : dy;
  job.gain = gain;
  job.sums = scratch;
  job.scratch = scratch + (size_t) job.n_parts * job.n_out * job.sums_size;
  job.bias_sums = job.scratch + job.worker_scratch * atl_threads_count ();

  atl_parallel_for (job.n_parts * job.n_out, sum_chunk, &job);
  atl_parallel_for (job.n_out * atl_channel_blocks (job.conv.c_in), finish_chunk, &job);
  if (job.swapped && db != NULL)
    add_swapped_bias (&job);
}

const AtlCpuConv2dWeight ATL_CPU_CONV2D_WEIGHT = {
  .scratch_size = scratch_size,
  .backward_weight = backward_weight,
};
