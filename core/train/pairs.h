/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Photos with their smaller selves.
 */

#pragma once

#include "base/progress.h"
#include "train/photos.h"

G_BEGIN_DECLS

typedef struct
{
  AtlPhoto large; /* cut to a multiple of the scale */
  AtlPhoto small; /* large / scale, by antialiased bicubic resampling, rounded to 8 bits */
} AtlPair;

/* Takes the photos, of which those of width 0 are left out; 'take_photos' is empty afterwards. The pairs,
 * in the photos' order, are an array of AtlPair that owns them. Works on several threads. */
GArray *atl_pairs_new (AtlPhotos *take_photos, int scale, const AtlProgress *progress,
                       GError **error);

/* A pair from a photo, which is only read. ATL_ERROR_SHAPE if it is smaller than the scale. */
gboolean atl_pair_init (AtlPair *pair, const AtlPhoto *photo, int scale, GError **error);
void atl_pair_clear (AtlPair *pair);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlPair, atl_pair_clear)

G_END_DECLS
