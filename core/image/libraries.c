/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starting the libraries that pictures need.
 */

#include "image/libraries.h"

#include <gegl.h>

#include "base/error.h"
#include "base/i18n.h"
#include "image/vips.h"

gboolean
atl_image_libraries_start (guint64 tile_cache_size, GError **error)
{
  if (! atl_vips_start ())
    {
      g_autofree char *message = atl_vips_take_message (_ ("unknown reason"));

      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("libvips cannot be started: %s"),
                   message);
      return FALSE;
    }

  gegl_init (NULL, NULL);
  g_object_set (gegl_config (), "use-opencl", FALSE, NULL);
  if (tile_cache_size > 0)
    g_object_set (gegl_config (), "tile-cache-size", tile_cache_size, NULL);
  return TRUE;
}

static void
ignore_warning (const char *domain, GLogLevelFlags level, const char *message, void *data)
{
}

void
atl_image_libraries_stop (void)
{
  /* GEGL (seen in 0.4.42) warns of tiles that its thread has still to free, and then deletes the file that
   * they are in: so it is after every interruption. */
  g_log_set_handler ("GEGL", G_LOG_LEVEL_WARNING, ignore_warning, NULL);
  gegl_exit ();
}
