/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of a command.
 */

#include "cli/options.h"

#include <stdio.h>

#include "base/i18n.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/output.h"

struct AtlOptions
{
  const AtlUsage *usage;
  int argc;
  char **argv;
  GArray *entries;     /* of GOptionEntry, zero-ended */
  GStringChunk *texts; /* of the entries */
  void *data;
  gboolean help;
};

AtlOptions *
atl_options_new (const AtlUsage *usage, int argc, char **argv)
{
  AtlOptions *options = g_new0 (AtlOptions, 1);
  const GOptionEntry help[] = {
    { "help", 'h', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options->help, N_ ("Show this help"),
      NULL },
    { NULL },
  };

  options->usage = usage;
  options->argc = argc;
  options->argv = argv;
  options->entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  options->texts = g_string_chunk_new (1024);
  atl_options_add (options, help);
  return options;
}

void
atl_options_free (AtlOptions *options)
{
  if (options == NULL)
    return;

  g_array_unref (options->entries);
  g_string_chunk_free (options->texts);
  g_free (options);
}

static const char *
keep (AtlOptions *options, const char *text)
{
  return text != NULL ? g_string_chunk_insert_const (options->texts, text) : NULL;
}

void
atl_options_add (AtlOptions *options, const GOptionEntry *entries)
{
  for (; entries->long_name != NULL; entries++)
    {
      GOptionEntry entry = *entries;

      entry.long_name = keep (options, entry.long_name);
      entry.description = keep (options, entry.description);
      entry.arg_description = keep (options, entry.arg_description);
      g_array_append_val (options->entries, entry);
    }
}

void
atl_options_set_data (AtlOptions *options, void *data)
{
  options->data = data;
}

const GOptionEntry *
atl_options_entries (const AtlOptions *options)
{
  return (const GOptionEntry *) (const void *) options->entries->data;
}

gboolean
atl_option_has_value (const GOptionEntry *entry)
{
  return entry->arg != G_OPTION_ARG_NONE && (entry->flags & G_OPTION_FLAG_NO_ARG) == 0;
}

static GOptionContext *
new_context (const AtlOptions *options)
{
  const AtlUsage *usage = options->usage;
  GOptionContext *context = g_option_context_new (usage->arguments != NULL ? _ (usage->arguments)
                                                                           : NULL);
  GOptionGroup *group = g_option_group_new ("main", "", "", options->data, NULL);
  g_autofree char *examples = g_strdup_printf (_ ("Examples:\n%s"), usage->examples);

  g_option_context_set_summary (context, _ (usage->summary));
  g_option_context_set_description (context, examples);
  /* GLib's own --help ends the process. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_group_set_translation_domain (group, GETTEXT_PACKAGE);
  g_option_group_add_entries (group, atl_options_entries (options));
  g_option_context_set_main_group (context, group);
  return context;
}

gboolean
atl_options_parse (AtlOptions *options, char ***arguments, int *status)
{
  g_auto (GStrv) rest = NULL;
  const GOptionEntry remaining[] = {
    { G_OPTION_REMAINING, 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
    { NULL },
  };
  g_autoptr (GError) error = NULL;

  if (options->argv == NULL)
    {
      *status = ATL_EXIT_DONE;
      return FALSE;
    }

  g_autoptr (GOptionContext) context = new_context (options);
  g_autofree char **left = g_memdup2 (options->argv,
                                      ((size_t) options->argc + 1) * sizeof options->argv[0]);
  int n_left = options->argc;

  g_option_group_add_entries (g_option_context_get_main_group (context), remaining);
  if (! g_option_context_parse (context, &n_left, &left, &error))
    {
      *status = atl_say_usage (options->usage->command, "%s", error->message);
      return FALSE;
    }

  if (options->help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);

      fputs (text, stdout);
      *status = ATL_EXIT_DONE;
      return FALSE;
    }

  *arguments = rest != NULL ? g_steal_pointer (&rest) : g_new0 (char *, 1);
  return TRUE;
}

gboolean
atl_options_set_threads (const AtlUsage *usage, int n_threads)
{
  if (n_threads < 1 || n_threads > ATL_THREADS_MAX)
    {
      atl_say_usage (usage->command, _ ("'--threads' is %d, but must be from 1 to %d"), n_threads,
                     ATL_THREADS_MAX);
      return FALSE;
    }

  atl_threads_set_count (n_threads);
  return TRUE;
}
