/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which layers of an image are enlarged, and to which size: as GIMP's own scaling will do it, so that the results
 * can be computed before.
 */

#include "host/targets.h"

#include "base/i18n.h"
#include "host/locks.h"

static void
target_clear (gpointer data)
{
  AtlHostTarget *target = data;

  g_clear_object (&target->original);
  g_clear_object (&target->pixels);
}

static GArray *
new_targets (void)
{
  GArray *targets = g_array_new (FALSE, FALSE, sizeof (AtlHostTarget));

  g_array_set_clear_func (targets, target_clear);
  return targets;
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
      AtlHostTarget target = { .layer = layer, .width = width, .height = height };

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

/* width x height of GIMP's image or layer times the scale; at least 1. */
static void
scale_box (const GeglRectangle *box, double scale, int *width, int *height)
{
  *width = MAX (1, SIGNED_ROUND (scale * box->width));
  *height = MAX (1, SIGNED_ROUND (scale * box->height));
}

void
atl_host_image_size (const AtlHostRequest *request, int *width, int *height)
{
  const GeglRectangle box = { 0, 0, gimp_image_get_width (request->image),
                              gimp_image_get_height (request->image) };

  scale_box (&box, request->scale, width, height);
}

static gboolean
add_image_targets (GArray *targets, const AtlHostRequest *request, GError **error)
{
  g_autoptr (GArray) layers = atl_host_image_layers (request->image);
  Scaling scaling = { .with_image = TRUE };
  int width, height;

  atl_host_image_size (request, &width, &height);
  if (width > GIMP_MAX_IMAGE_SIZE || height > GIMP_MAX_IMAGE_SIZE)
    {
      g_set_error (
          error, ATL_ERROR, ATL_ERROR_ARGUMENT,
          _ ("the image would become %d x %d pixels, but GIMP's images have at most %d on a "
             "side"),
          width, height, GIMP_MAX_IMAGE_SIZE);
      return FALSE;
    }
  scaling.x_factor = (double) width / gimp_image_get_width (request->image);
  scaling.y_factor = (double) height / gimp_image_get_height (request->image);
  return add_targets (targets, layers, &scaling, error);
}

/* GIMP's Scale Layer refuses a layer that is locked. */
static gboolean
check_unlocked (AtlHostLayer layer, GError **error)
{
  if (! gimp_item_get_lock_content (GIMP_ITEM (layer))
      && ! gimp_item_get_lock_position (GIMP_ITEM (layer)))
    return TRUE;

  g_autofree char *name = atl_host_layer_name (layer);
  g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
               _ ("the layer '%s' is locked; unlock it, or enlarge the whole image"), name);
  return FALSE;
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

/* The same of the groups around a layer. */
static gboolean
check_groups_unlocked (AtlHostLayer layer, GError **error)
{
  while (atl_host_layer_parent (layer, &layer))
    if (! check_unlocked (layer, error))
      return FALSE;
  return TRUE;
}

static gboolean
is_among (AtlHostLayer layer, const AtlHostLayer *layers, int n_layers)
{
  for (int i = 0; i < n_layers; i++)
    if (layers[i] == layer)
      return TRUE;
  return FALSE;
}

static gboolean
is_in_selected_group (AtlHostLayer layer, const AtlHostRequest *request)
{
  while (atl_host_layer_parent (layer, &layer))
    if (is_among (layer, request->selected, request->n_selected))
      return TRUE;
  return FALSE;
}

/* The selected layers but for those that are scaled with a group, and those named twice, as a layer and its
 * mask are. */
static GArray *
layers_to_scale (const AtlHostRequest *request)
{
  GArray *layers = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));

  for (int i = 0; i < request->n_selected; i++)
    if (! is_in_selected_group (request->selected[i], request)
        && ! is_among (request->selected[i], request->selected, i))
      g_array_append_val (layers, request->selected[i]);
  return layers;
}

/* Whether the layer, or the outermost group around it, is one of these. */
static gboolean
is_in (AtlHostLayer layer, const GArray *layers)
{
  while (atl_host_layer_parent (layer, &layer))
    ;
  return is_among (layer, (const AtlHostLayer *) layers->data, (int) layers->len);
}

