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
 * The output channels are taken in groups of L, as many at a time as the sums of stay in the cache, so that they see
 * the same x. The blocks are divided into parts whose number depends on the shape alone. Each part has its own
 * sums, which are then added in the order of the parts.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/conv2d.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  BLOCK_PIXELS = 256, /* outputs of a block; also the most numbers in one chain of float sums */
  N_CHUNKS = 32,      /* at least so many chunks, if there are as many blocks */
  SET_SUMS = 65536,   /* of a set of groups, 256 KiB */
  FINISHED_TAPS = 9   /* at once */
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
  int n_groups; /* of L output channels */
  int n_set;    /* groups of a set */
  int n_sets;
  float *sums; /* of a part and a group: C_in / 8 x K x n_window x L, then the bias's L */
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

/* Floats for a block of dy in a group of output channels. */
static size_t
size_of_dy (const Job *job)
{
  return (size_t) job->grid.n_rows * job->grid.n_columns * ATL_CPU_LANES;
}

/* Floats for the sums of all parts. */
static size_t
all_sums_size (const Job *job)
{
  return atl_floats_aligned ((size_t) job->n_parts * job->n_groups * job->sums_size);
}

static float *
sums_of_group (const Job *job, int part, int group)
{
  return job->sums + ((size_t) part * job->n_groups + group) * job->sums_size;
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

  job.conv = job.swapped ? swap_channels (conv) : *conv;
  job.n_kept = MIN (ATL_CHANNEL_BLOCK, job.conv.c_in);
  job.n_window = atl_divide_up (conv->kernel * job.n_kept, ATL_SMALL_GROUP) * ATL_SMALL_GROUP;
  job.grid = atl_grid (job.conv.h_out, job.conv.w_out, BLOCK_PIXELS);
  job.n_blocks = conv->n * job.grid.n_down * job.grid.n_across;
  job.sums_size = ((size_t) atl_channel_blocks (job.conv.c_in) * conv->kernel * job.n_window + 1)
                  * ATL_CPU_LANES;
  job.n_groups = atl_divide_up (job.conv.c_out, ATL_CPU_LANES);
  job.n_set = CLAMP ((int) (SET_SUMS / job.sums_size), 1, job.n_groups);
  job.n_sets = atl_divide_up (job.n_groups, job.n_set);
  job.n_parts = CLAMP (N_CHUNKS / job.n_sets, 1, job.n_blocks);
  job.worker_scratch = atl_floats_aligned (copy_size (&job) + job.n_set * size_of_dy (&job));
  return job;
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const Job job = job_of_conv (conv);

  return all_sums_size (&job) + job.worker_scratch * atl_threads_count ()
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
  const AtlImage x = {
    .planes = job->x + ((size_t) image * atl_channel_blocks (conv->c_in) + b) * plane,
    .n_blocks = 1,
    .h = conv->h_in,
    .w = conv->w_in,
    .enlargement = 1,
  };

  if (job->n_kept == ATL_CHANNEL_BLOCK)
    return atl_view (&x, top, left, n_rows, n_columns, buffer);

  atl_copy_plane (buffer, x.planes, x.h, x.w, 1, top, left, n_rows, n_columns);
  for (size_t p = 1; p < (size_t) n_rows * n_columns; p++)
    for (int i = 0; i < job->n_kept; i++)
      buffer[p * job->n_kept + i] = buffer[p * ATL_CHANNEL_BLOCK + i];

  return (AtlView) { .x = buffer, .row = (size_t) n_columns * job->n_kept };
}

/* Adds a block of pixels to the sums of a group of output channels, for one channel block of x. A window's unused
 * numbers are those of the next pixel, or what the copy has left behind the last one. */
