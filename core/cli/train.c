/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier train': weight files from photos.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "cli/training-line.h"
#include "train/checkpoint.h"

static const AtlUsage usage = {
  .command = "train",
  .blurb = N_ ("make a weight file from photos"),
  .arguments = N_ ("upscale"),
  .summary = N_ (
      "Trains a network that enlarges on the photos of a folder, and writes a weight file.\n"
      "Log, curves, sheets of samples and results, and checkpoints go to a run folder beside it;\n"
      "Ctrl-C stops, and the same command with --resume goes on. Standard values stand in\n"
      "[brackets]."),
  .examples = "  atelier train upscale --data Photos -o upscale-x2.safetensors --minutes 120\n"
              "  atelier train upscale -o upscale-x2.safetensors --resume\n"
              "  atelier train upscale --data Photos -o x4.safetensors --scale 4 \\\n"
              "                        --from upscale-x2.safetensors",
};

/* Seconds of training after which its length is told: the first steps are slower, and with a number of
 * steps or epochs nothing else tells how long they will take. */
#define ANNOUNCED_AFTER 2.0

/* The values of a checkpoint in place of the recipe's, and over them what was typed. */
static gboolean
apply_stored (AtlUpscaleOptions *options, JsonObject *stored, const AtlTrainingLine *line,
              GError **error)
{
  /* --data adds to a list, which here has the command line's folders already. */
  g_auto (GStrv) data = g_steal_pointer (&options->common.data);

  for (int t = 0; line->tables[t] != NULL; t++)
    if (! atl_options_from_json (line->tables[t], options, stored, error))
      return FALSE;

  if (data != NULL)
    g_clear_pointer (&options->common.data, g_strfreev);
  /* A length that was typed replaces the stored one, of whatever kind that was. */
  if (atl_training_line_text (line, "steps") != NULL
      || atl_training_line_text (line, "epochs") != NULL
      || atl_training_line_text (line, "minutes") != NULL)
    {
      options->common.steps = options->common.epochs = 0;
      options->common.minutes = 0.0;
    }
  if (! atl_training_line_apply (line, options, error))
    return FALSE;

  for (int t = 0; line->tables[t] != NULL; t++)
    if (! atl_options_check_fixed (line->tables[t], options, stored, error))
      return FALSE;
  return TRUE;
}

/* From the weakest to the strongest: the recipe, the checkpoint, the command line. */
static gboolean
make_options (AtlUpscaleOptions *options, const AtlTrainingLine *line, GError **error)
{
  atl_training_line_begin (line, options);
  if (! atl_training_line_apply (line, options, error))
    return FALSE;
  if (! options->common.resume || options->common.output == NULL)
    return atl_upscale_options_complete (options, error); /* says if the output is missing */
  if (! atl_train_check (&options->common, error))
    return FALSE;

  g_autofree char *path = atl_train_checkpoint_path (&options->common);
  gboolean finished;
  g_autoptr (JsonObject) stored = atl_checkpoint_options (path, &finished, error);
  return stored != NULL && apply_stored (options, stored, line, error)
         && atl_upscale_options_complete (options, error);
}

/* Watching. */

typedef struct
{
  const AtlTrainingLine *line;
  gboolean on_terminal;
  gboolean is_announced;
  gint64 begin, last_shown; /* monotonic microseconds */
} Watch;

static char *
status_text (const AtlTrainStatus *status)
{
  g_autofree char *left = atl_duration_to_string (status->seconds_left);

  return g_strdup_printf (_ ("step %" PRIu64 ", epoch %.2f, rate %.2g, loss %.5f, "
                             "%.1f images/s, %.0f %%, %s left"),
                          status->step, status->epoch, status->rate, status->loss,
                          status->samples_per_second, 100.0 * status->progress, left);
}

static void
begin_line (const Watch *watch)
{
  if (watch->on_terminal)
    g_printerr ("\r\033[K");
}

