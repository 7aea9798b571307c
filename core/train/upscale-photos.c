/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loading the photos of the recipe for networks that enlarge.
 */

#include "train/upscale-photos.h"

#include <math.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/order.h"
#include "train/pairs.h"

/* Longest side of a photo in pixels; larger ones are shrunk, which also takes out what the camera or
 * JPEG left in their finest detail. */
#define MAX_PHOTO_SIDE 2048

static GPtrArray *
shuffled_paths (const GPtrArray *paths, guint64 seed)
{
  GPtrArray *shuffled = g_ptr_array_new_with_free_func (g_free);
  g_autofree guint32 *order = g_new (guint32, paths->len);
  AtlRandom random;

  atl_stream_init (&random, seed, ATL_STREAM_SPLIT, 0);
  atl_random_permutation (order, paths->len, &random);
  for (guint i = 0; i < paths->len; i++)
    g_ptr_array_add (shuffled, g_strdup (g_ptr_array_index (paths, order[i])));
  return shuffled;
}

/* Half of what is free, and the small pictures need a quarter of it or less. */
static size_t
memory_for_photos (void)
{
  const size_t available = atl_memory_available ();

  return available > 0 ? available / 5 * 2 : (size_t) 1 << 30;
}

/* Which photos are used must not depend on how much memory is free when a training is resumed: the first
 * sitting's number is an option from then on. */
static AtlPhotoLimits
limits_of_training (const AtlUpscaleOptions *o)
{
  const int n = o->common.photos;

  return (AtlPhotoLimits) {
    .min_side = o->crop * o->scale,
    .max_side = MAX_PHOTO_SIDE,
    .max_photos = n > 0 ? n : G_MAXINT,
    .max_bytes = o->common.resume && n > 0 ? G_MAXSIZE : memory_for_photos (),
  };
}

static GArray *
load_pairs (const AtlUpscaleOptions *o, const char *const *places, const AtlPhotoLimits *limits,
            GPtrArray *problems, const AtlProgress *progress, GError **error)
{
  g_autoptr (GPtrArray) found = atl_photos_find (places, error);
  const AtlProgress loading = atl_progress_part (progress, 0.0, 0.6);
  const AtlProgress shrinking = atl_progress_part (progress, 0.6, 1.0);
  g_auto (AtlPhotos) loaded = { 0 };

  if (found == NULL)
    return NULL;

  g_autoptr (GPtrArray) paths = shuffled_paths (found, (guint64) o->common.seed);
  if (! atl_photos_load (&loaded, paths, limits, problems, &loading, error))
    return NULL;
  return atl_pairs_new (&loaded, o->scale, &shrinking, error);
}

/* Moves the first pairs of the training to the validation. */
static void
hold_out (AtlUpscalePhotos *photos, double part)
{
  const guint n = photos->training->len;
  const guint n_held = MIN ((guint) ceil (part * n), MIN (ATL_MAX_VALIDATION_PHOTOS, n - 1));

  photos->validation = g_array_new (FALSE, TRUE, sizeof (AtlPair));
  g_array_set_clear_func (photos->validation, (GDestroyNotify) atl_pair_clear);
  g_array_append_vals (photos->validation, photos->training->data, n_held);
  /* They have a new owner: no clear function for them here. */
  g_array_set_clear_func (photos->training, NULL);
  g_array_remove_range (photos->training, 0, n_held);
  g_array_set_clear_func (photos->training, (GDestroyNotify) atl_pair_clear);
}

/* Whether --validation is a part, 0 to below 1, rather than a folder. */
static gboolean
parse_part (const char *text, double *part)
{
  return atl_text_to_number (text, part) && *part >= 0.0 && *part < 1.0;
}

static gboolean
load_training (AtlUpscalePhotos *photos, AtlUpscaleOptions *o, GPtrArray *problems,
               const AtlProgress *progress, GError **error)
{
  const AtlPhotoLimits limits = limits_of_training (o);

  photos->training = load_pairs (o, (const char *const *) o->common.data, &limits, problems,
                                 progress, error);
  if (photos->training == NULL)
    return FALSE;
  if (photos->training->len == 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("none of the photos can be used; each must have at least %d x %d pixels, or "
                      "give a smaller '--crop'"),
                   limits.min_side, limits.min_side);
      return FALSE;
    }
  o->common.photos = (int) photos->training->len;
  return TRUE;
}

static gboolean
load_validation (AtlUpscalePhotos *photos, const AtlUpscaleOptions *o, GPtrArray *problems,
                 const AtlProgress *progress, GError **error)
{
  const char *const places[] = { o->common.validation, NULL };
  const AtlPhotoLimits limits = { .min_side = o->crop * o->scale,
                                  .max_side = MAX_PHOTO_SIDE,
                                  .max_photos = ATL_MAX_VALIDATION_PHOTOS,
                                  .max_bytes = G_MAXSIZE };

  photos->validation = load_pairs (o, places, &limits, problems, progress, error);
  if (photos->validation == NULL)
    return FALSE;
  if (photos->validation->len == 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("none of the photos in '%s' can be validated on"), o->common.validation);
      return FALSE;
    }
  return TRUE;
}

/* The small pictures to measure on: always the same. */
static gboolean
degrade_validation (AtlUpscalePhotos *photos, const AtlUpscaleOptions *o, GError **error)
{
  for (guint i = 0; o->degrade != NULL && i < photos->validation->len; i++)
    {
      AtlRandom random;

      atl_stream_init (&random, (guint64) o->common.seed, ATL_STREAM_VALIDATION, i);
      if (! atl_degrade (&o->degradation, &g_array_index (photos->validation, AtlPair, i).small,
                         &random, error))
        return FALSE;
    }
  return TRUE;
}

static void
add_to_checksum (GChecksum *checksum, const GArray *pairs)
{
  for (guint i = 0; i < pairs->len; i++)
    {
      const AtlPhoto *small = &g_array_index (pairs, AtlPair, i).small;
      const gint32 size[] = { GINT32_TO_LE (small->width), GINT32_TO_LE (small->height) };

      g_checksum_update (checksum, (const guchar *) size, sizeof size);
      g_checksum_update (checksum, small->rgb, (gssize) 3 * small->width * small->height);
    }
}

char *
atl_upscale_photos_checksum (const AtlUpscalePhotos *photos)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  add_to_checksum (checksum, photos->training);
  add_to_checksum (checksum, photos->validation);
  return g_strdup (g_checksum_get_string (checksum));
}

gboolean
atl_upscale_photos_load (AtlUpscalePhotos *photos, AtlUpscaleOptions *options, GPtrArray *problems,
                         const AtlProgress *progress, GError **error)
{
  double part;
  const gboolean is_part = parse_part (options->common.validation, &part);
  const AtlProgress training = atl_progress_part (progress, 0.0, is_part ? 1.0 : 0.9);
  const AtlProgress validation = atl_progress_part (progress, 0.9, 1.0);

  if (! load_training (photos, options, problems, &training, error))
    return FALSE;
  if (is_part)
    hold_out (photos, part);
  else if (! load_validation (photos, options, problems, &validation, error))
    return FALSE;
  return degrade_validation (photos, options, error);
}

void
atl_upscale_photos_clear (AtlUpscalePhotos *photos)
{
  g_clear_pointer (&photos->training, g_array_unref);
  g_clear_pointer (&photos->validation, g_array_unref);
}
