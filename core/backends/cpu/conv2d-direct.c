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
 * A tile of TILE pixels and ATL_CPU_LANES output channels is summed in registers over all input channels and taps:
 * one weight vector (or more, if vectors are short) is used for every pixel, each of which gives one
 * number, spread over a vector.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "backends/cpu/conv2d.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  BLOCK_PIXELS = 384, /* outputs of a block */
  TILE = 12           /* pixels whose sums are stored at once */
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
  float *scratch;
  size_t worker_scratch;
} Job;

/* What the sums of one tile read. */
typedef struct
{
  AtlView view;
  const float *w; /* first tap of the output channels */
  int c_in, n_taps;
  int x_step; /* floats between the input pixels of neighbouring outputs */
  const Phase *phase;
} Window;

/* Sums of ATL_AT_ONCE pixels from x, into ATL_AT_ONCE x ATL_CPU_LANES numbers. */
ATL_ALWAYS_INLINE void
sum_pixels (float *sums, const Window *window, const float *x, int x_step)
{
  const Phase *phase = window->phase;
  AtlVector acc[ATL_AT_ONCE][ATL_N_VECTORS];
  const float *w = window->w;

  atl_clear_sums (acc, ATL_AT_ONCE);
  for (int first = 0; first < window->c_in; first += ATL_CHANNEL_BLOCK)
    {
      const int n_channels = MIN (ATL_CHANNEL_BLOCK, window->c_in - first);
      const int tap_size = n_channels * ATL_CPU_LANES;

      for (int a = 0; a < phase->tap_rows; a++)
        for (int b = 0; b < phase->tap_columns; b++)
          {
            const size_t tap = phase->first_tap + a * phase->tap_row + b * phase->tap_column;
            const float *wt = w + tap * tap_size;
            const float *xt = x + a * window->view.row + b * ATL_CHANNEL_BLOCK;

            if (n_channels == ATL_CHANNEL_BLOCK)
              {
                ATL_UNROLL
                for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
                  atl_add_channel (acc, xt + i, x_step, wt + i * ATL_CPU_LANES, ATL_AT_ONCE);
              }
            else if (n_channels == 3) /* colours */
              {
                ATL_UNROLL
                for (int i = 0; i < 3; i++)
                  atl_add_channel (acc, xt + i, x_step, wt + i * ATL_CPU_LANES, ATL_AT_ONCE);
              }
            else
              for (int i = 0; i < n_channels; i++)
                atl_add_channel (acc, xt + i, x_step, wt + i * ATL_CPU_LANES, ATL_AT_ONCE);
          }
      x += window->view.block;
      w += (size_t) window->n_taps * tap_size;
    }

  atl_store_sums (sums, ATL_CPU_LANES, acc, ATL_AT_ONCE);
}

/* Sums of n_pixels outputs from x; reads the input of up to ATL_AT_ONCE - 1 more. */
static void
sum_tile (float *sums, const Window *window, const float *x, int n_pixels)
{
  if (window->x_step == ATL_CHANNEL_BLOCK)
    for (int p = 0; p < n_pixels; p += ATL_AT_ONCE)
      sum_pixels (sums + p * ATL_CPU_LANES, window, x + p * ATL_CHANNEL_BLOCK, ATL_CHANNEL_BLOCK);
  else
    for (int p = 0; p < n_pixels; p += ATL_AT_ONCE)
      sum_pixels (sums + p * ATL_CPU_LANES, window, x + (size_t) p * window->x_step,
                  window->x_step);
}

/* ATL_WIDE channel blocks of n_pixels sums (x ATL_CPU_LANES), of a row of the phase's outputs. */
static void
store_channels (const AtlStore *store, const Phase *phase, int row, int column, int n_pixels,
                const float *sums)
{
  for (int p = 0; p < n_pixels; p++)
    atl_store_pixel (store, atl_load_wide (sums + p * ATL_CPU_LANES),
                     phase->y_row + row * phase->y_step,
                     phase->y_column + (column + p) * phase->y_step);
}

/* The outputs of a block in ATL_CPU_LANES channels. */
static void
compute_channels (const Job *job, const Window *window, int image, const AtlBlock *block,
                  int channel)
{
  const Phase *phase = window->phase;
  const int n_lanes = MIN (ATL_CPU_LANES, job->sides.c_out - channel);
  float sums[TILE * ATL_CPU_LANES] __attribute__ ((aligned (ATL_ALIGNMENT)));
  AtlStore stores[ATL_CPU_LANES / ATL_CHANNEL_BLOCK / ATL_WIDE];
  int n_stores = 0;

  for (; n_stores * ATL_WIDE_CHANNELS < n_lanes; n_stores++)
    stores[n_stores] = atl_store_of_outputs (&job->sides, image,
                                             channel + n_stores * ATL_WIDE_CHANNELS);

  for (int r = 0; r < block->n_rows; r++)
    for (int q = 0; q < block->n_columns; q += TILE)
      {
        const float *x = window->view.x + (size_t) r * phase->step * window->view.row
                         + (size_t) q * window->x_step;
        const int n_pixels = MIN (TILE, block->n_columns - q);

        sum_tile (sums, window, x, n_pixels);
        for (int i = 0; i < n_stores; i++)
          store_channels (&stores[i], phase, block->row + r, block->column + q, n_pixels,
                          sums + i * ATL_WIDE_CHANNELS);
      }
}

