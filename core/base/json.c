/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON texts that come from files.
 */

#include "base/json.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/json-scanner.h"

enum
{
  /* No nesting is deeper than this: the scanner and json-glib recurse. json-glib 1.6 dies of 200000 levels on a stack of 8 MiB; recipes
   * have a bracket for each list and each object in one. */
  MAX_BRACKETS = 2000
};

JsonNode *
atl_json_parse (const char *text, GError **error)
{
  g_autoptr (GError) why = NULL;
  AtlJsonScanner scanner;
  int n_brackets = 0;

  for (const char *c = text; *c != '\0'; c++)
    n_brackets += *c == '[' || *c == '{';
  if (n_brackets > MAX_BRACKETS)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("a JSON text with %d brackets"),
                   n_brackets);
      return NULL;
    }

  /* json-glib alone takes comments, assignments, single quotes and half documents, and lets the last of
   * two members of one name win. */
  if (! atl_json_scanner_init (&scanner, _ ("the JSON text"), text, strlen (text), error)
      || ! atl_json_scanner_value (&scanner, error)
      || ! atl_json_scanner_expect_end (&scanner, error))
    return NULL;

  JsonNode *node = json_from_string (text, &why);
  if (node == NULL)
    g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("the JSON text cannot be read: %s"),
                 why != NULL ? why->message : "");
  return node;
}
