/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a network that enlarges is trained by: the difference of pixels, or of what a fixed network sees in them.
 */

#pragma once

#include "train/upscale.h"

G_BEGIN_DECLS

typedef struct AtlUpscaleLoss AtlUpscaleLoss;

/* The loss that the options name, for pictures of N x 3 x H x W; the options must live longer. ATL_ERROR_MODEL if there is no such loss network,
 * ATL_ERROR_ARGUMENT if its weights cannot be read, ATL_ERROR_MEMORY. */
AtlUpscaleLoss *atl_upscale_loss_new (const AtlUpscaleOptions *options, const AtlShape *shape,
                                      const AtlBackend *backend, GError **error);
void atl_upscale_loss_free (AtlUpscaleLoss *loss);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlUpscaleLoss, atl_upscale_loss_free)

/* The loss of y, in the backend's layout as its gradient dy, against 'targets', in plain order. */
double atl_upscale_loss_run (AtlUpscaleLoss *loss, float *dy, const float *y, const float *targets);

/* Checks the text of '--loss-weights': ATL_ERROR_ARGUMENT. */
gboolean atl_upscale_loss_check_weights (const char *text, GError **error);

G_END_DECLS
