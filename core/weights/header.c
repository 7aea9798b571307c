/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The JSON header of a safetensors file, read strictly. See RFC 8259 for the grammar.
 */

#include "weights/header.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"

/* A place in the text. */
typedef struct
{
  const char *text, *at, *end;
} Scanner;

static gboolean
fail_at (const Scanner *scanner, GError **error, const char *message)
{
  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("the header is damaged at byte %zu: %s"),
               (size_t) (scanner->at - scanner->text), message);
  return FALSE;
}

/* A name for a message: its start, without control characters. */
static char *
shown_name (const char *name)
{
  g_autoptr (GString) shown = g_string_new (NULL);

  for (int i = 0; i < 100 && *name != '\0'; i++, name = g_utf8_next_char (name))
    {
      const gunichar c = g_utf8_get_char (name);
      g_string_append_unichar (shown, g_unichar_iscntrl (c) ? '?' : c);
    }
  if (*name != '\0')
    g_string_append (shown, "...");
  return g_strdup (shown->str);
}

/* 'format' has one %s for the name. */
static gboolean
fail_with_name (GError **error, const char *format, const char *name)
{
  g_autofree char *shown = shown_name (name);

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, format, shown);
  return FALSE;
}

static void
skip_space (Scanner *scanner)
{
  while (scanner->at < scanner->end && strchr (" \t\r\n", *scanner->at) != NULL)
    scanner->at++;
}

/* Whether the next character is this one; if so it is skipped. */
static gboolean
accept (Scanner *scanner, char c)
{
  skip_space (scanner);
  if (scanner->at == scanner->end || *scanner->at != c)
    return FALSE;
  scanner->at++;
  return TRUE;
}

static gboolean
expect (Scanner *scanner, char c, GError **error)
{
  if (accept (scanner, c))
    return TRUE;

  g_autofree char *message = g_strdup_printf (_ ("'%c' was expected"), c);
  return fail_at (scanner, error, message);
}

/* Four hexadecimal digits. */
static gboolean
scan_code_unit (Scanner *scanner, gunichar *unit, GError **error)
{
  *unit = 0;
  for (int i = 0; i < 4; i++, scanner->at++)
    {
      if (scanner->at == scanner->end || ! g_ascii_isxdigit (*scanner->at))
        return fail_at (scanner, error, _ ("four hexadecimal digits were expected"));
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
        return fail_at (scanner, error, _ ("half a character"));
      scanner->at += 2;
      if (! scan_code_unit (scanner, &low, error))
        return FALSE;
      if (low < 0xdc00 || low >= 0xe000)
        return fail_at (scanner, error, _ ("half a character"));
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }

  if (c == 0 || ! g_unichar_validate (c))
    return fail_at (scanner, error, _ ("a character that there is not"));
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
    return fail_at (scanner, error, _ ("an unknown escape"));
  scanner->at++;
  g_string_append_c (string, meanings[letter - letters]);
  return TRUE;
}

