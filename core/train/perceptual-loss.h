/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Losses by what the features of a fixed network see: a picture shall be like a photo in its pixels and its content,
 * or have the content of the photo and the style of another picture.
 *
 *   loss = pixels mean |y - photo|
 *        + sum over taps of  content[tap] mean d (F(y) - F(photo))
 *                          + style[tap] mean (10^6 (G(y) - G(style)))^2
 *
 * F are the features of a tap, d (x) is x^2 or |x|, G are the features' Gram matrices, see AtlGramForwardFunc. Johnson,
 * Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016, section 3.2.
 */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define ATL_LOSS_TAPS 5

/* How features are compared. */
typedef enum
{
  ATL_DISTANCE_SQUARED,
  ATL_DISTANCE_ABSOLUTE
} AtlDistance;

/* The weight of the pixels and of each tap of a loss network, 0 where it is not compared. */
typedef struct
{
  double pixels;
  AtlDistance distance; /* of content */
  double content[ATL_LOSS_TAPS], style[ATL_LOSS_TAPS];
} AtlPerceptualWeights;

/* Those of the lesson for style, with VGG16-bn. */
extern const AtlPerceptualWeights atl_style_weights_vgg16_bn;

/* The parts of a loss, weighted. */
typedef struct
{
  double pixels, content, style;
} AtlPerceptualParts;

/* A loss network up to stage n, of ATL_LOSS_TAPS, each ending in a tap: atl_vgg16_bn_new () and its like. */
typedef AtlGraph *AtlLossNetworkFunc (int n_stages);

typedef struct _AtlPerceptualLoss AtlPerceptualLoss;

/* The loss of batches of 'shape', N x 3 x H x W. 'parameters' are those of the whole loss network; they are borrowed and
 * stay as they are. ATL_ERROR_MEMORY. */
AtlPerceptualLoss *atl_perceptual_loss_new (AtlLossNetworkFunc *build, float *parameters,
                                            const AtlPerceptualWeights *weights,
                                            const AtlShape *shape, const AtlBackend *backend,
                                            GError **error);
void atl_perceptual_loss_free (AtlPerceptualLoss *loss);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPerceptualLoss, atl_perceptual_loss_free)

/* Sets the style: a picture of 3 x H x W. Before, G(style) is zero. */
void atl_perceptual_loss_set_style (AtlPerceptualLoss *loss, const float *picture);

/* The loss of y, in the backend's layout as its gradient dy, against 'photo', in plain order. */
AtlPerceptualParts atl_perceptual_loss_run (AtlPerceptualLoss *loss, float *dy, const float *y,
                                            const float *photo);

/* Of one run, forward and backward. */
double atl_perceptual_loss_multiply_adds (const AtlPerceptualLoss *loss);

/* Bytes that it holds. */
size_t atl_perceptual_loss_size (const AtlPerceptualLoss *loss);

G_END_DECLS
