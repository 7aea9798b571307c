/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gradient of the weights and bias of a 3 x 3 convolution with stride 1, by Winograd's F(T x T,
 * 3 x 3), see winograd.h. It is the transpose of the convolution's formula with respect to w:
 *
 *   dw = sum over tiles of G^T ((B^T d B) * (A dY A^T)) G
 *
 * The products of the transformed inputs V and gradients D are summed over the tiles before they are
 * transformed back:
 *
 *   S[k, o, i] = sum over tiles t of V[k, t, i] D[k, t, o]          dw = G^T S G, for all products k
 *
 * Channels are taken in groups of up to GROUP_CHANNELS each way, so that a block of tiles of V and D stays
 * in the second-level cache. The tiles are divided into parts whose number depends on the shape alone.
 * Each part has its own sums, which are then added in the order of the parts.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/conv2d.h"
#include "backends/cpu/tiles.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  GROUP_CHANNELS = 64,
  BLOCK_TILES = 24,
  PART_TILES = 144, /* at least; fewer, and adding the parts takes more than a tenth of the time */
  MOST_PARTS = 8,
  GAP = ATL_ALIGNMENT / sizeof (float) /* between the products' parts of V and D, for the cache */
};

typedef struct
{
  float *dw, *db;
  const float *x, *dy;
  const AtlConv2d *conv;
  float gain;
  AtlTiles tiles;
  int n_parts;
  int n_in, n_out; /* groups of channels */
  int c_in, c_out; /* channels of a group, the last one may have fewer */
  float *
      sums; /* a part's for one group each way: products x c_out / L x c_in x L, then c_out; L: ATL_CPU_LANES */
  size_t sums_size;
  float *scratch;
  size_t worker_scratch;
} Job;

/* The memory of a worker: products x BLOCK_TILES x c_in, products x BLOCK_TILES x c_out. */
typedef struct
{
  float *v, *d, *transform;
} Scratch;

/* The channels of one group each way. */
typedef struct
{
  int in, out;     /* the first ones */
  int n_in, n_out; /* multiples of 8 and of ATL_CPU_LANES */
} Channels;

static size_t
size_of_products (int n_channels)
{
  return (size_t) BLOCK_TILES * n_channels + GAP;
}

static Job
job_of_conv (const AtlConv2d *conv)
{
  Job job = {
    .conv = conv,
    .tiles = atl_tiles (conv->n, conv->h_out, conv->w_out),
    .n_in = atl_divide_up (conv->c_in, GROUP_CHANNELS),
    .n_out = atl_divide_up (conv->c_out, GROUP_CHANNELS),
    .c_in = MIN (GROUP_CHANNELS, atl_padded_channels (conv->c_in)),
    .c_out = MIN (GROUP_CHANNELS, atl_divide_up (conv->c_out, ATL_CPU_LANES) * ATL_CPU_LANES),
  };
  const size_t n = ATL_PRODUCTS * (size_of_products (job.c_in) + size_of_products (job.c_out))
                   + atl_transform_scratch_size (BLOCK_TILES);

  job.n_parts = CLAMP (job.tiles.n / PART_TILES, 1, MOST_PARTS);
  job.sums_size = ((size_t) ATL_PRODUCTS * job.c_in + 1) * job.c_out;
  job.worker_scratch = (n + GAP - 1) / GAP * GAP;
  return job;
}

/* Where the ATL_CPU_LANES sums of product k and input channel i begin, for output channels from o on. */
static size_t
where_in_sums (const Job *job, int k, int o, int i)
{
  return ((size_t) k * job->c_out + o) * job->c_in + (size_t) i * ATL_CPU_LANES;
}

static size_t
all_sums_size (const Job *job)
{
  return (size_t) job->n_parts * job->n_in * job->n_out * job->sums_size;
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  const Job job = job_of_conv (conv);

  return all_sums_size (&job) + job.worker_scratch * atl_threads_count ();
}

static Channels
channels_of_group (const Job *job, int group)
{
  const int in = group % job->n_in * GROUP_CHANNELS, out = group / job->n_in * GROUP_CHANNELS;

  return (Channels) {
    .in = in,
    .out = out,
    .n_in = MIN (job->c_in, atl_padded_channels (job->conv->c_in - in)),
    .n_out = MIN (job->c_out,
                  atl_divide_up (job->conv->c_out - out, ATL_CPU_LANES) * ATL_CPU_LANES),
  };
}

