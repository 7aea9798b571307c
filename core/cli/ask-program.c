/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks a program for its version.
 */

#include "cli/ask-program.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/i18n.h"

enum
{
  MAX_KEPT = 64 * 1024, /* bytes of a stream; a version is a line */
  TICK = 20             /* milliseconds from one look at the program to the next */
};

/* What one end of a pipe has brought so far; the file is -1 behind the last byte. */
typedef struct
{
  int file;
  GString *text;
} Stream;

static void
stream_init (Stream *stream, int file)
{
  stream->file = file;
  stream->text = g_string_new (NULL);
}

static void
stream_close (Stream *stream)
{
  if (stream->file >= 0)
    close (stream->file);
  stream->file = -1;
}

/* Reads what is there. */
static void
stream_read (Stream *stream)
{
  char bytes[4096];
  const ssize_t n = read (stream->file, bytes, sizeof bytes);

  if (n > 0)
    g_string_append_len (stream->text, bytes, MIN (n, (ssize_t) (MAX_KEPT - stream->text->len)));
  else if (n == 0 || errno != EINTR)
    stream_close (stream);
}

/* The text without the zeros, at which a string would end; the stream is then empty. */
static char *
stream_finish (Stream *stream)
{
  GString *text = g_steal_pointer (&stream->text);
  size_t length = 0;

  stream_close (stream);
  for (size_t i = 0; i < text->len; i++)
    if (text->str[i] != '\0')
      text->str[length++] = text->str[i];
  g_string_truncate (text, length);
  return g_string_free (text, FALSE);
}

/* In the child. A group of its own can be killed as a whole, and it ends with us if we are interrupted. */
static void
prepare (void *data)
{
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* Listens until the program has ended and what it said is read, or until the deadline. What it started and left behind
 * may hold the pipes open: their end is not waited for. Returns whether the program has ended. */
static gboolean
listen_to (Stream streams[2], GPid process, gint64 deadline, int *wait_status)
{
  gboolean ended = FALSE;

  while (g_get_monotonic_time () < deadline)
    {
      struct pollfd files[] = { { .fd = streams[0].file, .events = POLLIN },
                                { .fd = streams[1].file, .events = POLLIN } };
      const int n_ready = poll (files, G_N_ELEMENTS (files), ended ? 0 : TICK);

      for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
        if (files[i].fd >= 0 && files[i].revents != 0)
          stream_read (&streams[i]);
      if (ended && n_ready == 0)
        break;
      if (! ended)
        ended = waitpid (process, wait_status, WNOHANG) == process;
    }
  return ended;
}

gboolean
atl_program_ask (AtlAnswer *answer, const char *program, int seconds, GError **error)
{
  const char *const command[] = { program, "--version", NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  const gint64 deadline = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  Stream streams[2];
  int files[2], wait_status = 0;
  GPid process;

  if (! g_spawn_async_with_pipes (NULL, (char **) command, environment, G_SPAWN_DO_NOT_REAP_CHILD,
                                  prepare, NULL, &process, NULL, &files[0], &files[1], error))
    return FALSE;

  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    stream_init (&streams[i], files[i]);
  const gboolean ended = listen_to (streams, process, deadline, &wait_status);
  if (! ended)
    {
      kill (-process, SIGKILL);
      waitpid (process, NULL, 0);
    }
  *answer = (AtlAnswer) {
    .output = stream_finish (&streams[0]),
    .messages = stream_finish (&streams[1]),
    .wait_status = wait_status,
  };
  if (! ended)
    {
      atl_answer_clear (answer);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                   _ ("did not answer '--version' within %d seconds and was stopped"), seconds);
    }
  return ended;
}

void
atl_answer_clear (AtlAnswer *answer)
{
  g_clear_pointer (&answer->output, g_free);
  g_clear_pointer (&answer->messages, g_free);
}
