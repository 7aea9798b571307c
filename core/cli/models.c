/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier models': which weight files there are, and what is in them.
 */

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "nets/model.h"
#include "weights/library.h"
#include "weights/weight-file.h"

typedef struct
{
  gboolean json;
  char *task; /* NULL for all */
  char *size; /* of the input of a summary, NULL for the default */
} Options;

static const AtlUsage usage = {
  .command = "models",
  .blurb = N_ ("list weight files, show their cards"),
  .arguments = N_ ("[list | show MODEL | summary MODEL]"),
  .summary = N_ (
      "Lists the weight files that are found; shows one's card and check sum; or sums up its\n"
      "network: layers, shapes, parameters, multiply-adds.\n"
      "MODEL is a name from the list, or a path."),
  .examples = "  atelier models\n"
              "  atelier models list --task upscale --json\n"
              "  atelier models show upscale-x2\n"
              "  atelier models summary upscale-x2 --size 1920x1080",
};

/* Config and recipe are JSON themselves; one that is not is shown as it stands. */
static void
add_card_member (const char *key, const char *value, void *builder)
{
  const gboolean is_json = strcmp (key, "atelier.config") == 0
                           || strcmp (key, "atelier.recipe") == 0;
  JsonNode *node = is_json ? atl_json_parse (value, NULL) : NULL;

  json_builder_set_member_name (builder, key + strlen ("atelier."));
  if (node != NULL)
    json_builder_add_value (builder, node);
  else
    json_builder_add_string_value (builder, value);
}

static void
add_card (JsonBuilder *builder, const AtlCard *card)
{
  json_builder_set_member_name (builder, "card");
  json_builder_begin_object (builder);
  atl_card_foreach (card, add_card_member, builder);
  json_builder_end_object (builder);
}

static size_t
count_numbers (const AtlWeightFile *file)
{
  size_t n = 0;

  for (int i = 0; i < atl_weight_file_n_tensors (file); i++)
    n += atl_weight_file_tensor (file, i)->size;
  return n;
}

static void
print_list_json (GPtrArray *entries)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);

      json_builder_begin_object (builder);
      atl_json_add_text (builder, "name", entry->name);
      atl_json_add_text (builder, "path", entry->path);
      atl_json_add_integer (builder, "bytes", (gint64) entry->size);
      add_card (builder, entry->card);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  atl_print_json (builder);
}

enum
{
  TASK_WIDTH = 9,
  SCALE_WIDTH = 7,
  SIZE_WIDTH = 10
};

static void
print_entry (const AtlLibraryEntry *entry, int name_width)
{
  const AtlCard *card = entry->card;
  g_auto (GStrv) lines = g_strsplit (card->description != NULL ? card->description : "", "\n", 2);
  g_autofree char *size = g_strdup_printf ("%.1f MB", (double) entry->size / 1e6);
  g_autofree char *scale = g_strdup_printf ("%d", atl_card_scale (entry->card, NULL));

  atl_print_cell (entry->name, -name_width);
  atl_print_cell (card->task != NULL ? card->task : "-", -TASK_WIDTH);
  atl_print_cell (strcmp (scale, "0") != 0 ? scale : "-", -SCALE_WIDTH);
  atl_print_cell (size, -SIZE_WIDTH);
  puts (lines[0] != NULL ? lines[0] : "");
}

static void
print_list (GPtrArray *entries)
{
  int name_width = (int) g_utf8_strlen (_ ("NAME"), -1) + 2;

  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      name_width = MAX (name_width, (int) g_utf8_strlen (entry->name, -1) + 2);
    }

  atl_print_cell (_ ("NAME"), -name_width);
  atl_print_cell (_ ("TASK"), -TASK_WIDTH);
  atl_print_cell (_ ("SCALE"), -SCALE_WIDTH);
  atl_print_cell (_ ("SIZE"), -SIZE_WIDTH);
  puts (_ ("DESCRIPTION"));
  for (guint i = 0; i < entries->len; i++)
    print_entry (g_ptr_array_index (entries, i), name_width);
}

