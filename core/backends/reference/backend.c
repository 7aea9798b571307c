/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of the reference backend.
 */

#include "backends/reference/reference.h"

const AtlBackend *
atl_backend_reference (void)
{
  static const AtlBackend backend = {
    .name = "reference",
    .variant = "plain C",

    .tensor_size = atl_tensor_size_reference,
    .tensor_import = atl_tensor_import_reference,
    .tensor_export = atl_tensor_export_reference,
    .tensor_copy_rows = atl_tensor_copy_rows_reference,

    .conv2d_packed_size = atl_conv2d_packed_size_reference,
    .conv2d_pack = atl_conv2d_pack_reference,
    .conv2d_scratch_size = atl_conv2d_scratch_size_reference,
    .conv2d_forward = atl_conv2d_forward_reference,
    .conv2d_backward_data = atl_conv2d_backward_data_reference,
    .conv2d_backward_weight = atl_conv2d_backward_weight_reference,
    .conv_transpose2d_forward = atl_conv_transpose2d_forward_reference,
    .bias_backward = atl_bias_backward_reference,

    .relu_forward = atl_relu_forward_reference,
    .relu_backward = atl_relu_backward_reference,
    .scaled_add_forward = atl_scaled_add_forward_reference,
    .scaled_add_backward = atl_scaled_add_backward_reference,
    .pixel_shuffle_forward = atl_pixel_shuffle_forward_reference,
    .pixel_shuffle_backward = atl_pixel_shuffle_backward_reference,
    .upsample_forward = atl_upsample_forward_reference,
    .upsample_backward = atl_upsample_backward_reference,
    .max_pool_forward = atl_max_pool_forward_reference,
    .max_pool_backward = atl_max_pool_backward_reference,
    .reflection_pad_forward = atl_reflection_pad_forward_reference,
    .reflection_pad_backward = atl_reflection_pad_backward_reference,
    .concat_forward = atl_concat_forward_reference,
    .concat_backward = atl_concat_backward_reference,
    .scale_shift = atl_scale_shift_reference,

    .batch_norm_scratch_size = atl_batch_norm_scratch_size_reference,
    .batch_norm_forward = atl_batch_norm_forward_reference,
    .batch_norm_backward = atl_batch_norm_backward_reference,

    .loss_scratch_size = atl_loss_scratch_size_reference,
    .l1_loss = atl_l1_loss_reference,
    .mse_loss = atl_mse_loss_reference,
    .binary_cross_entropy_loss = atl_binary_cross_entropy_loss_reference,
    .gram_scratch_size = atl_gram_scratch_size_reference,
    .gram_forward = atl_gram_forward_reference,
    .gram_backward = atl_gram_backward_reference,
    .adam = atl_adam_reference,
  };

  return &backend;
}
