/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Puts a filter's result into the image, for GIMP 3 and GIMP 2.10 alike: reads everything, computes
 * everything, checks, and only then changes the image.
 *
 * Pressing Cancel makes GIMP end the plug-in at once: whatever is not in the image yet is simply gone.
 */

#include "host/host.h"

#include <string.h>

#include "base/i18n.h"
#include "base/threads.h"
#include "image/room.h"
#include "image/swap.h"

/* A layer with pixels of its own, and what they become. */
typedef struct
{
  AtlHostLayer layer;
  GeglRectangle box;  /* of the layer when its pixels were read */
  int width, height;  /* of the layer when GIMP has scaled it */
  GeglBuffer *pixels; /* as computed; NULL before */
} Target;

static void
target_clear (gpointer data)
{
  Target *target = data;

  g_clear_object (&target->pixels);
}

char *
atl_host_procedure_name (const AtlFilter *filter)
{
  return g_strconcat ("plug-in-atelier-", filter->name, NULL);
}

char *
atl_host_title (const char *label)
{
  char *title = gimp_strip_uline (_ (label));

  if (g_str_has_suffix (title, "..."))
    title[strlen (title) - strlen ("...")] = '\0';
  else if (g_str_has_suffix (title, "…"))
    title[strlen (title) - strlen ("…")] = '\0';

  return g_strchomp (title); /* some languages set the dots apart */
}

void
atl_host_set_up (void)
{
  int n_threads;

  gegl_init (NULL, NULL);
  /* libgimp has given GEGL what is set in GIMP's preferences: the cache, which GIMP itself fills, a second time. */
  g_object_set (gegl_config (), "tile-cache-size", ATL_TILE_CACHE_SIZE, NULL);
  g_object_get (gegl_config (), "threads", &n_threads, NULL);
  atl_threads_set_count (n_threads);
}

GimpPDBStatusType
atl_host_status (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return GIMP_PDB_CANCEL;

  return g_error_matches (error, ATL_ERROR, ATL_ERROR_ARGUMENT) ? GIMP_PDB_CALLING_ERROR
                                                                : GIMP_PDB_EXECUTION_ERROR;
}

gboolean
atl_host_is_of_layers (const AtlFilter *filter, const AtlSettings *settings)
{
  for (int i = 0; i < filter->n_params; i++)
    if (filter->params[i].of_layers)
      return atl_settings_number (settings, filter->params[i].name) != 0.0;
  return FALSE;
}

gboolean
atl_host_check_image (const AtlFilter *filter, AtlHostImage image, GError **error)
{
  g_autofree char *title = NULL;

  if (gimp_image_get_base_type (image) != GIMP_INDEXED || strstr (filter->image_types, "INDEXED"))
    return TRUE;

  title = atl_host_title (filter->label);
  g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
               _ ("'%s' cannot work on an indexed image; convert it first by Image > Mode > RGB"),
               title);
  return FALSE;
}

/* The length that a layer's side has when GIMP scales its two ends by a factor about an origin: each end
 * is rounded by itself, so the length depends on the offset. As in
 * gimp_item_scale_by_factors_with_origin () of GIMP's app/core/gimpitem.c. */
static int
scaled_length (double factor, int offset, int length)
{
  return SIGNED_ROUND (factor * (offset + length)) - SIGNED_ROUND (factor * offset);
}

static void
layer_box (AtlHostLayer layer, GeglRectangle *box)
{
  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &box->x, &box->y);
  box->width = gimp_drawable_get_width (GIMP_DRAWABLE (layer));
  box->height = gimp_drawable_get_height (GIMP_DRAWABLE (layer));
}

/* How GIMP scales the layers of a group: with the image all by its factors about its corner; with a
 * scaled group by the group's own factors, rounded anew at each depth, about the group's corner. */
typedef struct
{
  double x_factor, y_factor;
  int x_origin, y_origin;
  gboolean with_image;
} Scaling;

static gboolean add_targets (GArray *targets, GArray *layers, const Scaling *scaling,
                             GError **error);

static gboolean
check_size (AtlHostLayer layer, int width, int height, GError **error)
{
  if (width <= GIMP_MAX_IMAGE_SIZE && height <= GIMP_MAX_IMAGE_SIZE)
    return TRUE;

  g_autofree char *name = atl_host_layer_name (layer);
  g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
               _ ("the layer '%s' would become %d x %d pixels, but GIMP's layers have at most %d "
                  "on a side"),
               name, width, height, GIMP_MAX_IMAGE_SIZE);
  return FALSE;
}

