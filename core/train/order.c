/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order in which samples are seen.
 */

#include "train/order.h"

struct AtlOrder
{
  guint32 n;
  guint64 seed;
  guint64 epoch;  /* that 'units' is the permutation of */
  guint32 *units; /* n */
};

void
atl_stream_init (AtlRandom *random, guint64 seed, AtlStream use, guint64 index)
{
  atl_random_init (random, seed, (guint64) use << 56 | index);
}

/* Fisher and Yates' shuffle, as in Knuth, "Seminumerical Algorithms", algorithm P, from the inside out. */
void
atl_random_permutation (guint32 *units, guint32 n, AtlRandom *random)
{
  for (guint32 i = 0; i < n; i++)
    {
      const guint32 j = atl_random_below (random, i + 1);

      units[i] = units[j];
      units[j] = i;
    }
}

static void
shuffle (AtlOrder *order, guint64 epoch)
{
  AtlRandom random;

  atl_stream_init (&random, order->seed, ATL_STREAM_ORDER, epoch);
  atl_random_permutation (order->units, order->n, &random);
  order->epoch = epoch;
}

AtlOrder *
atl_order_new (guint32 n, guint64 seed)
{
  g_return_val_if_fail (n > 0, NULL);

  AtlOrder *order = g_new0 (AtlOrder, 1);

  order->n = n;
  order->seed = seed;
  order->units = g_new (guint32, n);
  shuffle (order, 0);

  return order;
}

void
atl_order_free (AtlOrder *order)
{
  if (order == NULL)
    return;

  g_free (order->units);
  g_free (order);
}

guint32
atl_order_unit (AtlOrder *order, guint64 sample)
{
  const guint64 epoch = sample / order->n;

  if (epoch != order->epoch)
    shuffle (order, epoch);

  return order->units[sample % order->n];
}
