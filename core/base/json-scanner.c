/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading JSON strictly. See RFC 8259 for the grammar.
 */

#include "base/json-scanner.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"

typedef AtlJsonScanner Scanner;

gboolean
atl_json_scanner_fail (const Scanner *scanner, GError **error, const char *message)
{
  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("%s is damaged at byte %zu: %s"),
               scanner->what, (size_t) (scanner->at - scanner->text), message);
  return FALSE;
}

gboolean
atl_json_scanner_init (Scanner *scanner, const char *what, const char *text, size_t size,
                       GError **error)
{
  *scanner = (Scanner) { .what = what, .text = text, .at = text, .end = text + size };
  if (! g_utf8_validate_len (text, size, &scanner->at))
    return atl_json_scanner_fail (scanner, error, _ ("not UTF-8"));

  scanner->at = text;
  return TRUE;
}

static void
skip_space (Scanner *scanner)
{
  while (scanner->at < scanner->end && strchr (" \t\r\n", *scanner->at) != NULL)
    scanner->at++;
}

gboolean
atl_json_scanner_accept (Scanner *scanner, char c)
{
  skip_space (scanner);
  if (scanner->at == scanner->end || *scanner->at != c)
    return FALSE;
  scanner->at++;
  return TRUE;
}

gboolean
atl_json_scanner_expect (Scanner *scanner, char c, GError **error)
{
  if (atl_json_scanner_accept (scanner, c))
    return TRUE;

  g_autofree char *message = g_strdup_printf (_ ("'%c' was expected"), c);
  return atl_json_scanner_fail (scanner, error, message);
}

gboolean
atl_json_scanner_expect_end (Scanner *scanner, GError **error)
{
  skip_space (scanner);
  return scanner->at == scanner->end
         || atl_json_scanner_fail (scanner, error, _ ("more text after the end"));
}

/* Four hexadecimal digits. */
static gboolean
scan_code_unit (Scanner *scanner, gunichar *unit, GError **error)
{
  *unit = 0;
  for (int i = 0; i < 4; i++, scanner->at++)
    {
      if (scanner->at == scanner->end || ! g_ascii_isxdigit (*scanner->at))
        return atl_json_scanner_fail (scanner, error, _ ("four hexadecimal digits were expected"));
      *unit = *unit << 4 | (gunichar) g_ascii_xdigit_value (*scanner->at);
    }
  return TRUE;
}

/* What follows "\u": one code unit, or the two of a character above U+FFFF. */
static gboolean
scan_unicode (Scanner *scanner, GString *string, GError **error)
{
  gunichar c, low;

  if (! scan_code_unit (scanner, &c, error))
    return FALSE;

  if (c >= 0xd800 && c < 0xdc00)
    {
      if (scanner->end - scanner->at < 2 || memcmp (scanner->at, "\\u", 2) != 0)
        return atl_json_scanner_fail (scanner, error, _ ("half a character"));
      scanner->at += 2;
      if (! scan_code_unit (scanner, &low, error))
        return FALSE;
      if (low < 0xdc00 || low >= 0xe000)
        return atl_json_scanner_fail (scanner, error, _ ("half a character"));
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }

  if (c == 0 || ! g_unichar_validate (c))
    return atl_json_scanner_fail (scanner, error, _ ("a character that there is not"));
  g_string_append_unichar (string, c);
  return TRUE;
}

/* What follows a backslash. */
static gboolean
scan_escape (Scanner *scanner, GString *string, GError **error)
{
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  const char c = scanner->at < scanner->end ? *scanner->at : '\0';

  if (c == 'u')
    {
      scanner->at++;
      return scan_unicode (scanner, string, error);
    }

  const char *letter = c != '\0' ? strchr (letters, c) : NULL;
  if (letter == NULL)
    return atl_json_scanner_fail (scanner, error, _ ("an unknown escape"));
  scanner->at++;
  g_string_append_c (string, meanings[letter - letters]);
  return TRUE;
}

char *
atl_json_scanner_string (Scanner *scanner, GError **error)
{
  g_autoptr (GString) string = g_string_new (NULL);

  if (! atl_json_scanner_expect (scanner, '"', error))
    return NULL;

  while (scanner->at < scanner->end && *scanner->at != '"')
    {
      if ((guchar) *scanner->at < 0x20)
        {
          atl_json_scanner_fail (scanner, error, _ ("a control character in a string"));
          return NULL;
        }
      if (*scanner->at != '\\')
        g_string_append_c (string, *scanner->at++);
      else
        {
          scanner->at++;
          if (! scan_escape (scanner, string, error))
            return NULL;
        }
    }

  if (! atl_json_scanner_expect (scanner, '"', error))
    return NULL;
  return g_strdup (string->str);
}

