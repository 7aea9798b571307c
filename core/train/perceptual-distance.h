/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far pictures are apart for people, who see edges and textures rather than pixels: the distance of their features
 * in SqueezeNet 1.0, which is no network that a loss compares.
 */

#pragma once

#include "base/progress.h"
#include "train/photo.h"

G_BEGIN_DECLS

typedef struct AtlPerceptual AtlPerceptual;

/* The network with the parameters of a weight file: one with a card for 'squeezenet', or one without a card that has the
 * tensors of the authors' names, as their file for Caffe (conv1.weight, fire2_squeeze1x1.weight); what it has besides, the
 * classifier, is not read. Errors as of atl_parameters_load (), and ATL_ERROR_MODEL for another network. */
AtlPerceptual *atl_perceptual_load (const char *path, GError **error);
void atl_perceptual_free (AtlPerceptual *perceptual);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPerceptual, atl_perceptual_free)

/* The distance of each of n pictures from the original, all of one size, at least 7 x 7:
 *
 *   d = sum over taps l of  mean over pixels of  sum over channels of (a - b)^2
 *
 * where a and b are the features of both at a pixel, divided by their length: LPIPS without learned weights, Zhang, Isola,
 * Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018,
 * equation 1 with w = 1. 0 for equal pictures, at most 4 times 2; lower is better. The memory that it takes does not grow
 * with the pictures. ATL_ERROR_MEMORY, ATL_ERROR_RESULT if features are not finite, G_IO_ERROR_CANCELLED. */
gboolean atl_perceptual_distances (const AtlPerceptual *perceptual, double *distances,
                                   const AtlPhoto *original, const AtlPhoto *const *pictures, int n,
                                   const AtlProgress *progress, GError **error);

/* How long that would take, from a trial on a small square; negative with ATL_ERROR_MEMORY or ATL_ERROR_RESULT. */
double atl_perceptual_seconds (const AtlPerceptual *perceptual, int width, int height, int n,
                               GError **error);

G_END_DECLS
