/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A convolution and the gradient of its input as sums of the same kind, over channels i and taps (a, b),
 *
 *   z[o, r, q] = sum w[o, i, a, b] x[i, r step + a + top, q step + b + left].
 *
 * Forward, step is the stride and (top, left) = -(pad_top, pad_left). For the gradient, x is dy, and the
 * outputs fall into stride^2 phases: row e of dx is reached by the kernel's rows a with
 * e + pad_top - a = r stride, that is a = a0 + j stride with a0 = (e + pad_top) mod stride, so that all
 * rows e of one residue see the same taps. With the turned kernel, each phase is a sum as above with
 * step 1.
 */

#pragma once

#include "backends/backend.h"
#include "base/rounding.h"

G_BEGIN_DECLS

/* The outputs of one phase, and the taps that they see. */
typedef struct
{
  int height, width;           /* outputs */
  int step, top, left;         /* where the first tap of output (0, 0) lies */
  int tap_rows, tap_columns;   /* how many taps */
  size_t first_tap;            /* in the packed kernel */
  int tap_row, tap_column;     /* packed taps from one to the next */
  int y_row, y_column, y_step; /* where output (0, 0) is stored */
} AtlPhase;

static inline AtlPhase
atl_phase_of_forward (const AtlConv2d *conv)
{
  return (AtlPhase) {
    .height = conv->h_out,
    .width = conv->w_out,
    .step = conv->stride,
    .top = -conv->pad_top,
    .left = -conv->pad_left,
    .tap_rows = conv->kernel,
    .tap_columns = conv->kernel,
    .tap_row = conv->kernel,
    .tap_column = 1,
    .y_step = 1,
  };
}

/* The phase of the gradient's rows and columns (row, column) mod stride. */
static inline AtlPhase
atl_phase_of_gradient (const AtlConv2d *conv, int row, int column)
{
  const int k = conv->kernel, s = conv->stride;
  const int a0 = ((row + conv->pad_top) % s + s) % s, b0 = ((column + conv->pad_left) % s + s) % s;
  const int n_a = a0 < k ? atl_divide_up (k - a0, s) : 0;
  const int n_b = b0 < k ? atl_divide_up (k - b0, s) : 0;

  return (AtlPhase) {
    .height = row < conv->h_in ? atl_divide_up (conv->h_in - row, s) : 0,
    .width = column < conv->w_in ? atl_divide_up (conv->w_in - column, s) : 0,
    .step = 1,
    .top = (row + conv->pad_top - a0) / s - (n_a - 1),
    .left = (column + conv->pad_left - b0) / s - (n_b - 1),
    .tap_rows = n_b > 0 ? n_a : 0,
    .tap_columns = n_b,
    /* the last of the taps in the kernel is the first in the turned one */
    .first_tap = n_a > 0 && n_b > 0
                     ? (size_t) (k - 1 - a0 - s * (n_a - 1)) * k + (k - 1 - b0 - s * (n_b - 1))
                     : 0,
    .tap_row = s * k,
    .tap_column = s,
    .y_row = row,
    .y_column = column,
    .y_step = s,
  };
}

/* Phase 'index' of a pass, of which there are 1 or stride^2. */
static inline AtlPhase
atl_phase_of_pass (const AtlConv2d *conv, AtlPass pass, int index)
{
  return pass == ATL_PASS_DATA
             ? atl_phase_of_gradient (conv, index / conv->stride, index % conv->stride)
             : atl_phase_of_forward (conv);
}

static inline int
atl_phases_of_pass (const AtlConv2d *conv, AtlPass pass)
{
  return pass == ATL_PASS_DATA ? conv->stride * conv->stride : 1;
}

G_END_DECLS
