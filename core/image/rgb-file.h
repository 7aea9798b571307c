/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files as plain 8-bit RGB, for training and measuring.
 */

#pragma once

#include <gegl.h>

G_BEGIN_DECLS

/* Larger than any picture. */
#define ATL_RGB_NO_LIMIT 10000000

/* Reads a file of any kind that libvips knows: upright, in RGB, transparency on white, and shrunk if a
 * side is longer than 'max_side'. RGB stays in the file's own space, as networks see it: an 8-bit file
 * that is not shrunk keeps its numbers. The pixels,
 * H x W x 3, are freed by g_free (). ATL_ERROR_FORMAT, with the file's name, if it is not a picture or is
 * damaged. May be called by several threads. */
guint8 *atl_rgb_read (const char *path, int max_side, int *width, int *height, GError **error);

/* Writes H x W x 3 pixels as a PNG, at once and only when it is complete. G_FILE_ERROR, with the file's
 * name. */
gboolean atl_rgb_write_png (const char *path, const guint8 *pixels, int width, int height,
                            GError **error);

/* Makes H x W x 3 pixels what they are after being a JPEG of this quality, 1 to 100, with colours of half the width and
 * height (4:2:0) or of the whole. ATL_ERROR_FORMAT. */
gboolean atl_rgb_recompress (guint8 *pixels, int width, int height, int quality, gboolean halved,
                             GError **error);

/* H x W x 3 pixels as a buffer, and a buffer's pixels as these, in sRGB. Owned by the caller. */
GeglBuffer *atl_rgb_to_buffer (const guint8 *pixels, int width, int height);
void atl_rgb_from_buffer (guint8 *pixels, GeglBuffer *buffer);

/* Whether the name is that of a picture file, by its ending. */
gboolean atl_is_picture_name (const char *name);

G_END_DECLS
