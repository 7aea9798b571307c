/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Convolution and the gradient of its input, computed directly, for any kernel, stride and size.
 *
 * Both are sums of the same kind, over channels i and taps (a, b),
 *
 *   z[o, r, q] = sum w[o, i, a, b] x[i, r step + a + top, q step + b + left].
 *
 * Forward, step is the stride and (top, left) = -(pad_top, pad_left). For the gradient, x is dy, and the
 * outputs fall into stride^2 phases: row e of dx is reached by the kernel's rows a with
 * e + pad_top - a = r stride, that is a = a0 + j stride with a0 = (e + pad_top) mod stride, so that all
 * rows e of one residue see the same taps. With the turned kernel, each phase is a sum as above with
 * step 1.
 *
 * The outputs are divided into blocks of pixels and groups of ATL_CPU_LANES channels, and the input channels into
 * slices whose weights for a group stay in the first-level cache. The sums of some pixels and a group are held in
 * registers over all channels and taps of a slice: one or two vectors of weights are used for every pixel, each of
 * which gives one number, spread over a vector.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "backends/cpu/conv2d.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  BLOCK_PIXELS = 384,               /* outputs of a block */
  N_CHUNKS = 16,                    /* at least so many, if there are as many blocks and groups */
  SLICE_WEIGHTS = 4096,             /* of a slice and a group, 16 KiB */
  AT_ONCE_STORED = 2 * ATL_AT_ONCE, /* pixels, if there is one slice */
  FEW = 3 /* channels of a last block that get no weights for the channels that fill it: colours */
};

/* The outputs of one phase, and the taps that they see. */
typedef struct
{
  int height, width;           /* outputs */
  int step, top, left;         /* where the first tap of output (0, 0) lies */
  int tap_rows, tap_columns;   /* how many taps */
  size_t first_tap;            /* in the packed kernel */
  int tap_row, tap_column;     /* packed taps from one to the next */
  int y_row, y_column, y_step; /* where output (0, 0) is stored */
} Phase;

typedef struct
{
  AtlConvSides sides;
  const float *packed;
  const AtlConv2d *conv;
  gboolean transposed; /* the gradient */
  AtlGrid grid;        /* of the largest phase */
  int n_phases;
  int n_groups; /* of output channels */
  int n_parts;  /* that a block's work, groups of phases, is divided into; each is a chunk */
  float *scratch;
  size_t worker_scratch;
} Job;

/* Input channels with weights. */
static int
packed_channels (int n_in)
{
  const int n_left = n_in % ATL_CHANNEL_BLOCK;

  return n_left > 0 && n_left <= FEW ? n_in - n_left + FEW : atl_padded_channels (n_in);
}

/* Whole blocks. */
static int
channels_of_slice (const Phase *phase)
{
  const int n_taps = MAX (phase->tap_rows * phase->tap_columns, 1);
  const int n_blocks = SLICE_WEIGHTS / (n_taps * ATL_CHANNEL_BLOCK * ATL_CPU_LANES);

  return MAX (n_blocks, 1) * ATL_CHANNEL_BLOCK;
}

/* Floats for the sums of a row of outputs, and of a block. */
static size_t
sums_of_row (int n_columns)
{
  return (size_t) atl_round_up (n_columns, ATL_THIRD) * ATL_CPU_LANES;
}

static size_t
sums_of_block (const AtlGrid *grid)
{
  return grid->n_rows * sums_of_row (grid->n_columns);
}

/* What the sums of a block read. */
typedef struct
{
  AtlView view;
  const float *w; /* first tap of a group of output channels */
  int c_in, n_taps;
  int x_step;  /* floats between the input pixels of neighbouring outputs */
  int n_slice; /* input channels of a slice, whole blocks */
  const Phase *phase;
} Window;

/* Adds n_blocks of n_channels to the sums of n pixels from x on, n x ATL_CPU_LANES numbers, at all taps; the first
 * ones set them. x_step, n_channels and n are constant. */
