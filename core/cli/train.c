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
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "train/checkpoint.h"
#include "train/upscale.h"
#include "train/warm-start.h"

static const AtlUsage usage = {
  .command = "train",
  .blurb = N_ ("make a weight file from photos"),
  .arguments = N_ ("upscale"),
  .summary = N_ (
      "Trains a network that enlarges on the photos of a folder, and writes a weight file.\n"
      "Log and checkpoints go to a run folder beside it; Ctrl-C writes them and stops, and\n"
      "the same command with --resume goes on. Standard values stand in [brackets]."),
  .examples = "  atelier train upscale --data Photos -o upscale-x2.safetensors --minutes 120\n"
              "  atelier train upscale -o upscale-x2.safetensors --resume\n"
              "  atelier train upscale --data Photos -o x4.safetensors --scale 4 \\\n"
              "                        --from upscale-x2.safetensors",
};

/* Seconds of training after which its length is told: the first steps are slower, and with a number of
 * steps or epochs nothing else tells how long they will take. */
#define ANNOUNCED_AFTER 2.0

/* What was typed, kept until the recipe and a checkpoint have given their values. */
typedef struct
{
  const AtlOption *option;
  char *text;
} Setting;

typedef struct
{
  GArray *settings; /* of Setting */
  gboolean quiet;
  gboolean json;
} CommandLine;

static const AtlOptionTable *const tables[] = { &atl_train_options, &atl_upscale_options };

static void
setting_clear (void *setting)
{
  g_free (((Setting *) setting)->text);
}

static gboolean
is_called (const AtlOption *option, const char *typed)
{
  if (g_str_has_prefix (typed, "--"))
    return g_strcmp0 (typed + 2, option->name) == 0; /* gcc 14 mistakes strcmp () for a fault */
  return typed[0] == '-' && typed[1] == option->letter && typed[2] == '\0';
}

static gboolean
take_option (const char *typed, const char *value, void *data, GError **error)
{
  CommandLine *line = data;

  for (size_t t = 0; t < G_N_ELEMENTS (tables); t++)
    for (int i = 0; i < tables[t]->n_options; i++)
      if (is_called (&tables[t]->options[i], typed))
        {
          const Setting setting = { &tables[t]->options[i], g_strdup (value) };

          g_array_append_val (line->settings, setting);
        }
  return TRUE;
}

/* What --help says of an option: its blurb with the standard value. */
static char *
describe_option (const AtlOption *option, const AtlUpscaleOptions *standard)
{
  g_autofree char *value = atl_option_text (option, standard);

  return value != NULL ? g_strdup_printf ("%s [%s]", _ (option->blurb), value)
                       : g_strdup (_ (option->blurb));
}

static void
add_table (AtlOptions *command_line, const AtlOptionTable *table, const AtlUpscaleOptions *standard)
{
  for (int i = 0; i < table->n_options; i++)
    {
      const AtlOption *option = &table->options[i];
      g_autofree char *description = describe_option (option, standard);
      g_autofree char *choices = option->choices != NULL
                                     ? g_strjoinv ("|", (char **) option->choices)
                                     : NULL;
      const GOptionEntry entries[] = {
        { option->name, option->letter,
          option->kind == ATL_OPTION_FLAG ? G_OPTION_FLAG_NO_ARG : G_OPTION_FLAG_FILENAME,
          G_OPTION_ARG_CALLBACK, (void *) take_option, description,
          choices != NULL ? choices : option->argument },
        { NULL },
      };

      atl_options_add (command_line, entries);
    }
}

/* The last text given for an option; NULL if there is none. */
static const char *
last_text (const CommandLine *line, const char *name)
{
  const char *text = NULL;

  for (guint i = 0; i < line->settings->len; i++)
    {
      const Setting *setting = &g_array_index (line->settings, Setting, i);

      if (strcmp (setting->option->name, name) == 0)
        text = setting->text != NULL ? setting->text : "";
    }
  return text;
}

static gboolean
apply_settings (AtlUpscaleOptions *options, const CommandLine *line, GError **error)
{
  for (guint i = 0; i < line->settings->len; i++)
    {
      const Setting *setting = &g_array_index (line->settings, Setting, i);

      if (! atl_option_set (setting->option, options, setting->text, error))
        return FALSE;
    }
  return TRUE;
}

/* The values of a checkpoint in place of the recipe's, and over them what was typed. */
static gboolean
apply_stored (AtlUpscaleOptions *options, JsonObject *stored, const CommandLine *line,
              GError **error)
{
  /* --data adds to a list, which here has the command line's folders already. */
  g_auto (GStrv) data = g_steal_pointer (&options->common.data);

  for (size_t t = 0; t < G_N_ELEMENTS (tables); t++)
    if (! atl_options_from_json (tables[t], options, stored, error))
      return FALSE;

  if (data != NULL)
    g_clear_pointer (&options->common.data, g_strfreev);
  /* A length that was typed replaces the stored one, of whatever kind that was. */
  if (last_text (line, "steps") != NULL || last_text (line, "epochs") != NULL
      || last_text (line, "minutes") != NULL)
    {
      options->common.steps = options->common.epochs = 0;
      options->common.minutes = 0.0;
    }
  if (! apply_settings (options, line, error))
    return FALSE;

  for (size_t t = 0; t < G_N_ELEMENTS (tables); t++)
    if (! atl_options_check_fixed (tables[t], options, stored, error))
      return FALSE;
  return TRUE;
}

