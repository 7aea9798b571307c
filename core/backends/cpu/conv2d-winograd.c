/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 3 x 3 convolution with stride 1, and the gradient of its input, by Winograd's F(T x T, 3 x 3), see
 * winograd.h, where P = (T + 2)^2. The gradient is the convolution of dy with the turned kernel.
 *
 * A block of N tiles goes through three stages, all of whose numbers stay in the second-level cache:
 *
 *   V[k, i, t] = inputs of tile t in channel i, transformed         P x C_in x N
 *   M[k, t, o] = sum over i of U[k, i, o] V[k, i, t]                P x N x 16, for 16 channels o
 *   y          = M transformed back, through the epilogue           N x T x T x 16
 *
 * U, the transformed weights, is made when they are packed: C_out / 16 x P x C_in x 16, where C_in is
 * rounded up to whole channel blocks.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/conv2d.h"
#include "backends/cpu/tiles.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  /* Between the products' parts of V and M, so that they do not all compete for the same lines of the cache. */
  GAP = ATL_ALIGNMENT / sizeof (float)
};

typedef struct
{
  AtlConvSides sides;
  const float *packed;
  int pad_top, pad_left;
  AtlTiles tiles;
  int n_block; /* N: tiles of a block */
  float *scratch;
  size_t worker_scratch;
} Job;

/* The memory of a worker. */
typedef struct
{
  float *v, *m, *transform;
} Scratch;

/* Tiles of a block: a multiple of ATL_AT_ONCE. For 64 channels V then takes 196 to 216 KiB and U is read
 * once for 12 tiles or more; twice as many were slower for 128 channels, half as many everywhere. */
static int
tiles_of_block (int c_in)
{
  return ATL_TILE == 6 || c_in > 96 ? 12 : 24;
}

static size_t
size_of_v (int c_in, int n_block)
{
  return (size_t) atl_padded_channels (c_in) * n_block + GAP;
}

static size_t
size_of_m (int n_block)
{
  return (size_t) n_block * ATL_CPU_LANES + GAP;
}

static size_t
worker_scratch_size (int c_in)
{
  const int n_block = tiles_of_block (c_in);
  const size_t n = ATL_PRODUCTS * (size_of_v (c_in, n_block) + size_of_m (n_block))
                   + atl_transform_scratch_size (n_block);

  return (n + GAP - 1) / GAP * GAP;
}

static Scratch
scratch_of_worker (const Job *job, int worker)
{
  Scratch s = { .v = job->scratch + worker * job->worker_scratch };

  s.m = s.v + ATL_PRODUCTS * size_of_v (job->sides.c_in, job->n_block);
  s.transform = s.m + ATL_PRODUCTS * size_of_m (job->n_block);
  return s;
}

/* The first stage: the tiles of a segment, of which 'first' is the first one's number in the block. */
static void
transform_inputs (const Job *job, const Scratch *scratch, const AtlSegment *segment, int first)
{
  const AtlConvSides *sides = &job->sides;
  const int b_in = atl_channel_blocks (sides->c_in);
  const size_t plane = (size_t) sides->h_in * sides->w_in * ATL_CHANNEL_BLOCK;

  for (int b = 0; b < b_in; b++)
    {
      const AtlTiled tiled = {
        .x = sides->x + ((size_t) segment->image * b_in + b) * plane,
        .h = sides->h_in,
        .w = sides->w_in,
        .top = -job->pad_top,
        .left = -job->pad_left,
      };
      const AtlProducts v = {
        .v = scratch->v + ((size_t) b * job->n_block + first) * ATL_CHANNEL_BLOCK,
        .product_step = size_of_v (sides->c_in, job->n_block),
        .tile_step = ATL_CHANNEL_BLOCK,
      };

      atl_transform_segment (&v, &tiled, segment, ATL_TILE_INPUTS, scratch->transform);
    }
}

/* The second stage. */

/* M of ATL_AT_ONCE tiles and 16 output channels. */
static void
multiply_tiles (float *m, const float *v, const float *u, int b_in, int n_block)
{
  AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS];

  atl_clear_sums (sums);
  for (int b = 0; b < b_in; b++)
    {
      ATL_UNROLL
      for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
        atl_add_channel (sums, v + i, ATL_CHANNEL_BLOCK, u + i * ATL_CPU_LANES);
      v += (size_t) n_block * ATL_CHANNEL_BLOCK;
      u += ATL_CHANNEL_BLOCK * ATL_CPU_LANES;
    }

  atl_store_sums (m, ATL_CPU_LANES, sums);
}

/* Asks for the memory of a tile's outputs in 16 channels, while there is something else to do. Inlined,
 * since GCC finds that a function that only does this does nothing, and leaves out its calls. */
