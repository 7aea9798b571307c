/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files that speak with libvips have in common.
 */

#pragma once

#include <vips/vips.h>

G_BEGIN_DECLS

/* A name of our own: newer versions of libvips make VipsImage known to g_autoptr () themselves. */
typedef VipsImage AtlVipsImage;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlVipsImage, g_object_unref)

/* Starts libvips, once. FALSE if it cannot be; its error buffer then says why. */
gboolean atl_vips_start (void);

/* What the system said to libvips, or else the first line of what libvips has to say, or 'fallback' if
 * that is nothing; its buffer is emptied for the next. Owned by the caller. */
char *atl_vips_take_message (const char *fallback);

G_END_DECLS