gboolean
atl_json_scanner_whole (Scanner *scanner, guint64 *number, GError **error)
{
  skip_space (scanner);

  const char *start = scanner->at;
  *number = 0;
  for (; scanner->at < scanner->end && g_ascii_isdigit (*scanner->at); scanner->at++)
    if (! g_uint64_checked_mul (number, *number, 10)
        || ! g_uint64_checked_add (number, *number, (guint64) (*scanner->at - '0')))
      return atl_json_scanner_fail (scanner, error, _ ("a number that is too large"));

  const size_t n_digits = (size_t) (scanner->at - start);
  if (n_digits == 0 || (n_digits > 1 && *start == '0')
      || (scanner->at < scanner->end && strchr (".eE", *scanner->at) != NULL))
    return atl_json_scanner_fail (scanner, error, _ ("a whole number was expected"));
  return TRUE;
}

gboolean
atl_json_scanner_object (Scanner *scanner, AtlJsonMemberFunc *scan_value, void *data,
                         GError **error)
{
  if (! atl_json_scanner_expect (scanner, '{', error))
    return FALSE;
  if (atl_json_scanner_accept (scanner, '}'))
    return TRUE;

  do
    {
      g_autofree char *name = atl_json_scanner_string (scanner, error);

      if (name == NULL || ! atl_json_scanner_expect (scanner, ':', error)
          || ! scan_value (scanner, g_steal_pointer (&name), data, error))
        return FALSE;
    }
  while (atl_json_scanner_accept (scanner, ','));

  return atl_json_scanner_expect (scanner, '}', error);
}

static void
skip_digits (Scanner *scanner)
{
  while (scanner->at < scanner->end && g_ascii_isdigit (*scanner->at))
    scanner->at++;
}

/* One digit at least. */
static gboolean
scan_digits (Scanner *scanner, GError **error)
{
  const char *start = scanner->at;

  skip_digits (scanner);
  return scanner->at > start || atl_json_scanner_fail (scanner, error, _ ("a digit was expected"));
}

/* Whether the very next character is one of these; if so it is skipped. */
static gboolean
accept_one_of (Scanner *scanner, const char *characters)
{
  if (scanner->at == scanner->end || *scanner->at == '\0'
      || strchr (characters, *scanner->at) == NULL)
    return FALSE;
  scanner->at++;
  return TRUE;
}

/* -12.5e+3 */
static gboolean
scan_number (Scanner *scanner, GError **error)
{
  accept_one_of (scanner, "-");
  if (! accept_one_of (scanner, "0") && ! scan_digits (scanner, error))
    return FALSE;
  if (accept_one_of (scanner, ".") && ! scan_digits (scanner, error))
    return FALSE;
  if (! accept_one_of (scanner, "eE"))
    return TRUE;

  accept_one_of (scanner, "+-");
  return scan_digits (scanner, error);
}

static gboolean
accept_word (Scanner *scanner, const char *word)
{
  const size_t length = strlen (word);

  if ((size_t) (scanner->end - scanner->at) < length || memcmp (scanner->at, word, length) != 0)
    return FALSE;
  scanner->at += length;
  return TRUE;
}

/* 'data' holds the names that the object has already. */
static gboolean
scan_member (Scanner *scanner, char *take_name, void *data, GError **error)
{
  if (g_hash_table_add (data, take_name))
    return atl_json_scanner_value (scanner, error);

  /* The table has it now. */
  g_autofree char *shown = atl_text_shown (take_name);
  g_autofree char *message = g_strdup_printf (_ ("'%s' is there twice"), shown);
  return atl_json_scanner_fail (scanner, error, message);
}

static gboolean
scan_members (Scanner *scanner, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return atl_json_scanner_object (scanner, scan_member, names, error);
}

static gboolean
scan_elements (Scanner *scanner, GError **error)
{
  if (! atl_json_scanner_expect (scanner, '[', error))
    return FALSE;
  if (atl_json_scanner_accept (scanner, ']'))
    return TRUE;

  do
    if (! atl_json_scanner_value (scanner, error))
      return FALSE;
  while (atl_json_scanner_accept (scanner, ','));

  return atl_json_scanner_expect (scanner, ']', error);
}

gboolean
atl_json_scanner_value (Scanner *scanner, GError **error)
{
  skip_space (scanner);

  const char c = scanner->at < scanner->end ? *scanner->at : '\0';
  if (c == '{')
    return scan_members (scanner, error);
  if (c == '[')
    return scan_elements (scanner, error);
  if (c == '"')
    {
      g_autofree char *string = atl_json_scanner_string (scanner, error);
      return string != NULL;
    }
  if (c == '-' || g_ascii_isdigit (c))
    return scan_number (scanner, error);

  return accept_word (scanner, "true") || accept_word (scanner, "false")
         || accept_word (scanner, "null")
         || atl_json_scanner_fail (scanner, error, _ ("a value was expected"));
}
