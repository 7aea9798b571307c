/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loops that do nothing but what is to be measured: multiply-adds in registers, and numbers that come from
 * memory and go there.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/vector.h"

enum
{
  /* Independent sums: more than the four or five cycles of a multiply-add times two a cycle. */
  N_SUMS = 12
};

static double
multiply_add (float *sums, int n_rounds)
{
  AtlVector acc[N_SUMS];
  const AtlVector factor = atl_load (sums), term = factor + 0.5f;

  ATL_UNROLL
  for (int i = 0; i < N_SUMS; i++)
    acc[i] = term * (float) i;

  for (int round = 0; round < n_rounds; round++)
    {
      ATL_UNROLL
      for (int i = 0; i < N_SUMS; i++)
        acc[i] = acc[i] * factor + term;
    }

  /* The result is used whole, so that nothing of it is left out. */
  AtlVector sum = acc[0];
  ATL_UNROLL
  for (int i = 1; i < N_SUMS; i++)
    sum += acc[i];
  atl_store (sums, sum * 1e-30f);

  return 2.0 * N_SUMS * ATL_VECTOR_LANES * n_rounds;
}

static void
scale (float *y, const float *x, size_t n)
{
  for (size_t i = 0; i < n; i += ATL_VECTOR_LANES)
    atl_store (y + i, atl_load (x + i) * 0.5f);
}

const AtlCpuLimits ATL_CPU_LIMITS = {
  .multiply_add = multiply_add,
  .scale = scale,
};
