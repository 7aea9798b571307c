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
  guint64 cache = 0;

  g_object_get (gegl_config (), "swap", &swap, "tile-cache-size", &cache, NULL);

  /* "RAM" is GEGL's word for no swap. */
  const gboolean swaps = swap != NULL && g_ascii_strcasecmp (swap, "ram") != 0;
  const guint64 kept = swaps ? MIN (buffers, cache) : buffers;
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

  const guint64 room = swapped > 0 ? free_on_disk (swap) : G_MAXUINT64;
  if (swapped > room)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_MEMORY,
                   _ ("The picture is too large for the disk of GEGL's swap folder '%s': %.0f MiB "
                      "are needed, and %.0f MiB are free"),
                   swap, (double) swapped / MIB, (double) room / MIB);
      return FALSE;
    }

  return TRUE;
}
