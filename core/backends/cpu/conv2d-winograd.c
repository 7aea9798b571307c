/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 3 x 3 convolution with stride 1, and the gradient of its input, by Winograd's F(T x T, 3 x 3), see
 * winograd.h, where P = (T + 2)^2. The gradient is the convolution of dy with the turned kernel.
 *
 * A block of N tiles goes through three stages:
 *
 *   V[k, i, t] = inputs of tile t in channel i, transformed         P x C_in x N
 *   M[k, t, o] = sum over i of U[k, i, o] V[k, i, t]                P x N x L, for a group of L channels o
 *   y          = M transformed back, through the epilogue           N x T x T x L
 *
 * U, the transformed weights, is made when they are packed: C_out / L x P x C_in x L, where C_in is rounded up
 * to whole channel blocks and L is ATL_CPU_LANES.
 *
 * In a large picture each thread takes a block of its own, small enough for V and M to stay in the second-level
 * cache, and reads all of U for it. Deep in a network there are few tiles, and U is larger than that cache: there
 * the threads share a block, and divide each stage among them, the second by products and groups, so that U is
 * read once.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/conv2d.h"
#include "backends/cpu/tiles.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  /* Between the products' parts of V and M, so that they do not all compete for the same lines of the cache. */
  GAP = ATL_ALIGNMENT / sizeof (float),
  SHARED_TILES = 128, /* of a shared block, at most */
  STORED_TILES = 16,  /* of it, that are transformed back at once */
};

typedef struct
{
  AtlConvSides sides;
  const float *packed;
  int pad_top, pad_left;
  AtlTiles tiles;
  int n_block;    /* N: tiles of a block */
  int n_groups;   /* of output channels */
  int begin, end; /* tiles of the shared block */
  float *scratch;
} Job;

/* The memory of a block: V, M of one group (of all groups, if it is shared), and what a worker needs for the
 * first stage. */
typedef struct
{
  float *v, *m, *transform;
} Scratch;

/* Whether the threads share a block: if there are few tiles, or if U is too large to be read for each of many
 * small blocks. */
static gboolean
is_shared (const AtlTiles *tiles, int c_in, int c_out)
{
  return tiles->n <= SHARED_TILES || (gint64) c_in * c_out >= 256 * 256;
}

/* A multiple of ATL_AT_ONCE tiles. V of 64 channels then takes 196 to 442 KiB; fewer tiles, and U is read too
 * often; more, and V does not stay in the cache. */
static int
tiles_of_block (const AtlTiles *tiles, int c_in, int c_out)
{
  if (is_shared (tiles, c_in, c_out))
    return MIN (SHARED_TILES, tiles->n);
  return c_in > 96 ? 12 : 24;
}

static size_t
size_of_v (int c_in, int n_block)
{
  return (size_t) atl_round_up (c_in, ATL_WIDE_CHANNELS) * atl_round_up (n_block, ATL_AT_ONCE)
         + GAP;
}

static size_t
size_of_m (int n_block)
{
  return (size_t) atl_round_up (n_block, ATL_AT_ONCE) * ATL_CPU_LANES + GAP;
}

/* Floats of a block that one worker has, or all share. */
static size_t
block_size (int c_in, int n_block, int n_groups)
{
  return atl_floats_aligned (ATL_PRODUCTS
                             * (size_of_v (c_in, n_block) + n_groups * size_of_m (n_block)));
}

/* That of a block of one thread. */
static Scratch
scratch_of_worker (const Job *job, int worker)
{
  const size_t n = block_size (job->sides.c_in, job->n_block, 1);
  Scratch scratch = { .v = job->scratch + worker * (n + atl_transform_scratch_size ()) };

  scratch.m = scratch.v + ATL_PRODUCTS * size_of_v (job->sides.c_in, job->n_block);
  scratch.transform = scratch.v + n;
  return scratch;
}

