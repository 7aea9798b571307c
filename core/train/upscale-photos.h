/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The photos that a network that enlarges is trained and validated on.
 */

#pragma once

#include "train/upscale.h"

G_BEGIN_DECLS

/* Validation comes round every few minutes and is to cost seconds, whatever the size of the data. */
#define ATL_MAX_VALIDATION_PHOTOS 24

/* Both of AtlPair. The small pictures of the validation are degraded already, if that is asked for. */
typedef struct
{
  GArray *training, *validation;
} AtlUpscalePhotos;

/* As atl_upscale_data_new () says. What has been loaded before an error is to be cleared, too. */
gboolean atl_upscale_photos_load (AtlUpscalePhotos *photos, AtlUpscaleOptions *options,
                                  GPtrArray *problems, const AtlProgress *progress, GError **error);
void atl_upscale_photos_clear (AtlUpscalePhotos *photos);

/* Of the small pictures, in their order; owned by the caller. */
char *atl_upscale_photos_checksum (const AtlUpscalePhotos *photos);

G_END_DECLS
