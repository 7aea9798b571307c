/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What reading and writing picture files share.
 */

#pragma once

#include "image/photo-file.h"
#include "image/vips.h"

G_BEGIN_DECLS

struct AtlPhotoFile
{
  VipsImage *image; /* as it was read: its header goes with every result */
  GeglBuffer *buffer;
  guint losses; /* of GEGL's swap file, before it was read */
  char *remark;
};

/* One number of a pixel. */
typedef struct
{
  VipsBandFormat vips;
  const char *babl;
  int bits; /* 32 stands for float too */
} AtlSample;

/* NULL for numbers that pixels are not made of. */
const AtlSample *atl_sample_find (VipsBandFormat format);

G_END_DECLS
