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
#include "host/locks.h"
#include "host/targets.h"
#include "image/room.h"
#include "image/swap.h"

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

static void
read_originals (GArray *targets)
{
  for (guint i = 0; i < targets->len; i++)
    {
      AtlHostTarget *target = &g_array_index (targets, AtlHostTarget, i);
      g_autoptr (GeglBuffer) buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (target->layer));

      target->original = gegl_buffer_new (gegl_buffer_get_extent (buffer),
                                          gegl_buffer_get_format (buffer));
      gegl_buffer_copy (buffer, NULL, GEGL_ABYSS_NONE, target->original, NULL);
    }
}

static double
result_pixels (const AtlHostTarget *target)
{
  return (double) target->width * target->height;
}

static gboolean
compute (GArray *targets, AtlJob *job, const AtlProgress *progress, GError **error)
{
  double all = 0.0, done = 0.0; /* pixels */

  for (guint i = 0; i < targets->len; i++)
    all += result_pixels (&g_array_index (targets, AtlHostTarget, i));

  for (guint i = 0; i < targets->len; i++)
    {
      AtlHostTarget *target = &g_array_index (targets, AtlHostTarget, i);
      const double until = done + result_pixels (target);
      const AtlProgress part = atl_progress_part (progress, done / all, until / all);

      target->pixels = atl_job_run (job, target->original, target->width, target->height, &part,
                                    error);
      if (! target->pixels)
        {
          g_autofree char *name = atl_host_layer_name (target->layer);

          g_prefix_error (error, _ ("layer '%s': "), name);
          return FALSE;
        }
      done = until;
    }
  return TRUE;
}

/* Whether GEGL will still have all results when they are read. 'losses': before the first was computed. */
static gboolean
check_kept (const GArray *targets, guint losses, GError **error)
{
  for (guint i = 0; i < targets->len; i++)
    if (! atl_swap_check_buffer (g_array_index (targets, AtlHostTarget, i).pixels, losses, error))
      return FALSE;
  return TRUE;
}

/* Replaces the pixels without GIMP's shadow buffer, whose merge would keep what is not selected. That is
 * safe for undo, since the scaling just before has put the original pixels into it.
 * GIMP's Scale Image scales locked layers too, but GIMP ends a plug-in that writes into them.
 * If GIMP has made the layer larger than was foreseen, its own pixels stay there. */
static void
write_pixels (const AtlHostTarget *target)
{
  GArray *locks = atl_host_locks_lift (target->layer);
  GeglBuffer *buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (target->layer));

  gegl_buffer_copy (target->pixels, NULL, GEGL_ABYSS_NONE, buffer, NULL);
  g_object_unref (buffer); /* sends the pixels to GIMP */
  gimp_drawable_update (GIMP_DRAWABLE (target->layer), 0, 0, target->width, target->height);
  atl_host_locks_restore (locks);
}

static gboolean
same_pixels (GeglBuffer *a, GeglBuffer *b)
{
  const Babl *format = gegl_buffer_get_format (a);
  GeglBufferIterator *at;

  if (gegl_buffer_get_format (b) != format)
    return FALSE;

  at = gegl_buffer_iterator_new (a, NULL, 0, format, GEGL_ACCESS_READ, GEGL_ABYSS_NONE, 2);
  gegl_buffer_iterator_add (at, b, NULL, 0, format, GEGL_ACCESS_READ, GEGL_ABYSS_NONE);
  while (gegl_buffer_iterator_next (at))
    if (memcmp (at->items[0].data, at->items[1].data,
                (size_t) at->length * babl_format_get_bytes_per_pixel (format))
        != 0)
      {
        gegl_buffer_iterator_stop (at);
        return FALSE;
      }
  return TRUE;
}

/* Whether a layer still has the shape and the pixels that the result was made of: both are asked anew. */
static gboolean
same_target (const AtlHostTarget *before, const AtlHostTarget *now)
{
  if (now->layer != before->layer || ! gegl_rectangle_equal (&now->box, &before->box)
      || now->width != before->width || now->height != before->height)
    return FALSE;

  g_autoptr (GeglBuffer) buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (now->layer));
  return same_pixels (buffer, before->original);
}

static gboolean
all_valid (const AtlHostRequest *request)
{
  if (! gimp_image_is_valid (request->image))
    return FALSE;
  for (int i = 0; ! request->whole && i < request->n_selected; i++)
    if (! gimp_item_is_valid (GIMP_ITEM (request->selected[i])))
      return FALSE;
  return TRUE;
}

/* Whether the image still is as it was when its pixels were read: GIMP lets its user go on while a plug-in
 * computes. Reading 24 megapixels of 8 bit again and comparing them takes a quarter of a second. */
static gboolean
check_unchanged (const AtlHostRequest *request, const GArray *targets, GError **error)
{
  gboolean same = all_valid (request);

  if (same)
    {
      g_autoptr (GArray) now = atl_host_targets_new (request, error);

      if (! now)
        return FALSE;
      same = now->len == targets->len;
      for (guint i = 0; same && i < now->len; i++)
        same = same_target (&g_array_index (targets, AtlHostTarget, i),
                            &g_array_index (now, AtlHostTarget, i));
    }
  if (! same)
    g_set_error (
        error, ATL_ERROR, ATL_ERROR_RESULT,
        _ ("the image was changed while the filter worked, so its result does not fit any more; "
           "the image was left as it is"));
  return same;
}

static gboolean
commit (const AtlHostRequest *request, const GArray *targets, GError **error)
{
  gboolean done;

  /* From here on there is nothing to cancel: that would end the plug-in in the middle. */
  gimp_progress_end ();
  gimp_image_undo_group_start (request->image);
  done = atl_host_scale (request);
  for (guint i = 0; done && i < targets->len; i++)
    {
      const AtlHostTarget *target = &g_array_index (targets, AtlHostTarget, i);

      /* GIMP ends a plug-in that writes into a layer which was deleted. */
      if (gimp_item_is_valid (GIMP_ITEM (target->layer)))
        write_pixels (target);
    }
  gimp_image_undo_group_end (request->image);

  if (! done)
    g_set_error (error, ATL_ERROR, ATL_ERROR_RESULT, _ ("GIMP could not scale: %s"),
                 atl_host_last_error ());
  return done;
}

static gboolean
resize (const AtlHostRequest *request, AtlJob *job, const AtlProgress *progress, GError **error)
{
  const guint losses = atl_swap_losses ();
  g_autoptr (GArray) targets = atl_host_targets_new (request, error);

  if (! targets || ! atl_room_check (0, atl_host_targets_size (targets), error))
    return FALSE;

  read_originals (targets);
  return compute (targets, job, progress, error) && check_kept (targets, losses, error)
         && check_unchanged (request, targets, error) && commit (request, targets, error);
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

  const AtlHostRequest request = { .image = image,
                                   .scale = atl_job_scale (job),
                                   .whole = ! atl_host_is_of_layers (filter, settings),
                                   .selected = selected,
                                   .n_selected = n_selected };
  return resize (&request, job, &progress, error);
}
