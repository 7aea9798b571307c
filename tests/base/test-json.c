/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON texts: only those of RFC 8259 are read, and what json-glib takes besides is refused.
 */

#include "suite.h"

#include "base/error.h"
#include "base/json.h"

static void
reads_json (void)
{
  static const char *const texts[] = {
    "{}",
    " [ ] \n",
    "null",
    "true",
    "[false, -0, 0, 12, -1.5, 1e9, 2.5E-3, 0.0e+0]",
    "\"\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\\ud83d\\ude00 ü\"",
    "{\"a\": {\"a\": [{\"a\": 1}, {\"a\": 2}]}, \"b\": \"/* no comment */\"}",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = atl_json_parse (texts[i], &error);

      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL (node);
    }
}

static void
keeps_values (void)
{
  g_autoptr (JsonNode) node = atl_json_parse ("{\"n\": -12, \"s\": \"\\u00fc\"}", NULL);

  CU_ASSERT_FATAL (node != NULL && JSON_NODE_HOLDS_OBJECT (node));
  CU_ASSERT_EQUAL (json_object_get_int_member (json_node_get_object (node), "n"), -12);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (json_node_get_object (node), "s"), "ü");
}

static void
refuses_the_rest (void)
{
  static const struct
  {
    const char *text, *message;
  } cases[] = {
    { "", "the JSON text is damaged at byte 0: a value was expected" },
    { " ", "at byte 1: a value was expected" },
    { "{\"a\": 1, \"a\": 2}", "'a' is there twice" },
    { "{\"a\": 1, \"\\u0061\": 2}", "'a' is there twice" },
    { "[{\"b\": {\"a\": 1, \"a\": 1}}]", "'a' is there twice" },
    { "var x = {\"a\": 1};", "at byte 0: a value was expected" },
    { "{\"a\": 1};", "at byte 8: more text after the end" },
    { "{} {}", "more text after the end" },
    { "1 2", "more text after the end" },
    { "/* a */ {}", "a value was expected" },
    { "{} // a", "more text after the end" },
    { "{\"a\": /* a */ 1}", "a value was expected" },
    { "{'a': 1}", "'\"' was expected" },
    { "{\"a\": 'b'}", "a value was expected" },
    { "{a: 1}", "'\"' was expected" },
    { "{\"a\": 0x10}", "at byte 7: '}' was expected" },
    { "010", "more text after the end" },
    { "+1", "a value was expected" },
    { ".5", "a value was expected" },
    { "1.", "a digit was expected" },
    { "1e", "a digit was expected" },
    { "-", "a digit was expected" },
    { "NaN", "a value was expected" },
    { "Infinity", "a value was expected" },
    { "True", "a value was expected" },
    { "nul", "a value was expected" },
    { "nulll", "more text after the end" },
    { "[1,]", "a value was expected" },
    { "[1 2]", "']' was expected" },
    { "[", "a value was expected" },
    { "{\"a\": 1,}", "'\"' was expected" },
    { "{\"a\" 1}", "':' was expected" },
    { "\"a", "'\"' was expected" },
    { "\"\\x\"", "an unknown escape" },
    { "\"\\u0000\"", "a character that there is not" },
    { "\"\\ud83d\"", "half a character" },
    { "\"\n\"", "a control character in a string" },
    { "\"\xff\"", "not UTF-8" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = atl_json_parse (cases[i].text, &error);

      if (node != NULL)
        printf ("  accepted: %s\n", cases[i].text);
      CU_ASSERT_PTR_NULL_FATAL (node);
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, cases[i].message);
    }
}

static void
refuses_wild_nesting (void)
{
  g_autofree char *deep = g_strnfill (3000000, '[');
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (atl_json_parse (deep, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "a JSON text with 3000000 brackets");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reads JSON", reads_json },
    { "keeps values", keeps_values },
    { "refuses the rest", refuses_the_rest },
    { "refuses wild nesting", refuses_wild_nesting },
  };

  return atl_suite_run ("json", tests, G_N_ELEMENTS (tests));
}
