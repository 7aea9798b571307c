/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program 'atelier': finds the command and runs it.
 */

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/command.h"

static const AtlCommand *const commands[] = {
  &atl_command_upscale,  &atl_command_models, &atl_command_train,
  &atl_command_evaluate, &atl_command_bench,  &atl_command_doctor,
};

static const AtlCommand *
find_command (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i]->name, name) == 0)
      return commands[i];
  return NULL;
}

static void
print_help (FILE *stream)
{
  fputs (_ ("Usage:\n  atelier COMMAND [OPTION...]\n\n"
            "Neural filters for photos, and the training of their weight files\n\nCommands:\n"),
         stream);
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (stream, "  %-10s %s\n", commands[i]->name, _ (commands[i]->blurb));
  fputs (_ ("\n'atelier COMMAND --help' tells more; 'atelier --version' the version\n"), stream);
}

static int
run_command (const AtlCommand *command, int argc, char **argv)
{
  g_autofree char *program = g_strconcat ("atelier ", command->name, NULL);

  /* What GLib writes into the first line of the help. */
  g_set_prgname (program);
  return command->run (argc, argv);
}

static int
run (int argc, char **argv)
{
  const char *name = argc > 1 ? argv[1] : "";
  const AtlCommand *command = find_command (name);

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

  if (argc > 1)
    g_printerr (_ ("atelier: there is no command '%s'\nTry 'atelier --help'\n"), name);
  else
    print_help (stderr);
  return ATL_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  /* Numbers are written and read with a point, whatever the language: programs read them too. */
  setlocale (LC_NUMERIC, "C");
  bindtextdomain (GETTEXT_PACKAGE, ATELIER_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
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
