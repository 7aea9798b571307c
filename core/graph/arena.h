/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Places for buffers in one block of memory, shared by those that never live at the same time.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A buffer lives from time 'first' to time 'last', both included. */
typedef struct
{
  size_t size; /* in floats */
  int first, last;
  size_t offset; /* in floats, the result; aligned as atl_floats_aligned () */
} AtlArenaBuffer;

/* A new buffer: one that is never used may lie over any other. */
#define ATL_ARENA_UNUSED ((AtlArenaBuffer) { .first = G_MAXINT, .last = -1 })

/* Extends a buffer's life to 'time'. */
static inline void
atl_arena_buffer_use (AtlArenaBuffer *buffer, int time)
{
  buffer->first = MIN (buffer->first, time);
  buffer->last = MAX (buffer->last, time);
}

/* Sets the offsets, and returns the size of the whole block in floats, to which unused buffers add nothing. */
size_t atl_arena_place (AtlArenaBuffer *buffers, int n_buffers);

G_END_DECLS
