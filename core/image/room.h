/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the work will fit into memory and on disk, known before it starts.
 */

#pragma once

#include <glib.h>

#include "base/visibility.h"

G_BEGIN_DECLS

/* memory: bytes that computing takes; buffers: bytes of all GeglBuffers that it makes, of which GEGL
 * keeps what its tile cache still has room for in memory, and swaps the rest to disk. ATL_ERROR_MEMORY with both numbers if
 * memory or disk has less. What the system does not tell counts as enough. */
ATL_PUBLIC gboolean atl_room_check (size_t memory, guint64 buffers, GError **error);

G_END_DECLS
