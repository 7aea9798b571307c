/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the ways to compute a convolution share: what is read and written, the weights, and the epilogue. The
 * gradient of the input is a convolution too, of dy with the turned kernel.
 */

#pragma once

#include "backends/cpu/blocks.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/sums.h"
#include "backends/cpu/vector.h"

G_BEGIN_DECLS

/* x: n x c_in x h_in x w_in is read, y: n x c_out x h x w written. For the gradient of the input, these are dy
 * and dx.
 *
 * With a pixel shuffle, c_out counts the channels in the order in which they are then computed: block by block of
 * y, the cells' shuffle^2 pixels one after the other, each with the eight channels of the block. So a block of
 * outputs is a block of y. y has y_blocks channel blocks, of which the first one written is y_block. */
typedef struct
{
  const float *x;
  int n, c_in, h_in, w_in;
  int enlargement; /* of x */
  float *y;
  int c_out, h, w;
  int shuffle;
  int n_channels; /* that the convolution computes: c_out without a shuffle */
  int y_blocks, y_block;
  AtlConvEpilogue epilogue;
  float factor; /* of z, after the epilogue's scale */
} AtlConvSides;

static inline int
atl_shuffle_of_pass (const AtlConv2d *conv, AtlPass pass)
{
  return pass == ATL_PASS_FORWARD ? MAX (conv->shuffle, 1) : 1;
}

/* The channels that a pass computes, in the order of AtlConvSides. */
static inline int
atl_outputs_of_pass (const AtlConv2d *conv, AtlPass pass)
{
  const int cell = atl_shuffle_of_pass (conv, pass) * atl_shuffle_of_pass (conv, pass);

  if (pass == ATL_PASS_DATA)
    return conv->c_in;
  return cell == 1 ? conv->c_out : cell * atl_padded_channels (conv->c_out / cell);
}

static inline int
atl_blocks_of_y (const AtlConvEpilogue *epilogue, int n_channels)
{
  return atl_channel_blocks (epilogue->y_channels > 0 ? epilogue->y_channels : n_channels);
}

static inline AtlConvSides
atl_sides_of_forward (float *y, const float *x, const AtlConv2d *conv,
                      const AtlConvEpilogue *epilogue)
{
  const int shuffle = atl_shuffle_of_pass (conv, ATL_PASS_FORWARD);

  return (AtlConvSides) {
    .x = x,
    .n = conv->n,
    .c_in = conv->c_in,
    .h_in = conv->h_in,
    .w_in = conv->w_in,
    .enlargement = MAX (conv->enlargement, 1),
    .y = y,
    .c_out = atl_outputs_of_pass (conv, ATL_PASS_FORWARD),
    .h = conv->h_out,
    .w = conv->w_out,
    .shuffle = shuffle,
    .n_channels = conv->c_out,
    .y_blocks = atl_blocks_of_y (epilogue, conv->c_out / (shuffle * shuffle)),
    .y_block = epilogue->y_channel / ATL_CHANNEL_BLOCK,
    .epilogue = *epilogue,
    .factor = 1.0f,
  };
}

static inline AtlConvSides
atl_sides_of_transposed (float *y, const float *x, const AtlConv2d *conv,
                         const AtlConvEpilogue *epilogue, float factor)
{
  return (AtlConvSides) {
    .x = x,
    .n = conv->n,
    .c_in = conv->c_out,
    .h_in = conv->h_out,
    .w_in = conv->w_out,
    .enlargement = 1,
    .y = y,
    .c_out = conv->c_in,
    .h = conv->h_in,
    .w = conv->w_in,
    .shuffle = 1,
    .n_channels = conv->c_in,
    .y_blocks = atl_blocks_of_y (epilogue, conv->c_in),
    .y_block = epilogue->y_channel / ATL_CHANNEL_BLOCK,
    .epilogue = *epilogue,
    .factor = factor,
  };
}

/* An image of x. */
static inline AtlImage
atl_image_of_sides (const AtlConvSides *sides, int image)
{
  AtlImage x = {
    .n_blocks = atl_channel_blocks (sides->c_in),
    .h = sides->h_in,
    .w = sides->w_in,
    .enlargement = sides->enlargement,
  };

  x.planes = sides->x + (size_t) image * x.n_blocks * atl_plane_size (&x);
  return x;
}

/* What a block of outputs is: a channel block of the shuffled result, and the pixel of each cell. */
typedef struct
{
  int block, row, column;
} AtlOutputBlock;

static inline AtlOutputBlock
atl_output_block (int index, int shuffle)
{
  const int cell = shuffle * shuffle;

  return (AtlOutputBlock) { index / cell, index % cell / shuffle, index % shuffle };
}

/* Which channel of the convolution an output is, with a shuffle from c_out channels; -1 for one that fills a
 * block. */
