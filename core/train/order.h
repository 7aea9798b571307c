/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order in which samples are seen: a new random permutation each epoch, which follows from the seed
 * and the number of the epoch alone. So a training that is resumed sees the same samples as one that was
 * never interrupted, and nothing of it needs to be stored.
 */

#pragma once

#include "base/random.h"

G_BEGIN_DECLS

/* What random numbers are used for; each use has streams of its own. */
typedef enum
{
  ATL_STREAM_WEIGHTS,
  ATL_STREAM_ORDER,
  ATL_STREAM_SAMPLE,
  ATL_STREAM_SPLIT,
  ATL_STREAM_VALIDATION
} AtlStream;

/* The generator of use 'use' and number 'index' (of an epoch, of a sample). */
void atl_stream_init (AtlRandom *random, guint64 seed, AtlStream use, guint64 index);

/* Fills 'units' with a random permutation of 0..n - 1. */
void atl_random_permutation (guint32 *units, guint32 n, AtlRandom *random);

typedef struct AtlOrder AtlOrder;

/* n: how many units an epoch has, at least 1. */
AtlOrder *atl_order_new (guint32 n, guint64 seed);
void atl_order_free (AtlOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlOrder, atl_order_free)

/* The unit, 0..n - 1, of a sample, which are counted from 0 over all epochs. Best asked for in order: a
 * change of epoch costs a new permutation. */
guint32 atl_order_unit (AtlOrder *order, guint64 sample);

G_END_DECLS
