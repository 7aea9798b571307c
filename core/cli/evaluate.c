/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier evaluate': how well a model does on pictures whose right answer is known.
 *
 * Upscale is measured as in the literature: each picture is cut to a multiple of the scale, made smaller
 * by antialiased bicubic resampling in RGB, rounded to 8 bits, enlarged by the filter as users run it,
 * and compared on luma, without a border of 'scale' pixels.
 *
 * What bicubic enlarging reaches is given as the literature's tables have it (Dong et al., "Image
 * Super-Resolution Using Deep Convolutional Networks", 2016): on luma that is rounded to 8 bits before and
 * after, but not in between.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/filter-options.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "image/libraries.h"
#include "image/resample.h"
#include "image/rgb-file.h"
#include "nets/model.h"
#include "train/pairs.h"
#include "train/quality.h"
#include "weights/library.h"
#include "weights/weight-file.h"

static const AtlUsage usage = {
  .command = "evaluate",
  .blurb = N_ ("measure a model on pictures"),
  .arguments = N_ ("upscale --model MODEL DATA..."),
  .summary = N_ (
      "Measures a model on pictures: each is made smaller, enlarged by the model, and compared\n"
      "with what it was: PSNR in dB and SSIM of the luma, beside bicubic enlarging.\n"
      "DATA are folders, each a set of its own, or pictures."),
  .examples = "  atelier evaluate upscale --model upscale-x2 Set5 Set14\n"
              "  atelier evaluate upscale --model ./mine.safetensors --quality best --json Set5",
};

typedef struct
{
  char *model;
  AtlFilterOptions filter; /* the quality alone */
  char *save;
  int threads;
  gboolean json, quiet;
} Options;

typedef struct
{
  double psnr, ssim;
} Score;

typedef struct
{
  char *name; /* of a picture; NULL for the mean */
  int width, height;
  Score model, bicubic;
} Result;

typedef struct
{
  const Options *options;
  AtlJob *job;
  int scale;
  GPtrArray *places; /* of the paths of each set, a GPtrArray */
  GPtrArray *names;  /* of the sets */
  GPtrArray *sets;   /* of GArray of Result; the last result is the mean */
  gboolean is_announced;
} Evaluation;

static void
result_clear (void *result)
{
  g_free (((Result *) result)->name);
}

