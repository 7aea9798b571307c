/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The error domain.
 */

#include "base/error.h"

#include "base/i18n.h"

GQuark
atl_error_quark (void)
{
  return g_quark_from_static_string ("atl-error-quark");
}

void
atl_error_set_memory (GError **error, const char *what, size_t n_bytes)
{
  /* Translators: "the weights", "a part of the picture"; all of them are said in this sentence alone. */
  g_set_error (error, ATL_ERROR, ATL_ERROR_MEMORY, _ ("Not enough memory for %s: %.0f MiB needed"),
               what, (double) n_bytes / (1024.0 * 1024.0));
}

gboolean
atl_error_set_format (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, ATL_ERROR, ATL_ERROR_FORMAT, message);
  return FALSE;
}
