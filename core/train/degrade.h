/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens to photos before they reach us: they are a little out of focus, noisy, and compressed. A network that is
 * to enlarge real photos learns from such ones.
 */

#pragma once

#include "base/random.h"
#include "train/photo.h"

G_BEGIN_DECLS

/* Numbers from 'least' to 'most', all as likely. */
typedef struct
{
  double least, most;
} AtlRange;

/* In the order in which they happen. A part whose range ends at 0 is left out. */
typedef struct
{
  AtlRange blur;  /* deviation of a Gaussian, in pixels */
  AtlRange noise; /* deviation of normal noise in each colour, in steps of 8 bits */
  AtlRange
      jpeg; /* quality, 1 to 100, of a JPEG whose colours are halved (4:2:0) or not, each as often */
} AtlDegradation;

/* Reads 'blur=0..1,noise=0..5,jpeg=30..95': any of them, in any order, each a range or a single number; ATL_ERROR_ARGUMENT
 * with what there is. */
gboolean atl_degradation_parse (AtlDegradation *degradation, const char *text, GError **error);

/* Draws what happens from 'random', and does it to the photo. ATL_ERROR_MEMORY, ATL_ERROR_FORMAT if it cannot be compressed. */
gboolean atl_degrade (const AtlDegradation *degradation, AtlPhoto *photo, AtlRandom *random,
                      GError **error);

G_END_DECLS
