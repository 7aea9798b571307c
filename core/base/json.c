/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON texts that come from files.
 */

#include "base/json.h"

#include "base/error.h"
#include "base/i18n.h"

enum
{
  /* No nesting is deeper than this. json-glib 1.6 dies of 200000 levels on a stack of 8 MiB; recipes
   * have a bracket for each list and each object in one. */
  MAX_BRACKETS = 2000
};

JsonNode *
atl_json_parse (const char *text, GError **error)
{
  g_autoptr (GError) why = NULL;
  int n_brackets = 0;

  for (const char *c = text; *c != '\0'; c++)
    n_brackets += *c == '[' || *c == '{';
  if (n_brackets > MAX_BRACKETS)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("a JSON text with %d brackets"),
                   n_brackets);
      return NULL;
    }

  JsonNode *node = json_from_string (text, &why);
  if (node == NULL)
    g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("not a JSON text: %s"),
                 why != NULL ? why->message : _ ("it is empty"));
  return node;
}
