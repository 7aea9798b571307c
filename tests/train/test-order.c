/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order of samples: every unit once an epoch, another order in each, and the same from any place.
 */

#include "suite.h"

#include "train/order.h"

enum
{
  N = 97
};

static void
every_unit_once (void)
{
  g_autoptr (AtlOrder) order = atl_order_new (N, 5);

  for (int epoch = 0; epoch < 3; epoch++)
    {
      int times[N] = { 0 };

      for (guint64 i = 0; i < N; i++)
        times[atl_order_unit (order, (guint64) epoch * N + i)]++;
      for (int unit = 0; unit < N; unit++)
        CU_ASSERT_EQUAL (times[unit], 1);
    }
}

static int
n_equal (const guint32 *a, const guint32 *b)
{
  int n = 0;

  for (int i = 0; i < N; i++)
    n += a[i] == b[i];
  return n;
}

/* Two random permutations agree in one place on average, in more than ten never. */
static void
epochs_and_seeds_differ (void)
{
  g_autoptr (AtlOrder) order = atl_order_new (N, 5), other = atl_order_new (N, 6);
  guint32 first[N], second[N], of_other[N], sorted[N];

  for (guint32 i = 0; i < N; i++)
    {
      first[i] = atl_order_unit (order, i);
      of_other[i] = atl_order_unit (other, i);
      sorted[i] = i;
    }
  for (guint64 i = 0; i < N; i++)
    second[i] = atl_order_unit (order, N + i);

  CU_ASSERT (n_equal (first, second) < 10);
  CU_ASSERT (n_equal (first, of_other) < 10);
  CU_ASSERT (n_equal (first, sorted) < 10);
}

static void
resumes_anywhere (void)
{
  g_autoptr (AtlOrder) order = atl_order_new (N, 5), resumed = atl_order_new (N, 5);
  const guint64 start = 2 * N + 40;

  for (guint64 i = 0; i < start; i++)
    atl_order_unit (order, i);
  for (guint64 i = start; i < start + 2 * N; i++)
    CU_ASSERT_EQUAL (atl_order_unit (order, i), atl_order_unit (resumed, i));
}

static void
one_unit (void)
{
  g_autoptr (AtlOrder) order = atl_order_new (1, 5);

  CU_ASSERT_EQUAL (atl_order_unit (order, 0), 0);
  CU_ASSERT_EQUAL (atl_order_unit (order, 12345), 0);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "every unit once", every_unit_once },
    { "epochs and seeds differ", epochs_and_seeds_differ },
    { "resumes anywhere", resumes_anywhere },
    { "one unit", one_unit },
  };

  return atl_suite_run ("order", tests, G_N_ELEMENTS (tests));
}
