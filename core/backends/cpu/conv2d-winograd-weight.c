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
 * Channels are taken in groups of up to GROUP_CHANNELS each way, so that S of one group, and V and D of a block
 * of tiles, stay in the second-level cache. The tiles are divided into parts whose number depends on the shape
 * alone. If there are several, each has its own S, which are then added in the order of the parts.
 *
 * Deep in a network there are few tiles and many groups. There all V and D are made once, for all groups.
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
  SHARED_TILES = 128, /* the most of which V and D are made once */
  PART_TILES = 144, /* at least; fewer, and adding the parts takes more than a tenth of the time */
  MOST_CHUNKS = 16, /* parts of groups, unless there are more groups */
  GAP = ATL_ALIGNMENT / sizeof (float) /* between the products' parts of V and D, for the cache */
};

typedef struct
{
  float *dw, *db;
  const float *x, *dy;
  const AtlConv2d *conv;
  float gain;
  AtlTiles tiles;
  gboolean shared; /* V and D, by all groups */
  int n_block;     /* tiles of a block */
  int n_parts;
  int n_in, n_out; /* groups of channels */
  int c_in, c_out; /* channels of a group, the last one may have fewer */
  size_t
      sums_size; /* of S: products x c_out / L x c_in x L, L being ATL_CPU_LANES; and c_out for the bias */
  float *sums;           /* of every part and group, or of every worker if there is one part */
  float *v, *d;          /* of every worker, or shared */
  size_t v_step, d_step; /* from one tile to the next */
  float *bias;           /* if shared: sums of dy, one a channel */
  float *transform;      /* of every worker */
} Job;

/* V and D of a block. */
typedef struct
{
  float *v, *d;
} Block;

/* The channels of one group each way. */
typedef struct
{
  int in, out;     /* the first ones */
  int n_in, n_out; /* multiples of 8 and of ATL_CPU_LANES */
} Channels;

static size_t
size_of_product (const Job *job, size_t step)
{
  return job->n_block * step + GAP;
}

static size_t
size_of_v (const Job *job)
{
  return atl_floats_aligned (ATL_PRODUCTS * size_of_product (job, job->v_step));
}

static size_t
size_of_d (const Job *job)
{
  return atl_floats_aligned (ATL_PRODUCTS * size_of_product (job, job->d_step));
}

static Job
job_of_conv (const AtlConv2d *conv)
{
  Job job = {
    .conv = conv,
    .tiles = atl_tiles (conv->n, conv->h_out, conv->w_out),
    .n_in = atl_divide_up (conv->c_in, GROUP_CHANNELS),
    .n_out = atl_divide_up (conv->c_out, GROUP_CHANNELS),
    .c_in = MIN (GROUP_CHANNELS, atl_round_up (conv->c_in, ATL_WIDE_CHANNELS)),
    .c_out = MIN (GROUP_CHANNELS, atl_round_up (conv->c_out, ATL_CPU_LANES)),
  };
  const int n_groups = job.n_in * job.n_out;

  job.shared = job.tiles.n <= SHARED_TILES && n_groups > 1;
  job.n_block = job.shared ? job.tiles.n : BLOCK_TILES;
  job.v_step = job.shared ? job.n_in * job.c_in : job.c_in;
  job.d_step = job.shared ? job.n_out * job.c_out : job.c_out;
  job.n_parts = CLAMP (job.tiles.n / PART_TILES, 1, MAX (MOST_CHUNKS / n_groups, 1));
  job.sums_size = atl_floats_aligned (((size_t) ATL_PRODUCTS * job.c_in + 1) * job.c_out);
  return job;
}

static int
n_sums (const Job *job)
{
  return job->n_parts > 1 ? job->n_parts * job->n_in * job->n_out : atl_threads_count ();
}

/* Divides the scratch, if there is one, and returns its size. */
static size_t
place_scratch (Job *job, float *scratch)
{
  const int n_workers = atl_threads_count (), n_blocks = job->shared ? 1 : n_workers;
  const struct
  {
    float **array;
    size_t size;
  } places[] = {
    { &job->sums, n_sums (job) * job->sums_size },
    { &job->v, n_blocks * size_of_v (job) },
    { &job->d, n_blocks * size_of_d (job) },
    { &job->bias, atl_floats_aligned (job->d_step) },
    { &job->transform, n_workers * atl_transform_scratch_size () },
  };
  size_t size = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (places); i++)
    {
      if (scratch != NULL)
        *places[i].array = scratch + size;
      size += places[i].size;
    }
  return size;
}