/* V of a segment, of which 'first' is the first tile's number in the block. */
static void
transform_inputs (const Job *job, const Scratch *scratch, const Channels *channels,
                  const AtlSegment *segment, int first)
{
  const AtlConv2d *conv = job->conv;
  const int b_in = atl_channel_blocks (conv->c_in);
  const size_t plane = (size_t) conv->h_in * conv->w_in * ATL_CHANNEL_BLOCK;

  for (int i = 0; i < channels->n_in; i += ATL_CHANNEL_BLOCK)
    {
      const int b = (channels->in + i) / ATL_CHANNEL_BLOCK;
      const AtlTiled tiled = {
        .x = job->x + ((size_t) segment->image * b_in + b) * plane,
        .h = conv->h_in,
        .w = conv->w_in,
        .top = -conv->pad_top,
        .left = -conv->pad_left,
      };
      const AtlProducts v = {
        .v = scratch->v + (size_t) first * job->c_in + i,
        .product_step = size_of_products (job->c_in),
        .tile_step = job->c_in,
      };

      atl_transform_segment (&v, &tiled, segment, ATL_TILE_INPUTS, scratch->transform);
    }
}

/* Adds eight channels of dy under the tiles of a segment. */
static void
add_bias (float *db, const AtlTiled *tiled, const AtlSegment *segment)
{
  AtlVector8 sums[4] = { 0 }; /* of every fourth row, so that none waits for the one before it */
  const int row = segment->row * ATL_TILE, column = segment->column * ATL_TILE;
  const int n_rows = MIN (ATL_TILE, tiled->h - row);
  const int n_columns = MIN (segment->n_tiles * ATL_TILE, tiled->w - column);

  for (int r = 0; r < n_rows; r++)
    for (int q = 0; q < n_columns; q++)
      sums[r % 4] += atl_load8 (tiled->x
                                + ((size_t) (row + r) * tiled->w + column + q) * ATL_CHANNEL_BLOCK);
  atl_store8 (db, atl_load8 (db) + ((sums[0] + sums[1]) + (sums[2] + sums[3])));
}

/* D of a segment; the sums of dy are added to db. */
static void
transform_gradients (const Job *job, const Scratch *scratch, const Channels *channels,
                     const AtlSegment *segment, int first, float *db)
{
  const AtlConv2d *conv = job->conv;
  const int b_out = atl_channel_blocks (conv->c_out);
  const size_t plane = (size_t) conv->h_out * conv->w_out * ATL_CHANNEL_BLOCK;

  for (int o = 0; o < channels->n_out; o += ATL_CHANNEL_BLOCK)
    {
      const int b = (channels->out + o) / ATL_CHANNEL_BLOCK;
      const AtlProducts d = {
        .v = scratch->d + (size_t) first * job->c_out + o,
        .product_step = size_of_products (job->c_out),
        .tile_step = job->c_out,
      };
      /* The end of the last ATL_CPU_LANES channels may lie beyond all blocks: an empty picture. */
      const AtlTiled tiled = {
        .x = job->dy + ((size_t) segment->image * b_out + MIN (b, b_out - 1)) * plane,
        .h = b < b_out ? conv->h_out : 0,
        .w = b < b_out ? conv->w_out : 0,
      };

      atl_transform_segment (&d, &tiled, segment, ATL_TILE_GRADIENTS, scratch->transform);
      if (channels->in == 0)
        add_bias (db + o, &tiled, segment);
    }
}

/* The sums of the products of a block of tiles; they are added to those of the blocks before it. */
static void
sum_block (const Job *job, const Scratch *scratch, const Channels *channels, int n_tiles,
           gboolean first, float *sums)
{
  for (int k = 0; k < ATL_PRODUCTS; k++)
    for (int o = 0; o < channels->n_out; o += ATL_CPU_LANES)
      for (int i = 0; i < channels->n_in;)
        {
          const AtlPairs pairs = {
            .x = scratch->v + k * size_of_products (job->c_in) + i,
            .dy = scratch->d + k * size_of_products (job->c_out) + o,
            .x_step = job->c_in,
            .dy_step = job->c_out,
            .n_rows = 1,
            .n_columns = n_tiles,
            .first = first,
          };
          const int n = atl_next_group (channels->n_in - i);

          atl_sum_products (sums + where_in_sums (job, k, o, i), &pairs, n);
          i += n;
        }
}

