/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a backend is: a table of the operators that networks are made of, forward and backward.
 *
 * A tensor lives in memory in the layout its backend likes best (reference: NCHW; cpu: blocks of eight
 * channels). Shapes are always given in the terms of the field, N x C x H x W, whatever the layout.
 * Channels that a layout adds to fill a block are zero, and every operator leaves them zero.
 *
 * Parameters are plain arrays in PyTorch's order (convolution weights O x I x K x K). A vector of one
 * number a channel (bias, scale, shift, gamma, beta) may be read up to atl_padded_channels () numbers,
 * the added ones being zero.
 *
 * No operator allocates memory: what it needs beside its arguments is asked for beforehand by the
 * function named ..._scratch_size. All sizes are in floats. Results do not depend on the number of
 * threads, bit for bit.
 *
 * 'accumulate' says that a gradient is added to what its array holds, because the tensor feeds several
 * operators; else the array is overwritten. Gradients of parameters are always added.
 *
 * Where a tensor is the output of a ReLU, the operator that completes its gradient can turn this into that of the
 * ReLU's input, which is zero where the tensor is not positive. Convolutions are then given the tensor as a mask; those
 * that read it anyway are told by 'relu'.
 */

#pragma once

#include <glib.h>

#include "base/rounding.h"
#include "base/visibility.h"

G_BEGIN_DECLS

typedef struct
{
  int n, c, h, w;
} AtlShape;

#define ATL_CHANNEL_BLOCK 8

/* The number of channels rounded up to whole blocks. */
static inline int
atl_padded_channels (int n_channels)
{
  return atl_round_up (n_channels, ATL_CHANNEL_BLOCK);
}

/* N * C * H * W. */
static inline size_t
atl_shape_size (const AtlShape *shape)
{
  return (size_t) shape->n * (size_t) shape->c * (size_t) shape->h * (size_t) shape->w;
}

/* A convolution of N x C_in x H_in x W_in to N x C_out x H_out x W_out with a square kernel.
 *
 *   z[o, r, q] = sum over i, a, b of w[o, i, a, b] x[i, r stride + a - pad_top, q stride + b - pad_left]
 *
 * where x counts as zero outside 0..H_in-1 and 0..W_in-1. The pads may be negative: the operator then
 * skips rows or columns of its input. (So a part of a picture is computed exactly: its inner edges are
 * given more input instead of padding.) The lower and right pads follow from the sizes.
 *
 * A forward pass with a shuffle f > 1 goes on with a pixel shuffle by f, described below, once the bias is added:
 * z is then N x C_out / f^2 x H_out f x W_out f for what the epilogue does. 0 is no shuffle, as is 1.
 *
 * A forward pass with an enlargement f > 1 reads an x of N x C_in x H_in / f x W_in / f, each of whose pixels stands
 * for f x f (0 and 1: none). f divides H_in and W_in. */
typedef struct
{
  int n, c_in, c_out;
  int kernel, stride;
  int h_in, w_in;
  int h_out, w_out;
  int pad_top, pad_left;
  int shuffle, enlargement;
} AtlConv2d;

/* What a convolution does to z before it stores it; members that are NULL or FALSE are left out:
 *
 *   z = z + bias
 *   z = max (z, 0)                    relu; NaN stays NaN
 *   z = scale z + shift               one number a channel
 *   y = residual + gain z             else y = z; gain only counts with a residual
 *   y = max (y, 0)                    relu_last; NaN stays NaN
 *   y = 0 where mask is not positive  a tensor of y's shape
 *
 * The residual is a tensor of n x c_out x residual_h x residual_w, read from row residual_top and
 * column residual_left. y may be the residual itself if their sizes are equal.
 *
 * y may be some channels of a tensor of y_channels, from y_channel on: whole blocks of ATL_CHANNEL_BLOCK, unless
 * they are the last. The others stay as they are. With y_channels = 0 there are no others. */
typedef struct
{
  const float *bias;
  gboolean relu;
  const float *scale, *shift;
  const float *residual;
  int residual_h, residual_w, residual_top, residual_left;
  float gain;
  gboolean relu_last;
  const float *mask;
  int y_channels, y_channel;
} AtlConvEpilogue;

typedef enum
{
  ATL_PASS_FORWARD,
  ATL_PASS_DATA,  /* the gradient of a convolution's input */
  ATL_PASS_WEIGHT /* the gradient of its weights and bias */
} AtlPass;

/* Where in a larger tensor a smaller one begins: at row top and column left. */
typedef struct
{
  int top, left;
} AtlOffset;

/* Adam, Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1, as PyTorch
 * writes it, with L2 weight decay added to the gradient, or decoupled (Loshchilov and Hutter, 2019). */