/* Says once how long it will take, when that can be known. */
static void
announce (Watch *watch, const AtlTrainStatus *status)
{
  const double spent = (double) (g_get_monotonic_time () - watch->begin) / G_USEC_PER_SEC;

  if (watch->is_announced || spent < ANNOUNCED_AFTER)
    return;

  watch->is_announced = TRUE;
  if (status->seconds_left < ATL_LONG_SECONDS)
    return;
  g_autofree char *left = atl_duration_to_string (status->seconds_left);
  begin_line (watch);
  atl_say (usage.command, _ ("the training will take about %s"), left);
}

static void
on_step (const AtlTrainStatus *status, void *data)
{
  Watch *watch = data;

  if (watch->line->quiet)
    return;
  announce (watch, status);
  if (! atl_is_time_to_show (&watch->last_shown, watch->on_terminal))
    return;

  g_autofree char *text = status_text (status);
  begin_line (watch);
  if (watch->on_terminal)
    g_printerr ("%s", text);
  else
    atl_say (usage.command, "%s", text);
}

static void
print_row (const AtlLogRow *row)
{
  printf ("{\"step\": %" PRIu64 ", \"epoch\": %.3f, \"rate\": %.6g, "
          "\"training-loss\": %.9g, ",
          row->step, row->epoch, row->rate, row->training_loss);
  if (row->has_validation)
    printf ("\"validation-loss\": %.9g, \"psnr\": %.4f, ", row->validation_loss, row->score);
  printf ("\"seconds\": %.1f}\n", row->seconds);
  fflush (stdout);
}

static void
on_row (const AtlLogRow *row, const AtlTrainStatus *status, void *data)
{
  Watch *watch = data;

  if (watch->line->json)
    print_row (row);
  if (watch->line->quiet || ! row->has_validation)
    return;

  g_autofree char *text = status_text (status);
  begin_line (watch);
  atl_say (usage.command, _ ("%s; validation: loss %.5f, PSNR %.2f dB"), text, row->validation_loss,
           row->score);
}

/* Training. */

static gboolean
train (AtlUpscaleOptions *options, const AtlTrainingLine *line, GError **error)
{
  const AtlBackend *backend = atl_backend_default ();
  Watch watch = { .line = line, .on_terminal = atl_can_redraw () };
  const AtlTrainMonitor monitor = { .data = &watch,
                                    .on_step = on_step,
                                    .on_row = on_row,
                                    .cancellable = atl_interrupt_cancellable () };

  if (! atl_train_check (&options->common, error))
    return FALSE;

  g_autoptr (AtlModel) model = atl_training_line_model (line, options, error);
  if (model == NULL)
    return FALSE;

  g_autoptr (AtlUpscaleData) data = atl_training_line_data (line, options, backend, error);
  if (data == NULL)
    return FALSE;

  const AtlRecipe recipe = atl_upscale_recipe (data, model);
  watch.begin = watch.last_shown = g_get_monotonic_time ();
  const gboolean done = atl_train (model, &recipe, backend, &monitor, error);
  if (watch.on_terminal && watch.last_shown > watch.begin)
    g_printerr ("\n");
  return done;
}

static int
train_upscale (const AtlTrainingLine *line)
{
  AtlUpscaleOptions options = { 0 };
  g_autoptr (GError) error = NULL;
  int status = ATL_EXIT_DONE;

  if (! make_options (&options, line, &error))
    status = atl_say_error (usage.command, error);
  else
    {
      if (options.common.threads > 0)
        atl_threads_set_count (options.common.threads);
      if (! train (&options, line, &error))
        status = atl_say_error (usage.command, error);
      else if (! line->quiet)
        atl_say (usage.command, _ ("'%s' is written"), options.common.output);
    }

  atl_upscale_options_clear (&options);
  return status;
}

static int
run (AtlOptions *command_line)
{
  AtlTrainingLine line = { .usage = &usage,
                           .tables = { &atl_train_options, &atl_upscale_options } };
  AtlUpscaleOptions standard;
  int status;

  atl_training_line_init (&line);
  atl_upscale_options_init (&standard, ATL_UPSCALE_RECIPE_DEFAULT, 2);
  if (atl_training_line_parse (&line, command_line, &standard, &status))
    status = train_upscale (&line);

  atl_upscale_options_clear (&standard);
  atl_training_line_clear (&line);
  return status;
}

const AtlCommand atl_command_train = {
  .usage = &usage,
  .run = run,
};