/* Adds the pixel layers in 'layer', which becomes width x height: itself, or what is in the group. */
static gboolean
add_target (GArray *targets, AtlHostLayer layer, int width, int height, const Scaling *scaling,
            GError **error)
{
  if (! check_size (layer, width, height, error))
    return FALSE;

  if (gimp_item_is_group (GIMP_ITEM (layer)))
    {
      g_autoptr (GArray) layers = atl_host_group_layers (layer);
      Scaling inner = *scaling;
      GeglRectangle box;

      layer_box (layer, &box);
      if (! scaling->with_image && box.width > 0 && box.height > 0)
        {
          inner.x_factor = (double) width / box.width;
          inner.y_factor = (double) height / box.height;
          inner.x_origin = box.x;
          inner.y_origin = box.y;
        }
      return add_targets (targets, layers, &inner, error);
    }

  if (! atl_host_layer_is_generated (layer))
    {
      Target target = { .layer = layer, .width = width, .height = height };

      layer_box (layer, &target.box);
      g_array_append_val (targets, target);
    }
  return TRUE;
}

static gboolean
add_targets (GArray *targets, GArray *layers, const Scaling *scaling, GError **error)
{
  for (guint i = 0; i < layers->len; i++)
    {
      AtlHostLayer layer = g_array_index (layers, AtlHostLayer, i);
      GeglRectangle box;

      layer_box (layer, &box);
      if (! add_target (targets, layer,
                        scaled_length (scaling->x_factor, box.x - scaling->x_origin, box.width),
                        scaled_length (scaling->y_factor, box.y - scaling->y_origin, box.height),
                        scaling, error))
        return FALSE;
    }
  return TRUE;
}

/* The results of all layers, in pixels; FALSE if there is no room for them, which each layer's own check
 * does not see. */
static gboolean
count_pixels (const GArray *targets, double *n_pixels, GError **error)
{
  guint64 n_bytes = 0;

  *n_pixels = 0.0;
  for (guint i = 0; i < targets->len; i++)
    {
      const Target *target = &g_array_index (targets, Target, i);
      const Babl *format = gimp_drawable_get_format (GIMP_DRAWABLE (target->layer));
      const guint64 n = (guint64) target->width * target->height;

      *n_pixels += (double) n;
      n_bytes += n * babl_format_get_bytes_per_pixel (format);
    }
  return atl_room_check (0, n_bytes, error);
}

static gboolean
compute (GArray *targets, AtlJob *job, const AtlProgress *progress, GError **error)
{
  double all, done = 0.0; /* pixels */

  if (! count_pixels (targets, &all, error))
    return FALSE;

  for (guint i = 0; i < targets->len; i++)
    {
      Target *target = &g_array_index (targets, Target, i);
      const double pixels = (double) target->width * target->height;
      const AtlProgress part = atl_progress_part (progress, done / all, (done + pixels) / all);
      g_autoptr (GeglBuffer) original = gimp_drawable_get_buffer (GIMP_DRAWABLE (target->layer));

      target->pixels = atl_job_run (job, original, target->width, target->height, &part, error);
      if (! target->pixels)
        {
          g_autofree char *name = atl_host_layer_name (target->layer);

          g_prefix_error (error, _ ("layer '%s': "), name);
          return FALSE;
        }
      done += pixels;
    }
  return TRUE;
}

/* Lifts the locks against changed pixels of a layer and the groups around it, or sets them again: GIMP's
 * Scale Image scales locked layers too, but ends a plug-in that writes into them. Adds the layers that
 * were locked to 'locked'. */
static void
unlock (AtlHostLayer layer, GArray *locked)
{
  gboolean more = TRUE;

  while (more)
    {
      if (gimp_item_get_lock_content (GIMP_ITEM (layer)))
        {
          gimp_item_set_lock_content (GIMP_ITEM (layer), FALSE);
          g_array_append_val (locked, layer);
        }
      more = atl_host_layer_parent (layer, &layer);
    }
}

/* Replaces the pixels without GIMP's shadow buffer, whose merge would keep what is not selected. That is
 * safe for undo, since the scaling just before has put the original pixels into it.
 * If GIMP has made the layer larger than was foreseen, its own pixels stay there. */
static void
write_pixels (const Target *target)
{
  g_autoptr (GArray) locked = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));
  GeglBuffer *buffer;

  unlock (target->layer, locked);
  buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (target->layer));
  gegl_buffer_copy (target->pixels, NULL, GEGL_ABYSS_NONE, buffer, NULL);
  g_object_unref (buffer); /* sends the pixels to GIMP */
  gimp_drawable_update (GIMP_DRAWABLE (target->layer), 0, 0, target->width, target->height);

  for (guint i = 0; i < locked->len; i++)
    gimp_item_set_lock_content (GIMP_ITEM (g_array_index (locked, AtlHostLayer, i)), TRUE);
}