/* That of a shared block. */
static Scratch
shared_scratch (const Job *job, int worker)
{
  const size_t n = block_size (job->sides.c_in, job->n_block, job->n_groups);

  return (Scratch) {
    .v = job->scratch,
    .m = job->scratch + ATL_PRODUCTS * size_of_v (job->sides.c_in, job->n_block),
    .transform = job->scratch + n + worker * atl_transform_scratch_size (),
  };
}

static float *
m_of_group (const Job *job, float *m, int group)
{
  return m + (size_t) group * ATL_PRODUCTS * size_of_m (job->n_block);
}

/* The first stage: the tiles from 'begin' to 'end' in the channel blocks from b on that are transformed together.
 * 'first' is the first tile of the block. */
static void
transform_inputs (const Job *job, const Scratch *scratch, int first, int begin, int end, int b)
{
  const AtlConvSides *sides = &job->sides;
  const int n_padded = atl_round_up (job->n_block, ATL_AT_ONCE);
  AtlSegment segment;

  for (int tile = begin; tile < end; tile += segment.n_tiles)
    {
      segment = atl_near_segment_at (&job->tiles, tile, end);

      const AtlImage image = atl_image_of_sides (sides, segment.image);
      const AtlTiled tiled = {
        .x = image.planes + b * atl_plane_size (&image),
        .next_block = b + 1 < image.n_blocks ? atl_plane_size (&image) : 0,
        .h = sides->h_in,
        .w = sides->w_in,
        .enlargement = sides->enlargement,
        .top = -job->pad_top,
        .left = -job->pad_left,
      };
      const AtlProducts v = {
        .v = scratch->v + ((size_t) b * n_padded + (tile - first)) * ATL_CHANNEL_BLOCK,
        .product_step = size_of_v (sides->c_in, job->n_block),
        .tile_step = ATL_CHANNEL_BLOCK,
        .block_step = (size_t) n_padded * ATL_CHANNEL_BLOCK,
      };

      atl_transform_segment (&v, &tiled, &segment, ATL_TILE_INPUTS, scratch->transform);
    }
}

/* The second stage. */

/* M of n tiles and a group of output channels, n being constant. */
ATL_ALWAYS_INLINE void
multiply_tiles (float *m, const float *v, const float *u, int b_in, int n_padded, const int n)
{
  AtlVector sums[ATL_AT_ONCE][ATL_N_VECTORS];

  atl_clear_sums (sums, n);
  for (int b = 0; b < b_in; b++)
    {
      ATL_UNROLL
      for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
        atl_add_channel (sums, v + i, ATL_CHANNEL_BLOCK, u + i * ATL_CPU_LANES, n);
      v += (size_t) n_padded * ATL_CHANNEL_BLOCK;
      u += ATL_CHANNEL_BLOCK * ATL_CPU_LANES;
    }

  atl_store_sums (m, ATL_CPU_LANES, sums, n);
}

/* M of product k for the first n_tiles of a block and a group of output channels. */
static void
multiply_product (const Job *job, const float *v, float *m, int k, int n_tiles, int group)
{
  const int b_in = atl_channel_blocks (job->sides.c_in);
  const int n_padded = atl_round_up (job->n_block, ATL_AT_ONCE);
  const float *u = job->packed
                   + ((size_t) group * ATL_PRODUCTS + k) * b_in * ATL_CHANNEL_BLOCK * ATL_CPU_LANES;

  v += k * size_of_v (job->sides.c_in, job->n_block);
  m += k * size_of_m (job->n_block);
  for (int t = 0; t < n_tiles;)
    {
      const int n = atl_next_pixels (n_tiles - t);

      if (n == ATL_AT_ONCE)
        multiply_tiles (m, v, u, b_in, n_padded, ATL_AT_ONCE);
      else if (n == 2 * ATL_THIRD)
        multiply_tiles (m, v, u, b_in, n_padded, 2 * ATL_THIRD);
      else
        multiply_tiles (m, v, u, b_in, n_padded, ATL_THIRD);
      v += n * ATL_CHANNEL_BLOCK;
      m += n * ATL_CPU_LANES;
      t += n;
    }
}

