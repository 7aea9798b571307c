/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How near a picture is to another, as the literature of super-resolution measures it.
 */

#pragma once

#include "train/photo.h"

G_BEGIN_DECLS

/* Pixels on a side of the window of SSIM: a picture must have as many. */
#define ATL_SSIM_WINDOW 11

/* Luma of ITU-R BT.601 in 8-bit studio range, 16..235, as MATLAB's rgb2ycbcr but not rounded: H x W,
 * freed by atl_floats_free (). ATL_ERROR_MEMORY. */
float *atl_luma_new (const AtlPhoto *picture, GError **error);

/* Peak signal to noise ratio in dB of two planes of 0..255, without a border of 'border' pixels;
 * infinite for equal planes. The border leaves at least one pixel. */
double atl_psnr (const float *a, const float *b, int width, int height, int border);

/* Mean structural similarity, 1 for equal planes of 0..255, without a border; what is left must be at
 * least ATL_SSIM_WINDOW pixels wide and high. NAN when memory is short. */
double atl_ssim (const float *a, const float *b, int width, int height, int border);

G_END_DECLS