ATL_ALWAYS_INLINE void
sum_pixels (float *sums, const Window *window, const float *x, const int x_step, const float *w,
            int n_blocks, const int n_channels, const int n, gboolean first)
{
  const Phase *phase = window->phase;
  const size_t tap_size = n_channels * ATL_CPU_LANES;
  AtlVector acc[ATL_AT_ONCE][ATL_N_VECTORS];

  if (first)
    atl_clear_sums (acc, n);
  else
    atl_load_sums (acc, sums, n);

  w += phase->first_tap * tap_size;
  for (int block = 0; block < n_blocks; block++)
    {
      for (int a = 0; a < phase->tap_rows; a++)
        {
          const float *wt = w + a * phase->tap_row * tap_size;
          const float *xt = x + a * window->view.row;

          for (int b = 0; b < phase->tap_columns; b++)
            {
              ATL_UNROLL
              for (int i = 0; i < n_channels; i++)
                atl_add_channel (acc, xt + i, x_step, wt + i * ATL_CPU_LANES, n);
              wt += phase->tap_column * tap_size;
              xt += ATL_CHANNEL_BLOCK;
            }
        }
      x += window->view.block;
      w += window->n_taps * tap_size;
    }

  atl_store_sums (sums, ATL_CPU_LANES, acc, n);
}

/* It in all forms that are needed, each a function of its own: where several share one, GCC keeps sums in memory. */
typedef void SumFunc (float *sums, const Window *window, const float *x, const float *w,
                      int n_blocks, gboolean first);

#define DEFINE_SUM(name, x_step, n_channels, n)                                                    \
  static __attribute__ ((noinline)) void name (float *sums, const Window *window, const float *x,  \
                                               const float *w, int n_blocks, gboolean first)       \
  {                                                                                                \
    sum_pixels (sums, window, x, x_step, w, n_blocks, n_channels, n, first);                       \
  }