/* All outputs of a block. */
static void
compute_block (const Job *job, const Phase *phase, int image, const AtlBlock *block, float *buffer)
{
  const AtlConvSides *sides = &job->sides;
  const int n_read = atl_divide_up (block->n_columns, ATL_AT_ONCE) * ATL_AT_ONCE;
  const int n_taps = job->conv->kernel * job->conv->kernel;
  const int b_in = atl_channel_blocks (sides->c_in);
  const float *x = sides->x + (size_t) image * b_in * sides->h_in * sides->w_in * ATL_CHANNEL_BLOCK;
  Window window = {
    .view = atl_view (x, b_in, sides->h_in, sides->w_in, block->row * phase->step + phase->top,
                      block->column * phase->step + phase->left,
                      (block->n_rows - 1) * phase->step + MAX (phase->tap_rows, 1),
                      (n_read - 1) * phase->step + MAX (phase->tap_columns, 1), buffer),
    .c_in = sides->c_in,
    .n_taps = n_taps,
    .x_step = phase->step * ATL_CHANNEL_BLOCK,
    .phase = phase,
  };

  for (int channel = 0; channel < sides->c_out; channel += ATL_CPU_LANES)
    {
      window.w = job->packed + (size_t) channel * n_taps * sides->c_in;
      compute_channels (job, &window, image, block, channel);
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

/* A chunk is a block of a phase of an image. */
static void
run_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int n_blocks = job->grid.n_down * job->grid.n_across;
  const int stride = job->conv->stride;
  const int index = chunk % n_blocks;
  int image = chunk / n_blocks;
  Phase phase;

  if (job->transposed)
    {
      const int residue = image % (stride * stride);

      image /= stride * stride;
      phase = phase_of_gradient (job, residue / stride, residue % stride);
    }
  else
    phase = phase_of_forward (job);

  AtlGrid grid = job->grid;
  grid.height = phase.height;
  grid.width = phase.width;
  const AtlBlock block = atl_grid_block (&grid, index);

  if (block.n_rows > 0 && block.n_columns > 0)
    compute_block (job, &phase, image, &block, job->scratch + worker * job->worker_scratch);
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

/* Floats for the copied input of a block. */
static size_t
worker_scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlGrid grid = grid_of (conv, pass);
  const gboolean forward = pass == ATL_PASS_FORWARD;
  const int step = forward ? conv->stride : 1;
  const int n_read = atl_divide_up (grid.n_columns, ATL_AT_ONCE) * ATL_AT_ONCE;

  return (size_t) atl_padded_channels (forward ? conv->c_in : conv->c_out)
         * ((grid.n_rows - 1) * step + conv->kernel) * ((n_read - 1) * step + conv->kernel);
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  return worker_scratch_size (conv, pass) * atl_threads_count ();
}

static void
forward (float *y, const float *x, const float *packed, const AtlConv2d *conv,
         const AtlConvEpilogue *epilogue, float *scratch)
{
  Job job = {
    .sides = atl_sides_of_forward (y, x, conv, epilogue),
    .packed = packed,
    .conv = conv,
    .grid = grid_of (conv, ATL_PASS_FORWARD),
    .scratch = scratch,
    .worker_scratch = worker_scratch_size (conv, ATL_PASS_FORWARD),
  };

  atl_parallel_for (conv->n * job.grid.n_down * job.grid.n_across, run_chunk, &job);
}

static void
transposed (float *y, const float *x, const float *packed, const AtlConv2d *conv,
            const AtlConvEpilogue *epilogue, float factor, float *scratch)
{
  Job job = {
    .sides = atl_sides_of_transposed (y, x, conv, epilogue, factor),
    .packed = packed,
    .conv = conv,
    .transposed = TRUE,
    .grid = grid_of (conv, ATL_PASS_DATA),
    .scratch = scratch,
    .worker_scratch = worker_scratch_size (conv, ATL_PASS_DATA),
  };

  atl_parallel_for (conv->n * conv->stride * conv->stride * job.grid.n_down * job.grid.n_across,
                    run_chunk, &job);
}

/* Packing: C_out / L x C_in / 8 x K x K x (8, or what is left in the last block) x L, L being ATL_CPU_LANES. */

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
  float *to = job->packed + (size_t) chunk * ATL_CPU_LANES * w->n_taps * w->n_in;

  for (int first = 0; first < w->n_in; first += ATL_CHANNEL_BLOCK)
    for (int tap = 0; tap < w->n_taps; tap++)
      for (int i = first; i < MIN (first + ATL_CHANNEL_BLOCK, w->n_in); i++)
        for (int lane = 0; lane < ATL_CPU_LANES; lane++)
          *to++ = atl_weight_at (w, chunk * ATL_CPU_LANES + lane, i, tap);
}

static size_t
packed_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlConvWeights w = atl_conv_weights (NULL, conv, pass);

  return (size_t) atl_divide_up (w.n_out, ATL_CPU_LANES) * ATL_CPU_LANES * w.n_taps * w.n_in;
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
