/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs the program 'atelier'.
 */

#include "run.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

/* Whether this test has not yet started the program with the same options and commands for the same end. Another
 * file, or another value behind '=', is a repetition: valgrind needs a second and a half for each start, nearly all
 * of it for the libraries, and AddressSanitizer sees every start. */
static gboolean
is_new (int status, const char *const *arguments)
{
  static GHashTable *started;
  g_autoptr (GString) start = g_string_new (NULL);

  if (started == NULL)
    started = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_string_printf (start, "%s: %d", CU_get_current_test ()->pName, status);
  for (; *arguments != NULL; arguments++)
    if (strchr (*arguments, '/') == NULL || **arguments == '-')
      g_string_append_printf (start, " %.*s", (int) strcspn (*arguments, "="), *arguments);
  return g_hash_table_add (started, g_strdup (start->str));
}

/* The words before the program's own: valgrind with its options, if build-aux/check says so. */
static void
add_wrapper (GStrvBuilder *builder, int status, const char *const *arguments)
{
  const char *wrapper = g_getenv ("ATELIER_TEST_WRAPPER");
  g_auto (GStrv) words = NULL;

  if (wrapper == NULL || ! is_new (status, arguments))
    return;
  CU_ASSERT_FATAL (g_shell_parse_argv (wrapper, NULL, &words, NULL));
  g_strv_builder_addv (builder, (const char **) words);
}

/* Runs a command to its end; returns what waitpid () says of it. */
static int
run (char **output, char **messages, char **command)
{
  g_autoptr (GError) error = NULL;
  int wait_status = 0;

  if (! g_spawn_sync (NULL, command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, messages,
                      &wait_status, &error))
    {
      printf ("  %s\n", error->message);
      CU_FAIL_FATAL ("the program could not be run");
    }
  return wait_status;
}

static void
expect_status (int status, int wait_status, char **command, const char *output,
               const char *messages)
{
  if (WIFEXITED (wait_status) && WEXITSTATUS (wait_status) == status)
    return;

  g_autofree char *line = g_strjoinv (" ", command);

  printf ("  %s\n  wait status 0x%x, expected exit status %d\n%s%s", line, (guint) wait_status,
          status, output, messages);
  CU_FAIL ("another exit status was expected");
}

void
atl_test_run (int status, char **output, char **messages, const char *const *arguments)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;

  add_wrapper (builder, status, arguments);
  g_strv_builder_add (builder, g_getenv ("ATELIER") ?: "atelier");
  g_strv_builder_addv (builder, (const char **) arguments);
  g_auto (GStrv) command = g_strv_builder_end (builder);

  const int wait_status = run (&out, &err, command);
  expect_status (status, wait_status, command, out, err);
  if (output != NULL)
    *output = g_steal_pointer (&out);
  if (messages != NULL)
    *messages = g_steal_pointer (&err);
}

gboolean
atl_test_run_on_disk (int status, char **output, char **messages, const char *folder,
                      const char *options, const char *script)
{
  enum
  {
    EXIT_NOT_MOUNTED = 99
  };
  /* A test may have emptied PATH. */
  g_autofree char *whole = g_strdup_printf ("PATH=$PATH:/usr/bin:/bin\n"
                                            "mount -t tmpfs -o \"$1\" none \"$2\" || exit %d\n"
                                            "cd \"$2\"\n%s",
                                            EXIT_NOT_MOUNTED, script);
  /* A user who is not root is root in a namespace of users of his own. */
  const char *const command[] = { "/usr/bin/unshare",
                                  geteuid () == 0 ? "-m" : "-rm",
                                  "/bin/sh",
                                  "-c",
                                  whole,
                                  "sh",
                                  options,
                                  folder,
                                  NULL };

  const int wait_status = run (output, messages, (char **) command);
  /* If unshare itself was not allowed, the script never ran. */
  if ((WIFEXITED (wait_status) && WEXITSTATUS (wait_status) == EXIT_NOT_MOUNTED)
      || g_str_has_prefix (*messages, "unshare:"))
    {
      atl_test_skip ("no disk can be mounted here");
      return FALSE;
    }
  expect_status (status, wait_status, (char **) command, *output, *messages);
  return TRUE;
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
