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
  size_t size; /* in floats; 0 for a buffer that is not needed */
  int first, last;
  size_t offset; /* in floats, the result; aligned as atl_floats_aligned () */
} AtlArenaBuffer;

/* Sets the offsets, and returns the size of the whole block in floats. */
size_t atl_arena_place (AtlArenaBuffer *buffers, int n_buffers);

G_END_DECLS