typedef struct
{
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  gboolean decoupled;
  guint64 step; /* from 1 */
} AtlAdam;

/* The functions. y is an output, dy the gradient of the loss with respect to it. */

typedef size_t AtlTensorSizeFunc (const AtlShape *shape);
/* Between N x C x H x W in plain order and the backend's layout. */
typedef void AtlTensorImportFunc (float *tensor, const float *nchw, const AtlShape *shape);
typedef void AtlTensorExportFunc (float *nchw, const float *tensor, const AtlShape *shape);

/* Copies n_rows rows of x, from row_x on, to y, from row_y on. x is like y but for its height. */
typedef void AtlTensorCopyRowsFunc (float *y, const AtlShape *shape, int row_y, const float *x,
                                    const AtlShape *shape_x, int row_x, int n_rows);

/* Weights in the order that the forward pass or the data gradient reads them. Only c_in, c_out, kernel,
 * stride and shuffle of 'conv' count: one packed array serves every size of picture. For ATL_PASS_WEIGHT the
 * size is 0. */
typedef size_t AtlConv2dPackedSizeFunc (const AtlConv2d *conv, AtlPass pass);
typedef void AtlConv2dPackFunc (float *packed, const float *weight, const AtlConv2d *conv,
                                AtlPass pass);
typedef size_t AtlConv2dScratchSizeFunc (const AtlConv2d *conv, AtlPass pass);
typedef void AtlConv2dForwardFunc (float *y, const float *x, const float *packed,
                                   const AtlConv2d *conv, const AtlConvEpilogue *epilogue,
                                   float *scratch);
/* dx = gain (w^T * dy), and 0 where 'mask', a tensor of dx's shape, is not positive. The mask is x, if that is the
 * output of a ReLU whose input's gradient is wanted, else NULL. */
typedef void AtlConv2dBackwardDataFunc (float *dx, const float *dy, const float *packed,
                                        const AtlConv2d *conv, float gain, gboolean accumulate,
                                        const float *mask, float *scratch);
/* The transposed convolution of x, N x C_out x H_out x W_out of 'conv', to y, N x C_in x H_in x W_in: what
 * conv2d_backward_data computes, as a layer of its own, with packed weights and scratch of ATL_PASS_DATA. Its
 * gradients are those of 'conv' with x and y exchanged: of x the forward convolution, of the weights theirs. */
typedef void AtlConvTranspose2dForwardFunc (float *y, const float *x, const float *packed,
                                            const AtlConv2d *conv, const AtlConvEpilogue *epilogue,
                                            float *scratch);
/* dw += gain (dy * x), db += gain sum dy; db may be NULL. */
typedef void AtlConv2dBackwardWeightFunc (float *dw, float *db, const float *x, const float *dy,
                                          const AtlConv2d *conv, float gain, float *scratch);

/* db += gain sum of dy over N, H and W, where no convolution computes it. The scratch is that of a normalisation. */
typedef void AtlBiasBackwardFunc (float *db, const float *dy, const AtlShape *shape, float gain,
                                  float *scratch);

/* y = max (x, 0), and NaN stays NaN (so that a broken network is noticed); y may be x. */
typedef void AtlReluForwardFunc (float *y, const float *x, const AtlShape *shape);
/* dx = dy where y > 0, else 0; dx may be dy if it is not accumulated. */
typedef void AtlReluBackwardFunc (float *dx, const float *dy, const float *y, const AtlShape *shape,
                                  gboolean accumulate);

/* y = a[offset...] + gain b. 'shape' is that of y and b, and y may be b; 'shape_a' may be larger. */
typedef void AtlScaledAddForwardFunc (float *y, const float *a, const float *b,
                                      const AtlShape *shape, const AtlShape *shape_a,
                                      AtlOffset offset, float gain);
/* dx[offset...] = gain dy; where dx is larger than dy, its rim becomes zero (or stays, if accumulated). */
typedef void AtlScaledAddBackwardFunc (float *dx, const float *dy, const AtlShape *shape,
                                       const AtlShape *shape_x, AtlOffset offset, float gain,
                                       gboolean accumulate);

/* y[c, r f + i, q f + j] = x[c f f + i f + j, r, q]. 'shape' is that of x.
 * Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
 * Convolutional Neural Network", CVPR 2016. */
typedef void AtlPixelShuffleForwardFunc (float *y, const float *x, const AtlShape *shape,
                                         int factor);
typedef void AtlPixelShuffleBackwardFunc (float *dx, const float *dy, const AtlShape *shape,
                                          int factor, gboolean accumulate);

/* y[c, r f + i, q f + j] = x[c, r, q], nearest-neighbour enlargement. 'shape' is that of x. The gradient is
 * the sum over the f f pixels. */
