/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arena: buffers that live together never overlap, others share memory.
 */

#include "suite.h"

#include "base/random.h"
#include "graph/arena.h"

static void
a_chain_needs_its_widest_pair (void)
{
  /* As the layers of a network without branches: each tensor lives from its writer to its reader. */
  AtlArenaBuffer buffers[] = {
    { .size = 160, .first = 0, .last = 1 },
    { .size = 320, .first = 1, .last = 2 },
    { .size = 64, .first = 2, .last = 3 },
    { .size = 320, .first = 3, .last = 4 },
  };

  CU_ASSERT_EQUAL (atl_arena_place (buffers, G_N_ELEMENTS (buffers)), 320 + 160);
}

static void
sizes_are_aligned (void)
{
  AtlArenaBuffer buffers[] = {
    { .size = 1, .first = 0, .last = 9 },
    { .size = 17, .first = 0, .last = 9 },
  };

  CU_ASSERT_EQUAL (atl_arena_place (buffers, G_N_ELEMENTS (buffers)), 16 + 32);
  CU_ASSERT_EQUAL (buffers[0].offset % 16, 0);
  CU_ASSERT_EQUAL (buffers[1].offset % 16, 0);
}

static void
unused_buffers_take_nothing (void)
{
  AtlArenaBuffer buffers[] = { ATL_ARENA_UNUSED, { .size = 32, .first = 0, .last = 1 } };

  buffers[0].size = 1000;
  CU_ASSERT_EQUAL (atl_arena_place (buffers, G_N_ELEMENTS (buffers)), 32);
}

static void
check_random_case (AtlRandom *random)
{
  AtlArenaBuffer buffers[40];
  const int n = 1 + (int) atl_random_below (random, G_N_ELEMENTS (buffers));
  size_t sum = 0, busiest = 0;

  for (int i = 0; i < n; i++)
    {
      const int first = (int) atl_random_below (random, 50);

      buffers[i] = (AtlArenaBuffer) { .size = atl_random_below (random, 300),
                                      .first = first,
                                      .last = first + (int) atl_random_below (random, 10) };
      sum += (buffers[i].size + 15) / 16 * 16;
    }

  const size_t total = atl_arena_place (buffers, n);

  for (int time = 0; time < 60; time++)
    {
      size_t alive = 0;

      for (int i = 0; i < n; i++)
        if (buffers[i].first <= time && time <= buffers[i].last)
          alive += buffers[i].size;
      busiest = MAX (busiest, alive);
    }
  CU_ASSERT (total >= busiest && total <= sum);

  for (int i = 0; i < n; i++)
    {
      CU_ASSERT (buffers[i].offset + buffers[i].size <= total);
      for (int k = 0; k < i; k++)
        if (buffers[i].first <= buffers[k].last && buffers[k].first <= buffers[i].last)
          CU_ASSERT (buffers[i].offset + buffers[i].size <= buffers[k].offset
                     || buffers[k].offset + buffers[k].size <= buffers[i].offset);
    }
}

static void
living_buffers_never_overlap (void)
{
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (int i = 0; i < 500; i++)
    check_random_case (&random);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "a chain needs its widest pair", a_chain_needs_its_widest_pair },
    { "sizes are aligned", sizes_are_aligned },
    { "unused buffers take nothing", unused_buffers_take_nothing },
    { "living buffers never overlap", living_buffers_never_overlap },
  };

  return atl_suite_run ("arena", tests, G_N_ELEMENTS (tests));
}
