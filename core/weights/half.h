/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of 16 bits: IEEE 754 binary16, 1 sign, 5 exponent and 10 fraction bits.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Exact. */
float atl_half_to_float (guint16 half);

/* The nearest one, ties to even. FALSE if the value is not finite or would become infinite: from 65520,
 * halfway between the largest number, 65504, and the next that there would be. */
gboolean atl_half_from_float (guint16 *half, float value);

G_END_DECLS
