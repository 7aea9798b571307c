/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GIMP 3 and 2.10 in the same words, as far as apply.c needs it: images and layers are objects in one
 * and numbers in the other.
 */

#pragma once

#include <libgimp/gimp.h>

#if GIMP_MAJOR_VERSION >= 3

typedef GimpImage *AtlHostImage;
typedef GimpLayer *AtlHostLayer;

#else

typedef gint32 AtlHostImage;
typedef gint32 AtlHostLayer;

/* Casts between classes, where there are classes. */
#define GIMP_ITEM(id) (id)
#define GIMP_DRAWABLE(id) (id)
#define GIMP_LAYER(id) (id)

#define gimp_image_get_width gimp_image_width
#define gimp_image_get_height gimp_image_height
#define gimp_image_get_base_type gimp_image_base_type
#define gimp_drawable_get_width gimp_drawable_width
#define gimp_drawable_get_height gimp_drawable_height
#define gimp_drawable_get_offsets gimp_drawable_offsets

#endif

/* The layers of an image that are in no group, and those directly in a group: arrays of AtlHostLayer. */
GArray *atl_host_image_layers (AtlHostImage image);
GArray *atl_host_group_layers (AtlHostLayer group);

/* The group that the layer is in. FALSE if it is in none. */
gboolean atl_host_layer_parent (AtlHostLayer layer, AtlHostLayer *parent);

/* To be freed by g_free (). */
char *atl_host_layer_name (AtlHostLayer layer);

/* Whether GIMP makes the layer's pixels of something else (a link, a shape) and does it again when the
 * layer is scaled. */
gboolean atl_host_layer_is_generated (AtlHostLayer layer);

/* Whether scaling the layer scales nothing but pixels of its own, or those of the layers in it: it has no mask, no
 * filter, and is not generated. */
gboolean atl_host_layer_is_plain (AtlHostLayer layer);

/* Whether the image has channels besides its colours: saved selections, the quick mask. */
gboolean atl_host_image_has_channels (AtlHostImage image);

/* What GIMP says about the last of its procedures that failed; borrowed until the next call. */
const char *atl_host_last_error (void);