static gboolean
check_in_image (AtlHostLayer layer, const AtlHostRequest *request, const GArray *all,
                GError **error)
{
  if (! gimp_item_is_valid (GIMP_ITEM (layer)))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("a selected layer was deleted"));
      return FALSE;
    }

  g_autofree char *name = atl_host_layer_name (layer);

  if (gimp_item_get_image (GIMP_ITEM (layer)) != request->image)
    g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                 _ ("the layer '%s' belongs to another image"), name);
  else if (! is_in (layer, all))
    g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                 _ ("the layer '%s' was made for the image, but is not in it"), name);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_all_in_image (const AtlHostRequest *request, GError **error)
{
  g_autoptr (GArray) all = atl_host_image_layers (request->image);

  for (int i = 0; i < request->n_selected; i++)
    if (! check_in_image (request->selected[i], request, all, error))
      return FALSE;
  return TRUE;
}

static gboolean
add_selected_targets (GArray *targets, const AtlHostRequest *request, GError **error)
{
  const Scaling scaling = { .with_image = FALSE };

  if (! check_all_in_image (request, error))
    return FALSE;

  g_autoptr (GArray) layers = layers_to_scale (request);
  for (guint i = 0; i < layers->len; i++)
    {
      AtlHostLayer layer = g_array_index (layers, AtlHostLayer, i);
      GeglRectangle box;
      int width, height;

      layer_box (layer, &box);
      scale_box (&box, request->scale, &width, &height);
      if (! check_groups_unlocked (layer, error) || ! check_tree_unlocked (layer, error)
          || ! add_target (targets, layer, width, height, &scaling, error))
        return FALSE;
    }
  if (targets->len == 0)
    g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("no layer with pixels is selected"));
  return targets->len > 0;
}

GArray *
atl_host_targets_new (const AtlHostRequest *request, GError **error)
{
  g_autoptr (GArray) targets = new_targets ();

  if (! (request->whole ? add_image_targets (targets, request, error)
                        : add_selected_targets (targets, request, error)))
    return NULL;
  return g_steal_pointer (&targets);
}

guint64
atl_host_targets_size (const GArray *targets)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < targets->len; i++)
    {
      const AtlHostTarget *target = &g_array_index (targets, AtlHostTarget, i);
      const Babl *format = gimp_drawable_get_format (GIMP_DRAWABLE (target->layer));
      const guint64 n_pixels = (guint64) target->box.width * target->box.height
                               + (guint64) target->width * target->height;

      n_bytes += n_pixels * babl_format_get_bytes_per_pixel (format);
    }
  return n_bytes;
}

static gboolean
all_plain (const GArray *layers)
{
  for (guint i = 0; i < layers->len; i++)
    {
      AtlHostLayer layer = g_array_index (layers, AtlHostLayer, i);

      if (! atl_host_layer_is_plain (layer))
        return FALSE;
      if (gimp_item_is_group (GIMP_ITEM (layer)))
        {
          g_autoptr (GArray) inner = atl_host_group_layers (layer);

          if (! all_plain (inner))
            return FALSE;
        }
    }
  return TRUE;
}

/* Interpolating takes GIMP as long as reading a JPEG file does; in vain, if all pixels are to be written over. */
static void
choose_interpolation (const AtlHostRequest *request, const GArray *layers)
{
  const gboolean more_than_layers = request->whole
                                    && (atl_host_image_has_channels (request->image)
                                        || ! gimp_selection_is_empty (request->image));

  if (! more_than_layers && all_plain (layers))
    gimp_context_set_interpolation (GIMP_INTERPOLATION_NONE);
}

/* The user can lock a layer, or delete it, while GIMP scales the one before: some scaled and some not is what nobody
 * wants, and no plug-in can undo. So all are scaled, as if that had come afterwards. */
static gboolean
scale_layers (const GArray *layers, double scale)
{
  gboolean done = TRUE;

  for (guint i = 0; done && i < layers->len; i++)
    {
      AtlHostLayer layer = g_array_index (layers, AtlHostLayer, i);
      GeglRectangle box;
      int width, height;

      if (! gimp_item_is_valid (GIMP_ITEM (layer)))
        continue;

      layer_box (layer, &box);
      scale_box (&box, scale, &width, &height);
      GArray *locks = atl_host_locks_lift (layer);
      done = gimp_layer_scale (layer, width, height, TRUE);
      atl_host_locks_restore (locks);
    }
  return done;
}

gboolean
atl_host_scale (const AtlHostRequest *request)
{
  g_autoptr (GArray) layers = request->whole ? atl_host_image_layers (request->image)
                                             : layers_to_scale (request);
  gboolean done;

  gimp_context_push ();
  choose_interpolation (request, layers);
  if (request->whole)
    {
      int width, height;

      atl_host_image_size (request, &width, &height);
      done = gimp_image_scale (request->image, width, height);
    }
  else
    done = scale_layers (layers, request->scale);
  gimp_context_pop ();
  return done;
}
