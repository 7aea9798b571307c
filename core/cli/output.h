/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands say: messages to stderr, all beginning with 'atelier COMMAND: ', and JSON to stdout.
 */

#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A message for people. */
void atl_say (const char *command, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Says why the command failed, or that it was interrupted; returns ATL_EXIT_FAILED. */
int atl_say_failure (const char *command, const GError *error);

/* Says what is wrong with the command line and where help is; returns ATL_EXIT_USAGE. */
int atl_say_usage (const char *command, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Says what went wrong: ATL_ERROR_ARGUMENT as wrong usage, all else as a failure; returns the exit
 * status. */
int atl_say_error (const char *command, const GError *error);

/* Prints a text in a column of so many characters, which are not bytes: to the right of it, or to the left
 * if 'width' is negative, with one space at least between two columns. */
void atl_print_cell (const char *text, int width);

/* Members of an object of JSON. Names of files need not be UTF-8, but JSON must: what is not becomes
 * U+FFFD. A number that is not finite becomes null. */
void atl_json_add_text (JsonBuilder *builder, const char *name, const char *text);
void atl_json_add_integer (JsonBuilder *builder, const char *name, gint64 value);
void atl_json_add_number (JsonBuilder *builder, const char *name, double value);

/* Prints what was built, indented, without control characters but the ends of lines. */
void atl_print_json (JsonBuilder *builder);

G_END_DECLS
