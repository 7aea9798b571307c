/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Convolution with stride 1 to at most four output channels, and transposed ones, of any stride, to as many. Four
 * outputs would leave most of a vector empty, so the taps are laid beside them:
 *
 *   P[j, p] = sum over i of w[j, i] x[i, p]          for each input pixel p, j = (a K + b) C_out + o
 *
 *   z[o, r, q] = sum over a, b of P[(a K + b) C_out + o, ((r + top + a) / s, (q + left + b) / s)]
 *
 * where s, the stride of a transposed convolution, divides; its kernel is turned. P is made for a row of input
 * pixels at a time, whose products are then added to the rows of outputs that they belong to: for all rows of a
 * small kernel at once, for those of a large one each in its turn, so that they stay in the first-level cache.
 *
 * The weights are packed as sets x n_products / L x C_in x L, L being ATL_CPU_LANES, where a set is the rows of the
 * kernel taken at once and C_in is rounded up to whole channel blocks.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/conv2d.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  MOST_OUTPUTS = ATL_CPU_NARROW, /* channels */
  SMALL_KERNEL = 32,             /* products of all its taps */
  BLOCK_PIXELS = 1536 /* outputs of a block: 16 rows of 96, since each row of taps reads more */
};

typedef float Outputs __attribute__ ((vector_size (4 * MOST_OUTPUTS)));
typedef int OutputMask __attribute__ ((vector_size (4 * MOST_OUTPUTS)));
typedef float OutputsMemory
    __attribute__ ((vector_size (4 * MOST_OUTPUTS), aligned (4), may_alias));

typedef struct
{
  AtlConvSides sides;
  const float *packed;
  int kernel, stride, top, left;
  int n_rows_of_set; /* rows of the kernel */
  int n_products;    /* of a pixel and a set: a multiple of ATL_CPU_LANES */
  AtlGrid grid;
  float *scratch;
  size_t worker_scratch;
} Job;

/* Rows of the kernel that are taken at once. */
static int
rows_of_set (int kernel, int c_out)
{
  return kernel * kernel * c_out <= SMALL_KERNEL ? kernel : 1;
}

/* Products of a pixel and a set. */
static int
products_of_pixel (int kernel, int c_out)
{
  return atl_round_up (rows_of_set (kernel, c_out) * kernel * c_out, ATL_CPU_LANES);
}

/* Input pixels of a row that n_columns outputs read; a multiple of ATL_AT_ONCE. */
static int
pixels_of_row (int n_columns, int kernel, int stride)
{
  return atl_round_up ((n_columns + kernel - 2) / stride + 1, ATL_AT_ONCE);
}

/* The first input row (or column) at or behind a position of the stretched input, which may be negative. */
static int
first_input (int position, int stride)
{
  return position >= 0 ? atl_divide_up (position, stride) : -(-position / stride);
}

/* The products of a row of input pixels with a set. */
static void
multiply_row (const Job *job, const AtlView *view, int n_pixels, int set, float *products)
{
  const int b_in = atl_channel_blocks (job->sides.c_in);
  const float *w = job->packed + (size_t) set * job->n_products * b_in * ATL_CHANNEL_BLOCK;

  for (int j = 0; j < job->n_products; j += ATL_CPU_LANES)
    {
      for (int p = 0; p < n_pixels; p += ATL_AT_ONCE)
        {
          AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS];

          atl_clear_sums (sums, ATL_AT_ONCE);
          for (int b = 0; b < b_in; b++)
            {
              const float *x = view->x + b * view->block + (size_t) p * ATL_CHANNEL_BLOCK;
              const float *wb = w + (size_t) b * ATL_CHANNEL_BLOCK * ATL_CPU_LANES;

              /* The next row, once. A block's rows are too short for the processor to see where they lead. */
              for (int q = 0; set == 0 && j == 0 && q < ATL_AT_ONCE; q += 2)
                __builtin_prefetch (x + view->row + q * ATL_CHANNEL_BLOCK, 0, 2);

              ATL_UNROLL
              for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
                atl_add_channel (sums, x + i, ATL_CHANNEL_BLOCK, wb + i * ATL_CPU_LANES,
                                 ATL_AT_ONCE);
            }
          atl_store_sums (products + (size_t) p * job->n_products + j, job->n_products, sums,
                          ATL_AT_ONCE);
        }
      w += (size_t) b_in * ATL_CHANNEL_BLOCK * ATL_CPU_LANES;
    }
}