/* Whether the image still is as it was when its pixels were read, as far as its layers' shapes tell: GIMP lets its
 * user go on while a plug-in computes. */
static gboolean
check_unchanged (AtlHostImage image, const GeglRectangle *canvas, const GArray *targets,
                 GError **error)
{
  gboolean same = gimp_image_is_valid (image) && gimp_image_get_width (image) == canvas->width
                  && gimp_image_get_height (image) == canvas->height;

  for (guint i = 0; same && i < targets->len; i++)
    {
      const Target *target = &g_array_index (targets, Target, i);
      GeglRectangle box;

      same = gimp_item_is_valid (GIMP_ITEM (target->layer));
      if (same)
        {
          layer_box (target->layer, &box);
          same = gegl_rectangle_equal (&box, &target->box);
        }
    }
  if (! same)
    g_set_error (
        error, ATL_ERROR, ATL_ERROR_RESULT,
        _ ("the image was changed while the filter worked, so its result does not fit any more; "
           "the image was left as it is"));
  return same;
}

static gboolean
commit (AtlHostImage image, const GArray *targets, gboolean (*scale) (AtlHostImage, gpointer),
        gpointer data, GError **error)
{
  gboolean done;

  /* From here on there is nothing to cancel: that would end the plug-in in the middle. */
  gimp_progress_end ();
  gimp_image_undo_group_start (image);
  done = scale (image, data);
  for (guint i = 0; done && i < targets->len; i++)
    write_pixels (&g_array_index (targets, Target, i));
  gimp_image_undo_group_end (image);

  if (! done)
    g_set_error (error, ATL_ERROR, ATL_ERROR_RESULT, _ ("GIMP could not scale: %s"),
                 atl_host_last_error ());
  return done;
}

/* width x height of GIMP's image or layer times the scale; at least 1. */
static void
scale_box (const GeglRectangle *box, double scale, int *width, int *height)
{
  *width = MAX (1, SIGNED_ROUND (scale * box->width));
  *height = MAX (1, SIGNED_ROUND (scale * box->height));
}

static gboolean
scale_image (AtlHostImage image, gpointer data)
{
  const GeglRectangle *box = data;

  return gimp_image_scale (image, box->width, box->height);
}

static gboolean
resize_image (AtlHostImage image, AtlJob *job, const AtlProgress *progress, GError **error)
{
  g_autoptr (GArray) targets = g_array_new (FALSE, FALSE, sizeof (Target));
  g_autoptr (GArray) layers = atl_host_image_layers (image);
  const GeglRectangle old = { 0, 0, gimp_image_get_width (image), gimp_image_get_height (image) };
  GeglRectangle box = old;
  Scaling scaling = { .with_image = TRUE };

  g_array_set_clear_func (targets, target_clear);
  scale_box (&old, atl_job_scale (job), &box.width, &box.height);
  if (box.width > GIMP_MAX_IMAGE_SIZE || box.height > GIMP_MAX_IMAGE_SIZE)
    {
      g_set_error (
          error, ATL_ERROR, ATL_ERROR_ARGUMENT,
          _ ("the image would become %d x %d pixels, but GIMP's images have at most %d on a "
             "side"),
          box.width, box.height, GIMP_MAX_IMAGE_SIZE);
      return FALSE;
    }
  scaling.x_factor = (double) box.width / old.width;
  scaling.y_factor = (double) box.height / old.height;

  return add_targets (targets, layers, &scaling, error) && compute (targets, job, progress, error)
         && check_unchanged (image, &old, targets, error)
         && commit (image, targets, scale_image, &box, error);
}

/* GIMP's Scale Layer refuses a layer that is locked or stands in a locked group. */
static gboolean
check_unlocked (AtlHostLayer layer, GError **error)
{
  AtlHostLayer at = layer;

  do
    if (gimp_item_get_lock_content (GIMP_ITEM (at)) || gimp_item_get_lock_position (GIMP_ITEM (at)))
      {
        g_autofree char *name = atl_host_layer_name (layer);

        g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                     _ ("the layer '%s' is locked; unlock it, or enlarge the whole image"), name);
        return FALSE;
      }
  while (atl_host_layer_parent (at, &at));

  return TRUE;
}