static size_t
scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  Job job = job_of_conv (conv);

  return place_scratch (&job, NULL);
}

/* Where the ATL_CPU_LANES sums of product k and input channel i begin, for output channels from o on. */
static size_t
where_in_sums (const Job *job, int k, int o, int i)
{
  return ((size_t) k * job->c_out + o) * job->c_in + (size_t) i * ATL_CPU_LANES;
}

/* The sums of dy, behind those of the products. */
static float *
bias_of_sums (const Job *job, float *sums)
{
  return sums + (size_t) ATL_PRODUCTS * job->c_in * job->c_out;
}

static Channels
channels_of_group (const Job *job, int group)
{
  const int in = group % job->n_in * GROUP_CHANNELS, out = group / job->n_in * GROUP_CHANNELS;

  return (Channels) {
    .in = in,
    .out = out,
    .n_in = MIN (job->c_in, atl_padded_channels (job->conv->c_in - in)),
    .n_out = MIN (job->c_out, atl_round_up (job->conv->c_out - out, ATL_CPU_LANES)),
  };
}

/* V of the tiles from 'begin' to 'end' in ATL_WIDE channel blocks from b on. v: of the first of them. */
static void
transform_inputs (const Job *job, float *v, int begin, int end, int b, int worker)
{
  const AtlConv2d *conv = job->conv;
  const int b_in = atl_channel_blocks (conv->c_in);
  const size_t plane = (size_t) conv->h_in * conv->w_in * ATL_CHANNEL_BLOCK;
  AtlSegment segment;

  for (int tile = begin; tile < end; tile += segment.n_tiles)
    {
      segment = atl_near_segment_at (&job->tiles, tile, end);

      const AtlTiled tiled = {
        .x = job->x + ((size_t) segment.image * b_in + b) * plane,
        .next_block = b + 1 < b_in ? plane : 0,
        .h = conv->h_in,
        .w = conv->w_in,
        .enlargement = 1,
        .top = -conv->pad_top,
        .left = -conv->pad_left,
      };
      const AtlProducts to = {
        .v = v + (tile - begin) * job->v_step,
        .product_step = size_of_product (job, job->v_step),
        .tile_step = job->v_step,
        .block_step = ATL_CHANNEL_BLOCK,
      };

      atl_transform_segment (&to, &tiled, &segment, ATL_TILE_INPUTS,
                             job->transform + worker * atl_transform_scratch_size ());
    }
}

/* Adds the eight channels of a block of dy under the tiles of a segment. */
static void
add_bias_of_block (float *db, const float *dy, const AtlTiled *tiled, const AtlSegment *segment)
{
  AtlVector8 sums[4] = { 0 }; /* of every fourth row, so that none waits for the one before it */
  const int row = segment->row * ATL_TILE, column = segment->column * ATL_TILE;
  const int n_rows = MIN (ATL_TILE, tiled->h - row);
  const int n_columns = MIN (segment->n_tiles * ATL_TILE, tiled->w - column);

  for (int r = 0; r < n_rows; r++)
    for (int q = 0; q < n_columns; q++)
      sums[r % 4] += atl_load8 (dy
                                + ((size_t) (row + r) * tiled->w + column + q) * ATL_CHANNEL_BLOCK);
  atl_store8 (db, atl_load8 (db) + ((sums[0] + sums[1]) + (sums[2] + sums[3])));
}

/* Those of all blocks that are transformed together. */
static void
add_bias (float *db, const AtlTiled *tiled, const AtlSegment *segment)
{
  for (int i = 0; i < ATL_WIDE; i++)
    add_bias_of_block (db + i * ATL_CHANNEL_BLOCK, tiled->x + i * tiled->next_block, tiled,
                       segment);
}

/* D of the tiles from 'begin' to 'end' in ATL_WIDE channel blocks from b on, which may lie beyond the last: then there
 * is an empty picture. d: of the first of them. The sums of dy are added to db, unless it is NULL. */
