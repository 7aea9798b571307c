/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The fast backend: the kernels of the instruction set in use, chosen once.
 */

#include "backends/cpu/kernels.h"

static const AtlCpuKernels *const kernels_of_level[] = {
  [ATL_CPU_BASELINE] = &atl_cpu_kernels_baseline,
#if defined(__x86_64__)
  [ATL_CPU_AVX2] = &atl_cpu_kernels_avx2,
  [ATL_CPU_AVX512] = &atl_cpu_kernels_avx512,
#endif
};

const AtlCpuKernels *
atl_cpu_kernels (void)
{
  return kernels_of_level[atl_cpu_level ()];
}

/* Winograd's way for 3 x 3, but not for a few channels, where the transforms cost more than the products
 * that they save: with 8 it is as fast as the direct way, with 16 1.3 times. */
static gboolean
is_for_winograd (const AtlConv2d *conv)
{
  return conv->kernel == 3 && conv->stride == 1 && conv->c_in >= 16 && conv->c_out >= 16;
}

/* Of the sizes of tiles, 6 is up to 1.2 times as fast as 4 from pictures of 48 x 48 on. Layers of more
 * channels than these lie deep in their networks, where pictures are small and their part of a tile of 6
 * is empty; and their weights would take 64 / 36 of an already large memory. */
static gboolean
has_large_tiles (const AtlConv2d *conv)
{
  return (gint64) conv->c_in * conv->c_out <= 128 * 128;
}

static const AtlCpuConv2d *
way_of (const AtlConv2d *conv, AtlPass pass)
{
  const int n_written = pass == ATL_PASS_FORWARD ? conv->c_out : conv->c_in;

  if (is_for_winograd (conv))
    return has_large_tiles (conv) ? atl_cpu_kernels ()->conv2d_winograd_6
                                  : atl_cpu_kernels ()->conv2d_winograd_4;
  if (n_written <= ATL_CPU_NARROW
      && (pass == ATL_PASS_DATA || (conv->stride == 1 && conv->shuffle <= 1)))
    return atl_cpu_kernels ()->conv2d_narrow;
  return atl_cpu_kernels ()->conv2d_direct;
}

/* A tile of 6 takes as long as 1.9 tiles of 4. */
static const AtlCpuConv2dWeight *
weight_way_of (const AtlConv2d *conv)
{
  if (! is_for_winograd (conv))
    return atl_cpu_kernels ()->conv2d_weight;

  const double n_4 = (double) ((conv->h_out + 3) / 4) * ((conv->w_out + 3) / 4);
  const double n_6 = (double) ((conv->h_out + 5) / 6) * ((conv->w_out + 5) / 6);

  return 1.9 * n_6 < n_4 ? atl_cpu_kernels ()->conv2d_winograd_weight_6
                         : atl_cpu_kernels ()->conv2d_winograd_weight_4;
}

static size_t
conv2d_packed_size (const AtlConv2d *conv, AtlPass pass)
{
  return pass == ATL_PASS_WEIGHT ? 0 : way_of (conv, pass)->packed_size (conv, pass);
}

static void
conv2d_pack (float *packed, const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  if (pass != ATL_PASS_WEIGHT)
    way_of (conv, pass)->pack (packed, weight, conv, pass);
}

static size_t
conv2d_scratch_size (const AtlConv2d *conv, AtlPass pass)
{
  return pass == ATL_PASS_WEIGHT ? weight_way_of (conv)->scratch_size (conv, pass)
                                 : way_of (conv, pass)->scratch_size (conv, pass);
}

static void
conv2d_forward (float *y, const float *x, const float *packed, const AtlConv2d *conv,
                const AtlConvEpilogue *epilogue, float *scratch)
{
  way_of (conv, ATL_PASS_FORWARD)->forward (y, x, packed, conv, epilogue, scratch);
}

