/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * xoshiro256** and what is drawn from it.
 */

#include "base/random.h"

#include <math.h>

static guint64
split_mix (guint64 *x)
{
  guint64 z = (*x += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static guint64
rotate_left (guint64 x, int n)
{
  return (x << n) | (x >> (64 - n));
}

void
atl_random_init (AtlRandom *random, guint64 seed, guint64 stream)
{
  guint64 mixed = stream;
  guint64 x = seed ^ split_mix (&mixed);

  for (int i = 0; i < 4; i++)
    random->state[i] = split_mix (&x);
}

guint64
atl_random_bits (AtlRandom *random)
{
  guint64 *s = random->state;
  const guint64 result = rotate_left (s[1] * 5, 7) * 9;
  const guint64 t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left (s[3], 45);
  return result;
}

/* Lemire's multiplication, with the few values that would favour some results drawn again. */
guint32
atl_random_below (AtlRandom *random, guint32 n)
{
  g_return_val_if_fail (n > 0, 0);

  const guint32 threshold = -n % n;
  guint64 product;

  do
    product = (atl_random_bits (random) >> 32) * n;
  while ((guint32) product < threshold);

  return (guint32) (product >> 32);
}

double
atl_random_uniform (AtlRandom *random)
{
  return (double) (atl_random_bits (random) >> 11) * 0x1p-53;
}

/* One of the pair is dropped: a generator without memory of its own is worth more than the time. */
double
atl_random_normal (AtlRandom *random)
{
  double u, v, s;

  do
    {
      u = 2.0 * atl_random_uniform (random) - 1.0;
      v = 2.0 * atl_random_uniform (random) - 1.0;
      s = u * u + v * v;
    }
  while (s >= 1.0 || s == 0.0);

  return u * sqrt (-2.0 * log (s) / s);
}
