/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels of the fast backend, as tables of functions: one table for each source file and
 * instruction set. The sources are compiled once for each instruction set, with the names of their
 * tables given by the build; all their functions are static.
 */

#pragma once

#include "backends/backend.h"
#include "base/cpu.h"

G_BEGIN_DECLS

/* The most output channels of conv2d-narrow.c. */
#define ATL_CPU_NARROW 4

/* y = the epilogue of factor (w^T * x), where the epilogue's scale, if any, comes first: the gradient of a
 * convolution's input, or a transposed convolution. */
typedef void AtlCpuConv2dTransposedFunc (float *y, const float *x, const float *packed,
                                         const AtlConv2d *conv, const AtlConvEpilogue *epilogue,
                                         float factor, float *scratch);

/* A way to compute convolutions and transposed ones, which are the gradients of their inputs.
 * conv2d-direct.c: any kernel, stride and size; conv2d-winograd.c: 3 x 3 with stride 1;
 * conv2d-narrow.c: at most ATL_CPU_NARROW channels written, forward with stride 1 and without a shuffle. */
typedef struct
{
  AtlConv2dPackedSizeFunc *packed_size;
  AtlConv2dPackFunc *pack;
  AtlConv2dScratchSizeFunc *scratch_size;
  AtlConv2dForwardFunc *forward;
  AtlCpuConv2dTransposedFunc *transposed;
} AtlCpuConv2d;

/* A way to compute the gradients of their weights: conv2d-weight.c, and conv2d-winograd-weight.c. */
typedef struct
{
  AtlConv2dScratchSizeFunc *scratch_size;
  AtlConv2dBackwardWeightFunc *backward_weight;
} AtlCpuConv2dWeight;

/* elementwise.c */
typedef struct
{
  AtlReluForwardFunc *relu_forward;
  AtlReluBackwardFunc *relu_backward;
  AtlScaledAddForwardFunc *scaled_add_forward;
  AtlScaledAddBackwardFunc *scaled_add_backward;
  AtlScaleShiftFunc *scale_shift;
} AtlCpuElementwise;

/* spatial.c */
typedef struct
{
  AtlUpsampleForwardFunc *upsample_forward;
  AtlUpsampleBackwardFunc *upsample_backward;
  AtlMaxPoolForwardFunc *max_pool_forward;
  AtlMaxPoolBackwardFunc *max_pool_backward;
} AtlCpuSpatial;

/* batch-norm.c */
typedef struct
{
  AtlBatchNormScratchSizeFunc *scratch_size;
  AtlBatchNormForwardFunc *forward;
  AtlBatchNormBackwardFunc *backward;
  AtlBiasBackwardFunc *bias_backward;
} AtlCpuBatchNorm;

/* optimize.c */
typedef struct
{
  AtlLossScratchSizeFunc *loss_scratch_size;
  AtlLossFunc *l1_loss;
  AtlLossFunc *mse_loss;
  AtlLossFunc *binary_cross_entropy_loss;
  AtlAdamFunc *adam;
} AtlCpuOptimize;

/* limits.c: what is measured with them is in machine.c. */
typedef struct
{
  /* Multiply-adds of vectors, n_rounds times as many as there are sums; returns the number of operations.
   * 'sums' holds a vector of zeros and is overwritten. */
  double (*multiply_add) (float *sums, int n_rounds);
  /* y = x / 2 for n numbers, a multiple of 16. */
  void (*scale) (float *y, const float *x, size_t n);
} AtlCpuLimits;

/* All of one instruction set. */
typedef struct
{
  const AtlCpuConv2d *conv2d_direct;
  const AtlCpuConv2d *conv2d_winograd_4, *conv2d_winograd_6; /* by the size of tiles */
  const AtlCpuConv2d *conv2d_narrow;
  const AtlCpuConv2dWeight *conv2d_weight;
  const AtlCpuConv2dWeight *conv2d_winograd_weight_4, *conv2d_winograd_weight_6;
  const AtlCpuElementwise *elementwise;
  const AtlCpuSpatial *spatial;
  const AtlCpuBatchNorm *batch_norm;
  const AtlCpuOptimize *optimize;
  const AtlCpuLimits *limits;
} AtlCpuKernels;

/* The tables of the instruction set that a source is being compiled for; the build gives these constants
 * their names. */
#ifdef ATL_CPU_KERNELS
extern const AtlCpuConv2d ATL_CPU_CONV2D_DIRECT;
extern const AtlCpuConv2d ATL_CPU_CONV2D_WINOGRAD_4;
extern const AtlCpuConv2d ATL_CPU_CONV2D_WINOGRAD_6;
extern const AtlCpuConv2d ATL_CPU_CONV2D_NARROW;
extern const AtlCpuConv2dWeight ATL_CPU_CONV2D_WEIGHT;
extern const AtlCpuConv2dWeight ATL_CPU_CONV2D_WINOGRAD_WEIGHT_4;
extern const AtlCpuConv2dWeight ATL_CPU_CONV2D_WINOGRAD_WEIGHT_6;
extern const AtlCpuElementwise ATL_CPU_ELEMENTWISE;
extern const AtlCpuSpatial ATL_CPU_SPATIAL;
extern const AtlCpuBatchNorm ATL_CPU_BATCH_NORM;
extern const AtlCpuOptimize ATL_CPU_OPTIMIZE;
extern const AtlCpuLimits ATL_CPU_LIMITS;
#endif

/* kernels.c, compiled once for each instruction set */
extern const AtlCpuKernels atl_cpu_kernels_baseline;
extern const AtlCpuKernels atl_cpu_kernels_avx2;
extern const AtlCpuKernels atl_cpu_kernels_avx512;

/* Those of atl_cpu_level (). */
const AtlCpuKernels *atl_cpu_kernels (void);

/* Compiled once, since they only move numbers, or call the kernels: layout.c, pixel-shuffle.c, concat.c,
 * reflection-pad.c, gram.c. */
AtlTensorSizeFunc atl_cpu_tensor_size;
AtlTensorImportFunc atl_cpu_tensor_import;
AtlTensorExportFunc atl_cpu_tensor_export;
AtlTensorCopyRowsFunc atl_cpu_tensor_copy_rows;
AtlPixelShuffleForwardFunc atl_cpu_pixel_shuffle_forward;
AtlPixelShuffleBackwardFunc atl_cpu_pixel_shuffle_backward;
AtlConcatForwardFunc atl_cpu_concat_forward;
AtlConcatBackwardFunc atl_cpu_concat_backward;
AtlReflectionPadForwardFunc atl_cpu_reflection_pad_forward;
AtlReflectionPadBackwardFunc atl_cpu_reflection_pad_backward;
AtlGramScratchSizeFunc atl_cpu_gram_scratch_size;
AtlGramForwardFunc atl_cpu_gram_forward;
AtlGramBackwardFunc atl_cpu_gram_backward;

G_END_DECLS