/* Adds the products of row a of a set to a row of the outputs of a block. What lies beyond the output
 * channels are other products, which are left out in the end. */
static void
add_products (const Job *job, float *outputs, const float *products, int a, const AtlBlock *block)
{
  const int k = job->kernel, s = job->stride, c_out = job->sides.c_out;
  const int position = block->column + job->left;
  int first_tap = first_input (position, s) * s - position;

  products += a * k * c_out;
  for (int q = 0; q < block->n_columns; q++)
    {
      const float *from = products + first_tap * c_out;
      Outputs sum = *(OutputsMemory *) (outputs + q * MOST_OUTPUTS);

      for (int b = first_tap; b < k; b += s)
        {
          sum += *(const OutputsMemory *) from;
          from += job->n_products + s * c_out;
        }
      *(OutputsMemory *) (outputs + q * MOST_OUTPUTS) = sum;

      /* The next output is one tap nearer to the same input, or behind it. */
      if (--first_tap < 0)
        {
          first_tap = s - 1;
          products += job->n_products;
        }
    }
}

static void
store_outputs (const Job *job, const float *outputs, int image, const AtlBlock *block)
{
  const AtlStore store = atl_store_of_outputs (&job->sides, image, 0);
  OutputMask mask;

  for (int o = 0; o < MOST_OUTPUTS; o++)
    mask[o] = o < job->sides.c_out ? -1 : 0;

  for (int r = 0; r < block->n_rows; r++)
    for (int q = 0; q < block->n_columns; q++, outputs += MOST_OUTPUTS)
      {
        const Outputs sum = *(const OutputsMemory *) outputs;
        const Outputs z = (Outputs) ((OutputMask) sum & mask);

        atl_store_pixel (
            &store,
            atl_widen (__builtin_shufflevector (z, (Outputs) { 0.0f }, 0, 1, 2, 3, 4, 5, 6, 7)),
            block->row + r, block->column + q);
      }
}

/* A chunk is a block of an image. */
static void
run_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlConvSides *sides = &job->sides;
  const int n_blocks = job->grid.n_down * job->grid.n_across, image = chunk / n_blocks;
  const AtlBlock block = atl_grid_block (&job->grid, chunk % n_blocks);
  const int k = job->kernel, s = job->stride;
  const int n_pixels = pixels_of_row (block.n_columns, k, s);
  const AtlImage x = atl_image_of_sides (sides, image);
  float *outputs = job->scratch + worker * job->worker_scratch;
  float *products = outputs + (size_t) block.n_rows * block.n_columns * MOST_OUTPUTS;
  float *buffer = products + (size_t) n_pixels * job->n_products + MOST_OUTPUTS;

  memset (outputs, 0, (size_t) block.n_rows * block.n_columns * MOST_OUTPUTS * sizeof (float));

  const int position = block.row + job->top, column = first_input (block.column + job->left, s);
  const int last_row = MIN ((position + block.n_rows + k - 2) / s, sides->h_in - 1);
  for (int row = MAX (first_input (position, s), 0); row <= last_row; row++)
    {
      /* Output row r meets it with the kernel's row reach - r. */
      const int reach = row * s - position;
      const AtlView view = atl_view (&x, row, column, 1, n_pixels, buffer);

      for (int a = 0; a < k; a += job->n_rows_of_set)
        {
          const int first = MAX (reach - a - job->n_rows_of_set + 1, 0);
          const int last = MIN (reach - a, block.n_rows - 1);

          if (first > last)
            continue;
          multiply_row (job, &view, n_pixels, a / job->n_rows_of_set, products);
          for (int r = first; r <= last; r++)
            add_products (job, outputs + (size_t) r * block.n_columns * MOST_OUTPUTS, products,
                          reach - a - r, &block);
        }
    }
  store_outputs (job, outputs, image, &block);
}

