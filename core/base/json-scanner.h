/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading JSON strictly, by RFC 8259: a place in a text, and what may come next there.
 *
 * Each function skips what it names and white space before it, or fails with ATL_ERROR_FORMAT, which
 * says where in the text what was expected. The text is UTF-8.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *what; /* the text's name for messages: "the header" */
  const char *text, *at, *end;
} AtlJsonScanner;

/* Begins at the start of a text; fails if it is not UTF-8. */
gboolean atl_json_scanner_init (AtlJsonScanner *scanner, const char *what, const char *text,
                                size_t size, GError **error);

/* Sets an error at the present place, and returns FALSE. */
gboolean atl_json_scanner_fail (const AtlJsonScanner *scanner, GError **error, const char *message);

/* Whether the next character is this one; if so it is skipped. */
gboolean atl_json_scanner_accept (AtlJsonScanner *scanner, char c);

gboolean atl_json_scanner_expect (AtlJsonScanner *scanner, char c, GError **error);

/* The end of the text. */
gboolean atl_json_scanner_expect_end (AtlJsonScanner *scanner, GError **error);

/* A string in double quotes, with its escapes resolved; owned by the caller. NULL if there is none. */
char *atl_json_scanner_string (AtlJsonScanner *scanner, GError **error);

/* A whole number without sign, fraction or exponent. */
gboolean atl_json_scanner_whole (AtlJsonScanner *scanner, guint64 *number, GError **error);

/* {"name": VALUE, ...}: scan_value reads each VALUE and takes the name. */
typedef gboolean AtlJsonMemberFunc (AtlJsonScanner *scanner, char *take_name, void *data,
                                    GError **error);
gboolean atl_json_scanner_object (AtlJsonScanner *scanner, AtlJsonMemberFunc *scan_value,
                                  void *data, GError **error);

/* Any value, in which no object has two members of one name. Recurses as deep as the brackets. */
gboolean atl_json_scanner_value (AtlJsonScanner *scanner, GError **error);

G_END_DECLS
