/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier find-lr': a learning rate for a training, found by a sweep.
 */

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "cli/training-line.h"
#include "train/rate-finder.h"

static const AtlUsage usage = {
  .command = "find-lr",
  .blurb = N_ ("find a learning rate for a training"),
  .arguments = N_ ("upscale"),
  .summary = N_ (
      "Trains for a few steps, each at a higher learning rate than the one before, prints the\n"
      "rate that the losses speak for, to be given to 'atelier train' as --lr, and draws loss\n"
      "against rate as SVG. Other options are as those of the training; no weights are written.\n"
      "Standard values stand in [brackets]."),
  .examples =
      "  atelier find-lr upscale --data Photos -o plot.svg\n"
      "  atelier find-lr upscale --data Photos -o plot.svg --from upscale-x2.safetensors \\\n"
      "                          --scale 4 --lowest 1e-5 --highest 0.1",
};

typedef struct
{
  AtlUpscaleOptions training; /* its output is the plot */
  double lowest, highest;
  int n_steps;
} Options;

#define AT(member) G_STRUCT_OFFSET (Options, member)

static const AtlOption sweep_options[] = {
  { "output", 'o', ATL_OPTION_STRING, AT (training.common.output), TRUE, .argument = N_ ("FILE"),
    .blurb = N_ ("Drawing to write (.svg)") },
  { "lowest", 0, ATL_OPTION_NUMBER, AT (lowest), FALSE, 1e-9, 10, .argument = N_ ("RATE"),
    .blurb = N_ ("Rate of the first step") },
  { "highest", 0, ATL_OPTION_NUMBER, AT (highest), FALSE, 1e-9, 100, .argument = N_ ("RATE"),
    .blurb = N_ ("Rate of the last step, if the loss does not grow too large before") },
  { "steps", 0, ATL_OPTION_INTEGER, AT (n_steps), FALSE, ATL_RATE_SWEEP_MIN, 100000,
    .argument = N_ ("N"), .blurb = N_ ("Steps of the sweep") },
};

static const AtlOptionTable sweep_table = { sweep_options, G_N_ELEMENTS (sweep_options) };

static void
options_init (Options *options)
{
  options->lowest = 1e-6;
  options->highest = 1.0;
  options->n_steps = 200;
}

/* What can be known to be wrong before the work begins. */
static gboolean
check (const Options *options, GError **error)
{
  const char *plot = options->training.common.output;
  g_autofree char *folder = plot != NULL ? g_path_get_dirname (plot) : NULL;

  if (plot == NULL || ! g_str_has_suffix (plot, ".svg"))
    {
      g_set_error_literal (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                           plot == NULL ? _ ("'--output' is missing: the drawing to write (.svg)")
                                        : _ ("'--output' must end in .svg"));
      return FALSE;
    }
  if (! (options->lowest < options->highest))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'--lowest' is %g, which is not below the highest rate, %g"), options->lowest,
                   options->highest);
      return FALSE;
    }
  if (! g_file_test (folder, G_FILE_TEST_IS_DIR) || access (folder, W_OK) != 0
      || g_file_test (plot, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("'%s' cannot be written: its folder must exist and be writable"), plot);
      return FALSE;
    }
  return TRUE;
}

static void
add_point (JsonBuilder *builder, const AtlRatePoint *point)
{
  json_builder_begin_object (builder);
  atl_json_add_number (builder, "rate", point->rate);
  atl_json_add_number (builder, "loss", point->loss);
  atl_json_add_number (builder, "smoothed-loss", point->smoothed);
  json_builder_end_object (builder);
}

static void
print_json (const Options *options, const GArray *points, double suggestion)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_number (builder, "rate", suggestion > 0.0 ? suggestion : NAN); /* null */
  atl_json_add_text (builder, "plot", options->training.common.output);
  json_builder_set_member_name (builder, "points");
  json_builder_begin_array (builder);
  for (guint i = 0; i < points->len; i++)
    add_point (builder, &g_array_index (points, AtlRatePoint, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}

static GArray *
sweep (const AtlTrainingLine *line, Options *options, GError **error)
{
  const AtlRateSweep sweep = { options->lowest, options->highest, options->n_steps };
  const AtlBackend *backend = atl_backend_default ();
  g_autoptr (AtlModel) model = atl_training_line_model (line, &options->training, error);
  g_autoptr (AtlUpscaleData) data = NULL;

  if (model != NULL)
    data = atl_training_line_data (line, &options->training, backend, error);
  if (data == NULL)
    return NULL;

  const AtlRecipe recipe = atl_upscale_recipe (data, model);
  g_autoptr (AtlProgressBar)
      bar = atl_progress_bar_new (usage.command, _ ("trying rates"), line->quiet);
  return atl_rate_sweep_run (&sweep, model, &recipe, backend, atl_progress_bar_progress (bar),
                             error);
}

static gboolean
find_rate (const AtlTrainingLine *line, Options *options, GError **error)
{
  g_autoptr (GArray) points = sweep (line, options, error);

  if (points == NULL)
    return FALSE;

  const double suggestion = atl_rate_suggest (points);
  if (! atl_rate_plot_write (options->training.common.output, points, suggestion, error))
    return FALSE;

  if (line->json)
    print_json (options, points, suggestion);
  else if (suggestion > 0.0)
    printf ("%.2g\n", suggestion);
  if (suggestion > 0.0)
    return TRUE;

  g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
               _ ("the loss never fell, so that no rate can be told: look at '%s', and try more "
                  "'--steps' or other rates"),
               options->training.common.output);
  return FALSE;
}

static int
find_lr (const AtlTrainingLine *line)
{
  Options options = { 0 };
  g_autoptr (GError) error = NULL;
  int status = ATL_EXIT_DONE;

  atl_training_line_begin (line, &options.training);
  options_init (&options);
  if (! atl_training_line_apply (line, &options, &error) || ! check (&options, &error)
      || ! atl_upscale_options_complete (&options.training, &error))
    status = atl_say_error (usage.command, error);
  else
    {
      if (options.training.common.threads > 0)
        atl_threads_set_count (options.training.common.threads);
      if (! find_rate (line, &options, &error))
        status = atl_say_error (usage.command, error);
    }

  atl_upscale_options_clear (&options.training);
  return status;
}

static int
run (AtlOptions *command_line)
{
  AtlTrainingLine line = { .usage = &usage,
                           .tables = { &sweep_table, &atl_train_options, &atl_upscale_options },
                           .leaves_out_course = TRUE };
  Options standard = { 0 };
  int status;

  atl_training_line_init (&line);
  atl_upscale_options_init (&standard.training, ATL_UPSCALE_RECIPE_DEFAULT, 2);
  options_init (&standard);
  if (atl_training_line_parse (&line, command_line, &standard, &status))
    status = find_lr (&line);

  atl_upscale_options_clear (&standard.training);
  atl_training_line_clear (&line);
  return status;
}

const AtlCommand atl_command_find_lr = {
  .usage = &usage,
  .run = run,
};