/* Asks for the memory of a tile's outputs in a group of channels, while there is something else to do. Inlined,
 * since GCC finds that a function that only does this does nothing, and leaves out its calls. */
ATL_ALWAYS_INLINE void
prefetch_outputs (const Job *job, int tile, int channel)
{
  const AtlConvSides *sides = &job->sides;
  const AtlSegment segment = atl_segment_at (&job->tiles, tile, tile + 1);
  const int row = segment.row * ATL_TILE, n_rows = MIN (ATL_TILE, sides->h - row);
  const int first = channel / ATL_CHANNEL_BLOCK, b_out = atl_channel_blocks (sides->c_out);
  const size_t y_row = atl_output_row (sides), y_column = atl_output_column (sides);
  const size_t line = ATL_ALIGNMENT / sizeof (float);

  for (int b = first; b < MIN (first + ATL_CPU_LANES / ATL_CHANNEL_BLOCK, b_out); b++)
    {
      const float *y = atl_output_address (sides, segment.image, b) + row * y_row
                       + segment.column * ATL_TILE * y_column;

      for (int r = 0; r < n_rows; r++)
        for (size_t q = 0; q < ATL_TILE * y_column; q += line)
          __builtin_prefetch (y + r * y_row + q, 1);
    }
}

/* The third stage. */

/* The outputs of a tile in ATL_WIDE channel blocks; n_rows x n_columns of them, from (row, column), exist. They
 * are stored row by row, since rows are often so far apart that the cache has room for a few of them only. */
ATL_ALWAYS_INLINE void
store_tile (const AtlStore *store, const float *m, size_t m_size, int row, int column, int n_rows,
            int n_columns)
{
  AtlWide half[ATL_POINTS][ATL_TILE];

  for (int j = 0; j < ATL_POINTS; j++)
    {
      AtlWide line[ATL_POINTS];

      for (int i = 0; i < ATL_POINTS; i++)
        line[i] = atl_load_wide (m + (i * ATL_POINTS + j) * m_size);
      atl_winograd_outputs (half[j], line);
    }

  for (int i = 0; i < n_rows; i++)
    {
      AtlWide line[ATL_POINTS], y[ATL_TILE];

      for (int j = 0; j < ATL_POINTS; j++)
        line[j] = half[j][i];
      atl_winograd_outputs (y, line);
      for (int j = 0; j < n_columns; j++)
        atl_store_pixel (store, y[j], row + i, column + j);
    }
}

/* m: of the first tile of the segment, in the channels from 'channel' on. */
static void
store_segment (const Job *job, const AtlSegment *segment, const float *m, int channel)
{
  const AtlConvSides *sides = &job->sides;
  const AtlStore store = atl_store_of_outputs (sides, segment->image, channel);
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

/* The tiles from 'begin' to 'end' in a group of channels. m: of the group; first: the first tile of the block. */
static void
store_tiles (const Job *job, const float *m, int first, int begin, int end, int group)
{
  const int channel = group * ATL_CPU_LANES;
  AtlSegment segment;

  for (int i = 0; i < MIN (ATL_CPU_LANES, job->sides.c_out - channel); i += ATL_WIDE_CHANNELS)
    for (int tile = begin; tile < end; tile += segment.n_tiles)
      {
        segment = atl_segment_at (&job->tiles, tile, end);
        store_segment (job, &segment, m + (size_t) (tile - first) * ATL_CPU_LANES + i, channel + i);
      }
}

/* A block of one thread: a chunk. */
static void
run_block (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int begin = chunk * job->n_block, end = MIN (begin + job->n_block, job->tiles.n);
  const Scratch scratch = scratch_of_worker (job, worker);

  for (int b = 0; b < atl_channel_blocks (job->sides.c_in); b += ATL_WIDE)
    transform_inputs (job, &scratch, begin, begin, end, b);

  for (int group = 0; group < job->n_groups; group++)
    {
      for (int k = 0; k < ATL_PRODUCTS; k++)
        {
          if (k < end - begin)
            prefetch_outputs (job, begin + k, group * ATL_CPU_LANES);
          multiply_product (job, scratch.v, scratch.m, k, end - begin, group);
        }
      store_tiles (job, scratch.m, begin, begin, end, group);
    }
}

/* The stages of a shared block. */

/* A chunk is the channel blocks that are transformed together. */
static void
transform_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Scratch scratch = shared_scratch (job, worker);

  transform_inputs (job, &scratch, job->begin, job->begin, job->end, chunk * ATL_WIDE);
}