/* Planes of luma, a the original. */
static gboolean
measure (Score *score, const float *a, const float *b, const AtlPhoto *photo, int border,
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

static void
round_plane (float *plane, size_t n)
{
  for (size_t i = 0; i < n; i++)
    plane[i] = rintf (CLAMP (plane[i], 0.0f, 255.0f));
}

static gboolean
measure_bicubic (Score *score, const AtlPair *pair, int border, GError **error)
{
  const AtlPhoto *large = &pair->large, *small = &pair->small;
  const size_t n = (size_t) large->width * large->height;
  g_autoptr (AtlFloats) luma = atl_luma_new (large, error);
  g_autoptr (AtlFloats)
      shrunk = atl_floats_new ((size_t) small->width * small->height, _ ("a picture"), error);
  g_autoptr (AtlFloats) enlarged = atl_floats_new (n, _ ("a picture"), error);

  if (luma == NULL || shrunk == NULL || enlarged == NULL)
    return FALSE;

  round_plane (luma, n);
  if (! atl_resample_bicubic (shrunk, small->width, small->height, luma, large->width,
                              large->height, error)
      || ! atl_resample_bicubic (enlarged, large->width, large->height, shrunk, small->width,
                                 small->height, error))
    return FALSE;
  round_plane (enlarged, n);

  return measure (score, luma, enlarged, large, border, error);
}

/* The filter's result for a photo, as it would be written into a file. */
static gboolean
enlarge (AtlPhoto *result, const Evaluation *e, const AtlPhoto *photo, int width, int height,
         const AtlProgress *progress, GError **error)
{
  g_autoptr (GeglBuffer) input = atl_rgb_to_buffer (photo->rgb, photo->width, photo->height);
  g_autoptr (GeglBuffer) output = atl_job_run (e->job, input, width, height, progress, error);
  if (output == NULL || ! atl_photo_init (result, width, height, error))
    return FALSE;

  atl_rgb_from_buffer (result->rgb, output);
  return TRUE;
}

/* A picture's name without its ending. */
static char *
stem_of (const char *path)
{
  char *name = g_path_get_basename (path);
  char *dot = strrchr (name, '.');

  if (dot != NULL && dot != name)
    *dot = '\0';
  return name;
}

static gboolean
save_photo (const Evaluation *e, const char *name, const char *what, const AtlPhoto *photo,
            GError **error)
{
  g_autofree char *file = g_strdup_printf ("%s-%s.png", name, what);
  g_autofree char *path = g_build_filename (e->options->save, file, NULL);

  return atl_rgb_write_png (path, photo->rgb, photo->width, photo->height, error);
}

static gboolean
save_photos (const Evaluation *e, const char *picture, const AtlPair *pair, const AtlPhoto *result,
             GError **error)
{
  g_autofree char *name = stem_of (picture);

  if (e->options->save == NULL)
    return TRUE;
  return (save_photo (e, name, "hr", &pair->large, error)
          && save_photo (e, name, "lr", &pair->small, error)
          && save_photo (e, name, "sr", result, error));
}

/* Says before long work how long it will take, if all pictures are like the first. */
static gboolean
announce (Evaluation *e, const AtlPhoto *small, GError **error)
{
  guint n = 0;

  if (e->is_announced || e->options->quiet)
    return TRUE;

  const double seconds = atl_job_seconds (e->job, small->width, small->height, error);
  if (seconds < 0.0)
    return FALSE;
  e->is_announced = TRUE;
  for (guint s = 0; s < e->places->len; s++)
    n += ((const GPtrArray *) g_ptr_array_index (e->places, s))->len;
  if (n * seconds >= ATL_LONG_SECONDS)
    {
      g_autofree char *duration = atl_duration_to_string (n * seconds);

      atl_say (
          usage.command,
          P_ ("%u picture, about %s", "%u pictures, about %s if all are as large as the first", n),
          n, duration);
    }
  return TRUE;
}

static gboolean
evaluate_photo (Result *result, Evaluation *e, const char *path, const AtlProgress *progress,
                GError **error)
{
  g_auto (AtlPhoto) photo = { 0 }, enlarged = { 0 };
  g_auto (AtlPair) pair = { 0 };
  const int border = e->scale;

  photo.rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &photo.width, &photo.height, error);
  if (photo.rgb == NULL)
    return FALSE;
  if (MIN (photo.width, photo.height) / e->scale * e->scale < ATL_SSIM_WINDOW + 2 * border)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE,
                   _ ("'%s' has %d x %d pixels, which are too few to measure"), path, photo.width,
                   photo.height);
      return FALSE;
    }

  if (! atl_pair_init (&pair, &photo, e->scale, error) || ! announce (e, &pair.small, error)
      || ! enlarge (&enlarged, e, &pair.small, pair.large.width, pair.large.height, progress,
                    error))
    return FALSE;

  g_autoptr (AtlFloats) luma = atl_luma_new (&pair.large, error);
  g_autoptr (AtlFloats) result_luma = luma != NULL ? atl_luma_new (&enlarged, error) : NULL;
  if (result_luma == NULL || ! measure (&result->model, luma, result_luma, &enlarged, border, error)
      || ! measure_bicubic (&result->bicubic, &pair, border, error))
    return FALSE;

  result->name = g_path_get_basename (path);
  result->width = pair.large.width;
  result->height = pair.large.height;
  return save_photos (e, result->name, &pair, &enlarged, error);
}

static Result
mean_of (const GArray *results)
{
  Result mean = { 0 };

  for (guint i = 0; i < results->len; i++)
    {
      const Result *r = &g_array_index (results, Result, i);

      mean.model.psnr += r->model.psnr / results->len;
      mean.model.ssim += r->model.ssim / results->len;
      mean.bicubic.psnr += r->bicubic.psnr / results->len;
      mean.bicubic.ssim += r->bicubic.ssim / results->len;
    }
  return mean;
}

