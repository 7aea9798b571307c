/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks a program for its version. It may be any program of this name, so it is given little time, and little of what
 * it says is kept.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Seconds for which a program may keep silent: a GIMP on a slow disk takes a few to load its libraries. */
#define ATL_PATIENCE 10

/* What a program said, up to 64 KiB of each, and how it ended, as waitpid () tells it. */
typedef struct
{
  char *output, *messages; /* stdout and stderr; bytes of any kind without a zero */
  int wait_status;
} AtlAnswer;

/* Starts 'program', a path, with --version, in English and with nothing to read. One that has not ended after so many
 * seconds is killed, with all that it started: G_IO_ERROR_TIMED_OUT. */
gboolean atl_program_ask (AtlAnswer *answer, const char *program, int seconds, GError **error);

void atl_answer_clear (AtlAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlAnswer, atl_answer_clear)

G_END_DECLS
