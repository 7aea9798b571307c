/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "host/gimp3/preview.h"

#include <libgimp/gimpui.h>
#include <math.h>

#include "base/i18n.h"
#include "host/gimp3/screen.h"

enum
{
  VIEW_SIDE =
      250, /* of 'before' and 'after', in GTK's pixels, of which a dense screen makes several */
  MAP_SIDE = 150,
  KEY_STEP = 50,
  /* Pixels around the part that networks see too. Ours reach 20 far, one after the other up to 35: what is shown can
   * differ from the result at its edge, too little to be seen. */
  MARGIN = 32
};

struct AtlPreview
{
  GtkWidget *box, *before, *after, *map;
  GimpDrawable *drawable;
  int width, height; /* of the layer when it was read */
  double scale;
  double x, y; /* the middle of the part, in pixels of the layer */
  GeglBuffer *
      layer; /* a copy of the part with its margin; NULL if the layer was gone when it was to be read */
  cairo_surface_t *before_surface, *after_surface; /* of the part with its margin, or NULL */
  GdkPixbuf *thumbnail;
  double drag_x, drag_y; /* the middle when a drag began */
  AtlPreviewFunc *moved;
  void *data;
};

/* The screen's pixels in one of GTK's, along a side. */
static int
density (const AtlPreview *preview)
{
  return gtk_widget_get_scale_factor (preview->box);
}

/* Of 'before' and 'after', in pixels of the screen, each of which shows one of the result. */
static int
view_side (const AtlPreview *preview)
{
  return VIEW_SIDE * density (preview);
}

/* Pixels of the layer that a view shows along a side of this length, from which one on. */
static void
range_of_view (const AtlPreview *preview, double middle, int length, int *first, int *n)
{
  *n = MIN ((int) ceil (view_side (preview) / preview->scale), length);
  *first = CLAMP ((int) round (middle - *n / 2.0), 0, length - *n);
}

/* What is shown. */
static GeglRectangle
part_of_view (const AtlPreview *preview)
{
  GeglRectangle part;

  range_of_view (preview, preview->x, preview->width, &part.x, &part.width);
  range_of_view (preview, preview->y, preview->height, &part.y, &part.height);
  return part;
}

/* What has to be computed for it. */
static GeglRectangle
part_with_margin (const AtlPreview *preview)
{
  const GeglRectangle all = { 0, 0, preview->width, preview->height };
  const GeglRectangle part = part_of_view (preview);
  const GeglRectangle wide = { part.x - MARGIN, part.y - MARGIN, part.width + 2 * MARGIN,
                               part.height + 2 * MARGIN };
  GeglRectangle inside;

  gegl_rectangle_intersect (&inside, &wide, &all);
  return inside;
}

/* Pixels of the result of so many of the layer. */
static int
result_length (const AtlPreview *preview, int length)
{
  return MAX (1, (int) round (length * preview->scale));
}

/* GIMP ends a plug-in that reads a layer which was deleted. */
static gboolean
is_there (const AtlPreview *preview)
{
  return gimp_item_is_valid (GIMP_ITEM (preview->drawable));
}

/* Copies the part from GIMP, which tells of no change to the layer: as it is now. */
static void
read_part (AtlPreview *preview)
{
  g_clear_object (&preview->layer);
  g_clear_pointer (&preview->before_surface, cairo_surface_destroy);
  if (! is_there (preview))
    return;

  preview->width = gimp_drawable_get_width (preview->drawable);
  preview->height = gimp_drawable_get_height (preview->drawable);

  const GeglRectangle wide = part_with_margin (preview);
  g_autoptr (GeglBuffer) buffer = gimp_drawable_get_buffer (preview->drawable);

  preview->layer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, wide.width, wide.height),
                                    gegl_buffer_get_format (buffer));
  gegl_buffer_copy (buffer, &wide, GEGL_ABYSS_NONE, preview->layer,
                    gegl_buffer_get_extent (preview->layer));
  preview->before_surface = atl_screen_surface_new (preview->layer);
}