/* A chunk is a product and a group of output channels; those that read the same part of V follow each other. */
static void
multiply_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Scratch scratch = shared_scratch (job, worker);
  const int k = chunk / job->n_groups, group = chunk % job->n_groups;

  multiply_product (job, scratch.v, m_of_group (job, scratch.m, group), k, job->end - job->begin,
                    group);
}

/* A chunk is some tiles in a group of channels. */
static void
store_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Scratch scratch = shared_scratch (job, worker);
  const int group = chunk % job->n_groups;
  const int begin = job->begin + chunk / job->n_groups * STORED_TILES;

  store_tiles (job, m_of_group (job, scratch.m, group), job->begin, begin,
               MIN (begin + STORED_TILES, job->end), group);
}

static void
run_shared_blocks (Job *job)
{
  for (job->begin = 0; job->begin < job->tiles.n; job->begin = job->end)
    {
      job->end = MIN (job->begin + job->n_block, job->tiles.n);
      atl_parallel_for (atl_divide_up (job->sides.c_in, ATL_WIDE_CHANNELS), transform_chunk, job);
      atl_parallel_for (ATL_PRODUCTS * job->n_groups, multiply_chunk, job);
      atl_parallel_for (atl_divide_up (job->end - job->begin, STORED_TILES) * job->n_groups,
                        store_chunk, job);
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
    .n_groups = atl_divide_up (sides->c_out, ATL_CPU_LANES),
    .scratch = scratch,
  };

  job.n_block = tiles_of_block (&job.tiles, sides->c_in, sides->c_out);
  if (is_shared (&job.tiles, sides->c_in, sides->c_out))
    run_shared_blocks (&job);
  else
    atl_parallel_for (atl_divide_up (job.tiles.n, job.n_block), run_block, &job);
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const gboolean forward = pass == ATL_PASS_FORWARD;
  const int c_in = forward ? conv->c_in : conv->c_out, c_out = atl_outputs_of_pass (conv, pass);
  const AtlTiles tiles = forward ? atl_tiles (conv->n, conv->h_out, conv->w_out)
                                 : atl_tiles (conv->n, conv->h_in, conv->w_in);
  const int n_block = tiles_of_block (&tiles, c_in, c_out), n_workers = atl_threads_count ();

  if (is_shared (&tiles, c_in, c_out))
    return block_size (c_in, n_block, atl_divide_up (c_out, ATL_CPU_LANES))
           + atl_transform_scratch_size () * n_workers;
  return (block_size (c_in, n_block, 1) + atl_transform_scratch_size ()) * n_workers;
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

/* U = G w G^T for one input and L output channels; to: P x L, u_size apart. */
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

/* A chunk is a group of output channels. */
static void
pack_chunk (int chunk, int worker, void *data)
{
  const PackJob *job = data;
  const AtlConvWeights *weights = &job->weights;
  const size_t u_size = (size_t) atl_padded_channels (weights->n_in) * ATL_CPU_LANES;
  float *u = job->packed + chunk * ATL_PRODUCTS * u_size;
  float w[ATL_CHANNEL_BLOCK][3][3][ATL_CPU_LANES];

  for (int first = 0; first < weights->n_in; first += ATL_CHANNEL_BLOCK)
    {
      atl_gather_weights (w[0][0][0], sizeof w[0] / sizeof (float), ATL_CPU_LANES, weights,
                          chunk * ATL_CPU_LANES, first, ATL_CHANNEL_BLOCK);
      for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
        transform_weights (u + (first + i) * ATL_CPU_LANES, u_size, w[i]);
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
