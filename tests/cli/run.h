/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs the program 'atelier', whose path is in the environment variable ATELIER; by the command in
 * ATELIER_TEST_WRAPPER, if that is set.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The arguments as a NULL-ended list. */
#define ATL_ARGUMENTS(...) ((const char *const[]) { __VA_ARGS__, NULL })

/* Runs it with these arguments (a NULL-ended list, without the program's name), and asserts its exit
 * status. What it wrote goes to 'output' (stdout) and 'messages' (stderr), freed by g_free (); NULL for
 * what is not wanted. */
void atl_test_run (int status, char **output, char **messages, const char *const *arguments);

/* The same, and asserts that stderr contains 'text', and that nothing came to stdout. */
void atl_test_run_fails (int status, const char *text, const char *const *arguments);

/* Mounts a disk with these options of tmpfs on the folder, for nobody else to see, runs a script of the shell in
 * it, and asserts the script's exit status; "$ATELIER" is the program there, without the wrapper. The output is
 * freed by g_free (). Skips the test, and returns FALSE, where that is not allowed. */
gboolean atl_test_run_on_disk (int status, char **output, char **messages, const char *folder,
                               const char *options, const char *script);

/* Reads until the text was read, or to the end of the stream. Returns whether it was. */
gboolean atl_test_read_until (GInputStream *stream, const char *text);

/* Asserts that a text contains another one. */
void atl_test_contains (const char *text, const char *part);

G_END_DECLS
