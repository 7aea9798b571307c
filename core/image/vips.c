/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files that speak with libvips have in common.
 */

#include "image/vips.h"

#include <string.h>

/* What fails is told as an error, once; libvips would also warn of each tile of a cancelled picture. */
static void
ignore_warning (const char *domain, GLogLevelFlags level, const char *message, void *data)
{
}

gboolean
atl_vips_start (void)
{
  static gsize started = 0;

  if (g_once_init_enter (&started))
    {
      const gboolean ok = VIPS_INIT ("atelier") == 0;

      /* Every picture is read once: what was computed for it is not needed again. */
      if (ok)
        vips_cache_set_max (0);
      g_log_set_handler ("VIPS", G_LOG_LEVEL_WARNING, ignore_warning, NULL);
      g_once_init_leave (&started, ok ? 1 : 2);
    }
  return started == 1;
}

char *
atl_vips_take_message (const char *fallback)
{
  /* Until libvips 8.14, and since 8.15. */
  static const char *const system_marks[] = { "unix error: ", "system error: " };
  g_autofree char *text = vips_error_buffer_copy ();
  const char *message = text;

  for (size_t i = 0; i < G_N_ELEMENTS (system_marks) && message == text; i++)
    {
      const char *system = strstr (text, system_marks[i]);

      if (system != NULL)
        message = system + strlen (system_marks[i]);
    }

  const size_t length = strcspn (message, "\n");

  return length > 0 ? g_strndup (message, length) : g_strdup (fallback);
}
