/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recipe for networks that enlarge.
 *
 * A round over the data (an epoch) is as many crops as would cover every photo once.
 */

#include "train/upscale.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "image/dihedral.h"
#include "train/order.h"
#include "train/pairs.h"
#include "train/quality.h"
#include "train/upscale-loss.h"
#include "train/upscale-photos.h"

/* Pixels of the small picture on a side of what is validated on: with ATL_MAX_VALIDATION_PHOTOS these are 0.3e12
 * multiply-adds for the default network. */
#define VALIDATION_SIDE 128

/* What a crop that is degraded has around it, at most: two squares of a JPEG with halved colours would be 32, but what
 * is further away than one hardly matters. */
#define DEGRADED_MARGIN 16

/* Rows of sheets: as many as a screen shows. */
#define MAX_SHOWN_SAMPLES 8
#define MAX_SHOWN_RESULTS 4

struct AtlUpscaleData
{
  AtlUpscaleOptions *options;
  const AtlBackend *backend;
  AtlUpscalePhotos photos;
  GArray *units;  /* of int: the photo of each unit of an epoch */
  char *checksum; /* of the pictures */
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

  atl_upscale_photos_clear (&data->photos);
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
  return (int) data->photos.training->len;
}

int
atl_upscale_data_n_validation (const AtlUpscaleData *data)
{
  return (int) data->photos.validation->len;
}

/* Each photo has as many units as crops would cover it. */
static void
make_units (AtlUpscaleData *data)
{
  const double crop_area = (double) data->options->crop * data->options->crop;

  data->units = g_array_new (FALSE, FALSE, sizeof (int));
  for (int i = 0; i < (int) data->photos.training->len; i++)
    {
      const AtlPhoto *small = &g_array_index (data->photos.training, AtlPair, i).small;
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
  for (guint i = 0; i < data->photos.validation->len; i++)
    {
      const AtlPhoto *small = &g_array_index (data->photos.validation, AtlPair, i).small;

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
  if (! atl_upscale_photos_load (&data->photos, options, problems, progress, error))
    return NULL;

  data->checksum = atl_upscale_photos_checksum (&data->photos);
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
  const int before_x = 1 + (int) atl_random_below (random, DEGRADED_MARGIN);
  const int before_y = 1 + (int) atl_random_below (random, DEGRADED_MARGIN);
  const int x = MAX (0, left - before_x), y = MAX (0, top - before_y);
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
      const AtlPair *pair = &g_array_index (data->photos.training, AtlPair, photo);
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
show_pair (AtlSheet *sheet, const Validation *v, int scale, GError **error)
{
  return atl_sheet_add (sheet, v->input, v->side / scale, scale, error)
         && atl_sheet_add (sheet, v->output, v->side, 1, error)
         && atl_sheet_add (sheet, v->target, v->side, 1, error);
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
validate (void *recipe_data, AtlValidation *result, AtlSheet *sheet, const float *parameters,
          GError **error)
{
  AtlUpscaleData *data = recipe_data;
  const guint n = data->photos.validation->len;
  const int small = data->validation_side, large = small * data->options->scale;
  const AtlRegion all = { 0, 0, large, large };
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
  for (guint i = 0; i < n; i++)
    if (! validate_pair (data, &g_array_index (data->photos.validation, AtlPair, i), &v, result,
                         error)
        || (sheet != NULL && i < MAX_SHOWN_RESULTS
            && ! show_pair (sheet, &v, data->options->scale, error)))
      return FALSE;

  result->loss /= n;
  result->score /= n;
  return TRUE;
}

/* A sheet of samples. */

static gboolean
show_samples (void *recipe_data, AtlSheet *sheet, GError **error)
{
  AtlUpscaleData *data = recipe_data;
  const AtlUpscaleOptions *o = data->options;
  const size_t n_small = 3 * (size_t) o->crop * o->crop;
  const size_t n_large = n_small * (size_t) (o->scale * o->scale);
  g_autoptr (AtlFloats)
      input = atl_floats_new ((size_t) o->common.batch * n_small, _ ("a batch"), error);

  if (input == NULL || ! make_batch (data, input, 0, error))
    return FALSE;

  for (int k = 0; k < MIN (o->common.batch, MAX_SHOWN_SAMPLES); k++)
    if (! atl_sheet_add (sheet, input + k * n_small, o->crop, o->scale, error)
        || ! atl_sheet_add (sheet, data->targets + k * n_large, o->crop * o->scale, 1, error))
      return FALSE;
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
                       .validate = data->photos.validation->len > 0 ? validate : NULL,
                       .show_samples = show_samples,
                       .options = &atl_upscale_options,
                       .values = o };
}
