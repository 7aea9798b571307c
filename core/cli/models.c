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
#include "weights/library.h"
#include "weights/weight-file.h"

typedef struct
{
  gboolean json;
  char *task; /* NULL for all */
} Options;

static const AtlUsage usage = {
  .command = "models",
  .arguments = N_ ("[list | show MODEL]"),
  .summary = N_ ("Lists the weight files that are found, or shows one: its card and check sum.\n"
                 "MODEL is a name from the list, or a path."),
  .examples = "  atelier models\n"
              "  atelier models list --task upscale --json\n"
              "  atelier models show upscale-x2",
};

/* Pads to columns, which are characters, not bytes. */
static void
print_cell (const char *text, int width)
{
  const int n_missing = width - (int) g_utf8_strlen (text, -1);

  printf ("%s%*s", text, MAX (n_missing, 1), "");
}

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

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const char *name, size_t value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) value);
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
      add_string (builder, "name", entry->name);
      add_string (builder, "path", entry->path);
      add_card (builder, entry->card);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  atl_print_json (builder);
}

static void
print_list (GPtrArray *entries)
{
  int width = (int) g_utf8_strlen (_ ("NAME"), -1);

  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      width = MAX (width, (int) g_utf8_strlen (entry->name, -1));
    }

  print_cell (_ ("NAME"), width + 2);
  print_cell (_ ("TASK"), 10);
  puts (_ ("DESCRIPTION"));
  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      g_auto (GStrv) lines = g_strsplit (entry->card->description ?: "", "\n", 2);

      print_cell (entry->name, width + 2);
      print_cell (entry->card->task ?: "-", 10);
      puts (lines[0] ?: "");
    }
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
      g_autofree char *searched = g_strjoinv (", ", folders);

      atl_say (usage.command, _ ("there are no models in %s"), searched);
    }
  return ATL_EXIT_DONE;
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
print_card_member (const char *key, const char *value, void *unused)
{
  g_auto (GStrv) lines = g_strsplit (value, "\n", -1);
  g_autofree char *indented = g_strjoinv ("\n              ", lines);

  print_cell (key + strlen ("atelier."), 14);
  puts (indented);
}

static int
show (const char *model, const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = atl_library_find (model, NULL, &error);
  g_autoptr (AtlWeightFile) file = path != NULL ? atl_weight_file_open (path, &error) : NULL;

  if (file == NULL)
    return atl_say_failure (usage.command, error);

  g_autofree char *checksum = atl_weight_file_checksum (file);
  if (options->json)
    {
      g_autoptr (JsonBuilder) builder = json_builder_new ();

      json_builder_begin_object (builder);
      add_string (builder, "path", path);
      add_number (builder, "bytes", atl_weight_file_size (file));
      add_string (builder, "sha256", checksum);
      add_number (builder, "tensors", (size_t) atl_weight_file_n_tensors (file));
      add_number (builder, "parameters", count_numbers (file));
      add_card (builder, atl_weight_file_card (file));
      json_builder_end_object (builder);
      atl_print_json (builder);
      return ATL_EXIT_DONE;
    }

  printf (_ ("path          %s\nbytes         %zu\nsha256        %s\n"
             "tensors       %d\nparameters    %zu\n"),
          path, atl_weight_file_size (file), checksum, atl_weight_file_n_tensors (file),
          count_numbers (file));
  atl_card_foreach (atl_weight_file_card (file), print_card_member, NULL);
  return ATL_EXIT_DONE;
}

static int
run_action (char **arguments, const Options *options)
{
  const char *action = arguments[0] ?: "list";
  const guint n_arguments = g_strv_length (arguments);

  if (strcmp (action, "list") == 0)
    return n_arguments <= 1 ? list (options)
                            : atl_say_usage (usage.command, _ ("'list' takes no arguments"));
  if (strcmp (action, "show") == 0)
    return n_arguments == 2 ? show (arguments[1], options)
                            : atl_say_usage (usage.command, _ ("'show' needs one model"));
  return atl_say_usage (usage.command, _ ("'%s' is not known here"), action);
}

static int
run (int argc, char **argv)
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "task", 't', G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options.task,
      N_ ("List those for this work only: upscale, stylize or mask"), N_ ("TASK") },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.json,
      N_ ("Print JSON, for programs"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = atl_options_new (&usage);
  g_auto (GStrv) arguments = NULL;
  int status;

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (atl_options_parse (context, &usage, argc, argv, &arguments, &status))
    status = run_action (arguments, &options);

  g_free (options.task);
  return status;
}

const AtlCommand atl_command_models = {
  .name = "models",
  .blurb = N_ ("list weight files, show their cards"),
  .run = run,
};
