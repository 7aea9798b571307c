/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recipe for networks that enlarge.
 *
 * A round over the data (an epoch) is as many crops as would cover every photo once.
 */

#include "train/upscale-loss.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "image/dihedral.h"
#include "train/order.h"
#include "train/pairs.h"
#include "train/quality.h"

/* Validation comes round every few minutes and is to cost seconds: at most so many squares, of so many
 * pixels of the small picture on a side. For the default network these are 0.3e12 multiply-adds, as many
 * as 25 pictures of 128 x 128 cost, whatever the size of the photos. */
#define MAX_VALIDATION_PHOTOS 24
#define VALIDATION_SIDE 128

/* What a crop that is degraded has around it, at most: two squares of a JPEG with halved colours would be 32, but what
 * is further away than one hardly matters. */
#define DEGRADED_MARGIN 16

/* Longest side of a photo in pixels; larger ones are shrunk, which also takes out what the camera or
 * JPEG left in their finest detail. */
#define MAX_PHOTO_SIDE 2048

struct AtlUpscaleData
{
  AtlUpscaleOptions *options;
  const AtlBackend *backend;
  GArray *training, *validation; /* of AtlPair */
  GArray *units;                 /* of int: the photo of each unit of an epoch */
  char *checksum;                /* of the pictures, in their order */
  AtlOrder *order;

  /* A batch. */
  float *crop, *targets; /* one crop of a large photo, and all; plain order */
  AtlUpscaleLoss *loss;

  /* Validation. */
  const AtlModel *model;
  int validation_side;             /* pixels of the small picture */
  AtlUpscaleLoss *validation_loss; /* of one square */
};

void
atl_upscale_data_free (AtlUpscaleData *data)
{
  if (data == NULL)
    return;

  g_clear_pointer (&data->training, g_array_unref);
  g_clear_pointer (&data->validation, g_array_unref);
  g_clear_pointer (&data->units, g_array_unref);
  atl_order_free (data->order);
  g_free (data->checksum);
  atl_floats_free (data->crop);
  atl_floats_free (data->targets);
  atl_upscale_loss_free (data->loss);
  atl_upscale_loss_free (data->validation_loss);
  g_free (data);
}

int
atl_upscale_data_n_photos (const AtlUpscaleData *data)
{
  return (int) data->training->len;
}

int
atl_upscale_data_n_validation (const AtlUpscaleData *data)
{
  return (int) data->validation->len;
}

/* Loading. */

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
  g_auto (AtlPhotos) photos = { 0 };

  if (found == NULL)
    return NULL;

  g_autoptr (GPtrArray) paths = shuffled_paths (found, (guint64) o->common.seed);
  if (! atl_photos_load (&photos, paths, limits, problems, &loading, error))
    return NULL;
  return atl_pairs_new (&photos, o->scale, &shrinking, error);
}

/* Moves the first pairs of the training to the validation. */
static void
hold_out (AtlUpscaleData *data, double part)
{
  const guint n = data->training->len;
  const guint n_held = MIN ((guint) ceil (part * n), MIN (MAX_VALIDATION_PHOTOS, n - 1));

  data->validation = g_array_new (FALSE, TRUE, sizeof (AtlPair));
  g_array_set_clear_func (data->validation, (GDestroyNotify) atl_pair_clear);
  g_array_append_vals (data->validation, data->training->data, n_held);
  /* They have a new owner: no clear function for them here. */
  g_array_set_clear_func (data->training, NULL);
  g_array_remove_range (data->training, 0, n_held);
  g_array_set_clear_func (data->training, (GDestroyNotify) atl_pair_clear);
}

/* Whether --validation is a part, 0 to below 1, rather than a folder. */
static gboolean
parse_part (const char *text, double *part)
{
  char *end;

  *part = g_ascii_strtod (text, &end);
  return end != text && *end == '\0' && *part >= 0.0 && *part < 1.0;
}

static gboolean
load_training (AtlUpscaleData *data, GPtrArray *problems, const AtlProgress *progress,
               GError **error)
{
  AtlUpscaleOptions *o = data->options;
  const AtlPhotoLimits limits = limits_of_training (o);

  data->training = load_pairs (o, (const char *const *) o->common.data, &limits, problems, progress,
                               error);
  if (data->training == NULL)
    return FALSE;
  if (data->training->len == 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("none of the photos can be used; each must have at least %d x %d pixels, or "
                      "give a smaller '--crop'"),
                   limits.min_side, limits.min_side);
      return FALSE;
    }
  o->common.photos = (int) data->training->len;
  return TRUE;
}

