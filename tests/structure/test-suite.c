/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The frame of the tests itself: what it calls close.
 */

#include "suite.h"

#include <math.h>

static void
is_close (void)
{
  static const float a[] = { 1.0f, -100.0f, 0.05f }, b[] = { 1.0f, -100.0f, 0.0f };
  static const float zeros[3], small[] = { 0.0f, 1e-3f, 0.0f };

  CU_ASSERT (atl_test_is_close ("equal", a, a, 3, 0.0));
  CU_ASSERT (atl_test_is_close ("near the largest", a, b, 3, 1e-3));
  CU_ASSERT_FALSE (atl_test_is_close ("too far", a, b, 3, 1e-4));
  CU_ASSERT (atl_test_is_close ("zeros", small, zeros, 3, 2e-3));
  CU_ASSERT_FALSE (atl_test_is_close ("no zeros", small, zeros, 3, 1e-4));
  CU_ASSERT (atl_test_is_close ("nothing", a, b, 0, 0.0));
}

/* An infinite number that is expected must not allow every difference. */
static void
is_never_close_to_what_is_not_finite (void)
{
  static const float numbers[] = { NAN, INFINITY, -INFINITY };

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    for (int place = 0; place < 2; place++)
      {
        const float good[] = { 1.0f, 1.0f };
        float bad[] = { 1.0f, 1.0f };

        bad[place] = numbers[i];
        CU_ASSERT_FALSE (atl_test_is_close ("found", bad, good, 2, 1.0));
        CU_ASSERT_FALSE (atl_test_is_close ("expected", good, bad, 2, 1.0));
        CU_ASSERT_FALSE (atl_test_is_close ("both", bad, bad, 2, 1.0));
      }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "is close", is_close },
    { "is never close to what is not finite", is_never_close_to_what_is_not_finite },
  };

  return atl_suite_run ("suite", tests, G_N_ELEMENTS (tests));
}