typedef void AtlUpsampleForwardFunc (float *y, const float *x, const AtlShape *shape, int factor);
typedef void AtlUpsampleBackwardFunc (float *dx, const float *dy, const AtlShape *shape, int factor,
                                      gboolean accumulate);

/* The largest number of each window of N x C x H_in x W_in,
 *
 *   y[c, r, q] = max over a, b of x[c, r stride + a - pad_top, q stride + b - pad_left],
 *
 * where what lies outside 0..H_in-1 and 0..W_in-1 does not count; every window holds some of the inside. A NaN
 * is the largest number. Pads may be negative, as those of a convolution. */
typedef struct
{
  int n, c;
  int kernel, stride;
  int h_in, w_in;
  int h_out, w_out;
  int pad_top, pad_left;
} AtlMaxPool;
typedef void AtlMaxPoolForwardFunc (float *y, const float *x, const AtlMaxPool *pool);
/* dx is the sum of dy over the windows whose largest number it is; of equal ones that is the first in the
 * order of rows, as in PyTorch. */
typedef void AtlMaxPoolBackwardFunc (float *dx, const float *dy, const float *x,
                                     const AtlMaxPool *pool, gboolean accumulate, gboolean relu);

/* A picture continued beyond its edges by mirroring it, the edge itself not doubled (2 1 | 0 1 2), as often as
 * it takes; of a side of one pixel the pixel is repeated.
 *
 *   y[c, r, q] = x[c, mirrored (r + top, H), mirrored (q + left, W)]
 *
 * H x W is the picture of which x holds h_x x w_x pixels from (x_top, x_left) on, which are all that y reads;
 * (top, left) is where y begins in it, beyond the edge if negative. */
typedef struct
{
  int n, c;
  int height, width; /* H, W */
  int h_x, w_x, x_top, x_left;
  int h_y, w_y, top, left;
} AtlReflectionPad;

/* Which of the pixels 0 to size - 1 stands for pixel i of the continued picture. */
static inline int
atl_mirrored (int i, int size)
{
  const int period = 2 * (size - 1);

  if (period == 0)
    return 0;
  i = (i % period + period) % period;
  return i < size ? i : period - i;
}

typedef void AtlReflectionPadForwardFunc (float *y, const float *x, const AtlReflectionPad *pad);
typedef void AtlReflectionPadBackwardFunc (float *dx, const float *dy, const AtlReflectionPad *pad,
                                           gboolean accumulate);

/* Copies N x C_x x H x W from (offset) in x to channels 'channel' and up of y: what joins tensors to one of more
 * channels. 'shape' is that of y, 'shape_x' of x, which may have more rows and columns. Those of y's channels
 * that a call does not name stay as they are, but for the added ones behind the last. */
typedef void AtlConcatForwardFunc (float *y, const float *x, const AtlShape *shape,
                                   const AtlShape *shape_x, AtlOffset offset, int channel);
/* dx[offset...] = dy[channel...]; where dx is larger than dy, its rim becomes zero (or stays, if accumulated). */
typedef void AtlConcatBackwardFunc (float *dx, const float *dy, const AtlShape *shape,
                                    const AtlShape *shape_x, AtlOffset offset, int channel,
                                    gboolean accumulate);

/* y = scale x + shift, one number a channel; y may be x. */
typedef void AtlScaleShiftFunc (float *y, const float *x, const float *scale, const float *shift,
                                const AtlShape *shape);

/* What follows a normalisation z and is done with it: y = residual + gain z (NULL: y = z), of the same shape;
 * then y = max (y, 0), where NaN stays NaN. */
typedef struct
{
  const float *residual;
  float gain;
  gboolean relu;
} AtlNormEpilogue;

/* Batch normalisation over N, H and W with the statistics of this batch:
 *
 *   z = gamma (x - mean) / sqrt (variance + epsilon) + beta,   variance = mean of (x - mean)^2
 *
 * mean, variance: one number a channel, padded; written for the backward pass and the running
 * statistics. Ioffe and Szegedy, "Batch Normalization", ICML 2015. */
typedef size_t AtlBatchNormScratchSizeFunc (const AtlShape *shape);
typedef void AtlBatchNormForwardFunc (float *y, float *mean, float *variance, const float *x,
                                      const float *gamma, const float *beta, const AtlShape *shape,
                                      float epsilon, const AtlNormEpilogue *epilogue,
                                      float *scratch);
/* The gradients where dz = gain dy. dgamma and dbeta are added to and may be NULL; dx may be dy if it is not
 * accumulated. */
