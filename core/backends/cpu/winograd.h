/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Winograd's minimal filtering F(T x T, 3 x 3): T x T outputs of a 3 x 3 convolution from (T + 2)^2 products
 * instead of 9 T^2. T is 4 or 6, a constant of the build: what includes this is compiled for both.
 *
 *   Y = A^T ((G w G^T) * (B^T d B)) A     d: (T+2) x (T+2) inputs, w: 3 x 3 weights, Y: T x T outputs
 *
 * A one-dimensional F(T, 3) evaluates the polynomials of the inputs and of the weights at T + 2 points,
 * multiplies, and interpolates. The points are 0, infinity and pairs p, -p, whose polynomials share their
 * even and odd parts. Their choice fixes the matrices and the error:
 *
 *   T = 4   p = 1/sqrt 2, sqrt 2    36 products for 144; a third of the error of the usual 1 and 2
 *   T = 6   p = 1, 2, 1/2           64 products for 324; of 550 triples tried none had a smaller error
 *
 * Winograd, "Arithmetic Complexity of Computations", SIAM 1980; Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks", CVPR 2016, section 4; Barabasz, Anderson, Soodhalter and Gregg, "Error
 * Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", ACM TOMS 46,
 * 2020.
 */

#pragma once

#include "backends/cpu/vector.h"

G_BEGIN_DECLS

enum
{
  ATL_TILE = ATL_CPU_TILE,                /* outputs of a tile, each way */
  ATL_POINTS = ATL_TILE + 2,              /* its inputs, and the points */
  ATL_PRODUCTS = ATL_POINTS * ATL_POINTS, /* of a tile */
  ATL_PAIRS = ATL_TILE / 2                /* of points: 1 + 2 k and 2 + 2 k are p_k and -p_k */
};

#if ATL_CPU_TILE == 4

#define ATL_SQRT_2 1.41421356237309505f

static const float atl_winograd_p[ATL_PAIRS] = { ATL_SQRT_2 / 2.0f, ATL_SQRT_2 };

/* The product of (z^2 - q^2) over the other pairs q: coefficients of z^0, z^2 and so on. */
static const float atl_winograd_others[ATL_PAIRS][ATL_PAIRS] = {
  { -2.0f, 1.0f },
  { -0.5f, 1.0f },
};
/* The same over all pairs. */
static const float atl_winograd_all[ATL_PAIRS + 1] = { 1.0f, -2.5f, 1.0f };

/* G: row i is (1, p_i, p_i^2) / product over j /= i of (p_i - p_j); the last is infinity. */
static const float atl_winograd_g[ATL_POINTS][3] = {
  { 1.0f, 0.0f, 0.0f },
  { -2.0f / 3.0f, -1.0f / 3.0f * ATL_SQRT_2, -1.0f / 3.0f },
  { -2.0f / 3.0f, 1.0f / 3.0f * ATL_SQRT_2, -1.0f / 3.0f },
  { 1.0f / 6.0f, 1.0f / 6.0f * ATL_SQRT_2, 1.0f / 3.0f },
  { 1.0f / 6.0f, -1.0f / 6.0f * ATL_SQRT_2, 1.0f / 3.0f },
  { 0.0f, 0.0f, 1.0f },
};

#elif ATL_CPU_TILE == 6

static const float atl_winograd_p[ATL_PAIRS] = { 1.0f, 2.0f, 0.5f };

static const float atl_winograd_others[ATL_PAIRS][ATL_PAIRS] = {
  { 1.0f, -4.25f, 1.0f },
  { 0.25f, -1.25f, 1.0f },
  { 4.0f, -5.0f, 1.0f },
};
static const float atl_winograd_all[ATL_PAIRS + 1] = { -1.0f, 5.25f, -5.25f, 1.0f };