static inline int
atl_channel_of_output (int output, int shuffle, int c_out)
{
  const AtlOutputBlock o = atl_output_block (output / ATL_CHANNEL_BLOCK, shuffle);
  const int cell = shuffle * shuffle;
  const int channel = o.block * ATL_CHANNEL_BLOCK + output % ATL_CHANNEL_BLOCK;

  return channel < c_out / cell ? channel * cell + o.row * shuffle + o.column : -1;
}

/* Weights as a pass reads them: O x I x taps. For the gradient the channels change their roles, and the
 * kernel is turned by 180 degrees. n_out counts outputs as AtlConvSides does. */
typedef struct
{
  const float *weight;
  int n_out, n_in, n_taps;
  int c_out, shuffle;
  gboolean transposed;
} AtlConvWeights;

static inline AtlConvWeights
atl_conv_weights (const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  const gboolean transposed = pass == ATL_PASS_DATA;

  return (AtlConvWeights) {
    .weight = weight,
    .n_out = atl_outputs_of_pass (conv, pass),
    .n_in = transposed ? conv->c_out : conv->c_in,
    .n_taps = conv->kernel * conv->kernel,
    .c_out = transposed ? conv->c_in : conv->c_out,
    .shuffle = atl_shuffle_of_pass (conv, pass),
    .transposed = transposed,
  };
}

/* Tap 0 of channel o, one of the convolution's, and input i, and how far it is to the next tap; NULL for a channel that
 * fills a block. */
static inline const float *
atl_taps_of_weight (const AtlConvWeights *w, int o, int i, int *step)
{
  if (o < 0 || i >= w->n_in)
    return NULL;
  *step = w->transposed ? -1 : 1;
  return w->transposed ? w->weight + ((size_t) i * w->c_out + o + 1) * w->n_taps - 1
                       : w->weight + ((size_t) o * w->n_in + i) * w->n_taps;
}

/* Zero for the channels that a block adds. */
static inline float
atl_weight_at (const AtlConvWeights *w, int output, int i, int tap)
{
  int step;
  const float *taps = atl_taps_of_weight (w, atl_channel_of_output (output, w->shuffle, w->c_out),
                                          i, &step);

  return taps != NULL ? taps[tap * step] : 0.0f;
}

/* The weights of ATL_CPU_LANES outputs from 'output' on and n_in channels from 'first' on: to [i i_step + tap tap_step +
 * lane], zero where there are none. Read in the order in which they lie: training packs them anew in each step. */
static inline void
atl_gather_weights (float *to, size_t i_step, size_t tap_step, const AtlConvWeights *w, int output,
                    int first, int n_in)
{
  for (int lane = 0; lane < ATL_CPU_LANES; lane++)
    {
      const int o = atl_channel_of_output (output + lane, w->shuffle, w->c_out);

      for (int i = 0; i < n_in; i++)
        {
          int step;
          const float *taps = atl_taps_of_weight (w, o, first + i, &step);
          float *weight = to + i * i_step + lane;

          for (int tap = 0; tap < w->n_taps; tap++)
            weight[tap * tap_step] = taps != NULL ? taps[tap * step] : 0.0f;
        }
    }
}

/* The epilogue for ATL_WIDE blocks of outputs of one image, or for as many of them as there are. */
typedef struct
{
  AtlWide bias, scale, shift;
  gboolean relu, relu_last;
  int n_blocks;
  float *y;
  const float *residual, *mask; /* NULL = none; the mask lies as y does */
  /* From one to the next: blocks, and rows and columns of the convolution's result. */
  size_t y_block, y_row, y_column;
  size_t residual_block, residual_row, residual_column;
  float gain;
} AtlStore;

/* One number a channel of the shuffled result, for the outputs from 'output' on. */
static inline AtlWide
atl_numbers_of_outputs (const float *numbers, const AtlConvSides *sides, int output, int n_blocks)
{
  const int first = output / ATL_CHANNEL_BLOCK;
  const int block = atl_output_block (first, sides->shuffle).block;
  const int next = atl_output_block (first + 1, sides->shuffle).block;

  return atl_load_blocks (numbers + block * ATL_CHANNEL_BLOCK,
                          (size_t) (next - block) * ATL_CHANNEL_BLOCK, n_blocks);
}

static inline AtlWide
atl_bias_of_outputs (const AtlConvSides *sides, int output, int n_blocks)
{
  float bias[ATL_WIDE_CHANNELS] = { 0.0f };

  for (int i = 0; i < n_blocks * ATL_CHANNEL_BLOCK; i++)
    {
      const int o = atl_channel_of_output (output + i, sides->shuffle, sides->n_channels);

      if (o >= 0)
        bias[i] = sides->epilogue.bias[o];
    }
  return atl_load_wide (bias);
}

