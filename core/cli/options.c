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

GOptionContext *
atl_options_new (const AtlUsage *usage)
{
  GOptionContext *context = g_option_context_new (usage->arguments != NULL ? _ (usage->arguments)
                                                                           : NULL);
  g_autofree char *examples = g_strdup_printf (_ ("Examples:\n%s"), usage->examples);

  g_option_context_set_summary (context, _ (usage->summary));
  g_option_context_set_description (context, examples);
  /* GLib's own --help ends the process. */
  g_option_context_set_help_enabled (context, FALSE);
  return context;
}

gboolean
atl_options_parse (GOptionContext *context, const AtlUsage *usage, int argc, char **argv,
                   char ***arguments, int *status)
{
  gboolean help = FALSE;
  g_auto (GStrv) rest = NULL;
  const GOptionEntry entries[] = {
    { "help", 'h', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &help, N_ ("Show this help"), NULL },
    { G_OPTION_REMAINING, 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
    { NULL },
  };
  g_autofree char **left = g_memdup2 (argv, ((size_t) argc + 1) * sizeof argv[0]);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (! g_option_context_parse (context, &argc, &left, &error))
    {
      *status = atl_say_usage (usage->command, "%s", error->message);
      return FALSE;
    }

  if (help)
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