static void
conv2d_backward_data (float *dx, const float *dy, const float *packed, const AtlConv2d *conv,
                      float gain, gboolean accumulate, const float *mask, float *scratch)
{
  const AtlConvEpilogue epilogue = { .residual = accumulate ? dx : NULL,
                                     .residual_h = conv->h_in,
                                     .residual_w = conv->w_in,
                                     .gain = 1.0f,
                                     .mask = mask };

  way_of (conv, ATL_PASS_DATA)->transposed (dx, dy, packed, conv, &epilogue, gain, scratch);
}

static void
conv_transpose2d_forward (float *y, const float *x, const float *packed, const AtlConv2d *conv,
                          const AtlConvEpilogue *epilogue, float *scratch)
{
  way_of (conv, ATL_PASS_DATA)->transposed (y, x, packed, conv, epilogue, 1.0f, scratch);
}

static void
conv2d_backward_weight (float *dw, float *db, const float *x, const float *dy,
                        const AtlConv2d *conv, float gain, float *scratch)
{
  weight_way_of (conv)->backward_weight (dw, db, x, dy, conv, gain, scratch);
}

static AtlBackend
make_backend (const AtlCpuKernels *k)
{
  return (AtlBackend) {
    .name = "cpu",
    .variant = atl_cpu_level_name (atl_cpu_level ()),
    .tensor_size = atl_cpu_tensor_size,
    .tensor_import = atl_cpu_tensor_import,
    .tensor_export = atl_cpu_tensor_export,
    .tensor_copy_rows = atl_cpu_tensor_copy_rows,
    .conv2d_packed_size = conv2d_packed_size,
    .conv2d_pack = conv2d_pack,
    .conv2d_scratch_size = conv2d_scratch_size,
    .conv2d_forward = conv2d_forward,
    .conv2d_backward_data = conv2d_backward_data,
    .conv2d_backward_weight = conv2d_backward_weight,
    .conv_transpose2d_forward = conv_transpose2d_forward,
    .bias_backward = k->batch_norm->bias_backward,
    .relu_forward = k->elementwise->relu_forward,
    .relu_backward = k->elementwise->relu_backward,
    .scaled_add_forward = k->elementwise->scaled_add_forward,
    .scaled_add_backward = k->elementwise->scaled_add_backward,
    .pixel_shuffle_forward = atl_cpu_pixel_shuffle_forward,
    .pixel_shuffle_backward = atl_cpu_pixel_shuffle_backward,
    .upsample_forward = k->spatial->upsample_forward,
    .upsample_backward = k->spatial->upsample_backward,
    .max_pool_forward = k->spatial->max_pool_forward,
    .max_pool_backward = k->spatial->max_pool_backward,
    .reflection_pad_forward = atl_cpu_reflection_pad_forward,
    .reflection_pad_backward = atl_cpu_reflection_pad_backward,
    .concat_forward = atl_cpu_concat_forward,
    .concat_backward = atl_cpu_concat_backward,
    .scale_shift = k->elementwise->scale_shift,
    .batch_norm_scratch_size = k->batch_norm->scratch_size,
    .batch_norm_forward = k->batch_norm->forward,
    .batch_norm_backward = k->batch_norm->backward,
    .loss_scratch_size = k->optimize->loss_scratch_size,
    .l1_loss = k->optimize->l1_loss,
    .mse_loss = k->optimize->mse_loss,
    .binary_cross_entropy_loss = k->optimize->binary_cross_entropy_loss,
    .gram_scratch_size = atl_cpu_gram_scratch_size,
    .gram_forward = atl_cpu_gram_forward,
    .gram_backward = atl_cpu_gram_backward,
    .adam = k->optimize->adam,
  };
}

const AtlBackend *
atl_backend_cpu (void)
{
  static AtlBackend backend;
  static size_t ready = 0;

  if (g_once_init_enter (&ready))
    {
      backend = make_backend (atl_cpu_kernels ());
      g_once_init_leave (&ready, 1);
    }

  return &backend;
}
