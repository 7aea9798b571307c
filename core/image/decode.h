/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Photo files decoded to plain 8-bit RGB, for training and measuring.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reads a file of any kind that libvips knows: upright, in sRGB, transparency on white, and shrunk if a
 * side is longer than 'max_side'; an 8-bit sRGB file that is not shrunk keeps its numbers. The pixels,
 * H x W x 3, are freed by g_free (). ATL_ERROR_FORMAT, with the file's name, if it is not a picture or is
 * damaged. May be called by several threads. */
guint8 *atl_decode_rgb (const char *path, int max_side, int *width, int *height, GError **error);

/* Whether the name is that of a picture file, by its ending. */
gboolean atl_is_picture_name (const char *name);

G_END_DECLS
