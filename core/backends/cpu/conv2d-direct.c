/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Convolution and the gradient of its input, computed directly, for any kernel, stride and size: sums over
 * channels and taps, as phases.h writes them.
 *
 * The outputs are divided into blocks of pixels and groups of ATL_CPU_LANES channels, and the input channels into
 * slices whose weights for a group stay in the first-level cache. The sums of some pixels and a group are held in
 * registers over all channels and taps of a slice: one or two vectors of weights are used for every pixel, each of
 * which gives one number, spread over a vector.
 *
 * Where no output sees more than one tap (1 x 1, and transposed convolutions whose windows do not overlap) and there
 * are many groups, the input of a block is first gathered in the order in which all of them read it. In place, each
 * channel block lies on a page of its own, often at the same place of the caches as the others.
 */

#include "backends/cpu/kernels.h"

#include <string.h>

#include "backends/cpu/blocks.h"
#include "backends/cpu/conv2d.h"
#include "backends/cpu/phases.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  BLOCK_PIXELS = 384, /* outputs of a block, about */
  GATHERED_NUMBERS =
      24576, /* of its input, about, if that is gathered: 96 KiB of the second-level cache */
  GATHERED_PIXELS = 48,             /* but not fewer outputs, if there are so many */
  GATHERED_GROUPS = 8,              /* with fewer that read it, it is not gathered */
  N_CHUNKS = 16,                    /* at least so many, if there are as many blocks and groups */
  SLICE_WEIGHTS = 4096,             /* of a slice and a group, 16 KiB */
  AT_ONCE_STORED = 2 * ATL_AT_ONCE, /* pixels, if there is one slice */
  FEW = 3 /* channels of a last block that get no weights for the channels that fill it: colours */
};

typedef struct
{
  AtlConvSides sides;
  const float *packed;
  const AtlConv2d *conv;
  AtlPass pass;
  gboolean gathered; /* the input of each block */
  AtlGrid grid;      /* of the largest phase */
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
channels_of_slice (const AtlPhase *phase)
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
  const float *w; /* packed; first tap of a group of output channels */
  int c_in, n_taps;
  int x_step;        /* floats between the input pixels of neighbouring outputs */
  size_t x_next;     /* and from the first of ATL_AT_ONCE outputs to that of the next ones */
  int n_slice;       /* input channels of a slice, whole blocks */
  gboolean gathered; /* the pixels lie in the order in which they are read: see gather_pixels () */
  const AtlPhase *phase;
} Window;

/* Adds n_blocks of n_channels to the sums of n pixels from x on, n x ATL_CPU_LANES numbers, at all taps; the first
 * ones set them. x_step, n_channels and n are constant. */
ATL_ALWAYS_INLINE void
sum_pixels (float *sums, const Window *window, const float *x, const int x_step, const float *w,
            int n_blocks, const int n_channels, const int n, gboolean first)
{
  const AtlPhase *phase = window->phase;
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

/* Groups of gathered pixels are whole, but for the last. */
static int
next_pixels (const Window *window, int n_left)
{
  return window->gathered ? MIN (ATL_AT_ONCE, atl_round_up (n_left, ATL_THIRD))
                          : atl_next_pixels (n_left);
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
      const int n = next_pixels (window, n_pixels - p), thirds = n / ATL_THIRD;

      if (n_blocks > 0)
        of_blocks[thirds](sums, window, x, w, n_blocks, first == 0);
      if (few)
        of_few[thirds](sums, window, x + n_blocks * window->view.block, w + w_blocks, 1,
                       first == 0 && n_blocks == 0);
      sums += n * ATL_CPU_LANES;
      x += window->gathered ? window->x_next : (size_t) n * window->x_step;
      p += n;
    }
}