static void
transform_gradients (const Job *job, float *d, float *db, int begin, int end, int b, int worker)
{
  const AtlConv2d *conv = job->conv;
  const int b_out = atl_channel_blocks (conv->c_out);
  const size_t plane = (size_t) conv->h_out * conv->w_out * ATL_CHANNEL_BLOCK;
  AtlSegment segment;

  for (int tile = begin; tile < end; tile += segment.n_tiles)
    {
      segment = atl_near_segment_at (&job->tiles, tile, end);

      const AtlTiled tiled = {
        .x = job->dy + ((size_t) segment.image * b_out + MIN (b, b_out - 1)) * plane,
        .next_block = b + 1 < b_out ? plane : 0,
        .h = b < b_out ? conv->h_out : 0,
        .w = b < b_out ? conv->w_out : 0,
        .enlargement = 1,
      };
      const AtlProducts to = {
        .v = d + (tile - begin) * job->d_step,
        .product_step = size_of_product (job, job->d_step),
        .tile_step = job->d_step,
        .block_step = ATL_CHANNEL_BLOCK,
      };

      atl_transform_segment (&to, &tiled, &segment, ATL_TILE_GRADIENTS,
                             job->transform + worker * atl_transform_scratch_size ());
      if (db != NULL)
        add_bias (db, &tiled, &segment);
    }
}

/* The sums of the products of n_tiles; they are added to those before them, if they are not the first. */
static void
sum_block (const Job *job, const Block *block, const Channels *channels, int n_tiles,
           gboolean first, float *sums)
{
  for (int k = 0; k < ATL_PRODUCTS; k++)
    for (int o = 0; o < channels->n_out; o += ATL_CPU_LANES)
      for (int i = 0; i < channels->n_in;)
        {
          const AtlPairs pairs = {
            .x = block->v + k * size_of_product (job, job->v_step) + i,
            .dy = block->d + k * size_of_product (job, job->d_step) + o,
            .x_step = (int) job->v_step,
            .dy_step = (int) job->d_step,
            .n_rows = 1,
            .n_columns = n_tiles,
            .first = first,
          };
          const int n = atl_next_group (channels->n_in - i);

          atl_sum_products (sums + where_in_sums (job, k, o, i), &pairs, n);
          i += n;
        }
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

/* The gradient of ATL_CPU_LANES output channels of a group, from o on, and of their biases if db is not NULL. */
static void
finish_channels (const Job *job, const Channels *channels, int o, const float *sums,
                 const float *db)
{
  const AtlConv2d *conv = job->conv;
  const int channel = channels->out + o, n_lanes = MIN (ATL_CPU_LANES, conv->c_out - channel);
  const int n_in = MIN (channels->n_in, conv->c_in - channels->in);
  float dw[ATL_CHANNEL_BLOCK][3][3][ATL_CPU_LANES];

  for (int first = 0; first < n_in; first += ATL_CHANNEL_BLOCK)
    {
      const int n = MIN (ATL_CHANNEL_BLOCK, n_in - first);

      for (int i = 0; i < n; i++)
        transform_sums (dw[i], sums + where_in_sums (job, 0, o, first + i),
                        where_in_sums (job, 1, 0, 0));
      for (int lane = 0; lane < n_lanes; lane++)
        {
          float *to = job->dw + ((size_t) (channel + lane) * conv->c_in + channels->in + first) * 9;

          for (int i = 0; i < n; i++)
            for (int tap = 0; tap < 9; tap++)
              to[i * 9 + tap] += job->gain * dw[i][tap / 3][tap % 3][lane];
        }
    }

  if (db != NULL && channels->in == 0 && job->db != NULL)
    for (int lane = 0; lane < n_lanes; lane++)
      job->db[channel + lane] += job->gain * db[o + lane];
}

static void
finish_group (const Job *job, const Channels *channels, const float *sums, const float *db)
{
  for (int o = 0; o < channels->n_out; o += ATL_CPU_LANES)
    finish_channels (job, channels, o, sums, db);
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
  float *sums = job->sums + (job->n_parts > 1 ? chunk : worker) * job->sums_size;
  float *db = bias_of_sums (job, sums);
  const Block block = { .v = job->v + worker * size_of_v (job),
                        .d = job->d + worker * size_of_d (job) };

  memset (db, 0, job->c_out * sizeof (float));
  for (int begin = first; begin < last; begin += BLOCK_TILES)
    {
      const int end = MIN (begin + BLOCK_TILES, last);

      for (int i = 0; i < channels.n_in; i += ATL_WIDE_CHANNELS)
        transform_inputs (job, block.v + i, begin, end, (channels.in + i) / ATL_CHANNEL_BLOCK,
                          worker);
      for (int o = 0; o < channels.n_out; o += ATL_WIDE_CHANNELS)
        transform_gradients (job, block.d + o, channels.in == 0 ? db + o : NULL, begin, end,
                             (channels.out + o) / ATL_CHANNEL_BLOCK, worker);
      sum_block (job, &block, &channels, end - begin, begin == first, sums);
    }
  if (job->n_parts == 1)
    finish_group (job, &channels, sums, db);
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

/* A chunk is the gradient of ATL_CPU_LANES output channels in a group of input channels. */
static void
finish_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int n_chunks = job->c_out / ATL_CPU_LANES;
  const int group = chunk / n_chunks, o = chunk % n_chunks * ATL_CPU_LANES;
  const Channels channels = channels_of_group (job, group);
  float *sums = job->sums + group * job->sums_size;
  float *db = bias_of_sums (job, sums);

  if (o >= channels.n_out)
    return; /* the last group has fewer channels */

  for (int k = 0; k < ATL_PRODUCTS; k++)
    add_parts (job, sums + where_in_sums (job, k, o, 0), (size_t) channels.n_in * ATL_CPU_LANES);
  add_parts (job, db + o, ATL_CPU_LANES);
  finish_channels (job, &channels, o, sums, db);
}

/* V and D for all groups. A chunk is ATL_WIDE channel blocks of x, or of dy. */
static void
transform_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const int n_in = atl_divide_up (job->conv->c_in, ATL_WIDE_CHANNELS);
  const size_t i = (size_t) chunk * ATL_WIDE_CHANNELS;
  const size_t o = (size_t) (chunk - n_in) * ATL_WIDE_CHANNELS;

  if (chunk < n_in)
    transform_inputs (job, job->v + i, 0, job->tiles.n, chunk * ATL_WIDE, worker);
  else
    {
      atl_store_wide (job->bias + o, (AtlWide) { 0.0f });
      transform_gradients (job, job->d + o, job->bias + o, 0, job->tiles.n,
                           (chunk - n_in) * ATL_WIDE, worker);
    }
}

