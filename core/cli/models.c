/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier models': which weight files there are, and their cards. What sums up a network and what imports
 * one have files of their own.
 */

#include "cli/models.h"

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

static const AtlUsage usage = {
  .command = ATL_MODELS_COMMAND,
  .blurb = N_ ("list weight files, show their cards, import others"),
  .arguments = N_ ("[list | show MODEL | summary MODEL | import FILE]"),
  .summary = N_ (
      "Lists the weight files that are found; shows one's card and check sum; sums up its\n"
      "network: layers, shapes, parameters, multiply-adds; or makes one of a file that\n"
      "another program wrote: safetensors, or .pth and .pt of PyTorch, of which nothing is run.\n"
      "MODEL is a name from the list, or a path."),
  .examples =
      "  atelier models\n"
      "  atelier models list --task upscale --json\n"
      "  atelier models show upscale-x2\n"
      "  atelier models summary upscale-x2 --size 1920x1080\n"
      "  atelier models import vgg16_bn.pth -o vgg16-bn.safetensors --license BSD-3-Clause\n"
      "  atelier models import x4.pth -o x4.safetensors --arch sr-resnet --config '{\"scale\": 4}'",
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
list (const AtlModelsOptions *options)
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
show (const char *model, const AtlModelsOptions *options)
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

static int
run_action (char **arguments, const AtlModelsOptions *options)
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
    return n_arguments == 2 ? atl_models_summarize (arguments[1], options)
                            : atl_say_usage (usage.command, _ ("'summary' needs one model"));
  if (strcmp (action, "import") == 0)
    return n_arguments == 2 ? atl_models_import (arguments[1], options)
                            : atl_say_usage (usage.command, _ ("'import' needs one file"));
  return atl_say_usage (usage.command, _ ("'%s' is not known here"), action);
}

/* "sr-resnet|vgg16-bn": all architectures; owned by the caller. */
static char *
arch_names (void)
{
  GString *names = g_string_new (atl_network_name (0));

  for (int i = 1; atl_network_name (i) != NULL; i++)
    g_string_append_printf (names, "|%s", atl_network_name (i));
  return g_string_free (names, FALSE);
}

static int
run (AtlOptions *command_line)
{
  AtlModelsOptions options = { 0 };
  g_autofree char *archs = arch_names ();
  const GOptionEntry entries[] = {
    { "task", 't', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.task,
      N_ ("List those for this work only"), "upscale|stylize|mask|loss" },
    { "size", 's', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.size,
      N_ ("Sum up for an input of this size [256x256]"), N_ ("WIDTHxHEIGHT") },
    { "output", 'o', G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options.output,
      N_ ("Import to this weight file (.safetensors)"), N_ ("FILE") },
    { "arch", 'a', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.arch,
      N_ ("Architecture of the imported network [the one that it fits]"), archs },
    { "config", 'c', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.config,
      N_ ("Numbers of the imported network [the usual ones of the architecture]"), N_ ("JSON") },
    { "precision", 'p', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.precision,
      N_ ("Format of the numbers in the imported file [f32]"), "f32|f16" },
    { "name", 'n', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.name,
      N_ ("Name for people, in the card of the imported file"), N_ ("TEXT") },
    { "description", 'd', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.description,
      N_ ("Description in that card [which file it was]"), N_ ("TEXT") },
    { "license", 'l', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.license,
      N_ ("Licence in that card"), N_ ("TEXT") },
    { "trained-on", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.trained_on,
      N_ ("What the network was trained on, in that card"), N_ ("TEXT") },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.json,
      N_ ("Print JSON, for programs"), NULL },
    { NULL },
  };
  g_auto (GStrv) arguments = NULL;
  int status;

  atl_options_add (command_line, entries);
  if (atl_options_parse (command_line, &arguments, &status))
    status = run_action (arguments, &options);

  char *const texts[] = { options.task,        options.size,    options.output,
                          options.arch,        options.config,  options.name,
                          options.description, options.license, options.precision,
                          options.trained_on };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  return status;
}

const AtlCommand atl_command_models = {
  .usage = &usage,
  .run = run,
};
