/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "host/gimp3/screen.h"

#include <libgimp/gimpui.h>
#include <string.h>

cairo_surface_t *
atl_screen_surface_new (GeglBuffer *buffer)
{
  const GeglRectangle *all = gegl_buffer_get_extent (buffer);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, all->width,
                                                         all->height);

  gegl_buffer_get (buffer, all, 1.0, babl_format ("cairo-ARGB32"),
                   cairo_image_surface_get_data (surface), cairo_image_surface_get_stride (surface),
                   GEGL_ABYSS_NONE);
  cairo_surface_mark_dirty (surface);
  return surface;
}

gboolean
atl_screen_same_surface (cairo_surface_t *a, cairo_surface_t *b)
{
  const int height = cairo_image_surface_get_height (a),
            stride = cairo_image_surface_get_stride (a);

  return cairo_image_surface_get_height (b) == height
         && cairo_image_surface_get_stride (b) == stride
         && cairo_image_surface_get_width (b) == cairo_image_surface_get_width (a)
         && memcmp (cairo_image_surface_get_data (a), cairo_image_surface_get_data (b),
                    (size_t) height * stride)
                == 0;
}

void
atl_screen_draw_checks (cairo_t *cr, int width, int height)
{
  cairo_rectangle (cr, 0, 0, width, height);
  cairo_clip (cr);
  cairo_set_source_rgb (cr, 0.6, 0.6, 0.6);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.4, 0.4, 0.4);
  for (int y = 0; y < height; y += GIMP_CHECK_SIZE_SM)
    for (int x = y / GIMP_CHECK_SIZE_SM % 2 * GIMP_CHECK_SIZE_SM; x < width;
         x += 2 * GIMP_CHECK_SIZE_SM)
      cairo_rectangle (cr, x, y, GIMP_CHECK_SIZE_SM, GIMP_CHECK_SIZE_SM);
  cairo_fill (cr);
}

GdkPixbuf *
atl_screen_thumbnail_new (GimpDrawable *drawable, int side)
{
  g_autoptr (GeglBuffer) layer = gimp_drawable_get_buffer (drawable);
  const GeglRectangle *box = gegl_buffer_get_extent (layer);
  const double scale = MIN (1.0, (double) side / MAX (box->width, box->height));
  const int width = MAX (1, (int) (box->width * scale)),
            height = MAX (1, (int) (box->height * scale));

  /* GIMP 3.0.4 makes thumbnails of layers of 8 bits alone. */
  if (babl_format_get_type (gegl_buffer_get_format (layer), 0) == babl_type ("u8"))
    {
      GdkPixbuf *thumbnail = gimp_drawable_get_thumbnail (drawable, side, side,
                                                          GIMP_PIXBUF_SMALL_CHECKS);

      if (thumbnail != NULL)
        return thumbnail;
    }

  GdkPixbuf *thumbnail = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, width, height);
  gegl_buffer_get (layer, GEGL_RECTANGLE (0, 0, width, height), scale, babl_format ("R'G'B'A u8"),
                   gdk_pixbuf_get_pixels (thumbnail), gdk_pixbuf_get_rowstride (thumbnail),
                   GEGL_ABYSS_NONE);
  return thumbnail;
}
