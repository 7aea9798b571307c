/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands say.
 */

#include "cli/output.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "base/i18n.h"
#include "cli/command.h"

static void
say (const char *command, const char *format, va_list arguments)
{
  g_autofree char *message = g_strdup_vprintf (format, arguments);

  g_printerr ("atelier %s: %s\n", command, message);
}

void
atl_say (const char *command, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  say (command, format, arguments);
  va_end (arguments);
}

int
atl_say_failure (const char *command, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    atl_say (command, _ ("interrupted"));
  else
    atl_say (command, "%s", error->message);
  return ATL_EXIT_FAILED;
}

int
atl_say_usage (const char *command, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  say (command, format, arguments);
  va_end (arguments);
  g_printerr (_ ("Try 'atelier %s --help'\n"), command);
  return ATL_EXIT_USAGE;
}

int
atl_say_error (const char *command, const GError *error)
{
  if (g_error_matches (error, ATL_ERROR, ATL_ERROR_ARGUMENT))
    return atl_say_usage (command, "%s", error->message);
  return atl_say_failure (command, error);
}

void
atl_print_cell (const char *text, int width)
{
  const int n_missing = ABS (width) - (int) g_utf8_strlen (text, -1);
  const int n_spaces = MAX (n_missing, 1);

  printf ("%*s%s%*s", width > 0 ? n_spaces : 0, "", text, width < 0 ? n_spaces : 0, "");
}

void
atl_json_add_text (JsonBuilder *builder, const char *name, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, valid);
}

void
atl_json_add_integer (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
atl_json_add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

/* JSON allows the control characters from U+0080 on in a string, and json-glib writes them as they are; a terminal may
 * obey them. */
static char *
escape_control_characters (const char *json)
{
  g_autoptr (GString) escaped = g_string_new (NULL);

  for (const char *at = json; *at != '\0'; at = g_utf8_next_char (at))
    {
      const gunichar c = g_utf8_get_char (at);

      if (c >= 0x7f && g_unichar_iscntrl (c))
        g_string_append_printf (escaped, "\\u%04x", c);
      else
        g_string_append_unichar (escaped, c);
    }
  return g_strdup (escaped->str);
}

void
atl_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, TRUE);
  g_autofree char *escaped = escape_control_characters (text);

  puts (escaped);
}
