/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs the program 'atelier'.
 */

#include "run.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "suite.h"

/* Of quick runs, every so many starts of the program are wrapped: under valgrind each takes two seconds before it
 * begins, and neighbouring cases run nearly the same code. */
#define QUICK_STEP 3

/* The words before the program's own: valgrind with its options, if build-aux/check says so. */
static void
add_wrapper (GStrvBuilder *builder)
{
  static int n_starts = 0;
  const char *wrapper = g_getenv ("ATELIER_TEST_WRAPPER");
  g_auto (GStrv) words = NULL;

  if (wrapper == NULL || (atl_test_quick () && n_starts++ % QUICK_STEP != 0))
    return;
  CU_ASSERT_FATAL (g_shell_parse_argv (wrapper, NULL, &words, NULL));
  g_strv_builder_addv (builder, (const char **) words);
}

void
atl_test_run (int status, char **output, char **messages, const char *const *arguments)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;
  g_autoptr (GError) error = NULL;
  int wait_status = 0;

  add_wrapper (builder);
  g_strv_builder_add (builder, g_getenv ("ATELIER") ?: "atelier");
  g_strv_builder_addv (builder, (const char **) arguments);
  g_auto (GStrv) command = g_strv_builder_end (builder);

  if (! g_spawn_sync (NULL, command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err,
                      &wait_status, &error))
    {
      printf ("  %s\n", error->message);
      CU_FAIL_FATAL ("the program could not be run");
    }

  if (! WIFEXITED (wait_status) || WEXITSTATUS (wait_status) != status)
    {
      g_autofree char *line = g_strjoinv (" ", command);

      printf ("  %s\n  wait status 0x%x, expected exit status %d\n%s%s", line, (guint) wait_status,
              status, out, err);
      CU_FAIL ("another exit status was expected");
    }

  if (output != NULL)
    *output = g_steal_pointer (&out);
  if (messages != NULL)
    *messages = g_steal_pointer (&err);
}

void
atl_test_run_fails (int status, const char *text, const char *const *arguments)
{
  g_autofree char *output = NULL;
  g_autofree char *messages = NULL;

  atl_test_run (status, &output, &messages, arguments);
  CU_ASSERT_STRING_EQUAL (output, "");
  atl_test_contains (messages, text);
}

gboolean
atl_test_read_until (GInputStream *stream, const char *text)
{
  g_autoptr (GString) all = g_string_new (NULL);
  char part[256];
  gssize n;

  while (strstr (all->str, text) == NULL)
    {
      n = g_input_stream_read (stream, part, sizeof part, NULL, NULL);
      if (n <= 0)
        return FALSE;
      g_string_append_len (all, part, n);
    }
  return TRUE;
}

void
atl_test_contains (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    {
      printf ("  '%s' is not in: %s\n", part, text);
      CU_FAIL ("another text was expected");
    }
}
