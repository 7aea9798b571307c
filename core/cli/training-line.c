/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands that train have in common.
 */

#include "cli/training-line.h"

#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "train/warm-start.h"

static void
setting_clear (void *setting)
{
  g_free (((AtlSetting *) setting)->text);
}

void
atl_training_line_init (AtlTrainingLine *line)
{
  line->settings = g_array_new (FALSE, TRUE, sizeof (AtlSetting));
  g_array_set_clear_func (line->settings, setting_clear);
}

void
atl_training_line_clear (AtlTrainingLine *line)
{
  g_clear_pointer (&line->settings, g_array_unref);
}

static gboolean
has_option (const AtlTrainingLine *line, const AtlOption *option)
{
  return ! option->is_course || ! line->leaves_out_course;
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
  AtlTrainingLine *line = data;

  for (int t = 0; line->tables[t] != NULL; t++)
    for (int i = 0; i < line->tables[t]->n_options; i++)
      {
        const AtlOption *option = &line->tables[t]->options[i];

        if (has_option (line, option) && is_called (option, typed))
          {
            const AtlSetting setting = { option, g_strdup (value) };

            g_array_append_val (line->settings, setting);
          }
      }
  return TRUE;
}

/* What --help says of an option: its blurb with the standard value. */
static char *
describe_option (const AtlOption *option, const void *standard)
{
  g_autofree char *value = atl_option_text (option, standard);

  return value != NULL ? g_strdup_printf ("%s [%s]", _ (option->blurb), value)
                       : g_strdup (_ (option->blurb));
}

static void
add_option (AtlOptions *command_line, const AtlOption *option, const void *standard)
{
  g_autofree char *description = describe_option (option, standard);
  g_autofree char *choices = option->choices != NULL ? g_strjoinv ("|", (char **) option->choices)
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

/* 'upscale', and 'upscale --data A B C': what a shell makes of '--data photos/x*'. */
static gboolean
take_arguments (AtlTrainingLine *line, char **arguments, int *status)
{
  const char *command = line->usage->command;

  if (arguments[0] == NULL)
    {
      *status = atl_say_usage (command, _ ("what to train is missing: 'upscale'"));
      return FALSE;
    }
  if (strcmp (arguments[0], "upscale") != 0)
    {
      *status = atl_say_usage (command, _ ("'%s' cannot be trained, but 'upscale' can"),
                               arguments[0]);
      return FALSE;
    }

  for (int i = 1; arguments[i] != NULL; i++)
    take_option ("--data", arguments[i], line, NULL);
  return TRUE;
}

gboolean
atl_training_line_parse (AtlTrainingLine *line, AtlOptions *command_line, const void *standard,
                         int *status)
{
  const GOptionEntry entries[] = {
    { "quiet", 'q', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &line->quiet,
      N_ ("Say nothing but errors"), NULL },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &line->json,
      N_ ("Print the results as JSON, for programs"), NULL },
    { NULL },
  };
  g_auto (GStrv) arguments = NULL;

  for (int t = 0; line->tables[t] != NULL; t++)
    for (int i = 0; i < line->tables[t]->n_options; i++)
      if (has_option (line, &line->tables[t]->options[i]))
        add_option (command_line, &line->tables[t]->options[i], standard);
  atl_options_add (command_line, entries);
  atl_options_set_data (command_line, line);
  return atl_options_parse (command_line, &arguments, status)
         && take_arguments (line, arguments, status);
}

const char *
atl_training_line_text (const AtlTrainingLine *line, const char *name)
{
  const char *text = NULL;

  for (guint i = 0; i < line->settings->len; i++)
    {
      const AtlSetting *setting = &g_array_index (line->settings, AtlSetting, i);

      if (strcmp (setting->option->name, name) == 0)
        text = setting->text != NULL ? setting->text : "";
    }
  return text;
}

void
atl_training_line_begin (const AtlTrainingLine *line, AtlUpscaleOptions *options)
{
  const char *recipe = atl_training_line_text (line, "recipe");
  const char *scale = atl_training_line_text (line, "scale");

  atl_upscale_options_init (options,
                            g_strcmp0 (recipe, "lesson") == 0 ? ATL_UPSCALE_RECIPE_LESSON
                                                              : ATL_UPSCALE_RECIPE_DEFAULT,
                            scale != NULL ? atoi (scale) : 2);
}

gboolean
atl_training_line_apply (const AtlTrainingLine *line, void *options, GError **error)
{
  for (guint i = 0; i < line->settings->len; i++)
    {
      const AtlSetting *setting = &g_array_index (line->settings, AtlSetting, i);

      if (! atl_option_set (setting->option, options, setting->text, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
warm_start (const AtlTrainingLine *line, AtlModel *model, const AtlUpscaleOptions *options,
            GError **error)
{
  const char *from = options->common.from;
  AtlWarmStart result;

  if (from == NULL || options->common.resume)
    return TRUE;
  if (! atl_warm_start (model, from, &result, error))
    return FALSE;
  if (! line->quiet)
    atl_say (line->usage->command,
             _ ("from '%s': parameters loaded %d, new %d; tensors left out %d"), from,
             result.n_loaded, result.n_new, result.n_left_out);
  return TRUE;
}

AtlModel *
atl_training_line_model (const AtlTrainingLine *line, const AtlUpscaleOptions *options,
                         GError **error)
{
  g_autoptr (AtlModel) model = atl_upscale_model_new (options, error);

  if (model == NULL || ! warm_start (line, model, options, error))
    return NULL;
  return g_steal_pointer (&model);
}

static void
say_problems (const AtlTrainingLine *line, GPtrArray *problems)
{
  for (guint i = 0; i < problems->len && ! line->quiet; i++)
    atl_say (line->usage->command, _ ("left out: %s"), (char *) g_ptr_array_index (problems, i));
}

AtlUpscaleData *
atl_training_line_data (const AtlTrainingLine *line, AtlUpscaleOptions *options,
                        const AtlBackend *backend, GError **error)
{
  const char *command = line->usage->command;
  g_autoptr (AtlProgressBar)
      bar = atl_progress_bar_new (command, _ ("reading photos"), line->quiet);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  AtlUpscaleData *data = atl_upscale_data_new (options, backend, problems,
                                               atl_progress_bar_progress (bar), error);

  g_clear_pointer (&bar, atl_progress_bar_free);
  say_problems (line, problems);
  if (data != NULL && ! line->quiet)
    {
      const int n_photos = atl_upscale_data_n_photos (data), n_threads = atl_threads_count ();
      g_autofree char *threads = g_strdup_printf (P_ ("%d thread", "%d threads", n_threads),
                                                  n_threads);

      atl_say (command,
               P_ ("%d photo to train on, %d to validate on, by %s (%s), %s",
                   "%d photos to train on, %d to validate on, by %s (%s), %s", n_photos),
               n_photos, atl_upscale_data_n_validation (data), backend->name, backend->variant,
               threads);
    }
  return data;
}
