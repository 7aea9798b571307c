/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether GEGL's swap file has kept all pixels.
 */

#include "image/swap.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"

/* How often GEGL is asked whether it still writes, in microseconds. */
#define POLL_TIME 2000

/* How GEGL (gegl/buffer/gegl-tile-backend-swap.c, as of 0.4.62) begins to tell of a tile that is lost. Not
 * among them is 'failed to resize swap file', after which writing may go well. */
static const char *const losses_told[] = {
  "unable to write tile data to self",
  "unable to seek to tile in buffer",
  "unable to read tile data from swap",
  "no swap storage allocated for tile",
  "failed to decompress tile",
  "could not open swap file",
  "using swap backend, but swap is disabled",
};

static guint n_losses; /* atomic */

/* Called by any thread, GEGL's writer among them, before the tile is gone. */
static void
listen (const char *domain, GLogLevelFlags level, const char *message, void *data)
{
  for (size_t i = 0; i < G_N_ELEMENTS (losses_told); i++)
    if (message != NULL && g_str_has_prefix (message, losses_told[i]))
      {
        /* Said once, as the error of the work, and not for each tile. */
        g_atomic_int_inc (&n_losses);
        return;
      }
  g_log_default_handler (domain, level, message, NULL);
}

guint
atl_swap_losses (void)
{
  static gsize listening = 0;

  if (g_once_init_enter (&listening))
    {
      g_log_set_handler ("GEGL", G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_WARNING, listen, NULL);
      g_once_init_leave (&listening, 1);
    }
  return (guint) g_atomic_int_get (&n_losses);
}

gboolean
atl_swap_check (guint losses, GError **error)
{
  g_autofree char *folder = NULL;

  if (atl_swap_losses () == losses)
    return TRUE;

  g_object_get (gegl_config (), "swap", &folder, NULL);
  g_set_error (error, ATL_ERROR, ATL_ERROR_MEMORY,
               _ ("A part of the picture was lost, since GEGL could not keep it in its swap folder "
                  "'%s': the disk is full, or the folder cannot be written to"),
               folder != NULL ? folder : "");
  return FALSE;
}

/* Whether the tiles in memory may be twice as many, and none leaves it: so it is when a buffer that is in it
 * is copied. */
static gboolean
stays_in_memory (void)
{
  guint64 cache = 0, used = 0, swapped = 0;

  g_object_get (gegl_config (), "tile-cache-size", &cache, NULL);
  g_object_get (gegl_stats (), "tile-cache-total", &used, "swap-total", &swapped, NULL);
  return swapped == 0 && used <= cache / 2;
}

gboolean
atl_swap_check_buffer (GeglBuffer *buffer, guint losses, GError **error)
{
  gboolean busy = TRUE;

  if (stays_in_memory ())
    return atl_swap_check (losses, error);

  gegl_buffer_flush (buffer); /* queues all tiles that are not in the swap file yet */
  while (busy)
    {
      g_object_get (gegl_stats (), "swap-busy", &busy, NULL);
      if (busy)
        g_usleep (POLL_TIME);
    }
  return atl_swap_check (losses, error);
}
