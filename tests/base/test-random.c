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

/* The whole way from seed and stream, computed in Python by the formulas of both papers. A training from
 * the same seed must draw the same on every machine and in every version. */
static void
keeps_its_numbers (void)
{
  static const guint64 bits[] = { G_GUINT64_CONSTANT (0x7957c3b74b90459e),
                                  G_GUINT64_CONSTANT (0x32f5b5fef980b055),
                                  G_GUINT64_CONSTANT (0xf54ad23e63375dfe) };
  static const guint64 bits_of_zero[] = { G_GUINT64_CONSTANT (0xfb5405f7bd79c540),
                                          G_GUINT64_CONSTANT (0x780c98e26cea5883),
                                          G_GUINT64_CONSTANT (0x2a146e0980febc66) };
  static const guint32 below_6[] = { 2, 1, 5, 0, 2, 3, 4, 0 };
  /* Of 2^32 values a third is drawn again. */
  static const guint32 below_many[] = { 1222080502, 6411663,   193197484,
                                        2760162613, 815994073, 2160339239 };
  static const double uniform[] = { 0x1.e55f0edd2e410p-2, 0x1.97adaff7cc058p-3,
                                    0x1.ea95a47cc66ebp-1 };
  static const double normal[] = { -0.12223483274642824, -1.108400120677465, -0.1549276092158191 };
  AtlRandom random;

  atl_random_init (&random, 7, 3);
  for (size_t i = 0; i < G_N_ELEMENTS (bits); i++)
    CU_ASSERT_EQUAL (atl_random_bits (&random), bits[i]);
  atl_random_init (&random, 0, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (bits_of_zero); i++)
    CU_ASSERT_EQUAL (atl_random_bits (&random), bits_of_zero[i]);

  atl_random_init (&random, 7, 3);
  for (size_t i = 0; i < G_N_ELEMENTS (below_6); i++)
    CU_ASSERT_EQUAL (atl_random_below (&random, 6), below_6[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (below_many); i++)
    CU_ASSERT_EQUAL (atl_random_below (&random, 3000000000u), below_many[i]);

  atl_random_init (&random, 7, 3);
  for (size_t i = 0; i < G_N_ELEMENTS (uniform); i++)
    CU_ASSERT_EQUAL (atl_random_uniform (&random), uniform[i]);
  atl_random_init (&random, 7, 3);
  for (size_t i = 0; i < G_N_ELEMENTS (normal); i++)
    CU_ASSERT_DOUBLE_EQUAL (atl_random_normal (&random), normal[i], 1e-14);
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
    { "keeps its numbers", keeps_its_numbers },
    { "streams differ", streams_differ },
    { "below is uniform", below_is_uniform },
    { "normal has its moments", normal_has_its_moments },
  };

  return atl_suite_run ("random", tests, G_N_ELEMENTS (tests));
}