static int
list (const Options *options)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) entries = atl_library_list (options->task, &problems);

  for (guint i = 0; i < problems->len; i++)
    atl_say (usage.command, _ ("left out: %s"), (char *) g_ptr_array_index (problems, i));

  if (options->json)
    print_list_json (entries);
  else if (entries->len > 0)
    print_list (entries);
  else
    {
      g_auto (GStrv) folders = atl_library_folders ();
      g_autofree char *joined = g_strjoinv (", ", folders);
      g_autofree char *searched = g_filename_display_name (joined);

      if (options->task != NULL)
        atl_say (usage.command, _ ("there are no models for the task '%s' in %s"), options->task,
                 searched);
      else
        atl_say (usage.command, _ ("there are no models in %s"), searched);
    }
  return ATL_EXIT_DONE;
}

static void
print_card_member (const char *key, const char *value, void *unused)
{
  g_auto (GStrv) lines = g_strsplit (value, "\n", -1);
  g_autofree char *indented = g_strjoinv ("\n              ", lines);

  atl_print_cell (key + strlen ("atelier."), -14);
  puts (indented);
}

static void
show_json (const AtlWeightFile *file, const char *checksum)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "path", atl_weight_file_path (file));
  atl_json_add_integer (builder, "bytes", (gint64) atl_weight_file_size (file));
  atl_json_add_text (builder, "sha256", checksum);
  atl_json_add_integer (builder, "tensors", (gint64) atl_weight_file_n_tensors (file));
  atl_json_add_integer (builder, "parameters", (gint64) count_numbers (file));
  add_card (builder, atl_weight_file_card (file));
  json_builder_end_object (builder);
  atl_print_json (builder);
}

static int
show (const char *model, const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = atl_library_find (model, NULL, &error);
  g_autoptr (AtlWeightFile) file = path != NULL ? atl_weight_file_open (path, &error) : NULL;

  if (file == NULL)
    return atl_say_failure (usage.command, error);

  g_autofree char *checksum = atl_weight_file_checksum (file, &error);
  if (checksum == NULL)
    return atl_say_failure (usage.command, error);

  if (options->json)
    show_json (file, checksum);
  else
    {
      g_autofree char *shown = g_filename_display_name (path);

      printf (_ ("path          %s\nbytes         %zu\nsha256        %s\n"
                 "tensors       %d\nparameters    %zu\n"),
              shown, atl_weight_file_size (file), checksum, atl_weight_file_n_tensors (file),
              count_numbers (file));
      atl_card_foreach (atl_weight_file_card (file), print_card_member, NULL);
    }
  return ATL_EXIT_DONE;
}

/* What a summary is made of. */
typedef struct
{
  const AtlModel *model;
  AtlShape input;
  AtlLayer *layers;
  int n_layers;
  size_t n_parameters;
  double multiply_adds;
} Summary;

static void
print_summary (const Summary *summary)
{
  const int halo = atl_graph_halo (summary->model->graph);

  atl_print_cell (_ ("OPERATOR"), -15);
  atl_print_cell (_ ("NAME"), -21);
  atl_print_cell (_ ("OUTPUT"), -18);
  atl_print_cell (_ ("PARAMETERS"), 13);
  atl_print_cell (_ ("MEGAMACS"), 11);
  putchar ('\n');
  for (int i = 0; i < summary->n_layers; i++)
    {
      const AtlLayer *layer = &summary->layers[i];
      g_autofree char *output = g_strdup_printf ("%dx%dx%d", layer->output.c, layer->output.h,
                                                 layer->output.w);

      printf ("%-14s %-20s %-18s %12zu %10.1f\n", layer->kind,
              layer->name != NULL ? layer->name : "", output, layer->n_parameters,
              layer->multiply_adds / 1e6);
    }
  printf (_ ("\n%zu parameters, %.1f million multiply-adds (%.0f for each pixel of the input)\n"),
          summary->n_parameters, summary->multiply_adds / 1e6,
          summary->multiply_adds / ((double) summary->input.w * summary->input.h));
  printf (P_ ("Each pixel of the result depends on %d pixel of the input on each side\n",
              "Each pixel of the result depends on %d pixels of the input on each side\n", halo),
          halo);
}

static void
add_shape (JsonBuilder *builder, const char *name, const AtlShape *shape)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  json_builder_add_int_value (builder, shape->c);
  json_builder_add_int_value (builder, shape->h);
  json_builder_add_int_value (builder, shape->w);
  json_builder_end_array (builder);
}