/* Outputs, products, and the copy of a row at the border of the picture. */
static size_t
worker_scratch_size (const AtlGrid *grid, int kernel, int stride, int c_in, int c_out)
{
  const size_t n_pixels = pixels_of_row (grid->n_columns, kernel, stride);
  const size_t n = (size_t) grid->n_rows * grid->n_columns * MOST_OUTPUTS
                   + n_pixels * products_of_pixel (kernel, c_out) + MOST_OUTPUTS
                   + n_pixels * atl_padded_channels (c_in);

  return atl_floats_aligned (n);
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const gboolean forward = pass == ATL_PASS_FORWARD;
  const AtlGrid grid = forward ? atl_grid (conv->h_out, conv->w_out, BLOCK_PIXELS)
                               : atl_grid (conv->h_in, conv->w_in, BLOCK_PIXELS);

  return worker_scratch_size (&grid, conv->kernel, conv->stride, forward ? conv->c_in : conv->c_out,
                              forward ? conv->c_out : conv->c_in)
         * atl_threads_count ();
}

static void
run (const AtlConvSides *sides, const float *packed, const AtlConv2d *conv, int pad_top,
     int pad_left, float *scratch)
{
  Job job = {
    .sides = *sides,
    .packed = packed,
    .kernel = conv->kernel,
    .stride = conv->stride,
    .top = -pad_top,
    .left = -pad_left,
    .n_rows_of_set = rows_of_set (conv->kernel, sides->c_out),
    .n_products = products_of_pixel (conv->kernel, sides->c_out),
    .grid = atl_grid (sides->h, sides->w, BLOCK_PIXELS),
    .scratch = scratch,
  };

  job.worker_scratch = worker_scratch_size (&job.grid, conv->kernel, conv->stride, sides->c_in,
                                            sides->c_out);
  atl_parallel_for (sides->n * job.grid.n_down * job.grid.n_across, run_chunk, &job);
}

static void
forward (float *y, const float *x, const float *packed, const AtlConv2d *conv,
         const AtlConvEpilogue *epilogue, float *scratch)
{
  const AtlConvSides sides = atl_sides_of_forward (y, x, conv, epilogue);

  run (&sides, packed, conv, conv->pad_top, conv->pad_left, scratch);
}

static void
transposed (float *y, const float *x, const float *packed, const AtlConv2d *conv,
            const AtlConvEpilogue *epilogue, float factor, float *scratch)
{
  const AtlConvSides sides = atl_sides_of_transposed (y, x, conv, epilogue, factor);

  run (&sides, packed, conv, conv->kernel - 1 - conv->pad_top, conv->kernel - 1 - conv->pad_left,
       scratch);
}

static size_t
packed_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlConvWeights w = atl_conv_weights (NULL, conv, pass);

  return (size_t) conv->kernel / rows_of_set (conv->kernel, w.n_out)
         * products_of_pixel (conv->kernel, w.n_out) * atl_padded_channels (w.n_in);
}

static void
pack (float *packed, const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  const AtlConvWeights w = atl_conv_weights (weight, conv, pass);
  const int n_rows = rows_of_set (conv->kernel, w.n_out), n_taps = n_rows * conv->kernel;
  const int n_products = products_of_pixel (conv->kernel, w.n_out);

  for (int tap = 0; tap < w.n_taps; tap += n_taps)
    for (int first = 0; first < n_products; first += ATL_CPU_LANES)
      for (int i = 0; i < atl_padded_channels (w.n_in); i++)
        for (int j = first; j < first + ATL_CPU_LANES; j++)
          *packed++ = j < n_taps * w.n_out ? atl_weight_at (&w, j % w.n_out, i, tap + j / w.n_out)
                                           : 0.0f;
}

const AtlCpuConv2d ATL_CPU_CONV2D_NARROW = {
  .packed_size = packed_size,
  .pack = pack,
  .scratch_size = scratch_size,
  .forward = forward,
  .transposed = transposed,
};
