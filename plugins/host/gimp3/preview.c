/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "host/gimp3/preview.h"

#include <libgimp/gimpui.h>
#include <math.h>

#include "base/i18n.h"

enum
{
  VIEW_SIDE = 250, /* of 'before' and 'after', in pixels of the screen */
  MAP_SIDE = 150,
  KEY_STEP = 50 /* pixels of the screen */
};

struct AtlPreview
{
  GtkWidget *box, *before, *after, *map;
  GeglBuffer *layer;
  int width, height; /* of the layer */
  double scale;
  double x, y; /* the middle of the part, in pixels of the layer */
  cairo_surface_t *before_surface, *after_surface;
  GdkPixbuf *thumbnail;
  double drag_x, drag_y; /* the middle when a drag began */
  AtlPreviewFunc *moved;
  void *data;
};

/* A part of a buffer in sRGB. */
static cairo_surface_t *
surface_new (GeglBuffer *buffer, const GeglRectangle *part)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, part->width,
                                                         part->height);

  gegl_buffer_get (buffer, part, 1.0, babl_format ("cairo-ARGB32"),
                   cairo_image_surface_get_data (surface), cairo_image_surface_get_stride (surface),
                   GEGL_ABYSS_NONE);
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* Pixels of the layer that a view shows along a side of this length, from which one on. */
static void
range_of_view (double scale, double middle, int length, int *first, int *n)
{
  *n = MIN ((int) ceil (VIEW_SIDE / scale), length);
  *first = CLAMP ((int) round (middle - *n / 2.0), 0, length - *n);
}

GeglRectangle
atl_preview_part (const AtlPreview *preview)
{
  GeglRectangle part;

  range_of_view (preview->scale, preview->x, preview->width, &part.x, &part.width);
  range_of_view (preview->scale, preview->y, preview->height, &part.y, &part.height);
  return part;
}

static void
update (AtlPreview *preview)
{
  const GeglRectangle part = atl_preview_part (preview);

  g_clear_pointer (&preview->before_surface, cairo_surface_destroy);
  preview->before_surface = surface_new (preview->layer, &part);
  atl_preview_set_after (preview, NULL);
  gtk_widget_queue_draw (preview->box);
  preview->moved (preview->data);
}

static void
move_to (AtlPreview *preview, double x, double y)
{
  const GeglRectangle old = atl_preview_part (preview);

  preview->x = CLAMP (x, 0.0, preview->width);
  preview->y = CLAMP (y, 0.0, preview->height);

  const GeglRectangle part = atl_preview_part (preview);

  /* From the edge it moves away at once. */
  preview->x = part.x + part.width / 2.0;
  preview->y = part.y + part.height / 2.0;
  if (! gegl_rectangle_equal (&old, &part))
    update (preview);
}

void
atl_preview_set_scale (AtlPreview *preview, double scale)
{
  if (scale == preview->scale)
    return;

  preview->scale = scale;
  update (preview);
}

void
atl_preview_set_after (AtlPreview *preview, GeglBuffer *after)
{
  g_clear_pointer (&preview->after_surface, cairo_surface_destroy);
  if (after != NULL)
    preview->after_surface = surface_new (after, gegl_buffer_get_extent (after));
  gtk_widget_queue_draw (preview->after);
}

/* Behind what is transparent, in GIMP's usual greys. */
static void
draw_checks (cairo_t *cr, int width, int height)
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

/* Small results lie in the middle. */
static void
begin_view (const AtlPreview *preview, cairo_t *cr)
{
  const GeglRectangle part = atl_preview_part (preview);
  const int width = MIN (VIEW_SIDE, (int) round (part.width * preview->scale));
  const int height = MIN (VIEW_SIDE, (int) round (part.height * preview->scale));

  cairo_translate (cr, (VIEW_SIDE - width) / 2, (VIEW_SIDE - height) / 2);
  draw_checks (cr, width, height);
}

/* Enlarged as programs for pictures usually do it. */
static void
paint_before (const AtlPreview *preview, cairo_t *cr)
{
  cairo_save (cr);
  cairo_scale (cr, preview->scale, preview->scale);
  cairo_set_source_surface (cr, preview->before_surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_BEST);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_paint (cr);
  cairo_restore (cr);
}