static void
add_layer (JsonBuilder *builder, const AtlLayer *layer)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "operator", layer->kind);
  if (layer->name != NULL)
    atl_json_add_text (builder, "name", layer->name);
  add_shape (builder, "output", &layer->output);
  atl_json_add_integer (builder, "parameters", (gint64) layer->n_parameters);
  atl_json_add_integer (builder, "multiply-adds", (gint64) layer->multiply_adds);
  json_builder_end_object (builder);
}

static void
print_summary_json (const Summary *summary)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "arch", summary->model->card->arch);
  add_shape (builder, "input", &summary->input);
  atl_json_add_integer (builder, "parameters", (gint64) summary->n_parameters);
  atl_json_add_integer (builder, "multiply-adds", (gint64) summary->multiply_adds);
  atl_json_add_integer (builder, "halo", (gint64) atl_graph_halo (summary->model->graph));
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (int i = 0; i < summary->n_layers; i++)
    add_layer (builder, &summary->layers[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}

/* "1920x1080", each side from 1 to 65536. */
static gboolean
parse_size (const char *text, int *width, int *height)
{
  g_auto (GStrv) sides = g_strsplit (text, "x", -1);
  guint64 w, h;

  if (g_strv_length (sides) != 2 || ! g_ascii_string_to_unsigned (sides[0], 10, 1, 65536, &w, NULL)
      || ! g_ascii_string_to_unsigned (sides[1], 10, 1, 65536, &h, NULL))
    return FALSE;

  *width = (int) w;
  *height = (int) h;
  return TRUE;
}

static int
summarize (const char *name, const Options *options)
{
  int width = 256, height = 256;

  if (options->size != NULL && ! parse_size (options->size, &width, &height))
    return atl_say_usage (
        usage.command, _ ("'%s' is no size, which would be WIDTHxHEIGHT in pixels"), options->size);

  g_autoptr (GError) error = NULL;
  g_autofree char *path = atl_library_find (name, NULL, &error);
  g_autoptr (AtlModel) model = path != NULL ? atl_model_load (path, NULL, &error) : NULL;
  if (model == NULL)
    return atl_say_failure (usage.command, error);

  Summary summary = { .model = model, .input = { 1, 3, height, width } };
  g_autofree AtlLayer *layers = atl_graph_layers (model->graph, &summary.input, &summary.n_layers);
  summary.layers = layers;
  summary.multiply_adds = atl_graph_multiply_adds (model->graph, &summary.input);
  for (int i = 0; i < summary.n_layers; i++)
    summary.n_parameters += layers[i].n_parameters;

  if (options->json)
    print_summary_json (&summary);
  else
    print_summary (&summary);
  return ATL_EXIT_DONE;
}

static int
run_action (char **arguments, const Options *options)
{
  const char *action = arguments[0] != NULL ? arguments[0] : "list";
  const guint n_arguments = g_strv_length (arguments);

  if (strcmp (action, "list") == 0)
    return n_arguments <= 1 ? list (options)
                            : atl_say_usage (usage.command, _ ("'list' takes no arguments"));
  if (strcmp (action, "show") == 0)
    return n_arguments == 2 ? show (arguments[1], options)
                            : atl_say_usage (usage.command, _ ("'show' needs one model"));
  if (strcmp (action, "summary") == 0)
    return n_arguments == 2 ? summarize (arguments[1], options)
                            : atl_say_usage (usage.command, _ ("'summary' needs one model"));
  return atl_say_usage (usage.command, _ ("'%s' is not known here"), action);
}

static int
run (AtlOptions *command_line)
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "task", 't', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.task,
      N_ ("List those for this work only"), "upscale|stylize|mask|loss" },
    { "size", 's', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.size,
      N_ ("Sum up for an input of this size [256x256]"), N_ ("WIDTHxHEIGHT") },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.json,
      N_ ("Print JSON, for programs"), NULL },
    { NULL },
  };
  g_auto (GStrv) arguments = NULL;
  int status;

  atl_options_add (command_line, entries);
  if (atl_options_parse (command_line, &arguments, &status))
    status = run_action (arguments, &options);

  g_free (options.task);
  g_free (options.size);
  return status;
}

const AtlCommand atl_command_models = {
  .usage = &usage,
  .run = run,
};
