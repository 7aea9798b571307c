/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resizing of float planes by separable, antialiased kernels: the small pictures that networks are
 * trained and measured on, alpha, and the last step to sizes that no network makes.
 *
 * Numbers agree with MATLAB's imresize, by which the literature makes its small pictures: the kernel is
 * stretched when shrinking, weights are normalised to a sum of one, and the picture is mirrored at its
 * borders (… 1 0 | 0 1 …). Pillow differs from this at the borders alone, where it leaves out what lies
 * outside and normalises the rest.
 */

#pragma once

#include "graph/plan.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_KERNEL_LINEAR,  /* never below 0: overshoots nothing */
  ATL_KERNEL_BICUBIC, /* Keys' cubic convolution with a = -1/2 */
  ATL_KERNEL_LANCZOS3
} AtlKernel;

/* The weights for one pair of sizes; constant while it is used, so threads may share it. */
typedef struct AtlResampler AtlResampler;

/* All sizes are in pixels and at least 1. */
AtlResampler *atl_resampler_new (AtlKernel kernel, int dst_width, int dst_height, int src_width,
                                 int src_height, GError **error);
void atl_resampler_free (AtlResampler *resampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlResampler, atl_resampler_free)

/* The part of the source that a part of the destination depends on. */
AtlRegion atl_resampler_source_region (const AtlResampler *resampler, const AtlRegion *dst_region);

/* Computes a part of the destination, H x W of dst_region, from H x W of src_region, which holds at
 * least atl_resampler_source_region (). The result is the same bit for bit however the destination is
 * cut. ATL_ERROR_MEMORY when memory is short. */
gboolean atl_resampler_run (const AtlResampler *resampler, float *dst, const AtlRegion *dst_region,
                            const float *src, const AtlRegion *src_region, GError **error);

/* The same for n planes that follow each other; the result is owned by the caller. */
float *atl_resampler_planes (const AtlResampler *resampler, const AtlRegion *dst_region,
                             const float *src, const AtlRegion *src_region, int n, GError **error);

/* The whole of one plane, from_height x from_width, in another size; owned by the caller. */
float *atl_resized_plane_new (AtlKernel kernel, int width, int height, const float *plane,
                              int from_width, int from_height, GError **error);

G_END_DECLS
