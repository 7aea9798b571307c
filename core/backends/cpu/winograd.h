/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Winograd's minimal filtering F(4 x 4, 3 x 3): 16 outputs of a 3 x 3 convolution from 36 products
 * instead of 144.
 *
 *   Y = A^T ((G w G^T) * (B^T d B)) A       d: 6 x 6 inputs, w: 3 x 3 weights, Y: 4 x 4 outputs
 *
 * A one-dimensional F(4, 3) evaluates the polynomials of the inputs and of the weights at the points 0,
 * p, -p, q, -q and infinity, multiplies, and interpolates. Their choice fixes the matrices and the error:
 * with p = 1/sqrt 2 and q = sqrt 2 it is a third of that of the usual 1 and 2.
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
  ATL_TILE = 4,   /* outputs of a tile, each way */
  ATL_POINTS = 6, /* its inputs, and the points */
  ATL_PRODUCTS = ATL_POINTS * ATL_POINTS
};

#define ATL_POINT_P 0.70710678118654752f /* p p = 1/2 */
#define ATL_POINT_Q 1.41421356237309505f /* q q = 2 */

/* G: row i is (1, p_i, p_i^2) / product over j /= i of (p_i - p_j); the last is infinity. */
static const float atl_winograd_g[ATL_POINTS][3] = {
  { 1.0f, 0.0f, 0.0f },
  { -2.0f / 3.0f, -2.0f / 3.0f * ATL_POINT_P, -1.0f / 3.0f },
  { -2.0f / 3.0f, 2.0f / 3.0f * ATL_POINT_P, -1.0f / 3.0f },
  { 1.0f / 6.0f, 1.0f / 6.0f * ATL_POINT_Q, 1.0f / 3.0f },
  { 1.0f / 6.0f, -1.0f / 6.0f * ATL_POINT_Q, 1.0f / 3.0f },
  { 0.0f, 0.0f, 1.0f },
};

/* v = B^T d. Row p, for instance, holds the coefficients of z (z + p) (z^2 - q^2). */
ATL_ALWAYS_INLINE void
atl_winograd_inputs (AtlVector8 v[ATL_POINTS], const AtlVector8 d[ATL_POINTS])
{
  const AtlVector8 even_p = d[4] - d[2] * 2.0f, odd_p = (d[3] - d[1] * 2.0f) * ATL_POINT_P;
  const AtlVector8 even_q = d[4] - d[2] * 0.5f, odd_q = (d[3] - d[1] * 0.5f) * ATL_POINT_Q;

  v[0] = d[0] - d[2] * 2.5f + d[4];
  v[1] = even_p + odd_p;
  v[2] = even_p - odd_p;
  v[3] = even_q + odd_q;
  v[4] = even_q - odd_q;
  v[5] = d[1] - d[3] * 2.5f + d[5];
}

/* y = A^T m: row k holds the powers p_i^k. */
ATL_ALWAYS_INLINE void
atl_winograd_outputs (AtlVector8 y[ATL_TILE], const AtlVector8 m[ATL_POINTS])
{
  const AtlVector8 sum_p = m[1] + m[2], difference_p = (m[1] - m[2]) * ATL_POINT_P;
  const AtlVector8 sum_q = m[3] + m[4], difference_q = (m[3] - m[4]) * ATL_POINT_Q;

  y[0] = m[0] + sum_p + sum_q;
  y[1] = difference_p + difference_q;
  y[2] = sum_p * 0.5f + sum_q * 2.0f;
  y[3] = difference_p * 0.5f + difference_q * 2.0f + m[5];
}

/* v = A y, the transpose of the above, for the gradient of y. */
ATL_ALWAYS_INLINE void
atl_winograd_gradients (AtlVector8 v[ATL_POINTS], const AtlVector8 y[ATL_TILE])
{
  const AtlVector8 even_p = y[0] + y[2] * 0.5f, odd_p = (y[1] + y[3] * 0.5f) * ATL_POINT_P;
  const AtlVector8 even_q = y[0] + y[2] * 2.0f, odd_q = (y[1] + y[3] * 2.0f) * ATL_POINT_Q;

  v[0] = y[0];
  v[1] = even_p + odd_p;
  v[2] = even_p - odd_p;
  v[3] = even_q + odd_q;
  v[4] = even_q - odd_q;
  v[5] = y[3];
}

G_END_DECLS
