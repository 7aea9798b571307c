/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier evaluate': how well a model does on pictures whose right answer is known.
 */

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/evaluate.h"
#include "cli/filter-options.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "image/libraries.h"
#include "nets/model.h"
#include "weights/library.h"
#include "weights/weight-file.h"

static const AtlUsage usage = {
  .command = "evaluate",
  .blurb = N_ ("measure a model on pictures"),
  .arguments = N_ ("upscale --model MODEL DATA..."),
  .summary = N_ (
      "Measures a model on pictures: each is made smaller, enlarged by the model, and compared\n"
      "with what it was: PSNR in dB and SSIM of the luma, beside bicubic and Lanczos enlarging;\n"
      "with --perceptual also how far apart pictures are for people, of which less is better.\n"
      "With --degrade the small pictures are spoilt first; a model that only cleans gets the\n"
      "spoilt pictures, beside which they stand unchanged.\n"
      "DATA are folders, each a set of its own, or pictures."),
  .examples =
      "  atelier evaluate upscale --model upscale-x2 Set5 Set14\n"
      "  atelier evaluate upscale --model ./mine.safetensors --quality best --json Set5\n"
      "  atelier evaluate upscale --model clean --degrade noise=2..10,jpeg=40..90 Photos\n"
      "  atelier evaluate upscale --model upscale-x2 --perceptual squeezenet1_0.safetensors Set5",
};

typedef struct
{
  char *model;
  AtlFilterOptions filter; /* the quality alone */
  char *save, *perceptual, *degrade;
  int threads;
  gboolean json, quiet;
} Options;

/* A run over sets of pictures. */
typedef struct
{
  AtlEvaluation evaluation; /* borrows the two that follow */
  AtlDegradation degradation;
  AtlPerceptual *perceptual; /* or NULL */
  GPtrArray *places;         /* of the paths of each set, a GPtrArray */
  GPtrArray *names;          /* of the sets */
  GPtrArray *sets;           /* of GArray of AtlResult; the last result is the mean */
  gboolean is_announced, quiet;
} Run;

/* Says before long work how long it will take, if all pictures are like the first. */
static gboolean
announce (Run *run, const AtlPhoto *small, GError **error)
{
  const AtlEvaluation *e = &run->evaluation;
  double seconds, comparing = 0.0;
  guint n = 0;
  int n_methods;

  if (run->is_announced || run->quiet)
    return TRUE;

  atl_evaluation_methods (e, &n_methods);
  seconds = atl_job_seconds (e->job, small->width, small->height, error);
  if (seconds >= 0.0 && e->perceptual != NULL)
    comparing = atl_perceptual_seconds (e->perceptual, e->scale * small->width,
                                        e->scale * small->height, n_methods, error);
  if (seconds < 0.0 || comparing < 0.0)
    return FALSE;
  seconds += comparing;
  run->is_announced = TRUE;
  for (guint s = 0; s < run->places->len; s++)
    n += ((const GPtrArray *) g_ptr_array_index (run->places, s))->len;
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
evaluate_photo (AtlResult *result, Run *run, const char *path, const AtlProgress *progress,
                GError **error)
{
  g_auto (AtlPair) pair = { 0 };

  return atl_evaluated_pair_init (&pair, &run->evaluation, path, error)
         && announce (run, &pair.small, error)
         && atl_evaluate_pair (result, &run->evaluation, path, &pair, progress, error);
}

static gboolean
evaluate_set (Run *run, guint set, GError **error)
{
  const GPtrArray *paths = g_ptr_array_index (run->places, set);
  g_autoptr (GArray) results = g_array_new (FALSE, TRUE, sizeof (AtlResult));
  g_autoptr (AtlProgressBar)
      bar = atl_progress_bar_new (usage.command, g_ptr_array_index (run->names, set), run->quiet);

  g_array_set_clear_func (results, (GDestroyNotify) atl_result_clear);
  for (guint i = 0; i < paths->len; i++)
    {
      const AtlProgress part = atl_progress_part (
          atl_progress_bar_progress (bar), (double) i / paths->len, (double) (i + 1) / paths->len);
      AtlResult result = { 0 };

      if (! evaluate_photo (&result, run, g_ptr_array_index (paths, i), &part, error))
        {
          atl_result_clear (&result);
          return FALSE;
        }
      g_array_append_val (results, result);
    }

  const AtlResult mean = atl_results_mean (results);
  g_array_append_val (results, mean);
  g_ptr_array_add (run->sets, g_steal_pointer (&results));
  return TRUE;
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
find_sets (Run *run, char **arguments, GError **error)
{
  for (; *arguments != NULL; arguments++)
    {
      const char *const place[] = { *arguments, NULL };
      GPtrArray *paths = atl_photos_find (place, error);

      if (paths == NULL)
        return FALSE;
      g_ptr_array_add (run->places, paths);
      g_ptr_array_add (run->names, g_path_get_basename (*arguments));
    }
  return TRUE;
}

/* With --save: whether each picture has a name of its own. */
static gboolean
check_saved_names (const Run *run, GError **error)
{
  g_autoptr (GHashTable) saved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint s = 0; run->evaluation.save != NULL && s < run->places->len; s++)
    {
      const GPtrArray *paths = g_ptr_array_index (run->places, s);

      for (guint i = 0; i < paths->len; i++)
        {
          g_autofree char *name = atl_picture_stem (g_ptr_array_index (paths, i));

          if (g_hash_table_add (saved, g_strdup (name)))
            continue;
          g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                       _ ("two of the pictures would both be saved as '%s'"), name);
          return FALSE;
        }
    }
  return TRUE;
}