/* The same of all layers in a group, whatever they are. */
static gboolean
check_tree_unlocked (AtlHostLayer layer, GError **error)
{
  if (! check_unlocked (layer, error))
    return FALSE;
  if (! gimp_item_is_group (GIMP_ITEM (layer)))
    return TRUE;

  g_autoptr (GArray) layers = atl_host_group_layers (layer);
  for (guint i = 0; i < layers->len; i++)
    if (! check_tree_unlocked (g_array_index (layers, AtlHostLayer, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
check_all_unlocked (const GArray *layers, GError **error)
{
  for (guint i = 0; i < layers->len; i++)
    if (! check_tree_unlocked (g_array_index (layers, AtlHostLayer, i), error))
      return FALSE;
  return TRUE;
}

/* Layers that are scaled on their own, about their centres. */
typedef struct
{
  GArray *layers; /* of AtlHostLayer */
  double scale;
} Selected;

static gboolean
scale_layers (AtlHostImage image, gpointer data)
{
  const Selected *selected = data;
  gboolean done = TRUE;

  for (guint i = 0; done && i < selected->layers->len; i++)
    {
      AtlHostLayer layer = g_array_index (selected->layers, AtlHostLayer, i);
      GeglRectangle box;

      layer_box (layer, &box);
      scale_box (&box, selected->scale, &box.width, &box.height);
      done = gimp_layer_scale (layer, box.width, box.height, TRUE);
    }
  return done;
}

static gboolean
is_in_selected_group (AtlHostLayer layer, const AtlHostLayer *selected, int n_selected)
{
  while (atl_host_layer_parent (layer, &layer))
    for (int i = 0; i < n_selected; i++)
      if (selected[i] == layer)
        return TRUE;
  return FALSE;
}

static gboolean
is_among (AtlHostLayer layer, const GArray *layers)
{
  for (guint i = 0; i < layers->len; i++)
    if (g_array_index (layers, AtlHostLayer, i) == layer)
      return TRUE;
  return FALSE;
}

static gboolean
resize_layers (AtlHostImage image, const AtlHostLayer *layers, int n_layers, AtlJob *job,
               const AtlProgress *progress, GError **error)
{
  g_autoptr (GArray) targets = g_array_new (FALSE, FALSE, sizeof (Target));
  g_autoptr (GArray) scaled = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));
  Selected selected = { .layers = scaled, .scale = atl_job_scale (job) };
  const Scaling scaling = { .with_image = FALSE };
  const GeglRectangle canvas = { 0, 0, gimp_image_get_width (image),
                                 gimp_image_get_height (image) };

  g_array_set_clear_func (targets, target_clear);
  for (int i = 0; i < n_layers; i++)
    {
      GeglRectangle box;

      if (gimp_item_get_image (GIMP_ITEM (layers[i])) != image)
        {
          g_autofree char *name = atl_host_layer_name (layers[i]);

          g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                       _ ("the layer '%s' belongs to another image"), name);
          return FALSE;
        }
      /* Scaled with the group; or named twice, as a layer and its mask are. */
      if (is_in_selected_group (layers[i], layers, n_layers) || is_among (layers[i], scaled))
        continue;

      layer_box (layers[i], &box);
      scale_box (&box, selected.scale, &box.width, &box.height);
      if (! add_target (targets, layers[i], box.width, box.height, &scaling, error))
        return FALSE;
      g_array_append_val (scaled, layers[i]);
    }
  if (targets->len == 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("no layer with pixels is selected"));
      return FALSE;
    }

  return check_all_unlocked (scaled, error) && compute (targets, job, progress, error)
         && check_unchanged (image, &canvas, targets, error) && check_all_unlocked (scaled, error)
         && commit (image, targets, scale_layers, &selected, error);
}

/* Tells GIMP, for which each call is a message to another process, only of steps that can be seen. */
static void
report (double fraction, void *data)
{
  double *reported = data;

  if (fraction < 1.0 && fraction - *reported < 0.005)
    return;

  gimp_progress_update (fraction);
  *reported = fraction;
}

gboolean
atl_host_resize (const AtlFilter *filter, const AtlSettings *settings, AtlHostImage image,
                 const AtlHostLayer *selected, int n_selected, GError **error)
{
  g_autoptr (AtlJob) job = NULL;
  g_autofree char *title = atl_host_title (filter->label);
  double reported = 0.0;
  const AtlProgress progress = { .report = report, .data = &reported };

  if (! atl_host_check_image (filter, image, error))
    return FALSE;

  gimp_progress_init (title);
  job = atl_job_new (filter, settings, error);
  if (! job)
    return FALSE;

  return atl_host_is_of_layers (filter, settings)
             ? resize_layers (image, selected, n_selected, job, &progress, error)
             : resize_image (image, job, &progress, error);
}
