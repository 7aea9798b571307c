/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures whose scores are known.
 */

#pragma once

#include "temporary.h"

/* Writes a PNG with stripes of different breadth and direction in each colour. */
void atl_test_stripes_new (const AtlTestFolder *folder, const char *name, int width, int height);
