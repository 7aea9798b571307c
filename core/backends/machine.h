/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the processor can do at most, measured at the time of asking: the yardstick of the kernels.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Floating-point operations a second, an addition and a multiplication being two, on all threads: multiply-adds
 * of the widest vectors of the instruction set in use, between registers. Takes some milliseconds. */
double atl_machine_flops (void);

/* Bytes a second between memory and processor, on all threads, when large arrays are read and as large ones
 * written: y = s x, with 8 bytes a number counted. 'x' and 'y' have n numbers, which should be many times
 * the caches; y is overwritten. */
double atl_machine_bytes (float *y, const float *x, size_t n);

G_END_DECLS
