/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random numbers by xoshiro256**, seeded by SplitMix64: the same on every machine, but for the last digits of
 * normal ones, which the system's log () decides.
 *
 * Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47, 2021.
 * The state is plain data: a checkpoint stores it as it is.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 state[4];
} AtlRandom;

/* Generators with the same seed and another stream give independent sequences: one for each use
 * (initial weights, order of photos, augmentation of photo k), so that none depends on another. */
void atl_random_init (AtlRandom *random, guint64 seed, guint64 stream);

/* 64 random bits. */
guint64 atl_random_bits (AtlRandom *random);

/* A whole number from 0 to n - 1, without bias. n > 0. */
guint32 atl_random_below (AtlRandom *random, guint32 n);

/* A number from 0 (included) to 1 (excluded), in steps of 2^-53. */
double atl_random_uniform (AtlRandom *random);

/* A number of the normal distribution with mean 0 and deviation 1 (Marsaglia's polar method). */
double atl_random_normal (AtlRandom *random);

G_END_DECLS