#define DEFINE_SUMS(name, x_step, n_channels)                                                      \
  DEFINE_SUM (name##_1, x_step, n_channels, ATL_THIRD)                                             \
  DEFINE_SUM (name##_2, x_step, n_channels, 2 * ATL_THIRD)                                         \
  DEFINE_SUM (name##_3, x_step, n_channels, 3 * ATL_THIRD)                                         \
  static SumFunc *const name[] = { NULL, name##_1, name##_2, name##_3 };

DEFINE_SUMS (sum_block_1, ATL_CHANNEL_BLOCK, ATL_CHANNEL_BLOCK)
DEFINE_SUMS (sum_block_2, 2 * ATL_CHANNEL_BLOCK, ATL_CHANNEL_BLOCK)
DEFINE_SUMS (sum_block_any, window->x_step, ATL_CHANNEL_BLOCK)
DEFINE_SUMS (sum_few_1, ATL_CHANNEL_BLOCK, FEW)
DEFINE_SUMS (sum_few_2, 2 * ATL_CHANNEL_BLOCK, FEW)
DEFINE_SUMS (sum_few_any, window->x_step, FEW)

/* By thirds of ATL_AT_ONCE. */
static SumFunc *const *
sums_of_step (int x_step, gboolean few)
{
  if (x_step == ATL_CHANNEL_BLOCK)
    return few ? sum_few_1 : sum_block_1;
  if (x_step == 2 * ATL_CHANNEL_BLOCK)
    return few ? sum_few_2 : sum_block_2;
  return few ? sum_few_any : sum_block_any;
}

/* The part of a slice, from channel 'first' on, in the sums of a row of n_pixels outputs; reads the input of a few
 * more. */
static void
sum_row (float *sums, const Window *window, const float *x, int n_pixels, int first)
{
  const int n_left = window->c_in % ATL_CHANNEL_BLOCK;
  const int end = MIN (first + window->n_slice, window->c_in);
  const gboolean few = end == window->c_in && n_left > 0 && n_left <= FEW;
  const int n_blocks = atl_channel_blocks (end - first) - few;
  SumFunc *const *of_blocks = sums_of_step (window->x_step, FALSE);
  SumFunc *const *of_few = sums_of_step (window->x_step, TRUE);
  const float *w = window->w + (size_t) first * window->n_taps * ATL_CPU_LANES;
  const size_t w_blocks = (size_t) n_blocks * ATL_CHANNEL_BLOCK * window->n_taps * ATL_CPU_LANES;

  x += first / ATL_CHANNEL_BLOCK * window->view.block;
  for (int p = 0; p < n_pixels;)
    {
      const int n = atl_next_pixels (n_pixels - p), thirds = n / ATL_THIRD;

      if (n_blocks > 0)
        of_blocks[thirds](sums, window, x, w, n_blocks, first == 0);
      if (few)
        of_few[thirds](sums, window, x + n_blocks * window->view.block, w + w_blocks, 1,
                       first == 0 && n_blocks == 0);
      sums += n * ATL_CPU_LANES;
      x += (size_t) n * window->x_step;
      p += n;
    }
}

/* The sums of a part of a block of outputs. */
static void
sum_part (float *sums, const Window *window, const AtlBlock *part)
{
  const size_t x_row = window->phase->step * window->view.row;

  for (int first = 0; first < window->c_in; first += window->n_slice)
    for (int r = 0; r < part->n_rows; r++)
      {
        const float *x = window->view.x + (part->row + r) * x_row
                         + (size_t) part->column * window->x_step;

        sum_row (sums + r * sums_of_row (part->n_columns), window, x, part->n_columns, first);
      }
}

/* Where and how the outputs of a group of channels are stored. */
typedef struct
{
  AtlStore stores[ATL_CPU_LANES / ATL_WIDE_CHANNELS];
  int n;
} Stores;

static Stores
stores_of_group (const Job *job, int image, int group)
{
  const int channel = group * ATL_CPU_LANES;
  const int n_lanes = MIN (ATL_CPU_LANES, job->sides.c_out - channel);
  Stores to = { .n = atl_divide_up (n_lanes, ATL_WIDE_CHANNELS) };

  for (int i = 0; i < to.n; i++)
    to.stores[i] = atl_store_of_outputs (&job->sides, image, channel + i * ATL_WIDE_CHANNELS);
  return to;
}

/* Stores the sums of a row of the phase's outputs. */
static void
store_row (const Stores *to, const Phase *phase, int row, int column, int n_columns,
           const float *sums)
{
  const int y_step = phase->y_step;

  for (int i = 0; i < to->n; i++)
    {
      const AtlStore store = atl_store_from (&to->stores[i], phase->y_row + row * y_step,
                                             phase->y_column + column * y_step);

      for (int q = 0; q < n_columns; q++)
        atl_store_pixel (&store, atl_load_wide (sums + q * ATL_CPU_LANES + i * ATL_WIDE_CHANNELS),
                         0, q * y_step);
    }
}

/* The outputs of a block in a group of channels. Where there are several slices, each sees the whole block, so that
 * its weights are read once; else a few pixels at a time are stored while they are in the cache. */
static void
compute_group (const Job *job, const Window *window, int image, const AtlBlock *block, int group,
               float *sums)
{
  const gboolean one_slice = window->n_slice >= window->c_in;
  const Phase *phase = window->phase;
  const Stores to = stores_of_group (job, image, group);
  AtlBlock part = { .n_rows = one_slice ? 1 : block->n_rows };

  for (part.row = 0; part.row < block->n_rows; part.row += part.n_rows)
    for (part.column = 0; part.column < block->n_columns; part.column += part.n_columns)
      {
        const int n_left = block->n_columns - part.column;
        const int row = block->row + part.row, column = block->column + part.column;

        part.n_columns = one_slice ? MIN (n_left, AT_ONCE_STORED) : n_left;
        sum_part (sums, window, &part);
        for (int r = 0; r < part.n_rows; r++)
          store_row (&to, phase, row + r, column, part.n_columns,
                     sums + r * sums_of_row (part.n_columns));
      }
}

/* The outputs of a block of a phase in the groups from 'begin' to 'end'. */
static void
compute_block (const Job *job, const Phase *phase, int image, const AtlBlock *block, int begin,
               int end, float *scratch)
{
  const AtlConvSides *sides = &job->sides;
  const int n_read = atl_round_up (block->n_columns, ATL_THIRD);
  const int n_taps = job->conv->kernel * job->conv->kernel;
  const AtlImage x = atl_image_of_sides (sides, image);
  float *buffer = scratch + sums_of_block (&job->grid);
  Window window = {
    .view = atl_view (&x, block->row * phase->step + phase->top,
                      block->column * phase->step + phase->left,
                      (block->n_rows - 1) * phase->step + MAX (phase->tap_rows, 1),
                      (n_read - 1) * phase->step + MAX (phase->tap_columns, 1), buffer),
    .c_in = sides->c_in,
    .n_taps = n_taps,
    .x_step = phase->step * ATL_CHANNEL_BLOCK,
    .n_slice = channels_of_slice (phase),
    .phase = phase,
  };

  for (int group = begin; group < end; group++)
    {
      window.w = job->packed
                 + (size_t) group * ATL_CPU_LANES * n_taps * packed_channels (sides->c_in);
      compute_group (job, &window, image, block, group, scratch);
    }
}

/* The phase of the rows and columns (row, column) mod stride. */
static Phase
phase_of_gradient (const Job *job, int row, int column)
{
  const AtlConv2d *conv = job->conv;
  const int k = conv->kernel, s = conv->stride;
  const int a0 = ((row + conv->pad_top) % s + s) % s, b0 = ((column + conv->pad_left) % s + s) % s;
  const int n_a = a0 < k ? atl_divide_up (k - a0, s) : 0;
  const int n_b = b0 < k ? atl_divide_up (k - b0, s) : 0;

  return (Phase) {
    .height = row < job->sides.h ? atl_divide_up (job->sides.h - row, s) : 0,
    .width = column < job->sides.w ? atl_divide_up (job->sides.w - column, s) : 0,
    .step = 1,
    .top = (row + conv->pad_top - a0) / s - (n_a - 1),
    .left = (column + conv->pad_left - b0) / s - (n_b - 1),
    .tap_rows = n_b > 0 ? n_a : 0,
    .tap_columns = n_b,
    /* the last of the taps in the kernel is the first in the turned one */
    .first_tap = n_a > 0 && n_b > 0
                     ? (size_t) (k - 1 - a0 - s * (n_a - 1)) * k + (k - 1 - b0 - s * (n_b - 1))
                     : 0,
    .tap_row = s * k,
    .tap_column = s,
    .y_row = row,
    .y_column = column,
    .y_step = s,
  };
}

static Phase
phase_of_forward (const Job *job)
{
  const AtlConv2d *conv = job->conv;

  return (Phase) {
    .height = job->sides.h,
    .width = job->sides.w,
    .step = conv->stride,
    .top = -conv->pad_top,
    .left = -conv->pad_left,
    .tap_rows = conv->kernel,
    .tap_columns = conv->kernel,
    .tap_row = conv->kernel,
    .tap_column = 1,
    .y_step = 1,
  };
}

/* A chunk is a part of the work on a block of an image. All phases see the same input, so they follow each other. */
static void
run_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int n_blocks = job->grid.n_down * job->grid.n_across;
  const int part = chunk % job->n_parts, index = chunk / job->n_parts % n_blocks;
  const int image = chunk / job->n_parts / n_blocks;
  const int n_items = job->n_phases * job->n_groups, stride = job->conv->stride;
  const int begin = n_items * part / job->n_parts, end = n_items * (part + 1) / job->n_parts;

  for (int i = begin / job->n_groups; i * job->n_groups < end; i++)
    {
      const Phase phase = job->transposed ? phase_of_gradient (job, i / stride, i % stride)
                                          : phase_of_forward (job);
      const int first = i * job->n_groups;
      AtlGrid grid = job->grid;

      grid.height = phase.height;
      grid.width = phase.width;
      const AtlBlock block = atl_grid_block (&grid, index);

      if (block.n_rows > 0 && block.n_columns > 0)
        compute_block (job, &phase, image, &block, MAX (begin - first, 0),
                       MIN (end - first, job->n_groups),
                       job->scratch + worker * job->worker_scratch);
    }
}

/* The grid of the outputs, or of the largest phase of a gradient. */
static AtlGrid
grid_of (const AtlConv2d *conv, AtlPass pass)
{
  if (pass == ATL_PASS_FORWARD)
    return atl_grid (conv->h_out, conv->w_out, BLOCK_PIXELS);
  return atl_grid (atl_divide_up (conv->h_in, conv->stride),
                   atl_divide_up (conv->w_in, conv->stride), BLOCK_PIXELS);
}

/* Floats for the sums and the copied input of a block. */
static size_t
worker_scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlGrid grid = grid_of (conv, pass);
  const gboolean forward = pass == ATL_PASS_FORWARD;
  const int step = forward ? conv->stride : 1;
  const int n_read = atl_round_up (grid.n_columns, ATL_THIRD);
  const size_t n_copied = (size_t) atl_padded_channels (forward ? conv->c_in : conv->c_out)
                          * ((grid.n_rows - 1) * step + conv->kernel)
                          * ((n_read - 1) * step + conv->kernel);

  return atl_floats_aligned (sums_of_block (&grid) + n_copied);
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  return worker_scratch_size (conv, pass) * atl_threads_count ();
}

static void
run (const AtlConvSides *sides, const float *packed, const AtlConv2d *conv, AtlPass pass,
     float *scratch)
{
  Job job = {
    .sides = *sides,
    .packed = packed,
    .conv = conv,
    .transposed = pass == ATL_PASS_DATA,
    .grid = grid_of (conv, pass),
    .n_phases = pass == ATL_PASS_DATA ? conv->stride * conv->stride : 1,
    .n_groups = atl_divide_up (sides->c_out, ATL_CPU_LANES),
    .scratch = scratch,
    .worker_scratch = worker_scratch_size (conv, pass),
  };
  const int n_blocks = conv->n * job.grid.n_down * job.grid.n_across;

  job.n_parts = CLAMP (N_CHUNKS / n_blocks, 1, job.n_phases * job.n_groups);
  atl_parallel_for (n_blocks * job.n_parts, run_chunk, &job);
}

static void
forward (float *y, const float *x, const float *packed, const AtlConv2d *conv,
         const AtlConvEpilogue *epilogue, float *scratch)
{
  const AtlConvSides sides = atl_sides_of_forward (y, x, conv, epilogue);

  run (&sides, packed, conv, ATL_PASS_FORWARD, scratch);
}

static void
transposed (float *y, const float *x, const float *packed, const AtlConv2d *conv,
            const AtlConvEpilogue *epilogue, float factor, float *scratch)
{
  const AtlConvSides sides = atl_sides_of_transposed (y, x, conv, epilogue, factor);

  run (&sides, packed, conv, ATL_PASS_DATA, scratch);
}

/* Packing: C_out / L x C_in / 8 x K x K x (8, or FEW in the last block) x L, L being ATL_CPU_LANES. */

typedef struct
{
  AtlConvWeights weights;
  float *packed;
} PackJob;

/* A chunk is ATL_CPU_LANES output channels. */
static void
pack_chunk (int chunk, int worker, void *data)
{
  const PackJob *job = data;
  const AtlConvWeights *w = &job->weights;
  const int n_in = packed_channels (w->n_in);
  float *to = job->packed + (size_t) chunk * ATL_CPU_LANES * w->n_taps * n_in;

  for (int first = 0; first < n_in; first += ATL_CHANNEL_BLOCK)
    {
      const int n = MIN (ATL_CHANNEL_BLOCK, n_in - first);

      atl_gather_weights (to, ATL_CPU_LANES, (size_t) n * ATL_CPU_LANES, w, chunk * ATL_CPU_LANES,
                          first, n);
      to += (size_t) n * w->n_taps * ATL_CPU_LANES;
    }
}

static size_t
packed_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlConvWeights w = atl_conv_weights (NULL, conv, pass);

  return (size_t) atl_divide_up (w.n_out, ATL_CPU_LANES) * ATL_CPU_LANES * w.n_taps
         * packed_channels (w.n_in);
}

static void
pack (float *packed, const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  PackJob job = { .weights = atl_conv_weights (weight, conv, pass), .packed = packed };

  atl_parallel_for (atl_divide_up (job.weights.n_out, ATL_CPU_LANES), pack_chunk, &job);
}

const AtlCpuConv2d ATL_CPU_CONV2D_DIRECT = {
  .packed_size = packed_size,
  .pack = pack,
  .scratch_size = scratch_size,
  .forward = forward,
  .transposed = transposed,
};