/* A chunk is a part of the tiles for a group of channels each way. */
static void
sum_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int n_groups = job->n_in * job->n_out;
  const int part = chunk / n_groups;
  const Channels channels = channels_of_group (job, chunk % n_groups);
  const int first = (int) ((gint64) job->tiles.n * part / job->n_parts);
  const int last = (int) ((gint64) job->tiles.n * (part + 1) / job->n_parts);
  float *sums = job->sums + chunk * job->sums_size;
  float *db = sums + job->sums_size - job->c_out;
  Scratch scratch = { .v = job->scratch + worker * job->worker_scratch };
  AtlSegment segment;

  scratch.d = scratch.v + ATL_PRODUCTS * size_of_products (job->c_in);
  scratch.transform = scratch.d + ATL_PRODUCTS * size_of_products (job->c_out);
  memset (db, 0, job->c_out * sizeof (float));

  for (int begin = first; begin < last; begin += BLOCK_TILES)
    {
      const int end = MIN (begin + BLOCK_TILES, last);

      for (int tile = begin; tile < end; tile += segment.n_tiles)
        {
          segment = atl_segment_at (&job->tiles, tile, end);
          transform_inputs (job, &scratch, &channels, &segment, tile - begin);
          transform_gradients (job, &scratch, &channels, &segment, tile - begin, db);
        }
      sum_block (job, &scratch, &channels, end - begin, begin == first, sums);
    }
}

/* Adds n sums of the other parts to those of the first. */
static void
add_parts (const Job *job, float *sums, size_t n)
{
  const size_t part_size = (size_t) job->n_in * job->n_out * job->sums_size;

  for (int part = 1; part < job->n_parts; part++)
    for (size_t i = 0; i < n; i++)
      sums[i] += sums[part * part_size + i];
}

/* dw = G^T S G, for ATL_CPU_LANES output channels; the products of S are s_size apart. */
static void
transform_sums (float dw[3][3][ATL_CPU_LANES], const float *s, size_t s_size)
{
  float half[3][ATL_POINTS][ATL_CPU_LANES] = { 0 };

  for (int a = 0; a < 3; a++)
    for (int i = 0; i < ATL_POINTS; i++)
      for (int j = 0; j < ATL_POINTS; j++)
        for (int lane = 0; lane < ATL_CPU_LANES; lane++)
          half[a][j][lane] += atl_winograd_g[i][a] * s[(i * ATL_POINTS + j) * s_size + lane];

  memset (dw, 0, 9 * ATL_CPU_LANES * sizeof (float));
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      for (int j = 0; j < ATL_POINTS; j++)
        for (int lane = 0; lane < ATL_CPU_LANES; lane++)
          dw[a][b][lane] += atl_winograd_g[j][b] * half[a][j][lane];
}

/* A chunk is the gradient of ATL_CPU_LANES output channels in a group of input channels. */
static void
finish_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const AtlConv2d *conv = job->conv;
  const int n_lanes_groups = job->c_out / ATL_CPU_LANES;
  const int group = chunk / n_lanes_groups, o = chunk % n_lanes_groups * ATL_CPU_LANES;
  const Channels channels = channels_of_group (job, group);
  const int channel = channels.out + o;
  const int n_lanes = MIN (ATL_CPU_LANES, conv->c_out - channel);
  float *sums = job->sums + group * job->sums_size;
  float *db = sums + job->sums_size - job->c_out + o;
  float dw[3][3][ATL_CPU_LANES];

  if (n_lanes <= 0)
    return; /* the last group has fewer channels */

  for (int k = 0; k < ATL_PRODUCTS; k++)
    add_parts (job, sums + where_in_sums (job, k, o, 0), (size_t) channels.n_in * ATL_CPU_LANES);

  for (int i = 0; i < MIN (channels.n_in, conv->c_in - channels.in); i++)
    {
      transform_sums (dw, sums + where_in_sums (job, 0, o, i), where_in_sums (job, 1, 0, 0));
      for (int lane = 0; lane < n_lanes; lane++)
        {
          float *to = job->dw + ((size_t) (channel + lane) * conv->c_in + channels.in + i) * 9;

          for (int tap = 0; tap < 9; tap++)
            to[tap] += job->gain * dw[tap / 3][tap % 3][lane];
        }
    }

  if (channels.in == 0 && job->db != NULL)
    {
      add_parts (job, db, ATL_CPU_LANES);
      for (int lane = 0; lane < n_lanes; lane++)
        job->db[channel + lane] += job->gain * db[lane];
    }
}

static void
backward_weight (float *dw, float *db, const float *x, const float *dy, const AtlConv2d *conv,
                 float gain, float *scratch)
{
  Job job = job_of_conv (conv);

  job.dw = dw;
  job.db = db;
  job.x = x;
  job.dy = dy;
  job.gain = gain;
  job.sums = scratch;
  job.scratch = scratch + all_sums_size (&job);
  atl_parallel_for (job.n_parts * job.n_in * job.n_out, sum_chunk, &job);
  atl_parallel_for (job.n_in * job.n_out * (job.c_out / ATL_CPU_LANES), finish_chunk, &job);
}

const AtlCpuConv2dWeight ATL_CPU_CONV2D_WINOGRAD_WEIGHT = {
  .scratch_size = scratch_size,
  .backward_weight = backward_weight,
};