ATL_ALWAYS_INLINE void
prefetch_outputs (const Job *job, int tile, int channel)
{
  const AtlConvSides *sides = &job->sides;
  const AtlSegment segment = atl_segment_at (&job->tiles, tile, tile + 1);
  const int row = segment.row * ATL_TILE, column = segment.column * ATL_TILE;
  const int b_out = atl_channel_blocks (sides->c_out), first = channel / ATL_CHANNEL_BLOCK;
  const size_t pixels_of_line = ATL_ALIGNMENT / (ATL_CHANNEL_BLOCK * sizeof (float));

  for (int b = first; b < MIN (first + ATL_CPU_LANES / ATL_CHANNEL_BLOCK, b_out); b++)
    for (int r = row; r < MIN (row + ATL_TILE, sides->h); r++)
      {
        const float *y = sides->y
                         + ((((size_t) segment.image * b_out + b) * sides->h + r) * sides->w
                            + column)
                               * ATL_CHANNEL_BLOCK;

        for (size_t q = 0; q < ATL_TILE; q += pixels_of_line)
          __builtin_prefetch (y + q * ATL_CHANNEL_BLOCK, 1);
      }
}

/* M of a block whose first tile is 'begin', for 16 channels from 'channel' on; u: P x C_in x 16. */
static void
multiply (const Job *job, const Scratch *scratch, const float *u, int begin, int n_tiles,
          int channel)
{
  const int b_in = atl_channel_blocks (job->sides.c_in);
  const size_t v_size = size_of_v (job->sides.c_in, job->n_block);
  const size_t m_size = size_of_m (job->n_block);

  for (int k = 0; k < ATL_PRODUCTS; k++)
    {
      if (k < n_tiles)
        prefetch_outputs (job, begin + k, channel);
      for (int t = 0; t < n_tiles; t += ATL_AT_ONCE)
        multiply_tiles (scratch->m + k * m_size + (size_t) t * ATL_CPU_LANES,
                        scratch->v + k * v_size + (size_t) t * ATL_CHANNEL_BLOCK,
                        u + (size_t) k * b_in * ATL_CHANNEL_BLOCK * ATL_CPU_LANES, b_in,
                        job->n_block);
    }
}

/* The third stage. */

/* The outputs of a tile in eight channels; n_rows x n_columns of them, from (row, column), exist. */
ATL_ALWAYS_INLINE void
store_tile (const AtlStore *store, const float *m, size_t m_size, int row, int column, int n_rows,
            int n_columns)
{
  AtlVector8 half[ATL_POINTS][ATL_TILE];

  for (int i = 0; i < ATL_POINTS; i++)
    {
      AtlVector8 line[ATL_POINTS];

      for (int j = 0; j < ATL_POINTS; j++)
        line[j] = atl_load8 (m + (i * ATL_POINTS + j) * m_size);
      atl_winograd_outputs (half[i], line);
    }

  for (int j = 0; j < n_columns; j++)
    {
      AtlVector8 line[ATL_POINTS], y[ATL_TILE];

      for (int i = 0; i < ATL_POINTS; i++)
        line[i] = half[i][j];
      atl_winograd_outputs (y, line);
      for (int i = 0; i < n_rows; i++)
        atl_store_pixel (store, y[i], row + i, column + j);
    }
}

/* m: of the first tile of the segment. */
static void
store_segment (const Job *job, const AtlSegment *segment, const float *m, int channel)
{
  const AtlConvSides *sides = &job->sides;
  const AtlStore store = atl_store_of_block (sides, segment->image, channel);
  const size_t m_size = size_of_m (job->n_block);

  for (int t = 0; t < segment->n_tiles; t++)
    {
      const int row = segment->row * ATL_TILE, column = (segment->column + t) * ATL_TILE;
      const int n_rows = MIN (ATL_TILE, sides->h - row);
      const int n_columns = MIN (ATL_TILE, sides->w - column);
      const float *from = m + (size_t) t * ATL_CPU_LANES;

      if (n_rows == ATL_TILE && n_columns == ATL_TILE)
        store_tile (&store, from, m_size, row, column, ATL_TILE, ATL_TILE);
      else
        store_tile (&store, from, m_size, row, column, n_rows, n_columns);
    }
}

/* A chunk is a block of tiles. */
static void
run_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Scratch scratch = scratch_of_worker (job, worker);
  const int begin = chunk * job->n_block, end = MIN (begin + job->n_block, job->tiles.n);
  const size_t u_size = (size_t) ATL_PRODUCTS * atl_padded_channels (job->sides.c_in)
                        * ATL_CPU_LANES;
  AtlSegment segment;

  for (int tile = begin; tile < end; tile += segment.n_tiles)
    {
      segment = atl_segment_at (&job->tiles, tile, end);
      transform_inputs (job, &scratch, &segment, tile - begin);
    }

  for (int channel = 0; channel < job->sides.c_out; channel += ATL_CPU_LANES)
    {
      multiply (job, &scratch, job->packed + channel / ATL_CPU_LANES * u_size, begin, end - begin,
                channel);
      for (int half = 0; half < ATL_CPU_LANES && channel + half < job->sides.c_out;
           half += ATL_CHANNEL_BLOCK)
        for (int tile = begin; tile < end; tile += segment.n_tiles)
          {
            segment = atl_segment_at (&job->tiles, tile, end);
            store_segment (job, &segment,
                           scratch.m + (size_t) (tile - begin) * ATL_CPU_LANES + half,
                           channel + half);
          }
    }
}

