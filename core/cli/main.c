/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program 'atelier': finds the command and runs it.
 *
 * Besides, for the build and the shells: 'atelier --man [COMMAND]' prints a manual page, and 'atelier
 * --complete WORD...' what could stand for the last of the words.
 */

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/command.h"
#include "cli/complete.h"
#include "cli/man.h"

static void
print_help (FILE *stream)
{
  const AtlUsage *usage = &atl_program_usage;

  fprintf (stream, _ ("Usage:\n  atelier %s\n\n%s\n\nCommands:\n"), _ (usage->arguments),
           _ (usage->summary));
  for (const AtlCommand *const *command = atl_commands (); *command != NULL; command++)
    fprintf (stream, "  %-10s %s\n", (*command)->usage->command, _ ((*command)->usage->blurb));
  fputs (_ ("\n'atelier COMMAND --help' tells more; 'atelier --version' the version\n"), stream);
}

static int
run_command (const AtlCommand *command, int argc, char **argv)
{
  g_autoptr (AtlOptions) options = atl_options_new (command->usage, argc, argv);
  g_autofree char *program = g_strconcat ("atelier ", command->usage->command, NULL);

  /* What GLib writes into the first line of the help. */
  g_set_prgname (program);
  return command->run (options);
}

static int
say_unknown (const char *name)
{
  g_printerr (_ ("atelier: there is no command '%s'\nTry 'atelier --help'\n"), name);
  return ATL_EXIT_USAGE;
}

static int
print_man (const char *name)
{
  const AtlCommand *command = name != NULL ? atl_command_find (name) : NULL;

  if (name != NULL && command == NULL)
    return say_unknown (name);

  setlocale (LC_ALL, "C");
  atl_man_print (command);
  return ATL_EXIT_DONE;
}

static int
run (int argc, char **argv)
{
  const char *name = argc > 1 ? argv[1] : "";
  const AtlCommand *command = atl_command_find (name);

  if (command != NULL)
    return run_command (command, argc - 1, argv + 1);

  if (strcmp (name, "--help") == 0 || strcmp (name, "-h") == 0)
    {
      print_help (stdout);
      return ATL_EXIT_DONE;
    }

  if (strcmp (name, "--version") == 0)
    {
      printf ("atelier %s\n", ATELIER_VERSION);
      return ATL_EXIT_DONE;
    }

  if (strcmp (name, "--man") == 0)
    return print_man (argv[2]);

  if (strcmp (name, "--complete") == 0 && argc > 2)
    {
      atl_complete (argv + 2);
      return ATL_EXIT_DONE;
    }

  if (argc > 1)
    return say_unknown (name);
  print_help (stderr);
  return ATL_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  /* Numbers are written and read with a point, whatever the language: programs read them too. */
  setlocale (LC_NUMERIC, "C");
  atl_translations_bind ();
  textdomain (GETTEXT_PACKAGE);

  const int status = run (argc, argv);

  /* A result that did not reach its file is no success. */
  if ((fflush (stdout) != 0 || ferror (stdout)) && status == ATL_EXIT_DONE)
    {
      g_printerr (_ ("atelier: the output could not be written\n"));
      return ATL_EXIT_FAILED;
    }
  return status;
}
