/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether GEGL's swap file has kept all pixels. GEGL drops a tile that it cannot write, and tells of it in
 * its log alone, so the log is listened to.
 */

#pragma once

#include <gegl.h>

#include "base/visibility.h"

G_BEGIN_DECLS

/* The tile cache for pictures, in bytes: more gains nothing, since every tile is read and written once. */
#define ATL_TILE_CACHE_SIZE (G_GUINT64_CONSTANT (128) << 20)

/* How many tiles were lost until now, in the whole process: to be asked before work starts, for
 * atl_swap_check (). Any thread. */
ATL_PUBLIC guint atl_swap_losses (void);

/* Whether no tile was lost since there were 'losses' of them: ATL_ERROR_MEMORY if some were. All that was
 * read from buffers until now is then what was written into them. */
ATL_PUBLIC gboolean atl_swap_check (guint losses, GError **error);

/* The same of what a buffer holds: all that it reads later will be what was written. Takes the time to write
 * it to the swap file, if it may not stay in memory. */
ATL_PUBLIC gboolean atl_swap_check_buffer (GeglBuffer *buffer, guint losses, GError **error);

G_END_DECLS