static void
run (const AtlConvSides *sides, const float *packed, int pad_top, int pad_left, float *scratch)
{
  Job job = {
    .sides = *sides,
    .packed = packed,
    .pad_top = pad_top,
    .pad_left = pad_left,
    .tiles = atl_tiles (sides->n, sides->h, sides->w),
    .n_block = tiles_of_block (sides->c_in),
    .scratch = scratch,
    .worker_scratch = worker_scratch_size (sides->c_in),
  };

  atl_parallel_for (atl_divide_up (job.tiles.n, job.n_block), run_chunk, &job);
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  return worker_scratch_size (pass == ATL_PASS_FORWARD ? conv->c_in : conv->c_out)
         * atl_threads_count ();
}

static void
forward (float *y, const float *x, const float *packed, const AtlConv2d *conv,
         const AtlConvEpilogue *epilogue, float *scratch)
{
  const AtlConvSides sides = atl_sides_of_forward (y, x, conv, epilogue);

  run (&sides, packed, conv->pad_top, conv->pad_left, scratch);
}

static void
transposed (float *y, const float *x, const float *packed, const AtlConv2d *conv,
            const AtlConvEpilogue *epilogue, float factor, float *scratch)
{
  const AtlConvSides sides = atl_sides_of_transposed (y, x, conv, epilogue, factor);

  run (&sides, packed, conv->kernel - 1 - conv->pad_top, conv->kernel - 1 - conv->pad_left,
       scratch);
}

/* Packing. */

typedef struct
{
  AtlConvWeights weights;
  float *packed;
} PackJob;

/* U = G w G^T for one input and 16 output channels; to: P x 16, u_size apart. */
static void
transform_weights (float *to, size_t u_size, const float w[3][3][ATL_CPU_LANES])
{
  float half[ATL_POINTS][3][ATL_CPU_LANES];

  for (int i = 0; i < ATL_POINTS; i++)
    for (int b = 0; b < 3; b++)
      for (int lane = 0; lane < ATL_CPU_LANES; lane++)
        half[i][b][lane] = atl_winograd_g[i][0] * w[0][b][lane]
                           + atl_winograd_g[i][1] * w[1][b][lane]
                           + atl_winograd_g[i][2] * w[2][b][lane];

  for (int i = 0; i < ATL_POINTS; i++)
    for (int j = 0; j < ATL_POINTS; j++)
      for (int lane = 0; lane < ATL_CPU_LANES; lane++)
        to[(i * ATL_POINTS + j) * u_size + lane] = atl_winograd_g[j][0] * half[i][0][lane]
                                                   + atl_winograd_g[j][1] * half[i][1][lane]
                                                   + atl_winograd_g[j][2] * half[i][2][lane];
}

/* A chunk is 16 output channels. */
static void
pack_chunk (int chunk, int worker, void *data)
{
  const PackJob *job = data;
  const AtlConvWeights *weights = &job->weights;
  const size_t u_size = (size_t) atl_padded_channels (weights->n_in) * ATL_CPU_LANES;
  float *u = job->packed + chunk * ATL_PRODUCTS * u_size;
  float w[3][3][ATL_CPU_LANES];

  for (int i = 0; i < atl_padded_channels (weights->n_in); i++)
    {
      for (int tap = 0; tap < 9; tap++)
        for (int lane = 0; lane < ATL_CPU_LANES; lane++)
          w[tap / 3][tap % 3][lane] = atl_weight_at (weights, chunk * ATL_CPU_LANES + lane, i, tap);
      transform_weights (u + i * ATL_CPU_LANES, u_size, w);
    }
}

static size_t
packed_size (const AtlConv2d *conv, AtlPass pass)
{
  const AtlConvWeights weights = atl_conv_weights (NULL, conv, pass);

  return (size_t) atl_divide_up (weights.n_out, ATL_CPU_LANES) * ATL_CPU_LANES * ATL_PRODUCTS
         * atl_padded_channels (weights.n_in);
}

static void
pack (float *packed, const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  PackJob job = { .weights = atl_conv_weights (weight, conv, pass), .packed = packed };

  atl_parallel_for (atl_divide_up (job.weights.n_out, ATL_CPU_LANES), pack_chunk, &job);
}

const AtlCpuConv2d ATL_CPU_CONV2D_WINOGRAD = {
  .packed_size = packed_size,
  .pack = pack,
  .scratch_size = scratch_size,
  .forward = forward,
  .transposed = transposed,
};