static char *
scan_string (Scanner *scanner, GError **error)
{
  g_autoptr (GString) string = g_string_new (NULL);

  if (! expect (scanner, '"', error))
    return NULL;

  while (scanner->at < scanner->end && *scanner->at != '"')
    {
      if ((guchar) *scanner->at < 0x20)
        {
          fail_at (scanner, error, _ ("a control character in a string"));
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

  if (! expect (scanner, '"', error))
    return NULL;
  return g_strdup (string->str);
}

/* A whole number without sign, fraction or exponent, as all numbers of a header are. */
static gboolean
scan_number (Scanner *scanner, guint64 *number, GError **error)
{
  skip_space (scanner);

  const char *start = scanner->at;
  *number = 0;
  for (; scanner->at < scanner->end && g_ascii_isdigit (*scanner->at); scanner->at++)
    if (! g_uint64_checked_mul (number, *number, 10)
        || ! g_uint64_checked_add (number, *number, (guint64) (*scanner->at - '0')))
      return fail_at (scanner, error, _ ("a number that is too large"));

  const size_t n_digits = (size_t) (scanner->at - start);
  if (n_digits == 0 || (n_digits > 1 && *start == '0')
      || (scanner->at < scanner->end && strchr (".eE", *scanner->at) != NULL))
    return fail_at (scanner, error, _ ("a whole number was expected"));
  return TRUE;
}

/* [1, 2, 3], at most 'max_numbers'. */
static gboolean
scan_numbers (Scanner *scanner, guint64 *numbers, int *n_numbers, int max_numbers, GError **error)
{
  *n_numbers = 0;
  if (! expect (scanner, '[', error))
    return FALSE;
  if (accept (scanner, ']'))
    return TRUE;

  do
    {
      if (*n_numbers == max_numbers)
        return fail_at (scanner, error, _ ("too many numbers"));
      if (! scan_number (scanner, &numbers[(*n_numbers)++], error))
        return FALSE;
    }
  while (accept (scanner, ','));

  return expect (scanner, ']', error);
}

/* {"name": VALUE, ...}: scan_value reads each VALUE and takes the name. */
typedef gboolean ScanValueFunc (Scanner *scanner, char *take_name, void *data, GError **error);

static gboolean
scan_object (Scanner *scanner, ScanValueFunc *scan_value, void *data, GError **error)
{
  if (! expect (scanner, '{', error))
    return FALSE;
  if (accept (scanner, '}'))
    return TRUE;

  do
    {
      g_autofree char *name = scan_string (scanner, error);

      if (name == NULL || ! expect (scanner, ':', error)
          || ! scan_value (scanner, g_steal_pointer (&name), data, error))
        return FALSE;
    }
  while (accept (scanner, ','));

  return expect (scanner, '}', error);
}

/* Letters as in names and texts that a terminal or dialog will show. */
static gboolean
is_shown (const char *text, const char *also_allowed)
{
  for (; *text != '\0'; text = g_utf8_next_char (text))
    {
      const gunichar c = g_utf8_get_char (text);

      if (g_unichar_iscntrl (c) && ! (c < 0x80 && strchr (also_allowed, (int) c) != NULL))
        return FALSE;
    }
  return TRUE;
}

static gboolean
scan_metadata_value (Scanner *scanner, char *take_name, void *data, GError **error)
{
  GHashTable *metadata = data;
  g_autofree char *name = take_name;
  g_autofree char *value = scan_string (scanner, error);

  if (value == NULL)
    return FALSE;
  if (g_hash_table_contains (metadata, name))
    return fail_with_name (error, _ ("the metadata hold '%s' twice"), name);
  if (g_hash_table_size (metadata) == ATL_HEADER_MAX_METADATA)
    return fail_at (scanner, error, _ ("too much metadata"));
  if (! is_shown (name, "") || ! is_shown (value, "\t\r\n"))
    return fail_with_name (error, _ ("the metadata '%s' hold control characters"), name);

  g_hash_table_insert (metadata, g_steal_pointer (&name), g_steal_pointer (&value));
  return TRUE;
}

static gboolean
scan_tensor_member (Scanner *scanner, char *take_name, void *data, GError **error)
{
  AtlHeaderTensor *tensor = data;
  g_autofree char *name = take_name;
  guint64 offsets[2];
  int n_offsets;

  if (strcmp (name, "dtype") == 0 && tensor->dtype == NULL)
    return (tensor->dtype = scan_string (scanner, error)) != NULL;
  if (strcmp (name, "shape") == 0 && tensor->n_dims < 0)
    return scan_numbers (scanner, tensor->dims, &tensor->n_dims, ATL_HEADER_MAX_DIMS, error);
  if (strcmp (name, "data_offsets") != 0 || tensor->end != G_MAXUINT64)
    return fail_with_name (error, _ ("a tensor has an unknown or repeated member '%s'"), name);

  if (! scan_numbers (scanner, offsets, &n_offsets, 2, error))
    return FALSE;
  if (n_offsets != 2 || offsets[1] == G_MAXUINT64)
    return fail_at (scanner, error, _ ("two offsets were expected"));
  tensor->begin = offsets[0];
  tensor->end = offsets[1];
  return TRUE;
}

static void
tensor_clear (void *tensor)
{
  g_free (((AtlHeaderTensor *) tensor)->name);
  g_free (((AtlHeaderTensor *) tensor)->dtype);
}

typedef struct
{
  AtlHeader *header;
  GHashTable *names; /* all that were read, borrowed from the tensors */
  gboolean has_metadata;
} Reading;

/* Adds a tensor that is filled in place, so that it is freed with the header whatever happens. */
static gboolean
scan_tensor (Scanner *scanner, char *take_name, Reading *reading, GError **error)
{
  GArray *tensors = reading->header->tensors;
  const AtlHeaderTensor unread = { .name = take_name, .n_dims = -1, .end = G_MAXUINT64 };

  g_array_append_val (tensors, unread);
  if (*take_name == '\0' || strlen (take_name) > ATL_HEADER_MAX_NAME || ! is_shown (take_name, ""))
    return fail_with_name (error, _ ("'%s' cannot be the name of a tensor"), take_name);
  if (! g_hash_table_add (reading->names, take_name))
    return fail_with_name (error, _ ("there are two tensors '%s'"), take_name);
  if (tensors->len > ATL_HEADER_MAX_TENSORS)
    return fail_at (scanner, error, _ ("too many tensors"));

  AtlHeaderTensor *tensor = &g_array_index (tensors, AtlHeaderTensor, tensors->len - 1);
  if (! scan_object (scanner, scan_tensor_member, tensor, error))
    return FALSE;
  if (tensor->dtype == NULL || tensor->n_dims < 0 || tensor->end == G_MAXUINT64)
    return fail_with_name (error, _ ("tensor '%s' lacks its dtype, shape or offsets"), take_name);
  return TRUE;
}

static gboolean
scan_entry (Scanner *scanner, char *take_name, void *data, GError **error)
{
  Reading *reading = data;

  if (strcmp (take_name, "__metadata__") != 0)
    return scan_tensor (scanner, take_name, reading, error);

  g_free (take_name);
  if (reading->has_metadata)
    return fail_at (scanner, error, _ ("the metadata are there twice"));
  reading->has_metadata = TRUE;
  return scan_object (scanner, scan_metadata_value, reading->header->metadata, error);
}

AtlHeader *
atl_header_parse (const char *text, size_t size, GError **error)
{
  g_autoptr (AtlHeader) header = g_new0 (AtlHeader, 1);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  Reading reading = { .header = header, .names = names };
  Scanner scanner = { .text = text, .at = text, .end = text + size };

  header->tensors = g_array_new (FALSE, FALSE, sizeof (AtlHeaderTensor));
  g_array_set_clear_func (header->tensors, tensor_clear);
  header->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (! g_utf8_validate_len (text, size, &scanner.at))
    {
      fail_at (&scanner, error, _ ("not UTF-8"));
      return NULL;
    }

  scanner.at = text;
  if (! scan_object (&scanner, scan_entry, &reading, error))
    return NULL;

  skip_space (&scanner);
  if (scanner.at != scanner.end)
    {
      fail_at (&scanner, error, _ ("more text after the end"));
      return NULL;
    }

  return g_steal_pointer (&header);
}

void
atl_header_free (AtlHeader *header)
{
  if (header == NULL)
    return;

  g_array_unref (header->tensors);
  g_hash_table_unref (header->metadata);
  g_free (header);
}