static gboolean
draw_before (GtkWidget *widget, cairo_t *cr, AtlPreview *preview)
{
  begin_view (preview, cr);
  paint_before (preview, cr);
  return TRUE;
}

/* What is not computed yet is shown as before, and paler. */
static gboolean
draw_after (GtkWidget *widget, cairo_t *cr, AtlPreview *preview)
{
  begin_view (preview, cr);
  if (preview->after_surface != NULL)
    {
      cairo_set_source_surface (cr, preview->after_surface, 0, 0);
      cairo_paint (cr);
      return TRUE;
    }
  paint_before (preview, cr);
  cairo_set_source_rgba (cr, 0.5, 0.5, 0.5, 0.4);
  cairo_paint (cr);
  return TRUE;
}

/* Of a narrow layer each side is rounded to a pixel at least, so that they differ. */
static double
map_scale_x (const AtlPreview *preview)
{
  return (double) gdk_pixbuf_get_width (preview->thumbnail) / preview->width;
}

static double
map_scale_y (const AtlPreview *preview)
{
  return (double) gdk_pixbuf_get_height (preview->thumbnail) / preview->height;
}

static gboolean
draw_map (GtkWidget *widget, cairo_t *cr, AtlPreview *preview)
{
  const double scale_x = map_scale_x (preview), scale_y = map_scale_y (preview);
  const GeglRectangle part = atl_preview_part (preview);

  gdk_cairo_set_source_pixbuf (cr, preview->thumbnail, 0, 0);
  cairo_paint (cr);
  cairo_rectangle (cr, round (part.x * scale_x) + 0.5, round (part.y * scale_y) + 0.5,
                   MAX (round (part.width * scale_x) - 1, 2),
                   MAX (round (part.height * scale_y) - 1, 2));
  /* Seen on light and dark. */
  cairo_set_line_width (cr, 3);
  cairo_set_source_rgb (cr, 0, 0, 0);
  cairo_stroke_preserve (cr);
  cairo_set_line_width (cr, 1);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_stroke (cr);
  if (gtk_widget_has_visible_focus (widget))
    gtk_render_focus (gtk_widget_get_style_context (widget), cr, 0, 0,
                      gtk_widget_get_allocated_width (widget),
                      gtk_widget_get_allocated_height (widget));
  return TRUE;
}

static void
drag_began (GtkGestureDrag *gesture, double x, double y, AtlPreview *preview)
{
  preview->drag_x = preview->x;
  preview->drag_y = preview->y;
}

static void
dragged (GtkGestureDrag *gesture, double x, double y, AtlPreview *preview)
{
  move_to (preview, preview->drag_x - x / preview->scale, preview->drag_y - y / preview->scale);
}

static void
map_dragged (GtkGestureDrag *gesture, double x, double y, AtlPreview *preview)
{
  double first_x, first_y;

  gtk_gesture_drag_get_start_point (gesture, &first_x, &first_y);
  move_to (preview, (first_x + x) / map_scale_x (preview), (first_y + y) / map_scale_y (preview));
}

static void
map_pressed (GtkGestureDrag *gesture, double x, double y, AtlPreview *preview)
{
  gtk_widget_grab_focus (preview->map);
  map_dragged (gesture, 0.0, 0.0, preview);
}

static gboolean
key_pressed (GtkWidget *widget, GdkEventKey *event, AtlPreview *preview)
{
  const double step = KEY_STEP / preview->scale;

  switch (event->keyval)
    {
    case GDK_KEY_Left:
      move_to (preview, preview->x - step, preview->y);
      return TRUE;
    case GDK_KEY_Right:
      move_to (preview, preview->x + step, preview->y);
      return TRUE;
    case GDK_KEY_Up:
      move_to (preview, preview->x, preview->y - step);
      return TRUE;
    case GDK_KEY_Down:
      move_to (preview, preview->x, preview->y + step);
      return TRUE;
    default:
      return FALSE;
    }
}

