/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts for a terminal or a dialog, and numbers that were typed.
 */

#include "base/text.h"

#include <stdint.h>
#include <string.h>

#include "base/i18n.h"

enum
{
  MAX_SHOWN = 100 /* characters; a line of a message holds no more */
};

gboolean
atl_text_is_shown (const char *text, const char *also_allowed)
{
  if (! g_utf8_validate (text, -1, NULL))
    return FALSE;

  for (; *text != '\0'; text = g_utf8_next_char (text))
    {
      const gunichar c = g_utf8_get_char (text);

      if (g_unichar_iscntrl (c) && ! (c < 0x80 && strchr (also_allowed, (int) c) != NULL))
        return FALSE;
    }
  return TRUE;
}

/* The first characters of 'n_bytes' of a text. */
static char *
show (const char *text, size_t n_bytes, size_t max_characters)
{
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) n_bytes);
  g_autoptr (GString) shown = g_string_new (NULL);
  const char *at = valid;

  for (size_t i = 0; i < max_characters && *at != '\0'; i++, at = g_utf8_next_char (at))
    {
      const gunichar c = g_utf8_get_char (at);

      g_string_append_unichar (shown, g_unichar_iscntrl (c) ? '?' : c);
    }
  if (*at != '\0')
    g_string_append (shown, "...");
  return g_strdup (shown->str);
}

char *
atl_text_shown (const char *text)
{
  /* More bytes than MAX_SHOWN characters have; a text may be long. */
  return show (text, strnlen (text, 6 * MAX_SHOWN), MAX_SHOWN);
}

char *
atl_text_shown_whole (const char *text)
{
  return show (text, strlen (text), SIZE_MAX);
}

char *
atl_text_quoted (const char *text)
{
  if (atl_text_is_shown (text, ""))
    return g_shell_quote (text);

  g_autoptr (GString) quoted = g_string_new ("$'");
  for (; *text != '\0'; text++)
    if (g_ascii_isprint (*text) && *text != '\'' && *text != '\\')
      g_string_append_c (quoted, *text);
    else
      g_string_append_printf (quoted, "\\%03o", (guchar) *text);
  g_string_append_c (quoted, '\'');
  return g_strdup (quoted->str);
}

gboolean
atl_text_to_number (const char *text, double *number)
{
  char *end;

  *number = g_ascii_strtod (text, &end);
  return end != text && *end == '\0';
}

char *
atl_duration_to_string (double seconds)
{
  const gint64 whole = (gint64) (CLAMP (seconds, 0.0, 1e9) + 0.5);

  if (whole < 60)
    return g_strdup_printf (_ ("%d s"), (int) whole);
  if (whole < 3600)
    return g_strdup_printf (_ ("%d:%02d min"), (int) (whole / 60), (int) (whole % 60));
  return g_strdup_printf (_ ("%d:%02d h"), (int) (whole / 3600), (int) (whole / 60 % 60));
}
