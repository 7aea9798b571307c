/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole numbers rounded up.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* a / b for a >= 0 and b > 0. */
static inline int
atl_divide_up (int a, int b)
{
  return (a + b - 1) / b;
}

/* The next multiple of 'step'. */
static inline int
atl_round_up (int a, int step)
{
  return atl_divide_up (a, step) * step;
}

G_END_DECLS