/* From the weakest to the strongest: the recipe, the checkpoint, the command line. */
static gboolean
make_options (AtlUpscaleOptions *options, const CommandLine *line, GError **error)
{
  const char *recipe = last_text (line, "recipe"), *scale = last_text (line, "scale");
  const gboolean is_lesson = recipe != NULL && strcmp (recipe, "lesson") == 0;

  atl_upscale_options_init (options,
                            is_lesson ? ATL_UPSCALE_RECIPE_LESSON : ATL_UPSCALE_RECIPE_DEFAULT,
                            scale != NULL ? atoi (scale) : 2);
  if (! apply_settings (options, line, error))
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
  const CommandLine *line;
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

static void
say_problems (GPtrArray *problems, const CommandLine *line)
{
  for (guint i = 0; i < problems->len && ! line->quiet; i++)
    atl_say (usage.command, _ ("left out: %s"), (char *) g_ptr_array_index (problems, i));
}

static gboolean
warm_start (AtlModel *model, const AtlUpscaleOptions *options, const CommandLine *line,
            GError **error)
{
  const char *from = options->common.from;
  AtlWarmStart result;

  if (from == NULL || options->common.resume)
    return TRUE;
  if (! atl_warm_start (model, from, &result, error))
    return FALSE;
  if (! line->quiet)
    atl_say (usage.command, _ ("from '%s': parameters loaded %d, new %d; tensors left out %d"),
             from, result.n_loaded, result.n_new, result.n_left_out);
  return TRUE;
}

static AtlUpscaleData *
load_photos (AtlUpscaleOptions *options, const CommandLine *line, const AtlBackend *backend,
             GError **error)
{
  g_autoptr (AtlProgressBar)
      bar = atl_progress_bar_new (usage.command, _ ("reading photos"), line->quiet);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  AtlUpscaleData *data = atl_upscale_data_new (options, backend, problems,
                                               atl_progress_bar_progress (bar), error);

  g_clear_pointer (&bar, atl_progress_bar_free);
  say_problems (problems, line);
  if (data != NULL && ! line->quiet)
    {
      const int n_photos = atl_upscale_data_n_photos (data), n_threads = atl_threads_count ();
      g_autofree char *threads = g_strdup_printf (P_ ("%d thread", "%d threads", n_threads),
                                                  n_threads);

      atl_say (usage.command,
               P_ ("%d photo to train on, %d to validate on, by %s (%s), %s",
                   "%d photos to train on, %d to validate on, by %s (%s), %s", n_photos),
               n_photos, atl_upscale_data_n_validation (data), backend->name, backend->variant,
               threads);
    }
  return data;
}

static gboolean
train (AtlUpscaleOptions *options, const CommandLine *line, GError **error)
{
  const AtlBackend *backend = atl_backend_default ();
  Watch watch = { .line = line, .on_terminal = atl_can_redraw () };
  const AtlTrainMonitor monitor = { .data = &watch,
                                    .on_step = on_step,
                                    .on_row = on_row,
                                    .cancellable = atl_interrupt_cancellable () };

  if (! atl_train_check (&options->common, error))
    return FALSE;

  g_autoptr (AtlModel) model = atl_upscale_model_new (options, error);
  if (model == NULL || ! warm_start (model, options, line, error))
    return FALSE;

  g_autoptr (AtlUpscaleData) data = load_photos (options, line, backend, error);
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
train_upscale (const CommandLine *line)
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
run_task (char **arguments, CommandLine *line)
{
  if (arguments[0] == NULL)
    return atl_say_usage (usage.command, _ ("what to train is missing: 'upscale'"));
  if (strcmp (arguments[0], "upscale") != 0)
    return atl_say_usage (usage.command, _ ("'%s' cannot be trained, but 'upscale' can"),
                          arguments[0]);

  /* 'upscale --data A B C': what a shell makes of '--data photos/x*'. */
  for (int i = 1; arguments[i] != NULL; i++)
    take_option ("--data", arguments[i], line, NULL);
  return train_upscale (line);
}

static int
run (AtlOptions *command_line)
{
  CommandLine line = { .settings = g_array_new (FALSE, TRUE, sizeof (Setting)) };
  AtlUpscaleOptions standard;
  const GOptionEntry entries[] = {
    { "quiet", 'q', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &line.quiet,
      N_ ("Say nothing but errors"), NULL },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &line.json,
      N_ ("Print each row of the log as JSON, for programs"), NULL },
    { NULL },
  };
  g_auto (GStrv) arguments = NULL;
  int status;

  g_array_set_clear_func (line.settings, setting_clear);
  atl_upscale_options_init (&standard, ATL_UPSCALE_RECIPE_DEFAULT, 2);
  for (size_t t = 0; t < G_N_ELEMENTS (tables); t++)
    add_table (command_line, tables[t], &standard);
  atl_options_add (command_line, entries);
  atl_options_set_data (command_line, &line);
  if (atl_options_parse (command_line, &arguments, &status))
    status = run_task (arguments, &line);

  atl_upscale_options_clear (&standard);
  g_array_unref (line.settings);
  return status;
}

const AtlCommand atl_command_train = {
  .usage = &usage,
  .run = run,
};
