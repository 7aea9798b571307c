/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One picture, measured as in the literature: it is cut to a multiple of the scale, made smaller by antialiased
 * bicubic resampling in RGB, rounded to 8 bits, perhaps degraded, enlarged by the filter as users run it, and compared
 * on luma, without a border of 'scale' pixels.
 *
 * What a kernel reaches is given as the literature's tables have it (Dong et al., "Image Super-Resolution Using Deep
 * Convolutional Networks", 2016): on luma that is rounded to 8 bits before and after, but not in between. Of a small
 * picture that was degraded the kernel enlarges the luma.
 */

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "cli/evaluate.h"
#include "image/resample.h"
#include "image/rgb-file.h"
#include "train/order.h"
#include "train/quality.h"

/* Of the time for a picture, where it is also compared by features: as measured with upscale-x2 on Set5. */
#define ENLARGING_SHARE 0.5

const AtlMethod *
atl_evaluation_methods (const AtlEvaluation *e, int *n)
{
  static const AtlMethod enlarging[] = { ATL_METHOD_MODEL, ATL_METHOD_BICUBIC, ATL_METHOD_LANCZOS };
  static const AtlMethod cleaning[] = { ATL_METHOD_MODEL, ATL_METHOD_UNCHANGED };

  *n = e->scale > 1 ? G_N_ELEMENTS (enlarging) : G_N_ELEMENTS (cleaning);
  return e->scale > 1 ? enlarging : cleaning;
}

void
atl_result_clear (AtlResult *result)
{
  g_free (result->name);
}

AtlResult
atl_results_mean (const GArray *results)
{
  AtlResult mean = { 0 };

  for (guint i = 0; i < results->len; i++)
    for (int m = 0; m < ATL_N_METHODS; m++)
      {
        const AtlScore *score = &g_array_index (results, AtlResult, i).scores[m];

        mean.scores[m].psnr += score->psnr / results->len;
        mean.scores[m].ssim += score->ssim / results->len;
        mean.scores[m].distance += score->distance / results->len;
      }
  return mean;
}

/* Planes of luma, a the original. */
static gboolean
measure_luma (AtlScore *score, const float *a, const float *b, const AtlPhoto *photo, int border,
              GError **error)
{
  score->psnr = atl_psnr (a, b, photo->width, photo->height, border);
  score->ssim = atl_ssim (a, b, photo->width, photo->height, border);
  if (! isnan (score->ssim))
    return TRUE;

  atl_error_set_memory (error, _ ("measuring a picture"),
                        (size_t) photo->width * 5 * sizeof (double));
  return FALSE;
}

static gboolean
measure_photo (AtlScore *score, const AtlPhoto *original, const AtlPhoto *result, int border,
               GError **error)
{
  g_autoptr (AtlFloats) luma = atl_luma_new (original, error);
  g_autoptr (AtlFloats) result_luma = luma != NULL ? atl_luma_new (result, error) : NULL;

  return result_luma != NULL && measure_luma (score, luma, result_luma, original, border, error);
}

static void
round_plane (float *plane, size_t n)
{
  for (size_t i = 0; i < n; i++)
    plane[i] = rintf (CLAMP (plane[i], 0.0f, 255.0f));
}

/* The luma of the small picture; 'luma' is that of the large one, rounded. */
static float *
small_luma_new (const AtlEvaluation *e, const AtlPair *pair, const float *luma, GError **error)
{
  const AtlPhoto *large = &pair->large, *small = &pair->small;

  if (e->degradation != NULL)
    return atl_luma_new (small, error);
  return atl_resized_plane_new (ATL_KERNEL_BICUBIC, small->width, small->height, luma, large->width,
                                large->height, error);
}

static gboolean
measure_kernel (AtlScore *score, const AtlEvaluation *e, AtlKernel kernel, const AtlPair *pair,
                GError **error)
{
  const AtlPhoto *large = &pair->large, *small = &pair->small;
  const size_t n = (size_t) large->width * large->height;
  g_autoptr (AtlFloats) luma = atl_luma_new (large, error);

  if (luma == NULL)
    return FALSE;

  round_plane (luma, n);
  g_autoptr (AtlFloats) shrunk = small_luma_new (e, pair, luma, error);
  g_autoptr (AtlFloats)
      enlarged = shrunk == NULL
                     ? NULL
                     : atl_resized_plane_new (kernel, large->width, large->height, shrunk,
                                              small->width, small->height, error);
  if (enlarged == NULL)
    return FALSE;

  round_plane (enlarged, n);
  return measure_luma (score, luma, enlarged, large, e->scale, error);
}

/* PSNR and SSIM of a method; 'result' is what the model made. */
static gboolean
measure_method (AtlScore *score, const AtlEvaluation *e, AtlMethod method, const AtlPair *pair,
                const AtlPhoto *result, GError **error)
{
  switch (method)
    {
    case ATL_METHOD_MODEL:
      return measure_photo (score, &pair->large, result, e->scale, error);
    case ATL_METHOD_BICUBIC:
      return measure_kernel (score, e, ATL_KERNEL_BICUBIC, pair, error);
    case ATL_METHOD_LANCZOS:
      return measure_kernel (score, e, ATL_KERNEL_LANCZOS3, pair, error);
    case ATL_METHOD_UNCHANGED:
      return measure_photo (score, &pair->large, &pair->small, e->scale, error);
    case ATL_N_METHODS:
      break;
    }
  g_return_val_if_reached (FALSE);
}

