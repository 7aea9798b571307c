/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random numbers: the same everywhere, independent streams, the right distributions.
 */

#include "suite.h"

#include <math.h>

#include "base/random.h"

/* First outputs of xoshiro256** for the state 1, 2, 3, 4, from the formula computed in Python. */
static void
follows_the_paper (void)
{
  AtlRandom random = { { 1, 2, 3, 4 } };
  static const guint64 expected[] = { 11520, 0, 1509978240, 1215971899390074240 };

  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++)
    CU_ASSERT_EQUAL (atl_random_bits (&random), expected[i]);
}

static void
streams_differ (void)
{
  AtlRandom a, b, again;

  atl_random_init (&a, 7, 0);
  atl_random_init (&b, 7, 1);
  atl_random_init (&again, 7, 0);
  const guint64 first = atl_random_bits (&a);
  CU_ASSERT_NOT_EQUAL (first, atl_random_bits (&b));
  CU_ASSERT_EQUAL (first, atl_random_bits (&again));
}

static void
below_is_uniform (void)
{
  AtlRandom random;
  int counts[6] = { 0 };

  atl_random_init (&random, 1, 2);
  for (int i = 0; i < 60000; i++)
    {
      const guint32 k = atl_random_below (&random, 6);

      CU_ASSERT_FATAL (k < 6);
      counts[k]++;
    }
  for (int i = 0; i < 6; i++)
    CU_ASSERT (abs (counts[i] - 10000) < 500); /* five deviations of 91 */
}

static void
normal_has_its_moments (void)
{
  AtlRandom random;
  double sum = 0.0, squares = 0.0, fourth = 0.0;
  const int n = 100000;

  atl_random_init (&random, 3, 0);
  for (int i = 0; i < n; i++)
    {
      const double x = atl_random_normal (&random);

      sum += x;
      squares += x * x;
      fourth += x * x * x * x;
    }
  CU_ASSERT_DOUBLE_EQUAL (sum / n, 0.0, 0.02);
  CU_ASSERT_DOUBLE_EQUAL (squares / n, 1.0, 0.03);
  CU_ASSERT_DOUBLE_EQUAL (fourth / n, 3.0, 0.2);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "follows the paper", follows_the_paper },
    { "streams differ", streams_differ },
    { "below is uniform", below_is_uniform },
    { "normal has its moments", normal_has_its_moments },
  };

  return atl_suite_run ("random", tests, G_N_ELEMENTS (tests));
}
