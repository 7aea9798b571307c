/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starting the libraries that pictures need, in a program that works by itself; inside GIMP they run.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Starts GEGL and libvips. GEGL keeps at most so many bytes of tiles in memory and swaps the rest to
 * disk; 0 leaves it its own choice. ATL_ERROR_FORMAT if libvips cannot be started. */
gboolean atl_image_libraries_start (guint64 tile_cache_size, GError **error);

/* Frees what they hold, and the swap file. */
void atl_image_libraries_stop (void);

G_END_DECLS
