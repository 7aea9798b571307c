/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What becomes of a program that is asked for its version: scripts of the shell that answer well, badly or never.
 */

#include "suite.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/ask-program.h"
#include "doctor-home.h"
#include "run.h"

/* Asks a script, which must answer at once. */
static void
ask (AtlAnswer *answer, const char *script)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *program = g_build_filename (folder, "program", NULL);
  g_autoptr (GTimer) timer = g_timer_new ();
  g_autoptr (GError) error = NULL;

  atl_test_home_script (folder, "program", script);
  CU_ASSERT_FATAL (atl_program_ask (answer, program, 60, &error));
  atl_test_no_error (error);
  CU_ASSERT (g_timer_elapsed (timer, NULL) < 30);
}

static void
answers (const char *script, const char *output, const char *messages, int wait_status)
{
  g_auto (AtlAnswer) answer = { 0 };

  ask (&answer, script);
  CU_ASSERT_STRING_EQUAL (answer.output, output);
  CU_ASSERT_STRING_EQUAL (answer.messages, messages);
  CU_ASSERT_EQUAL (answer.wait_status, wait_status);
}

static void
says_what_it_was_told (void)
{
  answers ("echo \"$# $1 $LC_ALL\"; cat; echo no >&2", "1 --version C\n", "no\n",
           W_EXITCODE (0, 0));
  answers ("exit 3", "", "", W_EXITCODE (3, 0));
  answers ("printf 'a\\0b\\377'", "ab\xff", "", W_EXITCODE (0, 0));
  answers ("kill -TERM $$", "", "", W_EXITCODE (0, SIGTERM));
  /* A program that it leaves behind does not count, even if that keeps its pipes open. */
  answers ("echo yes; sleep 60 &", "yes\n", "", W_EXITCODE (0, 0));
}

static void
cannot_be_started (void)
{
  g_auto (AtlAnswer) answer = { 0 };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (atl_program_ask (&answer, "/nowhere", 60, &error));
  atl_test_error (&error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT, "/nowhere");
}

/* A flood fills the pipes until it is over, but not the memory. */
static void
says_too_much (void)
{
  g_auto (AtlAnswer) answer = { 0 };

  ask (&answer, "head -c 1000000 /dev/zero | tr '\\0' x; echo >&2");
  CU_ASSERT_EQUAL (strlen (answer.output), 65536);
  CU_ASSERT_STRING_EQUAL (answer.messages, "\n");
}

/* Whether a process is at work; one that has ended may still have to be fetched by its parent. */
static gboolean
is_running (const char *process)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", process);
  g_autofree char *stat = NULL;

  return g_file_get_contents (path, &stat, NULL, NULL) && strstr (stat, ") Z ") == NULL;
}

/* What it has started ends too. */
static void
keeps_silent (void)
{
  static const char *const scripts[] = { "sleep 60 & echo $! >\"$0.child\"; wait",
                                         "exec >&- 2>&-; sleep 60 & echo $! >\"$0.child\"; wait",
                                         "yes & echo $! >\"$0.child\"; wait" };

  for (size_t i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
      g_autofree char *program = g_build_filename (folder, "program", NULL);
      g_autofree char *note = g_strconcat (program, ".child", NULL);
      g_autofree char *child = NULL;
      g_autoptr (GTimer) timer = g_timer_new ();
      g_auto (AtlAnswer) answer = { 0 };
      g_autoptr (GError) error = NULL;

      atl_test_home_script (folder, "program", scripts[i]);
      CU_ASSERT_FALSE (atl_program_ask (&answer, program, 2, &error));
      atl_test_error (&error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                      "did not answer '--version' within 2 seconds and was stopped");
      CU_ASSERT_PTR_NULL (answer.output);
      CU_ASSERT (g_timer_elapsed (timer, NULL) < 30);

      CU_ASSERT_FATAL (g_file_get_contents (note, &child, NULL, NULL));
      g_strchomp (child);
      for (int k = 0; k < 100 && is_running (child); k++)
        g_usleep (20000);
      CU_ASSERT_FALSE (is_running (child));
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "says what it was told", says_what_it_was_told },
    { "cannot be started", cannot_be_started },
    { "says too much", says_too_much },
    { "keeps silent", keeps_silent },
  };

  return atl_suite_run ("cli ask program", tests, G_N_ELEMENTS (tests));
}
