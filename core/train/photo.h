/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 8-bit photos as training and measuring hold them in memory, and as networks see them.
 */

#pragma once

#include <math.h>

#include "image/resample.h"

G_BEGIN_DECLS

/* RGB in the photo's own space, rows without gaps: rgb[(y width + x) 3 + c], owned. */
typedef struct
{
  int width, height;
  guint8 *rgb;
} AtlPhoto;

/* The nearest of the numbers that a photo has. */
static inline guint8
atl_photo_byte (double value)
{
  return (guint8) lrint (CLAMP (value, 0.0, 255.0));
}

/* Empty, of a size with at least one pixel; ATL_ERROR_MEMORY. */
gboolean atl_photo_init (AtlPhoto *photo, int width, int height, GError **error);
void atl_photo_clear (AtlPhoto *photo);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlPhoto, atl_photo_clear)

/* The part of 'source' from (left, top), inside it. */
gboolean atl_photo_init_part (AtlPhoto *part, const AtlPhoto *source, int left, int top, int width,
                              int height, GError **error);

/* By a kernel, antialiased when shrinking, as MATLAB's imresize; rounded to 8 bits. */
gboolean atl_photo_init_resized (AtlPhoto *resized, const AtlPhoto *source, AtlKernel kernel,
                                 int width, int height, GError **error);

/* The square of side x side from (left, top) as planes of 0..1, 3 x side x side. */
void atl_photo_to_planes (float *planes, const AtlPhoto *photo, int left, int top, int side);

/* The inverse of atl_photo_to_planes () for a whole photo, clipped to 0..1 and rounded. */
void atl_photo_from_planes (AtlPhoto *photo, const float *planes);

G_END_DECLS