/* A frame with a title around an area that can be dragged; returns the area. */
static GtkWidget *
add_area (AtlPreview *preview, const char *title, const char *hint, int width, int height,
          GCallback draw, GCallback began, GCallback drag)
{
  GtkWidget *frame = gimp_frame_new (title), *area = gtk_drawing_area_new ();
  GtkGesture *gesture = gtk_gesture_drag_new (area);

  gtk_widget_set_size_request (area, width, height);
  gtk_widget_set_halign (area, GTK_ALIGN_START);
  gtk_widget_set_valign (area, GTK_ALIGN_START);
  gtk_widget_set_tooltip_text (area, hint);
  gtk_container_add (GTK_CONTAINER (frame), area);
  gtk_box_pack_start (GTK_BOX (preview->box), frame, FALSE, FALSE, 0);
  g_signal_connect (area, "draw", draw, preview);
  g_signal_connect (gesture, "drag-begin", began, preview);
  g_signal_connect (gesture, "drag-update", drag, preview);
  g_object_set_data_full (G_OBJECT (area), "gesture", gesture, g_object_unref);
  return area;
}

/* The layer as a whole, MAP_SIDE pixels on its longer side. GIMP 3.0.4 makes thumbnails of layers of 8 bits alone. */
static GdkPixbuf *
thumbnail_new (GimpDrawable *drawable, GeglBuffer *layer)
{
  const GeglRectangle *box = gegl_buffer_get_extent (layer);
  const double scale = MIN (1.0, (double) MAP_SIDE / MAX (box->width, box->height));
  const int width = MAX (1, (int) (box->width * scale)),
            height = MAX (1, (int) (box->height * scale));

  if (babl_format_get_type (gegl_buffer_get_format (layer), 0) == babl_type ("u8"))
    {
      GdkPixbuf *thumbnail = gimp_drawable_get_thumbnail (drawable, MAP_SIDE, MAP_SIDE,
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

static void
destroyed (GtkWidget *widget, AtlPreview *preview)
{
  g_clear_pointer (&preview->before_surface, cairo_surface_destroy);
  g_clear_pointer (&preview->after_surface, cairo_surface_destroy);
  g_object_unref (preview->thumbnail);
  g_object_unref (preview->layer);
  g_free (preview);
}

AtlPreview *
atl_preview_new (GimpDrawable *drawable, AtlPreviewFunc *moved, void *data)
{
  AtlPreview *preview = g_new0 (AtlPreview, 1);
  const char *hint = _ ("Drag to see another part");

  preview->layer = gimp_drawable_get_buffer (drawable);
  preview->width = gimp_drawable_get_width (drawable);
  preview->height = gimp_drawable_get_height (drawable);
  preview->x = preview->width / 2.0;
  preview->y = preview->height / 2.0;
  preview->thumbnail = thumbnail_new (drawable, preview->layer);
  preview->moved = moved;
  preview->data = data;
  preview->scale = 1.0;

  const GeglRectangle part = atl_preview_part (preview);
  preview->before_surface = surface_new (preview->layer, &part);

  preview->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  preview->before = add_area (preview, _ ("Before"), hint, VIEW_SIDE, VIEW_SIDE,
                              G_CALLBACK (draw_before), G_CALLBACK (drag_began),
                              G_CALLBACK (dragged));
  preview->after = add_area (preview, _ ("After"), hint, VIEW_SIDE, VIEW_SIDE,
                             G_CALLBACK (draw_after), G_CALLBACK (drag_began),
                             G_CALLBACK (dragged));
  preview->map = add_area (preview, _ ("Shown part"),
                           _ ("Click where you want to look; the arrow keys move the part, too"),
                           gdk_pixbuf_get_width (preview->thumbnail),
                           gdk_pixbuf_get_height (preview->thumbnail), G_CALLBACK (draw_map),
                           G_CALLBACK (map_pressed), G_CALLBACK (map_dragged));
  gtk_widget_set_can_focus (preview->map, TRUE);
  g_signal_connect (preview->map, "key-press-event", G_CALLBACK (key_pressed), preview);
  g_signal_connect (preview->box, "destroy", G_CALLBACK (destroyed), preview);
  gtk_widget_show_all (preview->box);
  return preview;
}

GtkWidget *
atl_preview_widget (AtlPreview *preview)
{
  return preview->box;
}
