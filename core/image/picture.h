/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A GeglBuffer as networks see it: planes of perceptual colour in the buffer's own space, and back.
 *
 *   colour  R~G~B~ (or R'G'B', where the buffer holds that in a space with a perceptual curve),
 *           clipped to 0..1; grey stands three times; colour under full transparency is made of its
 *           visible neighbours
 *   excess  what was clipped off: below 0 where the colour is below 0, above 0 where it is above 1
 *   alpha   0..1
 *
 * The buffer's extent is the picture, and (0, 0) its upper left corner wherever it lies in the buffer.
 */

#pragma once

#include <gegl.h>

#include "base/progress.h"
#include "graph/plan.h"

G_BEGIN_DECLS

typedef struct AtlPicture AtlPicture;

/* Looks at every pixel once. ATL_ERROR_SHAPE for an empty buffer, ATL_ERROR_FORMAT if a number in it is
 * not finite. The buffer is kept, and must not change. */
AtlPicture *atl_picture_new (GeglBuffer *buffer, const AtlProgress *progress, GError **error);
void atl_picture_free (AtlPicture *picture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPicture, atl_picture_free)

int atl_picture_width (const AtlPicture *picture);
int atl_picture_height (const AtlPicture *picture);
gboolean atl_picture_has_alpha (const AtlPicture *picture);
/* Whether some value is not in 0..1. */
gboolean atl_picture_has_excess (const AtlPicture *picture);
/* The largest difference between two values of one channel of the visible pixels, clipped to 0..1. */
float atl_picture_contrast (const AtlPicture *picture);

/* Reads a part. colour, excess: 3 x H x W; alpha: H x W; each may be NULL. */
gboolean atl_picture_read (const AtlPicture *picture, float *colour, float *excess, float *alpha,
                           const AtlRegion *region, GError **error);

/* A new buffer of this size in the picture's own format. */
GeglBuffer *atl_picture_new_result (const AtlPicture *picture, int width, int height);

/* Writes a part of such a buffer. colour: 3 x H x W; grey is their luma, which leaves three equal values
 * as they are. alpha: H x W, NULL for opaque. */
gboolean atl_picture_write (const AtlPicture *picture, GeglBuffer *result, const float *colour,
                            const float *alpha, const AtlRegion *region, GError **error);

G_END_DECLS
