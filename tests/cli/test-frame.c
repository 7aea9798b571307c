/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The frame of the commands: help, version, usage errors, signals and the progress bar.
 */

#include "suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress-bar.h"
#include "run.h"

static void
help_and_version (void)
{
  g_autofree char *help = NULL;
  g_autofree char *version = NULL;
  g_autofree char *messages = NULL;

  atl_test_run (ATL_EXIT_DONE, &help, &messages, ATL_ARGUMENTS ("--help"));
  atl_test_contains (help, "Commands:\n");
  atl_test_contains (help, "\n  models ");
  CU_ASSERT_STRING_EQUAL (messages, "");
  atl_test_run (ATL_EXIT_DONE, &version, NULL, ATL_ARGUMENTS ("--version"));
  CU_ASSERT (g_str_has_prefix (version, "atelier 0."));
}

/* Every command that the help lists has a help of its own, with an example. */
static void
each_command_has_help (void)
{
  g_autofree char *help = NULL;
  int n_commands = 0;

  atl_test_run (ATL_EXIT_DONE, &help, NULL, ATL_ARGUMENTS ("--help"));
  g_auto (GStrv) lines = g_strsplit (strstr (help, "Commands:\n") ?: "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      if (! g_str_has_prefix (*line, "  "))
        continue;

      g_auto (GStrv) words = g_strsplit (*line + 2, " ", 2);
      g_autofree char *own_help = NULL;
      g_autofree char *usage = g_strdup_printf ("atelier %s [OPTION", words[0]);
      g_autofree char *example = g_strdup_printf ("\n  atelier %s", words[0]);

      atl_test_run (ATL_EXIT_DONE, &own_help, NULL, ATL_ARGUMENTS (words[0], "--help"));
      atl_test_contains (own_help, usage);
      atl_test_contains (own_help, "--help");
      atl_test_contains (strstr (own_help, "Examples:") ?: "", example);
      n_commands++;
    }
  CU_ASSERT (n_commands >= 1);
}

static void
wrong_usage (void)
{
  atl_test_run_fails (ATL_EXIT_USAGE, "Usage:", ATL_ARGUMENTS (NULL));
  atl_test_run_fails (ATL_EXIT_USAGE, "atelier: there is no command 'paint'",
                      ATL_ARGUMENTS ("paint"));
  atl_test_run_fails (ATL_EXIT_USAGE, "there is no command '--frobnicate'",
                      ATL_ARGUMENTS ("--frobnicate"));
  atl_test_run_fails (ATL_EXIT_USAGE, "there is no command ''", ATL_ARGUMENTS (""));
  atl_test_run_fails (ATL_EXIT_USAGE, "atelier models: Unknown option --frobnicate",
                      ATL_ARGUMENTS ("models", "--frobnicate"));
  atl_test_run_fails (ATL_EXIT_USAGE, "Try 'atelier models --help'",
                      ATL_ARGUMENTS ("models", "-x"));
}

/* What is written to a terminal that stands in for stderr while 'work' runs. */
static char *
on_terminal (void (*work) (gboolean quiet), gboolean quiet)
{
  const int master = posix_openpt (O_RDWR | O_NOCTTY);
  const int before = dup (STDERR_FILENO);
  char text[4096];
  size_t n_read = 0;

  CU_ASSERT_FATAL (master >= 0 && grantpt (master) == 0 && unlockpt (master) == 0);
  const int slave = open (ptsname (master), O_RDWR | O_NOCTTY);
  CU_ASSERT_FATAL (slave >= 0 && dup2 (slave, STDERR_FILENO) >= 0);
  work (quiet);
  dup2 (before, STDERR_FILENO);
  close (before);
  close (slave);

  /* Nobody holds the other end any more: after all that was written comes an error. */
  for (ssize_t n = 1; n > 0; n_read += n > 0 ? (size_t) n : 0)
    n = read (master, text + n_read, sizeof text - 1 - n_read);
  close (master);
  return g_strndup (text, n_read);
}

static void
work_a_while (gboolean quiet)
{
  g_autoptr (AtlProgressBar) bar = atl_progress_bar_new ("upscale", "photo.jpg", quiet);

  for (int i = 0; i < 5; i++)
    {
      g_usleep (60000);
      CU_ASSERT (atl_progress_update (atl_progress_bar_progress (bar), i / 8.0, NULL));
    }
}

static void
bar_on_a_terminal (void)
{
  g_setenv ("TERM", "xterm", TRUE);
  g_autofree char *shown = on_terminal (work_a_while, FALSE);
  g_autofree char *quiet = on_terminal (work_a_while, TRUE);
  g_setenv ("TERM", "dumb", TRUE);
  g_autofree char *dumb = on_terminal (work_a_while, FALSE);

  atl_test_contains (shown, "\r\033[Kphoto.jpg [");
  atl_test_contains (shown, "###...");
  atl_test_contains (shown, "] ");
  atl_test_contains (shown, " %");
  CU_ASSERT (g_str_has_suffix (shown, "\r\033[K"));
  CU_ASSERT_STRING_EQUAL (quiet, "");
  CU_ASSERT_STRING_EQUAL (dumb, "");
}

static gboolean
is_deadly (int number)
{
  struct sigaction action;

  return sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

/* The signal cancels the work, and the second one would end the process. Last of the tests. */
static void
signals_cancel (void)
{
  g_autoptr (AtlProgressBar) bar = atl_progress_bar_new ("upscale", "photo.jpg", TRUE);
  const AtlProgress *progress = atl_progress_bar_progress (bar);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FATAL (! is_deadly (SIGINT) && ! is_deadly (SIGTERM));
  CU_ASSERT (atl_progress_update (progress, 0.5, &error));
  raise (SIGTERM);
  for (int i = 0; i < 500 && ! g_cancellable_is_cancelled (progress->cancellable); i++)
    g_usleep (10000);
  CU_ASSERT_FALSE (atl_progress_update (progress, 0.6, &error));
  atl_test_error (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);

  for (int i = 0; i < 500 && ! is_deadly (SIGTERM); i++)
    g_usleep (10000);
  CU_ASSERT (is_deadly (SIGTERM));
  CU_ASSERT_FALSE (is_deadly (SIGINT));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "help and version", help_and_version }, { "each command has help", each_command_has_help },
    { "wrong usage", wrong_usage },           { "bar on a terminal", bar_on_a_terminal },
    { "signals cancel", signals_cancel },
  };

  return atl_suite_run ("frame", tests, G_N_ELEMENTS (tests));
}