/* The filter's result for a photo, as it would be written into a file. */
static gboolean
enlarge (AtlPhoto *result, const AtlEvaluation *e, const AtlPhoto *photo, int width, int height,
         const AtlProgress *progress, GError **error)
{
  g_autoptr (GeglBuffer) input = atl_rgb_to_buffer (photo->rgb, photo->width, photo->height);
  g_autoptr (GeglBuffer) output = atl_job_run (e->job, input, width, height, progress, error);
  if (output == NULL || ! atl_photo_init (result, width, height, error))
    return FALSE;

  atl_rgb_from_buffer (result->rgb, output);
  return TRUE;
}

char *
atl_picture_stem (const char *path)
{
  char *name = g_path_get_basename (path);
  char *dot = strrchr (name, '.');

  if (dot != NULL && dot != name)
    *dot = '\0';
  return name;
}

static gboolean
save_photo (const AtlEvaluation *e, const char *name, const char *what, const AtlPhoto *photo,
            GError **error)
{
  g_autofree char *file = g_strdup_printf ("%s-%s.png", name, what);
  g_autofree char *path = g_build_filename (e->save, file, NULL);

  return atl_rgb_write_png (path, photo->rgb, photo->width, photo->height, error);
}

static gboolean
save_photos (const AtlEvaluation *e, const char *path, const AtlPair *pair, const AtlPhoto *result,
             GError **error)
{
  g_autofree char *name = atl_picture_stem (path);

  if (e->save == NULL)
    return TRUE;
  return (save_photo (e, name, "hr", &pair->large, error)
          && save_photo (e, name, "lr", &pair->small, error)
          && save_photo (e, name, "sr", result, error));
}

/* What is drawn depends on the picture's name alone: the numbers are the same again, and whatever is measured beside it. */
static gboolean
degrade (AtlPair *pair, const AtlDegradation *degradation, const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  AtlRandom random;

  atl_stream_init (&random, 0, ATL_STREAM_VALIDATION, g_str_hash (name));
  return atl_degrade (degradation, &pair->small, &random, error);
}

gboolean
atl_evaluated_pair_init (AtlPair *pair, const AtlEvaluation *e, const char *path, GError **error)
{
  g_auto (AtlPhoto) photo = { 0 };

  photo.rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &photo.width, &photo.height, error);
  if (photo.rgb == NULL)
    return FALSE;
  if (MIN (photo.width, photo.height) / e->scale * e->scale < ATL_SSIM_WINDOW + 2 * e->scale)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE,
                   _ ("'%s' has %d x %d pixels, which are too few to measure"), path, photo.width,
                   photo.height);
      return FALSE;
    }
  if (! atl_pair_init (pair, &photo, e->scale, error))
    return FALSE;
  if (e->degradation == NULL || degrade (pair, e->degradation, path, error))
    return TRUE;

  g_prefix_error (error, _ ("'%s': "), path);
  return FALSE;
}

/* The distances of all results from the original, whole pictures in RGB. */
static gboolean
measure_distances (AtlScore *scores, const AtlEvaluation *e, const AtlPair *pair,
                   const AtlPhoto *result, const AtlProgress *progress, GError **error)
{
  const AtlPhoto *large = &pair->large, *small = &pair->small;
  g_auto (AtlPhoto) bicubic = { 0 }, lanczos = { 0 };
  const AtlPhoto *const all[] = { [ATL_METHOD_MODEL] = result,
                                  [ATL_METHOD_BICUBIC] = &bicubic,
                                  [ATL_METHOD_LANCZOS] = &lanczos,
                                  [ATL_METHOD_UNCHANGED] = small };
  const AtlPhoto *photos[ATL_N_METHODS];
  double distances[ATL_N_METHODS];
  int n;
  const AtlMethod *methods = atl_evaluation_methods (e, &n);

  if (! atl_photo_init_resized (&bicubic, small, ATL_KERNEL_BICUBIC, large->width, large->height,
                                error)
      || ! atl_photo_init_resized (&lanczos, small, ATL_KERNEL_LANCZOS3, large->width,
                                   large->height, error))
    return FALSE;

  for (int i = 0; i < n; i++)
    photos[i] = all[methods[i]];
  if (! atl_perceptual_distances (e->perceptual, distances, large, photos, n, progress, error))
    return FALSE;
  for (int i = 0; i < n; i++)
    scores[methods[i]].distance = distances[i];
  return TRUE;
}

gboolean
atl_evaluate_pair (AtlResult *result, const AtlEvaluation *e, const char *path, const AtlPair *pair,
                   const AtlProgress *progress, GError **error)
{
  const AtlPhoto *large = &pair->large;
  const double share = e->perceptual != NULL ? ENLARGING_SHARE : 1.0;
  const AtlProgress enlarging = atl_progress_part (progress, 0.0, share);
  const AtlProgress comparing = atl_progress_part (progress, share, 1.0);
  AtlScore *scores = result->scores;
  g_auto (AtlPhoto) enlarged = { 0 };
  int n;
  const AtlMethod *methods = atl_evaluation_methods (e, &n);

  if (! enlarge (&enlarged, e, &pair->small, large->width, large->height, &enlarging, error))
    return FALSE;
  for (int i = 0; i < n; i++)
    if (! measure_method (&scores[methods[i]], e, methods[i], pair, &enlarged, error))
      return FALSE;
  if ((e->perceptual != NULL && ! measure_distances (scores, e, pair, &enlarged, &comparing, error))
      || ! save_photos (e, path, pair, &enlarged, error))
    return FALSE;

  result->name = g_path_get_basename (path);
  result->width = large->width;
  result->height = large->height;
  return TRUE;
}