static const float atl_winograd_g[ATL_POINTS][3] = {
  { -1.0f, 0.0f, 0.0f },
  { -2.0f / 9.0f, -2.0f / 9.0f, -2.0f / 9.0f },
  { -2.0f / 9.0f, 2.0f / 9.0f, -2.0f / 9.0f },
  { 1.0f / 90.0f, 2.0f / 90.0f, 4.0f / 90.0f },
  { 1.0f / 90.0f, -2.0f / 90.0f, 4.0f / 90.0f },
  { 32.0f / 45.0f, 16.0f / 45.0f, 8.0f / 45.0f },
  { 32.0f / 45.0f, -16.0f / 45.0f, 8.0f / 45.0f },
  { 0.0f, 0.0f, 1.0f },
};

#endif

/* p_k^n, computed by the compiler. */
ATL_ALWAYS_INLINE float
atl_winograd_power (int k, int n)
{
  float power = 1.0f;

  ATL_UNROLL
  for (int i = 0; i < n; i++)
    power *= atl_winograd_p[k];
  return power;
}

/* v = B^T d. Row p holds the coefficients of z (z + p) times the others' product. */
ATL_ALWAYS_INLINE void
atl_winograd_inputs (AtlWide v[ATL_POINTS], const AtlWide d[ATL_POINTS])
{
  AtlWide zero = d[ATL_TILE], infinity = d[ATL_TILE + 1];

  ATL_UNROLL
  for (int i = 0; i < ATL_PAIRS; i++)
    {
      zero += d[2 * i] * atl_winograd_all[i];
      infinity += d[2 * i + 1] * atl_winograd_all[i];
    }
  v[0] = zero;
  v[ATL_POINTS - 1] = infinity;

  ATL_UNROLL
  for (int k = 0; k < ATL_PAIRS; k++)
    {
      AtlWide odd = d[ATL_TILE - 1], even = d[ATL_TILE];

      ATL_UNROLL
      for (int i = 0; i < ATL_PAIRS - 1; i++)
        {
          odd += d[2 * i + 1] * atl_winograd_others[k][i];
          even += d[2 * i + 2] * atl_winograd_others[k][i];
        }
      v[1 + 2 * k] = even + odd * atl_winograd_p[k];
      v[2 + 2 * k] = even - odd * atl_winograd_p[k];
    }
}

/* y = A^T m: row n holds the powers p_i^n. */
ATL_ALWAYS_INLINE void
atl_winograd_outputs (AtlWide y[ATL_TILE], const AtlWide m[ATL_POINTS])
{
  AtlWide sums[2][ATL_PAIRS]; /* m of p plus m of -p, for even powers; the difference */

  ATL_UNROLL
  for (int k = 0; k < ATL_PAIRS; k++)
    {
      sums[0][k] = m[1 + 2 * k] + m[2 + 2 * k];
      sums[1][k] = m[1 + 2 * k] - m[2 + 2 * k];
    }

  ATL_UNROLL
  for (int n = 0; n < ATL_TILE; n++)
    {
      AtlWide sum = sums[n % 2][0] * atl_winograd_power (0, n);

      ATL_UNROLL
      for (int k = 1; k < ATL_PAIRS; k++)
        sum += sums[n % 2][k] * atl_winograd_power (k, n);
      y[n] = sum;
    }
  y[0] += m[0];
  y[ATL_TILE - 1] += m[ATL_POINTS - 1];
}

/* v = A y, the transpose of the above, for the gradient of y. */
ATL_ALWAYS_INLINE void
atl_winograd_gradients (AtlWide v[ATL_POINTS], const AtlWide y[ATL_TILE])
{
  v[0] = y[0];
  v[ATL_POINTS - 1] = y[ATL_TILE - 1];

  ATL_UNROLL
  for (int k = 0; k < ATL_PAIRS; k++)
    {
      AtlWide even = y[0], odd = y[1] * atl_winograd_power (k, 1);

      ATL_UNROLL
      for (int n = 2; n < ATL_TILE; n += 2)
        {
          even += y[n] * atl_winograd_power (k, n);
          odd += y[n + 1] * atl_winograd_power (k, n + 1);
        }
      v[1 + 2 * k] = even + odd;
      v[2 + 2 * k] = even - odd;
    }
}

G_END_DECLS