typedef void AtlBatchNormBackwardFunc (float *dx, float *dgamma, float *dbeta, const float *dy,
                                       const float *x, const float *gamma, const float *mean,
                                       const float *variance, const AtlShape *shape, float epsilon,
                                       float gain, gboolean accumulate, gboolean relu,
                                       float *scratch);

/* The loss of y against the target t, its mean over the N C H W numbers, in double; dy is its gradient
 * times gain. L1: |y - t|, with gradient 0 where they are equal. MSE: (y - t)^2. Binary cross-entropy, of
 * logits y and probabilities t: max (y, 0) - y t + log (1 + exp (-|y|)). */
typedef size_t AtlLossScratchSizeFunc (const AtlShape *shape);
typedef double AtlLossFunc (float *dy, const float *y, const float *t, const AtlShape *shape,
                            float gain, float *scratch);

/* The Gram matrices of a batch, C x C each, the style statistic of Gatys, Ecker and Bethge, "Image Style Transfer
 * Using Convolutional Neural Networks", CVPR 2016:
 *
 *   G[n, c, d]   = sum over the P = H W pixels p of F[n, c, p] F[n, d, p] / (C P)
 *   dF[n, c, p] += sum over d of (dG[n, c, d] + dG[n, d, c]) F[n, d, p] / (C P)
 *
 * G and dG are plain arrays. dF is added to, since the same features also feed other losses. */
typedef size_t AtlGramScratchSizeFunc (const AtlShape *shape);
typedef void AtlGramForwardFunc (float *g, const float *f, const AtlShape *shape, float *scratch);
typedef void AtlGramBackwardFunc (float *df, const float *dg, const float *f, const AtlShape *shape,
                                  float *scratch);

/* One step of Adam on n parameters w with gradients g; m, v: moments, zero before the first step. */
typedef void AtlAdamFunc (float *w, float *m, float *v, const float *g, size_t n,
                          const AtlAdam *adam);

typedef struct
{
  const char *name;    /* "reference", "cpu" */
  const char *variant; /* instruction set or device, for people: "plain C", "avx2" */

  AtlTensorSizeFunc *tensor_size;
  AtlTensorImportFunc *tensor_import;
  AtlTensorExportFunc *tensor_export;
  AtlTensorCopyRowsFunc *tensor_copy_rows;

  AtlConv2dPackedSizeFunc *conv2d_packed_size;
  AtlConv2dPackFunc *conv2d_pack;
  AtlConv2dScratchSizeFunc *conv2d_scratch_size;
  AtlConv2dForwardFunc *conv2d_forward;
  AtlConv2dBackwardDataFunc *conv2d_backward_data;
  AtlConv2dBackwardWeightFunc *conv2d_backward_weight;
  AtlConvTranspose2dForwardFunc *conv_transpose2d_forward;
  AtlBiasBackwardFunc *bias_backward;

  AtlReluForwardFunc *relu_forward;
  AtlReluBackwardFunc *relu_backward;
  AtlScaledAddForwardFunc *scaled_add_forward;
  AtlScaledAddBackwardFunc *scaled_add_backward;
  AtlPixelShuffleForwardFunc *pixel_shuffle_forward;
  AtlPixelShuffleBackwardFunc *pixel_shuffle_backward;
  AtlUpsampleForwardFunc *upsample_forward;
  AtlUpsampleBackwardFunc *upsample_backward;
  AtlMaxPoolForwardFunc *max_pool_forward;
  AtlMaxPoolBackwardFunc *max_pool_backward;
  AtlReflectionPadForwardFunc *reflection_pad_forward;
  AtlReflectionPadBackwardFunc *reflection_pad_backward;
  AtlConcatForwardFunc *concat_forward;
  AtlConcatBackwardFunc *concat_backward;
  AtlScaleShiftFunc *scale_shift;

  AtlBatchNormScratchSizeFunc *batch_norm_scratch_size;
  AtlBatchNormForwardFunc *batch_norm_forward;
  AtlBatchNormBackwardFunc *batch_norm_backward;

  AtlLossScratchSizeFunc *loss_scratch_size;
  AtlLossFunc *l1_loss;
  AtlLossFunc *mse_loss;
  AtlLossFunc *binary_cross_entropy_loss;
  AtlGramScratchSizeFunc *gram_scratch_size;
  AtlGramForwardFunc *gram_forward;
  AtlGramBackwardFunc *gram_backward;
  AtlAdamFunc *adam;
} AtlBackend;

/* Plain C in float with sums in double, in the order of the formulas: the oracle. */
const AtlBackend *atl_backend_reference (void);

/* The fast one, for the instruction set of atl_cpu_level (). */
const AtlBackend *atl_backend_cpu (void);

/* The one that filters and training use unless told otherwise. */
ATL_PUBLIC const AtlBackend *atl_backend_default (void);

G_END_DECLS