static gboolean
load_validation (AtlUpscaleData *data, GPtrArray *problems, const AtlProgress *progress,
                 GError **error)
{
  const AtlUpscaleOptions *o = data->options;
  const char *const places[] = { o->common.validation, NULL };
  const AtlPhotoLimits limits = { .min_side = o->crop * o->scale,
                                  .max_side = MAX_PHOTO_SIDE,
                                  .max_photos = MAX_VALIDATION_PHOTOS,
                                  .max_bytes = G_MAXSIZE };

  data->validation = load_pairs (o, places, &limits, problems, progress, error);
  if (data->validation == NULL)
    return FALSE;
  if (data->validation->len == 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("none of the photos in '%s' can be validated on"), o->common.validation);
      return FALSE;
    }
  return TRUE;
}

/* The small pictures to measure on: always the same. */
static gboolean
degrade_validation (AtlUpscaleData *data, GError **error)
{
  const AtlUpscaleOptions *o = data->options;

  for (guint i = 0; o->degrade != NULL && i < data->validation->len; i++)
    {
      AtlRandom random;

      atl_stream_init (&random, (guint64) o->common.seed, ATL_STREAM_VALIDATION, i);
      if (! atl_degrade (&o->degradation, &g_array_index (data->validation, AtlPair, i).small,
                         &random, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
load (AtlUpscaleData *data, GPtrArray *problems, const AtlProgress *progress, GError **error)
{
  double part;
  const gboolean is_part = parse_part (data->options->common.validation, &part);
  const AtlProgress training = atl_progress_part (progress, 0.0, is_part ? 1.0 : 0.9);
  const AtlProgress validation = atl_progress_part (progress, 0.9, 1.0);

  if (! load_training (data, problems, &training, error))
    return FALSE;
  if (is_part)
    hold_out (data, part);
  else if (! load_validation (data, problems, &validation, error))
    return FALSE;
  return degrade_validation (data, error);
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

static char *
checksum_of_pictures (const AtlUpscaleData *data)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  add_to_checksum (checksum, data->training);
  add_to_checksum (checksum, data->validation);
  return g_strdup (g_checksum_get_string (checksum));
}

/* Each photo has as many units as crops would cover it. */
static void
make_units (AtlUpscaleData *data)
{
  const double crop_area = (double) data->options->crop * data->options->crop;

  data->units = g_array_new (FALSE, FALSE, sizeof (int));
  for (int i = 0; i < (int) data->training->len; i++)
    {
      const AtlPhoto *small = &g_array_index (data->training, AtlPair, i).small;
      const int n = (int) ceil ((double) small->width * small->height / crop_area);

      for (int k = 0; k < n; k++)
        g_array_append_val (data->units, i);
    }
  data->order = atl_order_new (data->units->len, (guint64) data->options->common.seed);
}

static void
choose_validation_side (AtlUpscaleData *data)
{
  data->validation_side = VALIDATION_SIDE;
  for (guint i = 0; i < data->validation->len; i++)
    {
      const AtlPhoto *small = &g_array_index (data->validation, AtlPair, i).small;

      data->validation_side = MIN (data->validation_side, MIN (small->width, small->height));
    }
}

static gboolean
make_buffers (AtlUpscaleData *data, GError **error)
{
  const AtlUpscaleOptions *o = data->options;
  const int side = o->crop * o->scale, validation_side = data->validation_side * o->scale;
  const AtlShape batch = { o->common.batch, 3, side, side };
  const AtlShape square = { 1, 3, validation_side, validation_side };

  data->crop = atl_floats_new (3 * (size_t) side * side, _ ("a batch"), error);
  if (data->crop != NULL)
    data->targets = atl_floats_new (atl_shape_size (&batch), _ ("a batch"), error);
  if (data->targets != NULL)
    data->loss = atl_upscale_loss_new (o, &batch, data->backend, error);
  if (data->loss != NULL)
    data->validation_loss = atl_upscale_loss_new (o, &square, data->backend, error);
  return data->validation_loss != NULL;
}

AtlUpscaleData *
atl_upscale_data_new (AtlUpscaleOptions *options, const AtlBackend *backend, GPtrArray *problems,
                      const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlUpscaleData) data = g_new0 (AtlUpscaleData, 1);

  data->options = options;
  data->backend = backend;
  if (! load (data, problems, progress, error))
    return NULL;

  data->checksum = checksum_of_pictures (data);
  make_units (data);
  choose_validation_side (data);
  if (! make_buffers (data, error))
    return NULL;
  return g_steal_pointer (&data);
}

/* Batches. */

/* A square of a photo from (left, top), oriented: planes of 0..1, 3 x side x side. */
static void
read_crop (AtlUpscaleData *data, float *planes, const AtlPhoto *photo, int left, int top, int side,
           int orientation)
{
  atl_photo_to_planes (data->crop, photo, left, top, side);
  atl_dihedral_planes (planes, data->crop, 3, side, side, orientation);
}

/* The same of a small picture as it has come to us. Where the squares of a JPEG lie is chance, and what lies beyond the
 * crop has its share in what blurs. */
static gboolean
read_degraded_crop (AtlUpscaleData *data, float *planes, const AtlPhoto *photo, int left, int top,
                    int side, int orientation, AtlRandom *random, GError **error)
{
  const int x = MAX (0, left - 1 - (int) atl_random_below (random, DEGRADED_MARGIN));
  const int y = MAX (0, top - 1 - (int) atl_random_below (random, DEGRADED_MARGIN));
  const int right = MIN (photo->width, left + side + DEGRADED_MARGIN);
  const int bottom = MIN (photo->height, top + side + DEGRADED_MARGIN);
  g_auto (AtlPhoto) part = { 0 };

  if (! atl_photo_init_part (&part, photo, x, y, right - x, bottom - y, error)
      || ! atl_degrade (&data->options->degradation, &part, random, error))
    return FALSE;

  read_crop (data, planes, &part, left - x, top - y, side, orientation);
  return TRUE;
}

static gboolean
make_batch (void *recipe_data, float *input, guint64 first_sample, GError **error)
{
  AtlUpscaleData *data = recipe_data;
  const AtlUpscaleOptions *o = data->options;
  const int crop = o->crop, scale = o->scale;
  const size_t n_small = 3 * (size_t) crop * crop;
  const size_t n_large = n_small * (size_t) (scale * scale);

  for (size_t k = 0; k < (size_t) o->common.batch; k++)
    {
      const guint64 sample = first_sample + k;
      const guint32 unit = atl_order_unit (data->order, sample);
      const int photo = g_array_index (data->units, int, unit);
      const AtlPair *pair = &g_array_index (data->training, AtlPair, photo);
      AtlRandom random;

      atl_stream_init (&random, (guint64) o->common.seed, ATL_STREAM_SAMPLE, sample);
      const int left = (int) atl_random_below (&random, (guint32) (pair->small.width - crop + 1));
      const int top = (int) atl_random_below (&random, (guint32) (pair->small.height - crop + 1));
      const int orientation = (int) atl_random_below (&random, ATL_N_ORIENTATIONS);

      if (o->degrade == NULL)
        read_crop (data, input + k * n_small, &pair->small, left, top, crop, orientation);
      else if (! read_degraded_crop (data, input + k * n_small, &pair->small, left, top, crop,
                                     orientation, &random, error))
        return FALSE;
      read_crop (data, data->targets + k * n_large, &pair->large, left * scale, top * scale,
                 crop * scale, orientation);
    }

  return TRUE;
}

static double
batch_loss (void *recipe_data, float *dy, const float *y)
{
  AtlUpscaleData *data = recipe_data;

  return atl_upscale_loss_run (data->loss, dy, y, data->targets);
}

/* Validation: the square in the middle of each photo, by the network as it is used. */

typedef struct
{
  const AtlPlan *plan;
  float *workspace, *input, *output, *target; /* plain order */
  float *y, *gradient;                        /* the output in the backend's layout */
  int side;                                   /* of the output */
} Validation;

static gboolean
planes_psnr (double *psnr, const float *planes, const float *target, int side, int border,
             GError **error)
{
  g_auto (AtlPhoto) a = { 0 }, b = { 0 };
  g_autoptr (AtlFloats) luma_a = NULL, luma_b = NULL;

  if (! atl_photo_init (&a, side, side, error) || ! atl_photo_init (&b, side, side, error))
    return FALSE;

  atl_photo_from_planes (&a, planes);
  atl_photo_from_planes (&b, target);
  luma_a = atl_luma_new (&a, error);
  luma_b = luma_a != NULL ? atl_luma_new (&b, error) : NULL;
  if (luma_b == NULL)
    return FALSE;

  /* A photo of one colour may come out without any error: 100 dB keep the mean finite. */
  *psnr = fmin (atl_psnr (luma_a, luma_b, side, side, border), 100.0);
  return TRUE;
}

static gboolean
validate_pair (AtlUpscaleData *data, const AtlPair *pair, const Validation *v,
               AtlValidation *result, GError **error)
{
  const AtlUpscaleOptions *o = data->options;
  const int side = data->validation_side;
  const int left = (pair->small.width - side) / 2, top = (pair->small.height - side) / 2;
  double psnr;

  atl_photo_to_planes (v->input, &pair->small, left, top, side);
  atl_photo_to_planes (v->target, &pair->large, left * o->scale, top * o->scale, v->side);
  atl_plan_infer (v->plan, v->workspace, v->output, v->input);
  if (! planes_psnr (&psnr, v->output, v->target, v->side, o->scale, error))
    return FALSE;

  const AtlShape shape = { 1, 3, v->side, v->side };
  data->backend->tensor_import (v->y, v->output, &shape);
  result->loss += atl_upscale_loss_run (data->validation_loss, v->gradient, v->y, v->target);
  result->score += psnr;
  return TRUE;
}

static gboolean
validate (void *recipe_data, AtlValidation *result, const float *parameters, GError **error)
{
  AtlUpscaleData *data = recipe_data;
  const int small = data->validation_side, large = small * data->options->scale;
  const AtlRegion all = { 0, 0, large, large };
  const double n = data->validation->len;
  g_autoptr (AtlPrepared)
      prepared = atl_prepared_new (data->model->graph, parameters, data->backend, error);

  if (prepared == NULL)
    return FALSE;

  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, small, small, &all);
  const size_t n_small = 3 * (size_t) small * small, n_large = 3 * (size_t) large * large;
  const AtlShape shape = { 1, 3, large, large };
  const size_t n_tensor = atl_floats_aligned (data->backend->tensor_size (&shape));
  const size_t n_floats = 2 * n_tensor + n_small + 2 * n_large;
  g_autoptr (AtlFloats) floats = atl_floats_new (n_floats, _ ("validation"), error);
  g_autoptr (AtlFloats)
      workspace = atl_floats_new (atl_plan_workspace_size (plan), _ ("validation"), error);
  if (floats == NULL || workspace == NULL)
    return FALSE;

  float *planes = floats + 2 * n_tensor;
  const Validation v = { .plan = plan,
                         .workspace = workspace,
                         .input = planes,
                         .output = planes + n_small,
                         .target = planes + n_small + n_large,
                         .y = floats,
                         .gradient = floats + n_tensor,
                         .side = large };
  *result = (AtlValidation) { 0 };
  for (guint i = 0; i < data->validation->len; i++)
    if (! validate_pair (data, &g_array_index (data->validation, AtlPair, i), &v, result, error))
      return FALSE;

  result->loss /= n;
  result->score /= n;
  return TRUE;
}

AtlRecipe
atl_upscale_recipe (AtlUpscaleData *data, const AtlModel *model)
{
  const AtlUpscaleOptions *o = data->options;

  data->model = model;
  return (AtlRecipe) { .data = data,
                       .input = { o->common.batch, 3, o->crop, o->crop },
                       .epoch_size = data->units->len,
                       .score_name = "psnr",
                       .best_by_loss = o->loss == ATL_LOSS_FEATURES,
                       .checksum = data->checksum,
                       .make_batch = make_batch,
                       .loss = batch_loss,
                       .validate = data->validation->len > 0 ? validate : NULL,
                       .options = &atl_upscale_options,
                       .values = o };
}