static void
tell_of_other_part (AtlPreview *preview)
{
  atl_preview_set_after (preview, NULL);
  gtk_widget_queue_draw (preview->box);
  preview->moved (preview->data);
}

static void
update (AtlPreview *preview)
{
  read_part (preview);
  tell_of_other_part (preview);
}

static void
move_to (AtlPreview *preview, double x, double y)
{
  const GeglRectangle old = part_of_view (preview);

  preview->x = CLAMP (x, 0.0, preview->width);
  preview->y = CLAMP (y, 0.0, preview->height);

  const GeglRectangle part = part_of_view (preview);

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

GeglBuffer *
atl_preview_part (const AtlPreview *preview, int *width, int *height)
{
  if (preview->layer == NULL)
    return NULL;

  *width = result_length (preview, gegl_buffer_get_width (preview->layer));
  *height = result_length (preview, gegl_buffer_get_height (preview->layer));
  return preview->layer;
}

void
atl_preview_set_after (AtlPreview *preview, GeglBuffer *after)
{
  g_clear_pointer (&preview->after_surface, cairo_surface_destroy);
  if (after != NULL)
    preview->after_surface = atl_screen_surface_new (after);
  gtk_widget_queue_draw (preview->after);
}

/* From here on 'cr' counts in pixels of the result of the part with its margin, which lie on pixels of the screen.
 * Both views begin at the same one: at fractional scales that is not where a pixel of the layer does.
 * Small results lie in the middle. */
static void
begin_view (const AtlPreview *preview, cairo_t *cr)
{
  const GeglRectangle part = part_of_view (preview), wide = part_with_margin (preview);
  const int all_width = result_length (preview, wide.width),
            all_height = result_length (preview, wide.height);
  const int side = view_side (preview);
  const int width = MIN (side, all_width), height = MIN (side, all_height);

  cairo_scale (cr, 1.0 / density (preview), 1.0 / density (preview));
  cairo_translate (cr, (side - width) / 2, (side - height) / 2);
  atl_screen_draw_checks (cr, width, height);
  cairo_translate (cr, -round ((double) (part.x - wide.x) * all_width / wide.width),
                   -round ((double) (part.y - wide.y) * all_height / wide.height));
}

/* Enlarged as programs for pictures usually do it. */
static void
paint_before (const AtlPreview *preview, cairo_t *cr)
{
  if (preview->before_surface == NULL)
    return;

  const int width = cairo_image_surface_get_width (preview->before_surface);
  const int height = cairo_image_surface_get_height (preview->before_surface);

  cairo_save (cr);
  cairo_scale (cr, (double) result_length (preview, width) / width,
               (double) result_length (preview, height) / height);
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

/* GTK's pixels for one of the layer. Of a narrow layer each side is rounded to a pixel at least, so that they
 * differ. */
static double
map_scale_x (const AtlPreview *preview)
{
  return (double) gdk_pixbuf_get_width (preview->thumbnail) / density (preview) / preview->width;
}

static double
map_scale_y (const AtlPreview *preview)
{
  return (double) gdk_pixbuf_get_height (preview->thumbnail) / density (preview) / preview->height;
}

static gboolean
draw_map (GtkWidget *widget, cairo_t *cr, AtlPreview *preview)
{
  const double scale_x = map_scale_x (preview), scale_y = map_scale_y (preview);
  const GeglRectangle part = part_of_view (preview);

  cairo_save (cr);
  cairo_scale (cr, 1.0 / density (preview), 1.0 / density (preview));
  gdk_cairo_set_source_pixbuf (cr, preview->thumbnail, 0, 0);
  cairo_paint (cr);
  cairo_restore (cr);
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
  const double scale = preview->scale / density (preview); /* GTK's pixels for one of the layer */

  move_to (preview, preview->drag_x - x / scale, preview->drag_y - y / scale);
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
  const double step = KEY_STEP * density (preview) / preview->scale;

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
add_area (AtlPreview *preview, const char *title, const char *hint, GCallback draw, GCallback began,
          GCallback drag)
{
  GtkWidget *frame = gimp_frame_new (title), *area = gtk_drawing_area_new ();
  GtkGesture *gesture = gtk_gesture_drag_new (area);

  gtk_widget_set_size_request (area, VIEW_SIDE, VIEW_SIDE);
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

/* The map anew, as large as its thumbnail. */
static void
update_map (AtlPreview *preview)
{
  const int n = density (preview);

  g_clear_object (&preview->thumbnail);
  preview->thumbnail = atl_screen_thumbnail_new (preview->drawable, MAP_SIDE * n);
  gtk_widget_set_size_request (preview->map,
                               (gdk_pixbuf_get_width (preview->thumbnail) + n - 1) / n,
                               (gdk_pixbuf_get_height (preview->thumbnail) + n - 1) / n);
  gtk_widget_queue_draw (preview->map);
}

/* The window has come to a denser screen, or to one less dense. */
static void
density_changed (GtkWidget *box, GParamSpec *param, AtlPreview *preview)
{
  if (is_there (preview))
    update_map (preview);
  update (preview);
}

void
atl_preview_refresh (AtlPreview *preview)
{
  cairo_surface_t *old = g_steal_pointer (&preview->before_surface);

  read_part (preview);
  if (preview->before_surface != NULL)
    update_map (preview);
  if (old == NULL || preview->before_surface == NULL
      || ! atl_screen_same_surface (old, preview->before_surface))
    tell_of_other_part (preview);
  g_clear_pointer (&old, cairo_surface_destroy);
}

static void
destroyed (GtkWidget *widget, AtlPreview *preview)
{
  g_clear_pointer (&preview->before_surface, cairo_surface_destroy);
  g_clear_pointer (&preview->after_surface, cairo_surface_destroy);
  g_object_unref (preview->thumbnail);
  g_clear_object (&preview->layer);
  g_free (preview);
}

AtlPreview *
atl_preview_new (GimpDrawable *drawable, AtlPreviewFunc *moved, void *data)
{
  AtlPreview *preview = g_new0 (AtlPreview, 1);
  const char *hint = _ ("Drag to see another part");

  preview->drawable = drawable;
  preview->width = gimp_drawable_get_width (drawable);
  preview->height = gimp_drawable_get_height (drawable);
  preview->x = preview->width / 2.0;
  preview->y = preview->height / 2.0;
  preview->moved = moved;
  preview->data = data;
  preview->scale = 1.0;

  preview->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  preview->before = add_area (preview, _ ("Before"), hint, G_CALLBACK (draw_before),
                              G_CALLBACK (drag_began), G_CALLBACK (dragged));
  preview->after = add_area (preview, _ ("After"), hint, G_CALLBACK (draw_after),
                             G_CALLBACK (drag_began), G_CALLBACK (dragged));
  preview->map = add_area (preview, _ ("Shown part"),
                           _ ("Click where you want to look; the arrow keys move the part, too"),
                           G_CALLBACK (draw_map), G_CALLBACK (map_pressed),
                           G_CALLBACK (map_dragged));
  gtk_widget_set_can_focus (preview->map, TRUE);
  g_signal_connect (preview->map, "key-press-event", G_CALLBACK (key_pressed), preview);
  g_signal_connect (preview->box, "notify::scale-factor", G_CALLBACK (density_changed), preview);
  g_signal_connect (preview->box, "destroy", G_CALLBACK (destroyed), preview);
  read_part (preview);
  update_map (preview);
  gtk_widget_show_all (preview->box);
  return preview;
}

GtkWidget *
atl_preview_widget (AtlPreview *preview)
{
  return preview->box;
}
