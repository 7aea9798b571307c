/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the work will fit into memory and on disk.
 */

#include "image/room.h"

#include <gegl.h>
#include <gio/gio.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"

#define MIB (1024.0 * 1024.0)

/* Free bytes of the disk that holds the folder, or G_MAXUINT64 when unknown. */
static guint64
free_on_disk (const char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autoptr (GFileInfo)
      info = g_file_query_filesystem_info (file, G_FILE_ATTRIBUTE_FILESYSTEM_FREE, NULL, NULL);

  if (info == NULL || ! g_file_info_has_attribute (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE))
    return G_MAXUINT64;
  return g_file_info_get_attribute_uint64 (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE);
}

gboolean
atl_room_check (size_t memory, guint64 buffers, GError **error)
{
  g_autofree char *swap = NULL;
  guint64 cache = 0, used = 0, swap_size = 0, swapped_before = 0;

  g_object_get (gegl_config (), "swap", &swap, "tile-cache-size", &cache, NULL);
  g_object_get (gegl_stats (), "tile-cache-total", &used, "swap-file-size", &swap_size,
                "swap-total", &swapped_before, NULL);

  /* "RAM" is GEGL's word for no swap. */
  const gboolean swaps = swap != NULL && g_ascii_strcasecmp (swap, "ram") != 0;
  const guint64 free_cache = cache - MIN (used, cache);
  const guint64 kept = swaps ? MIN (buffers, free_cache) : buffers;
  const guint64 swapped = buffers - kept;
  const size_t available = atl_memory_available ();

  if (available > 0 && memory + kept > available)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_MEMORY,
                   _ ("The picture is too large for this computer: %.0f MiB of memory are needed, "
                      "and %.0f MiB are free"),
                   (double) (memory + kept) / MIB, (double) available / MIB);
      return FALSE;
    }

  /* GEGL never makes its swap file smaller: what earlier buffers have left in it is used again. */
  const guint64 reusable = swap_size - MIN (swapped_before, swap_size);
  const guint64 on_disk = swapped > reusable ? swapped - reusable : 0;
  const guint64 room = on_disk > 0 ? free_on_disk (swap) : G_MAXUINT64;
  if (on_disk > room)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_MEMORY,
                   _ ("The picture is too large for the disk of GEGL's swap folder '%s': %.0f MiB "
                      "are needed, and %.0f MiB are free"),
                   swap, (double) on_disk / MIB, (double) room / MIB);
      return FALSE;
    }

  return TRUE;
}
