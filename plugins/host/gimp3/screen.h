/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pixels of GEGL and GIMP as GTK draws them; for GIMP 3's dialog.
 */

#pragma once

#include <libgimp/gimp.h>
#include <gtk/gtk.h>

/* All of a buffer, in sRGB. */
cairo_surface_t *atl_screen_surface_new (GeglBuffer *buffer);

/* Whether both have the same size and pixels. */
gboolean atl_screen_same_surface (cairo_surface_t *a, cairo_surface_t *b);

/* A layer as a whole, at most 'side' pixels on its longer side. */
GdkPixbuf *atl_screen_thumbnail_new (GimpDrawable *drawable, int side);

/* Squares to lie behind what is transparent, in GIMP's usual greys; nothing outside of them is drawn afterwards. */
void atl_screen_draw_checks (cairo_t *cr, int width, int height);