/* Where a block of outputs begins in a tensor of n_blocks channel blocks of h x w, of which 'block' is the first
 * one's number. */
static inline size_t
atl_output_offset (const AtlConvSides *sides, int image, int index, int n_blocks, int block, int h,
                   int w)
{
  const AtlOutputBlock o = atl_output_block (index, sides->shuffle);

  return ((((size_t) image * n_blocks + block + o.block) * h + o.row) * w + o.column)
         * ATL_CHANNEL_BLOCK;
}

/* From one column, and row, of the convolution's result to the next in y. */
static inline size_t
atl_output_column (const AtlConvSides *sides)
{
  return (size_t) sides->shuffle * ATL_CHANNEL_BLOCK;
}

static inline size_t
atl_output_row (const AtlConvSides *sides)
{
  return atl_output_column (sides) * sides->w * sides->shuffle;
}

static inline float *
atl_output_address (const AtlConvSides *sides, int image, int index)
{
  return sides->y
         + atl_output_offset (sides, image, index, sides->y_blocks, sides->y_block,
                              sides->h * sides->shuffle, sides->w * sides->shuffle);
}

static inline AtlStore
atl_store_of_outputs (const AtlConvSides *sides, int image, int output)
{
  const AtlConvEpilogue *e = &sides->epilogue;
  const int b_out = atl_channel_blocks (sides->c_out), index = output / ATL_CHANNEL_BLOCK;
  const size_t column = atl_output_column (sides);
  AtlStore store = {
    .scale = (AtlWide) { 0.0f } + 1.0f,
    .relu = e->relu,
    .relu_last = e->relu_last,
    .n_blocks = MIN (ATL_WIDE, b_out - index),
    .y = atl_output_address (sides, image, index),
    .y_row = atl_output_row (sides),
    .y_column = column,
    .gain = e->gain,
  };

  store.y_block = atl_output_address (sides, image, index + 1) - store.y;
  if (e->mask != NULL)
    store.mask = e->mask + (store.y - sides->y);
  if (e->bias != NULL)
    store.bias = atl_bias_of_outputs (sides, output, store.n_blocks);
  if (e->scale != NULL)
    store.scale = atl_numbers_of_outputs (e->scale, sides, output, store.n_blocks);
  store.scale *= sides->factor;
  if (e->shift != NULL)
    store.shift = atl_numbers_of_outputs (e->shift, sides, output, store.n_blocks);
  if (e->residual != NULL)
    {
      const int n_blocks = b_out / (sides->shuffle * sides->shuffle);
      const size_t offset = atl_output_offset (sides, image, index, n_blocks, 0, e->residual_h,
                                               e->residual_w);

      store.residual_row = column * e->residual_w;
      store.residual_column = column;
      store.residual_block = atl_output_offset (sides, image, index + 1, n_blocks, 0, e->residual_h,
                                                e->residual_w)
                             - offset;
      store.residual = e->residual + offset
                       + ((size_t) e->residual_top * e->residual_w + e->residual_left)
                             * ATL_CHANNEL_BLOCK;
    }

  return store;
}

/* The same epilogue with the output at (row, column) as (0, 0). A copy on the stack, which what is stored cannot
 * overlap: the compiler need not read it again for each pixel. */
ATL_ALWAYS_INLINE AtlStore
atl_store_from (const AtlStore *store, int row, int column)
{
  const size_t at = row * store->y_row + column * store->y_column;
  AtlStore from = *store;

  from.y += at;
  if (from.mask != NULL)
    from.mask += at;
  if (from.residual != NULL)
    from.residual += row * store->residual_row + column * store->residual_column;
  return from;
}

/* Stores z as the outputs at (row, column). */
ATL_ALWAYS_INLINE void
atl_store_pixel (const AtlStore *store, AtlWide z, int row, int column)
{
  const size_t at = row * store->y_row + column * store->y_column;
  float *y = store->y + at;

  z += store->bias;
  if (store->relu)
    z = atl_relu_wide (z);
  z = z * store->scale + store->shift;
  if (store->residual != NULL)
    z = z * store->gain
        + atl_load_blocks (store->residual + row * store->residual_row
                               + column * store->residual_column,
                           store->residual_block, store->n_blocks);
  if (store->relu_last)
    z = atl_relu_wide (z);
  if (store->mask != NULL)
    z = atl_where_positive_wide (
        z, atl_load_blocks (store->mask + at, store->y_block, store->n_blocks));

  atl_store8 (y, atl_block_of_wide (z, 0));
  if (ATL_WIDE > 1 && store->n_blocks > 1)
    atl_store8 (y + store->y_block, atl_block_of_wide (z, 1));
}

G_END_DECLS