/* A chunk is a group of channels each way. */
static void
sum_shared_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Channels channels = channels_of_group (job, chunk);
  const Block block = { .v = job->v + channels.in, .d = job->d + channels.out };
  float *sums = job->sums + worker * job->sums_size;

  sum_block (job, &block, &channels, job->tiles.n, TRUE, sums);
  finish_group (job, &channels, sums, job->bias + channels.out);
}

static void
backward_weight (float *dw, float *db, const float *x, const float *dy, const AtlConv2d *conv,
                 float gain, float *scratch)
{
  Job job = job_of_conv (conv);
  const int n_groups = job.n_in * job.n_out;

  job.dw = dw;
  job.db = db;
  job.x = x;
  job.dy = dy;
  job.gain = gain;
  place_scratch (&job, scratch);

  if (job.shared)
    {
      const int n_chunks = atl_divide_up (conv->c_in, ATL_WIDE_CHANNELS)
                           + atl_round_up (conv->c_out, ATL_CPU_LANES) / ATL_WIDE_CHANNELS;

      atl_parallel_for (n_chunks, transform_chunk, &job);
      atl_parallel_for (n_groups, sum_shared_chunk, &job);
      return;
    }

  atl_parallel_for (job.n_parts * n_groups, sum_chunk, &job);
  if (job.n_parts > 1)
    atl_parallel_for (n_groups * (job.c_out / ATL_CPU_LANES), finish_chunk, &job);
}

const AtlCpuConv2dWeight ATL_CPU_CONV2D_WINOGRAD_WEIGHT = {
  .scratch_size = scratch_size,
  .backward_weight = backward_weight,
};
