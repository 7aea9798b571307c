/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where translations are.
 */

#include "base/i18n.h"

#include <libintl.h>

const char *
atl_translations_folder (void)
{
  const char *folder = g_getenv ("ATELIER_LOCALE_DIR");

  return folder != NULL ? folder : ATELIER_LOCALE_DIR;
}

void
atl_translations_bind (void)
{
  bindtextdomain (GETTEXT_PACKAGE, atl_translations_folder ());
  /* What GLib and GTK expect, whatever the locale's own encoding. */
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
}