static gboolean
evaluate_set (Evaluation *e, guint set, GError **error)
{
  const GPtrArray *paths = g_ptr_array_index (e->places, set);
  g_autoptr (GArray) results = g_array_new (FALSE, TRUE, sizeof (Result));
  g_autoptr (AtlProgressBar) bar = atl_progress_bar_new (
      usage.command, g_ptr_array_index (e->names, set), e->options->quiet);

  g_array_set_clear_func (results, result_clear);
  for (guint i = 0; i < paths->len; i++)
    {
      const AtlProgress part = atl_progress_part (
          atl_progress_bar_progress (bar), (double) i / paths->len, (double) (i + 1) / paths->len);
      Result result = { 0 };

      if (! evaluate_photo (&result, e, g_ptr_array_index (paths, i), &part, error))
        {
          g_free (result.name);
          return FALSE;
        }
      g_array_append_val (results, result);
    }

  const Result mean = mean_of (results);
  g_array_append_val (results, mean);
  g_ptr_array_add (e->sets, g_steal_pointer (&results));
  return TRUE;
}

/* Printing. */

static void
print_table (const Evaluation *e)
{
  const char *const heads[] = { _ ("size"), _ ("model"), _ ("bicubic"), _ ("gain") };

  atl_print_cell ("", -24);
  atl_print_cell (heads[0], 12);
  atl_print_cell (heads[1], 17);
  atl_print_cell (heads[2], 17);
  atl_print_cell (heads[3], 8);
  putchar ('\n');
  for (guint s = 0; s < e->sets->len; s++)
    {
      const GArray *results = g_ptr_array_index (e->sets, s);

      for (guint i = 0; i < results->len; i++)
        {
          const Result *r = &g_array_index (results, Result, i);
          g_autofree char *size = r->name != NULL ? g_strdup_printf ("%d x %d", r->width, r->height)
                                                  : g_strdup (_ ("mean"));

          atl_print_cell (r->name != NULL ? r->name : (char *) g_ptr_array_index (e->names, s),
                          -24);
          atl_print_cell (size, 12);
          printf (" %8.3f %7.5f %8.3f %7.5f %+7.3f\n", r->model.psnr, r->model.ssim,
                  r->bicubic.psnr, r->bicubic.ssim, r->model.psnr - r->bicubic.psnr);
        }
    }
}

/* The PSNR of equal pictures is infinite, which JSON has as null. */
static void
add_scores (JsonBuilder *builder, const Result *result)
{
  atl_json_add_number (builder, "psnr", result->model.psnr);
  atl_json_add_number (builder, "ssim", result->model.ssim);
  atl_json_add_number (builder, "bicubic-psnr", result->bicubic.psnr);
  atl_json_add_number (builder, "bicubic-ssim", result->bicubic.ssim);
}

static void
add_picture (JsonBuilder *builder, const Result *result)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "name", result->name);
  atl_json_add_integer (builder, "width", result->width);
  atl_json_add_integer (builder, "height", result->height);
  add_scores (builder, result);
  json_builder_end_object (builder);
}

