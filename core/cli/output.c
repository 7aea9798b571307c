/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands say.
 */

#include "cli/output.h"

#include <stdio.h>

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

void
atl_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, TRUE);

  puts (text);
}
