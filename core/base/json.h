/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON texts that come from files: cards, recipes, checkpoints.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Parses a text; owned by the caller. ATL_ERROR_FORMAT if it is not exactly one JSON value by RFC 8259, if
 * an object has two members of one name, or if there are so many brackets that the parser, which
 * recurses, could exhaust the stack. */
JsonNode *atl_json_parse (const char *text, GError **error);

G_END_DECLS