/* The sums of a part of a block of outputs, from a multiple of ATL_AT_ONCE columns on. */
static void
sum_part (float *sums, const Window *window, const AtlBlock *part)
{
  const size_t x_row = window->phase->step * window->view.row;

  for (int first = 0; first < window->c_in; first += window->n_slice)
    for (int r = 0; r < part->n_rows; r++)
      {
        const float *x = window->view.x + (part->row + r) * x_row
                         + part->column / ATL_AT_ONCE * window->x_next;

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
store_row (const Stores *to, const AtlPhase *phase, int row, int column, int n_columns,
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

/* The same for n pixels of a block, counted row by row; of those to the right of the picture nothing is stored. */
static void
store_pixels (const Stores *to, const AtlPhase *phase, const AtlBlock *block, int first, int n,
              const float *sums)
{
  for (int i = 0, n_here; i < n; i += n_here)
    {
      const int row = block->row + (first + i) / block->n_columns;
      const int q = (first + i) % block->n_columns, column = block->column + q;

      n_here = MIN (n - i, block->n_columns - q);
      if (column < phase->width)
        store_row (to, phase, row, column, MIN (n_here, phase->width - column),
                   sums + i * ATL_CPU_LANES);
    }
}

/* The outputs of a block in a group of channels. Where there are several slices, each sees the whole block, so that
 * its weights are read once; else a few pixels at a time are stored while they are in the cache. Pixels that are
 * gathered follow each other as those of one row. */
static void
compute_group (const Job *job, const Window *window, int image, const AtlBlock *block, int group,
               float *sums)
{
  const gboolean one_slice = window->n_slice >= window->c_in;
  const int n_rows = window->gathered ? 1 : block->n_rows;
  const int n_columns = block->n_columns * (window->gathered ? block->n_rows : 1);
  const Stores to = stores_of_group (job, image, group);
  Window of_group = *window;
  AtlBlock part = { .n_rows = one_slice ? 1 : n_rows };

  of_group.w += (size_t) group * ATL_CPU_LANES * window->n_taps * packed_channels (window->c_in);
  for (part.row = 0; part.row < n_rows; part.row += part.n_rows)
    for (part.column = 0; part.column < n_columns; part.column += part.n_columns)
      {
        const int n_left = n_columns - part.column;

        part.n_columns = one_slice ? MIN (n_left, AT_ONCE_STORED) : n_left;
        sum_part (sums, &of_group, &part);
        for (int r = 0; r < part.n_rows; r++)
          store_pixels (&to, window->phase, block, (part.row + r) * n_columns + part.column,
                        part.n_columns, sums + r * sums_of_row (part.n_columns));
      }
}

/* All but where the input lies. */
static Window
window_of_phase (const Job *job, const AtlPhase *phase)
{
  return (Window) {
    .w = job->packed,
    .c_in = job->sides.c_in,
    .n_taps = job->conv->kernel * job->conv->kernel,
    .n_slice = channels_of_slice (phase),
    .phase = phase,
  };
}

/* The outputs of block 'index' of a phase in the groups from 'begin' to 'end'. */
static void
compute_block (const Job *job, const AtlPhase *phase, int image, int index, int begin, int end,
               float *scratch)
{
  const AtlImage x = atl_image_of_sides (&job->sides, image);
  Window window = window_of_phase (job, phase);
  AtlGrid grid = job->grid;

  grid.height = phase->height;
  grid.width = phase->width;

  const AtlBlock block = atl_grid_block (&grid, index);

  if (block.n_rows <= 0 || block.n_columns <= 0)
    return;
  window.view = atl_view (
      &x, block.row * phase->step + phase->top, block.column * phase->step + phase->left,
      (block.n_rows - 1) * phase->step + MAX (phase->tap_rows, 1),
      (atl_round_up (block.n_columns, ATL_THIRD) - 1) * phase->step + MAX (phase->tap_columns, 1),
      scratch + sums_of_block (&job->grid));
  window.x_step = phase->step * ATL_CHANNEL_BLOCK;
  window.x_next = (size_t) ATL_AT_ONCE * window.x_step;
  for (int group = begin; group < end; group++)
    compute_group (job, &window, image, &block, group, scratch);
}

/* Copies the pixels that a block of outputs sees: ATL_AT_ONCE of them, row by row, in one channel block after the
 * other; then the next ones. */
static void
gather_pixels (float *to, const AtlImage *x, const AtlPhase *phase, const AtlBlock *block)
{
  const size_t plane = atl_plane_size (x), size = ATL_AT_ONCE * ATL_CHANNEL_BLOCK;
  const int row = block->row * phase->step + phase->top;
  const int column = block->column * phase->step + phase->left;

  for (int b = 0; b < x->n_blocks; b++)
    {
      const float *from = x->planes + b * plane
                          + ((size_t) row * x->w + column) * ATL_CHANNEL_BLOCK;
      float *pixel = to + b * size, *end = pixel + size;

      for (int r = 0; r < block->n_rows; r++)
        for (int q = 0; q < block->n_columns; q++)
          {
            const size_t at = ((size_t) r * x->w + q) * phase->step * ATL_CHANNEL_BLOCK;

            if (pixel == end)
              {
                end += x->n_blocks * size;
                pixel = end - size;
              }
            atl_store8 (pixel, atl_load8 (from + at));
            pixel += ATL_CHANNEL_BLOCK;
          }
      memset (pixel, 0, (end - pixel) * sizeof (float));
    }
}

/* The items from 'begin' to 'end' of block 'index', all phases of a group being next to each other: so are their
 * outputs. The largest phase, which comes first, sees all pixels that the others see. */
static void
compute_gathered (const Job *job, int image, int index, int begin, int end, float *scratch)
{
  const AtlImage x = atl_image_of_sides (&job->sides, image);
  const AtlBlock all = atl_grid_block (&job->grid, index);
  const AtlPhase first = atl_phase_of_pass (job->conv, job->pass, 0);
  float *buffer = scratch + sums_of_block (&job->grid);

  gather_pixels (buffer, &x, &first, &all);
  for (int i = begin; i < end; i++)
    {
      const AtlPhase phase = atl_phase_of_pass (job->conv, job->pass, i % job->n_phases);
      Window window = window_of_phase (job, &phase);
      AtlBlock block = all;

      block.n_rows = block.column < phase.width ? MIN (block.n_rows, phase.height - block.row) : 0;
      window.gathered = TRUE;
      window.view = (AtlView) { .x = buffer, .block = ATL_AT_ONCE * ATL_CHANNEL_BLOCK };
      window.x_step = ATL_CHANNEL_BLOCK;
      window.x_next = x.n_blocks * window.view.block;
      if (block.n_rows > 0)
        compute_group (job, &window, image, &block, i / job->n_phases, scratch);
    }
}

/* A chunk is a part of the work on a block of an image: of the groups of its phases. All phases see the same input,
 * so they follow each other. */
static void
run_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int n_blocks = job->grid.n_down * job->grid.n_across;
  const int part = chunk % job->n_parts, index = chunk / job->n_parts % n_blocks;
  const int image = chunk / job->n_parts / n_blocks;
  const int n_items = job->n_phases * job->n_groups;
  const int begin = n_items * part / job->n_parts, end = n_items * (part + 1) / job->n_parts;
  float *scratch = job->scratch + worker * job->worker_scratch;

  if (job->gathered)
    {
      compute_gathered (job, image, index, begin, end, scratch);
      return;
    }
  for (int i = begin / job->n_groups; i * job->n_groups < end; i++)
    {
      const AtlPhase phase = atl_phase_of_pass (job->conv, job->pass, i);
      const int first = i * job->n_groups;

      compute_block (job, &phase, image, index, MAX (begin - first, 0),
                     MIN (end - first, job->n_groups), scratch);
    }
}

/* Whether each output sees one pixel at most, and those of all phases the same ones, none of which is padding. */
static gboolean
sees_one_pixel (const AtlConv2d *conv, AtlPass pass)
{
  const gboolean forward = pass == ATL_PASS_FORWARD;
  const int h = forward ? conv->h_in : conv->h_out, w = forward ? conv->w_in : conv->w_out;
  const int s = conv->stride;
  const AtlPhase phase = atl_phase_of_pass (conv, pass, 0);

  if (forward ? conv->kernel > 1 || conv->enlargement > 1
              : conv->kernel > s || conv->pad_top % s != 0 || conv->pad_left % s != 0)
    return FALSE;
  return phase.top >= 0 && phase.left >= 0 && phase.top + (phase.height - 1) * phase.step < h
         && phase.left + (phase.width - 1) * phase.step < w;
}

/* The groups of all phases with taps. */
static int
groups_that_read (const AtlConv2d *conv, AtlPass pass)
{
  const int n_groups = atl_divide_up (atl_outputs_of_pass (conv, pass), ATL_CPU_LANES);

  return pass == ATL_PASS_FORWARD ? n_groups : n_groups * conv->kernel * conv->kernel;
}

static gboolean
is_gathered (const AtlConv2d *conv, AtlPass pass)
{
  return sees_one_pixel (conv, pass) && groups_that_read (conv, pass) >= GATHERED_GROUPS;
}

/* The channels that a pass reads. */
static int
inputs_of_pass (const AtlConv2d *conv, AtlPass pass)
{
  return pass == ATL_PASS_FORWARD ? conv->c_in : conv->c_out;
}

/* The grid of the outputs, or of the largest phase of a gradient. */
static AtlGrid
grid_of (const AtlConv2d *conv, AtlPass pass)
{
  const AtlPhase largest = atl_phase_of_pass (conv, pass, 0);
  const int n_pixels = is_gathered (conv, pass)
                           ? CLAMP (GATHERED_NUMBERS / inputs_of_pass (conv, pass), GATHERED_PIXELS,
                                    BLOCK_PIXELS)
                           : BLOCK_PIXELS;

  return atl_grid (largest.height, largest.width, n_pixels);
}

/* Pixels of the input of a block: gathered, or copied with its border. */
static size_t
pixels_of_block (const AtlConv2d *conv, AtlPass pass)
{
  const AtlGrid grid = grid_of (conv, pass);
  const int step = pass == ATL_PASS_FORWARD ? conv->stride : 1;
  const size_t n_rows = (size_t) (grid.n_rows - 1) * step + conv->kernel;
  const int n_columns = (atl_round_up (grid.n_columns, ATL_THIRD) - 1) * step + conv->kernel;

  if (is_gathered (conv, pass))
    return atl_round_up (grid.n_rows * grid.n_columns, ATL_AT_ONCE);
  return n_rows * n_columns;
}

/* Floats for the sums and the input of a block. */
static size_t
worker_scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlGrid grid = grid_of (conv, pass);

  return atl_floats_aligned (sums_of_block (&grid)
                             + atl_padded_channels (inputs_of_pass (conv, pass))
                                   * pixels_of_block (conv, pass));
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
    .pass = pass,
    .gathered = is_gathered (conv, pass),
    .grid = grid_of (conv, pass),
    .n_phases = atl_phases_of_pass (conv, pass),
    .n_groups = atl_divide_up (sides->c_out, ATL_CPU_LANES),
    .scratch = scratch,
    .worker_scratch = worker_scratch_size (conv, pass),
  };
  const int n_blocks = conv->n * job.grid.n_down * job.grid.n_across;

  /* Each part gathers anew. */
  const int most = job.gathered ? groups_that_read (conv, pass) / GATHERED_GROUPS
                                : job.n_phases * job.n_groups;

  job.n_parts = CLAMP (N_CHUNKS / n_blocks, 1, most);
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