static void
print_json (const Evaluation *e)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "model", e->options->model);
  atl_json_add_integer (builder, "scale", e->scale);
  json_builder_set_member_name (builder, "sets");
  json_builder_begin_array (builder);
  for (guint s = 0; s < e->sets->len; s++)
    {
      const GArray *results = g_ptr_array_index (e->sets, s);

      json_builder_begin_object (builder);
      atl_json_add_text (builder, "name", g_ptr_array_index (e->names, s));
      add_scores (builder, &g_array_index (results, Result, results->len - 1));
      json_builder_set_member_name (builder, "pictures");
      json_builder_begin_array (builder);
      for (guint i = 0; i + 1 < results->len; i++)
        add_picture (builder, &g_array_index (results, Result, i));
      json_builder_end_array (builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}

/* The factor that the model's card tells; 0 and an error if it cannot be found. */
static int
model_scale (const char *model, GError **error)
{
  g_autofree char *path = atl_library_find (model, "upscale", error);
  g_autoptr (AtlWeightFile) file = path != NULL ? atl_weight_file_open (path, error) : NULL;

  if (file == NULL)
    return 0;

  const int scale = atl_card_scale (atl_weight_file_card (file), error);
  if (scale == 0)
    g_prefix_error (error, _ ("'%s': "), path);
  return scale;
}

static AtlJob *
make_job (const Options *options, int scale, GError **error)
{
  g_autoptr (AtlSettings) settings = atl_filter_options_settings (&options->filter, error);

  if (settings == NULL || ! atl_settings_set_number (settings, "scale", scale, error)
      || ! atl_settings_set_string (settings, "model", options->model, error))
    return NULL;
  return atl_job_new (options->filter.filter, settings, error);
}

/* Finds the pictures of each set. */
static gboolean
find_sets (Evaluation *e, char **arguments, GError **error)
{
  for (; *arguments != NULL; arguments++)
    {
      const char *const place[] = { *arguments, NULL };
      GPtrArray *paths = atl_photos_find (place, error);

      if (paths == NULL)
        return FALSE;
      g_ptr_array_add (e->places, paths);
      g_ptr_array_add (e->names, g_path_get_basename (*arguments));
    }
  return TRUE;
}

/* With --save: whether each picture has a name of its own. */
static gboolean
check_saved_names (const Evaluation *e, GError **error)
{
  g_autoptr (GHashTable) saved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint s = 0; e->options->save != NULL && s < e->places->len; s++)
    {
      const GPtrArray *paths = g_ptr_array_index (e->places, s);

      for (guint i = 0; i < paths->len; i++)
        {
          g_autofree char *name = stem_of (g_ptr_array_index (paths, i));

          if (g_hash_table_add (saved, g_strdup (name)))
            continue;
          g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                       _ ("two of the pictures would both be saved as '%s'"), name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
evaluate (const Options *options, char **arguments, GError **error)
{
  const int scale = model_scale (options->model, error);
  g_autoptr (AtlJob) job = scale > 0 ? make_job (options, scale, error) : NULL;
  g_autoptr (GPtrArray)
      places = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) sets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  Evaluation e = { options, job, scale, places, names, sets, FALSE };

  if (job == NULL || ! find_sets (&e, arguments, error) || ! check_saved_names (&e, error))
    return FALSE;

  for (guint s = 0; s < places->len; s++)
    if (! evaluate_set (&e, s, error))
      return FALSE;

  if (options->json)
    print_json (&e);
  else
    print_table (&e);
  return TRUE;
}

static int
evaluate_upscale (char **arguments, const Options *options)
{
  g_autoptr (GError) error = NULL;

  if (arguments[0] == NULL)
    return atl_say_usage (usage.command, _ ("what to measure is missing: 'upscale'"));
  if (strcmp (arguments[0], "upscale") != 0)
    return atl_say_usage (usage.command, _ ("'%s' cannot be measured, but 'upscale' can"),
                          arguments[0]);
  if (options->model == NULL)
    return atl_say_usage (usage.command, _ ("'--model' is missing: a model's name or path"));
  if (arguments[1] == NULL)
    return atl_say_usage (usage.command, _ ("the pictures are missing: a folder"));
  if (options->save != NULL && ! g_file_test (options->save, G_FILE_TEST_IS_DIR))
    {
      atl_say (usage.command, _ ("there is no folder '%s' to save pictures in: make it first"),
               options->save);
      return ATL_EXIT_FAILED;
    }

  if (! atl_options_set_threads (&usage, options->threads))
    return ATL_EXIT_USAGE;
  if (! atl_image_libraries_start (0, &error))
    return atl_say_failure (usage.command, error);
  const gboolean done = evaluate (options, arguments + 1, &error);
  atl_image_libraries_stop ();

  return done ? ATL_EXIT_DONE : atl_say_error (usage.command, error);
}

static int
run (AtlOptions *command_line)
{
  static const char *const params[] = { "quality", NULL };
  Options options = { .threads = atl_threads_count () };
  const GOptionEntry entries[] = {
    { "model", 'm', G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options.model,
      N_ ("Name of an installed model, or a weight file"), N_ ("MODEL") },
    { "save", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options.save,
      N_ ("Write each picture as NAME-hr.png, made smaller (-lr) and enlarged (-sr) into a folder"),
      N_ ("DIR") },
    { "threads", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options.threads,
      N_ ("Threads to compute with [all processors]"), N_ ("N") },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.json,
      N_ ("Print JSON, for programs"), NULL },
    { "quiet", 'q', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.quiet, N_ ("Show no progress"),
      NULL },
    { NULL },
  };
  g_auto (GStrv) arguments = NULL;
  int status;

  atl_filter_options_init (&options.filter, atl_filter_find ("upscale"));
  atl_options_add (command_line, entries);
  atl_filter_options_add (&options.filter, params, command_line);
  if (atl_options_parse (command_line, &arguments, &status))
    status = evaluate_upscale (arguments, &options);

  g_free (options.model);
  atl_filter_options_clear (&options.filter);
  g_free (options.save);
  return status;
}

const AtlCommand atl_command_evaluate = {
  .usage = &usage,
  .run = run,
};
