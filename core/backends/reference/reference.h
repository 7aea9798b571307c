/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The operators of the reference backend. Layout: NCHW without padding. Sums and what follows from them
 * are computed in double and rounded once, when they are stored.
 */

#pragma once

#include "backends/backend.h"

G_BEGIN_DECLS

AtlTensorSizeFunc atl_tensor_size_reference;
AtlTensorImportFunc atl_tensor_import_reference;
AtlTensorExportFunc atl_tensor_export_reference;
AtlTensorCopyRowsFunc atl_tensor_copy_rows_reference;

AtlConv2dPackedSizeFunc atl_conv2d_packed_size_reference;
AtlConv2dPackFunc atl_conv2d_pack_reference;
AtlConv2dScratchSizeFunc atl_conv2d_scratch_size_reference;
AtlConv2dForwardFunc atl_conv2d_forward_reference;
AtlConv2dBackwardDataFunc atl_conv2d_backward_data_reference;
AtlConv2dBackwardWeightFunc atl_conv2d_backward_weight_reference;
AtlConvTranspose2dForwardFunc atl_conv_transpose2d_forward_reference;
AtlBiasBackwardFunc atl_bias_backward_reference;

AtlReluForwardFunc atl_relu_forward_reference;
AtlReluBackwardFunc atl_relu_backward_reference;
AtlScaledAddForwardFunc atl_scaled_add_forward_reference;
AtlScaledAddBackwardFunc atl_scaled_add_backward_reference;
AtlScaleShiftFunc atl_scale_shift_reference;

AtlPixelShuffleForwardFunc atl_pixel_shuffle_forward_reference;
AtlPixelShuffleBackwardFunc atl_pixel_shuffle_backward_reference;

AtlUpsampleForwardFunc atl_upsample_forward_reference;
AtlUpsampleBackwardFunc atl_upsample_backward_reference;
AtlMaxPoolForwardFunc atl_max_pool_forward_reference;
AtlMaxPoolBackwardFunc atl_max_pool_backward_reference;
AtlReflectionPadForwardFunc atl_reflection_pad_forward_reference;
AtlReflectionPadBackwardFunc atl_reflection_pad_backward_reference;
AtlConcatForwardFunc atl_concat_forward_reference;
AtlConcatBackwardFunc atl_concat_backward_reference;

AtlBatchNormScratchSizeFunc atl_batch_norm_scratch_size_reference;
AtlBatchNormForwardFunc atl_batch_norm_forward_reference;
AtlBatchNormBackwardFunc atl_batch_norm_backward_reference;

AtlLossScratchSizeFunc atl_loss_scratch_size_reference;
AtlLossFunc atl_l1_loss_reference;
AtlLossFunc atl_mse_loss_reference;
AtlLossFunc atl_binary_cross_entropy_loss_reference;

AtlGramScratchSizeFunc atl_gram_scratch_size_reference;
AtlGramForwardFunc atl_gram_forward_reference;
AtlGramBackwardFunc atl_gram_backward_reference;

AtlAdamFunc atl_adam_reference;

/* The index of x[n, c, row, column] in an array of this shape. */
static inline size_t
atl_nchw (const AtlShape *shape, int n, int c, int row, int column)
{
  return (((size_t) n * (size_t) shape->c + (size_t) c) * (size_t) shape->h + (size_t) row)
             * (size_t) shape->w
         + (size_t) column;
}

G_END_DECLS
