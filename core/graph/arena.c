/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Places for buffers: the largest first, each at the lowest place that is free during its whole life.
 *
 * Greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
 * 2020, section 5.2: within a few per cent of the lower bound for networks such as ours.
 */

#include "graph/arena.h"

#include <stdlib.h>

#include "base/memory.h"

static gboolean
lives_overlap (const AtlArenaBuffer *a, const AtlArenaBuffer *b)
{
  return a->first <= b->last && b->first <= a->last;
}

/* Equal sizes keep their order, so that the result is the same everywhere. */
static int
larger_first (const void *left, const void *right)
{
  const AtlArenaBuffer *a = *(AtlArenaBuffer *const *) left;
  const AtlArenaBuffer *b = *(AtlArenaBuffer *const *) right;

  if (a->size != b->size)
    return a->size > b->size ? -1 : 1;
  return (a > b) - (a < b);
}

static int
lower_first (const void *left, const void *right)
{
  const AtlArenaBuffer *a = *(AtlArenaBuffer *const *) left;
  const AtlArenaBuffer *b = *(AtlArenaBuffer *const *) right;

  return (a->offset > b->offset) - (a->offset < b->offset);
}

/* The lowest gap among the placed buffers that live at the same time; 'placed' is sorted by offset. */
static size_t
lowest_gap (const AtlArenaBuffer *buffer, AtlArenaBuffer **placed, int n_placed)
{
  size_t offset = 0;

  for (int i = 0; i < n_placed; i++)
    {
      if (! lives_overlap (buffer, placed[i]))
        continue;
      if (offset + atl_floats_aligned (buffer->size) <= placed[i]->offset)
        break;
      offset = MAX (offset, placed[i]->offset + atl_floats_aligned (placed[i]->size));
    }

  return offset;
}

size_t
atl_arena_place (AtlArenaBuffer *buffers, int n_buffers)
{
  g_autofree AtlArenaBuffer **order = g_new (AtlArenaBuffer *, (gsize) n_buffers);
  g_autofree AtlArenaBuffer **placed = g_new (AtlArenaBuffer *, (gsize) n_buffers);
  size_t total = 0;

  for (int i = 0; i < n_buffers; i++)
    order[i] = &buffers[i];
  qsort (order, (size_t) n_buffers, sizeof *order, larger_first);

  int n_placed = 0;
  for (int i = 0; i < n_buffers; i++)
    {
      if (order[i]->last < order[i]->first)
        {
          order[i]->offset = 0;
          continue;
        }
      order[i]->offset = lowest_gap (order[i], placed, n_placed);
      total = MAX (total, order[i]->offset + atl_floats_aligned (order[i]->size));
      placed[n_placed++] = order[i];
      qsort (placed, (size_t) n_placed, sizeof *placed, lower_first);
    }

  return total;
}