/* What happens to the pictures that the model gets. */
static gboolean
read_degradation (Run *run, const char *degrade, GError **error)
{
  AtlEvaluation *e = &run->evaluation;

  if (degrade == NULL && e->scale > 1)
    return TRUE;
  if (degrade == NULL)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("the model '%s' only cleans: say by '--degrade' what spoils the pictures"),
                   e->model);
      return FALSE;
    }

  e->degrade = degrade;
  e->degradation = &run->degradation;
  return atl_degradation_parse (&run->degradation, degrade, error);
}

/* The network that compares pictures. */
static gboolean
load_perceptual (Run *run, const char *weights, GError **error)
{
  if (weights == NULL)
    return TRUE;

  g_autofree char *path = atl_library_find (weights, "perceptual", error);

  run->perceptual = path != NULL ? atl_perceptual_load (path, error) : NULL;
  run->evaluation.perceptual = run->perceptual;
  run->evaluation.perceptual_weights = weights;
  return run->perceptual != NULL;
}

static gboolean
evaluate_sets (Run *run, const Options *options, char **arguments, GError **error)
{
  AtlEvaluation *e = &run->evaluation;
  g_autoptr (AtlJob) job = e->scale > 0 ? make_job (options, e->scale, error) : NULL;

  e->job = job;
  if (job == NULL || ! read_degradation (run, options->degrade, error)
      || ! find_sets (run, arguments, error) || ! check_saved_names (run, error)
      || ! load_perceptual (run, options->perceptual, error))
    return FALSE;

  for (guint s = 0; s < run->places->len; s++)
    if (! evaluate_set (run, s, error))
      return FALSE;

  if (options->json)
    atl_evaluation_print_json (e, run->names, run->sets);
  else
    atl_evaluation_print_table (e, run->names, run->sets);
  return TRUE;
}

static gboolean
evaluate (const Options *options, char **arguments, GError **error)
{
  g_autoptr (GPtrArray)
      places = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) sets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  Run run = { .evaluation = { .model = options->model,
                              .scale = model_scale (options->model, error),
                              .save = options->save },
              .places = places,
              .names = names,
              .sets = sets,
              .quiet = options->quiet };
  const gboolean done = evaluate_sets (&run, options, arguments, error);

  atl_perceptual_free (run.perceptual);
  return done;
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
      N_ ("Write each picture as NAME-hr.png, what the model gets (-lr) and what it makes of it "
          "(-sr) "
          "into a folder"),
      N_ ("DIR") },
    { "degrade", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.degrade,
      N_ ("What has happened to the pictures that the model gets: blur=LEAST..MOST in pixels, "
          "noise=LEAST..MOST of 255, jpeg=LEAST..MOST quality, with commas between them"),
      N_ ("HOW") },
    { "perceptual", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options.perceptual,
      N_ ("Also compare by the features of SqueezeNet 1.0, whose weights are in this file (or an "
          "installed model): the authors' own, as safetensors with their names of tensors"),
      N_ ("WEIGHTS") },
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
  g_free (options.perceptual);
  g_free (options.degrade);
  return status;
}

const AtlCommand atl_command_evaluate = {
  .usage = &usage,
  .run = run,
};