static void
add_channel_block (const Job *job, const AtlView *view, const AtlBlock *block, const float *dy,
                   float *sums)
{
  const AtlConv2d *conv = &job->conv;

  for (int a = 0; a < conv->kernel; a++)
    for (int j = 0; j < job->n_window;)
      {
        const int n = atl_next_group (job->n_window - j);
        const AtlPairs pairs = {
          .x = view->x + a * view->row + j,
          .dy = dy,
          .x_row = conv->stride * view->row,
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

/* Adds a block of pixels to the sums of the groups from 'begin' to 'end'. */
static void
add_block (const Job *job, int image, const AtlBlock *block, int part, int begin, int end,
           float *buffer)
{
  const size_t block_sums = (size_t) job->conv.kernel * job->n_window * ATL_CPU_LANES;
  float *dy = buffer + copy_size (job);

  for (int group = begin; group < end; group++)
    gather_dy (job, image, block, group * ATL_CPU_LANES, dy + (group - begin) * size_of_dy (job),
               sums_of_group (job, part, group) + job->sums_size - ATL_CPU_LANES);

  for (int b = 0; b < atl_channel_blocks (job->conv.c_in); b++)
    {
      const AtlView view = view_input (job, image, block, b, buffer);

      for (int group = begin; group < end; group++)
        add_channel_block (job, &view, block, dy + (group - begin) * size_of_dy (job),
                           sums_of_group (job, part, group) + b * block_sums);
    }
}

/* A chunk is a part of the blocks for a set of groups of output channels. */
static void
sum_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int part = chunk / job->n_sets, first = chunk % job->n_sets * job->n_set;
  const int last = MIN (first + job->n_set, job->n_groups);
  const int n_image_blocks = job->grid.n_down * job->grid.n_across;
  const int begin = (int) ((gint64) job->n_blocks * part / job->n_parts);
  const int end = (int) ((gint64) job->n_blocks * (part + 1) / job->n_parts);

  memset (sums_of_group (job, part, first), 0, (last - first) * job->sums_size * sizeof (float));
  for (int i = begin; i < end; i++)
    {
      const AtlBlock block = atl_grid_block (&job->grid, i % n_image_blocks);

      add_block (job, i / n_image_blocks, &block, part, first, last,
                 job->scratch + worker * job->worker_scratch);
    }
}

/* L numbers summed over the parts. */
static void
add_parts (double total[ATL_CPU_LANES], const Job *job, int group, size_t where)
{
  for (int lane = 0; lane < ATL_CPU_LANES; lane++)
    total[lane] = 0.0;

  for (int part = 0; part < job->n_parts; part++)
    {
      const float *sums = sums_of_group (job, part, group) + where;

      for (int lane = 0; lane < ATL_CPU_LANES; lane++)
        total[lane] += sums[lane];
    }
}

/* Where in dw tap 0 of output channel o and input channel i lies; the others follow, or precede it if the two have
 * changed places. */
static float *
gradient_of_taps (const Job *job, int o, int i)
{
  const int n_taps = job->conv.kernel * job->conv.kernel;

  return job->swapped ? job->dw + ((size_t) i * job->conv.c_out + o + 1) * n_taps - 1
                      : job->dw + ((size_t) o * job->conv.c_in + i) * n_taps;
}

/* The gradients of some taps of a group of output channels and one input channel block. Those of each output channel
 * are stored together: the channels lie so far apart that the cache may have no room for a line of each. */
static void
finish_taps (const Job *job, int group, int b, int first_tap, int n_taps)
{
  const AtlConv2d *conv = &job->conv;
  const int k = conv->kernel, step = job->swapped ? -1 : 1, first = group * ATL_CPU_LANES;
  const int n_lanes = MIN (ATL_CPU_LANES, conv->c_out - first);
  const int n = MIN (ATL_CHANNEL_BLOCK, conv->c_in - b * ATL_CHANNEL_BLOCK);
  double total[ATL_CHANNEL_BLOCK][FINISHED_TAPS][ATL_CPU_LANES];

  for (int i = 0; i < n; i++)
    for (int t = 0; t < n_taps; t++)
      {
        const int tap = first_tap + t;
        const size_t row = ((size_t) b * k + tap / k) * job->n_window;

        add_parts (total[i][t], job, group, (row + tap % k * job->n_kept + i) * ATL_CPU_LANES);
      }
  for (int lane = 0; lane < n_lanes; lane++)
    for (int i = 0; i < n; i++)
      {
        float *to = gradient_of_taps (job, first + lane, b * ATL_CHANNEL_BLOCK + i)
                    + first_tap * step;

        for (int t = 0; t < n_taps; t++)
          to[t * step] += (float) (job->gain * total[i][t][lane]);
      }
}

/* A chunk is the gradient of a group of output channels and one input channel block. */
static void
finish_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlConv2d *conv = &job->conv;
  const int b_in = atl_channel_blocks (conv->c_in), n_taps = conv->kernel * conv->kernel;
  const int group = chunk / b_in, b = chunk % b_in, first = group * ATL_CPU_LANES;
  const int n_lanes = MIN (ATL_CPU_LANES, conv->c_out - first);

  for (int tap = 0; tap < n_taps; tap += FINISHED_TAPS)
    finish_taps (job, group, b, tap, MIN (FINISHED_TAPS, n_taps - tap));

  if (b == 0 && job->db != NULL && ! job->swapped)
    {
      double total[ATL_CPU_LANES];

      add_parts (total, job, group, job->sums_size - ATL_CPU_LANES);
      for (int lane = 0; lane < n_lanes; lane++)
        job->db[first + lane] += (float) (job->gain * total[lane]);
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
  job.scratch = scratch + all_sums_size (&job);
  job.bias_sums = job.scratch + job.worker_scratch * atl_threads_count ();

  atl_parallel_for (job.n_parts * job.n_sets, sum_chunk, &job);
  atl_parallel_for (job.n_groups * atl_channel_blocks (job.conv.c_in), finish_chunk, &job);
  if (job.swapped && db != NULL)
    add_swapped_bias (&job);
}

const AtlCpuConv2dWeight ATL_CPU_CONV2D_WEIGHT = {
  .scratch_size = scratch_size,
  .backward_weight = backward_weight,
};
