/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier models import': a weight file of ours, with a card, from one of another program.
 */

#include "cli/models.h"

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "nets/import.h"

enum
{
  MAX_NAMED = 8 /* tensors that are left out; a classifier has 2 to 6 */
};

static gboolean
parse_precision (const char *text, AtlDtype *dtype)
{
  *dtype = g_strcmp0 (text, "f16") == 0 ? ATL_DTYPE_F16 : ATL_DTYPE_F32;
  return text == NULL || strcmp (text, "f16") == 0 || strcmp (text, "f32") == 0;
}

/* A JSON object that tells where the numbers are from; owned by the caller. */
static char *
origin_to_json (const char *name)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "imported-from", name);
  json_builder_end_object (builder);

  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static void
fill_card (AtlCard *card, const char *path, const AtlModelsOptions *options)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *shown = atl_text_shown (name);

  card->name = g_strdup (options->name);
  card->description = options->description != NULL
                          ? g_strdup (options->description)
                          : g_strdup_printf ("imported from '%s'", shown); /* cards are English */
  card->license = g_strdup (options->license);
  card->trained_on = g_strdup (options->trained_on);
  card->recipe = origin_to_json (shown);
}

static size_t
count_parameters (const AtlGraph *graph)
{
  size_t n = 0;

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    n += atl_graph_parameter (graph, i)->size;
  return n;
}

static void
say_left_out (const GPtrArray *left_out)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < left_out->len && i < MAX_NAMED; i++)
    g_string_append_printf (names, i == 0 ? _ ("'%s'") : _ (", '%s'"),
                            (const char *) g_ptr_array_index (left_out, i));
  if (left_out->len > MAX_NAMED)
    g_string_append (names, ", ...");
  if (left_out->len > 0)
    atl_say (ATL_MODELS_COMMAND,
             P_ ("left out %u tensor that the network does not have: %s",
                 "left out %u tensors that the network does not have: %s", left_out->len),
             left_out->len, names->str);
}

static void
print_json (const AtlModel *model, const char *output, const GPtrArray *left_out)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "output", output);
  atl_json_add_text (builder, "task", model->card->task);
  atl_json_add_text (builder, "arch", model->card->arch);
  atl_json_add_integer (builder, "tensors", atl_graph_n_parameters (model->graph));
  atl_json_add_integer (builder, "parameters", (gint64) count_parameters (model->graph));
  json_builder_set_member_name (builder, "left-out");
  json_builder_begin_array (builder);
  for (guint i = 0; i < left_out->len; i++)
    json_builder_add_string_value (builder, g_ptr_array_index (left_out, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}

static void
report (const AtlModel *model, const GPtrArray *left_out, const AtlModelsOptions *options)
{
  if (options->json)
    {
      print_json (model, options->output, left_out);
      return;
    }

  g_autofree char *shown = g_filename_display_name (options->output);

  say_left_out (left_out);
  if (options->license == NULL)
    atl_say (ATL_MODELS_COMMAND,
             _ ("the card does not tell the licence; '--license' would write it there"));
  printf (_ ("%s: %s for the task '%s', %zu parameters\n"), shown, model->card->arch,
          model->card->task, count_parameters (model->graph));
}

int
atl_models_import (const char *path, const AtlModelsOptions *options)
{
  g_autoptr (GPtrArray) left_out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  AtlDtype dtype;

  if (options->output == NULL)
    return atl_say_usage (ATL_MODELS_COMMAND,
                          _ ("'--output' is missing: the weight file to write"));
  if (! parse_precision (options->precision, &dtype))
    return atl_say_usage (ATL_MODELS_COMMAND, _ ("'--precision' is '%s', but must be f32 or f16"),
                          options->precision);
  if (options->arch != NULL && atl_network_task (options->arch) == NULL)
    return atl_say_usage (ATL_MODELS_COMMAND, _ ("'%s' is no architecture that is known here"),
                          options->arch);

  g_autoptr (AtlForeignFile) file = atl_foreign_file_open (path, &error);
  g_autoptr (AtlModel) model = file != NULL ? atl_model_import (file, options->arch,
                                                                options->config, left_out, &error)
                                            : NULL;
  if (model == NULL)
    return atl_say_failure (ATL_MODELS_COMMAND, error);

  fill_card (model->card, path, options);
  if (! atl_model_save (model, options->output, dtype, &error))
    return atl_say_failure (ATL_MODELS_COMMAND, error);

  report (model, left_out, options);
  return ATL_EXIT_DONE;
}
