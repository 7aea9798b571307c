/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which layers of an image are enlarged, and to which size.
 */

#pragma once

#include "base/error.h"
#include "host/adapter.h"

/* What is to be enlarged. */
typedef struct
{
  AtlHostImage image;
  double scale;
  gboolean whole; /* else the selected layers, each on its own about its centre */
  const AtlHostLayer *selected;
  int n_selected;
} AtlHostRequest;

/* A layer with pixels of its own, and what they become. */
typedef struct
{
  AtlHostLayer layer;
  GeglRectangle box;    /* of the layer before */
  int width, height;    /* of the layer when GIMP has scaled it */
  GeglBuffer *original; /* a copy, for the user may paint meanwhile; NULL before it is read */
  GeglBuffer *pixels;   /* as computed; NULL before */
} AtlHostTarget;

/* What the whole image becomes. */
void atl_host_image_size (const AtlHostRequest *request, int *width, int *height);

/* The layers whose pixels are to be computed, AtlHostTarget, in an order that stays; nothing is read yet.
 * ATL_ERROR_ARGUMENT if one of them is locked or would become too large for GIMP, or none is selected. */
GArray *atl_host_targets_new (const AtlHostRequest *request, GError **error);

/* The bytes of the copies and the results of all of them together; each layer's own check does not see the others. */
guint64 atl_host_targets_size (const GArray *targets);

/* Lets GIMP scale the image or the layers. FALSE: atl_host_last_error () has the reason. */
gboolean atl_host_scale (const AtlHostRequest *request);
