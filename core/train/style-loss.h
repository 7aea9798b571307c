/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loss that trains a style network: a picture shall have the content of a photo and the style of another picture,
 * as the features of a fixed network see them.
 *
 *   loss = sum over taps of  content[tap] mean (F(y) - F(photo))^2
 *                          + style[tap] mean (10^6 (G(y) - G(style)))^2
 *
 * F are the features of a tap, G their Gram matrices, see AtlGramForwardFunc. Johnson, Alahi and Fei-Fei, "Perceptual
 * Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016, section 3.2.
 */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

#define ATL_LOSS_TAPS 5

/* The weight of each tap of a loss network, 0 where it is not compared. */
typedef struct
{
  double content[ATL_LOSS_TAPS], style[ATL_LOSS_TAPS];
} AtlStyleWeights;

/* Those that suit VGG16-bn. */
extern const AtlStyleWeights atl_style_weights_vgg16_bn;

/* The parts of a loss, weighted. */
typedef struct
{
  double content, style;
} AtlStyleParts;

/* A loss network up to stage n, of ATL_LOSS_TAPS, each ending in a tap: atl_vgg16_bn_new () and its like. */
typedef AtlGraph *AtlLossNetworkFunc (int n_stages);

typedef struct _AtlStyleLoss AtlStyleLoss;

/* The loss of batches of 'shape', N x 3 x H x W. 'parameters' are those of the whole loss network; they are borrowed and
 * stay as they are. ATL_ERROR_MEMORY. */
AtlStyleLoss *atl_style_loss_new (AtlLossNetworkFunc *build, float *parameters,
                                  const AtlStyleWeights *weights, const AtlShape *shape,
                                  const AtlBackend *backend, GError **error);
void atl_style_loss_free (AtlStyleLoss *loss);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlStyleLoss, atl_style_loss_free)

/* Sets the style: a picture of 3 x H x W. Before, G(style) is zero. */
void atl_style_loss_set_style (AtlStyleLoss *loss, const float *picture);

/* The loss of y, in the backend's layout as its gradient dy, against 'photo', in plain order. */
AtlStyleParts atl_style_loss_run (AtlStyleLoss *loss, float *dy, const float *y,
                                  const float *photo);

/* Of one run, forward and backward. */
double atl_style_loss_multiply_adds (const AtlStyleLoss *loss);

/* Bytes that it holds. */
size_t atl_style_loss_size (const AtlStyleLoss *loss);

G_END_DECLS
