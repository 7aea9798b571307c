/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures that tests train on.
 */

#pragma once

#include "temporary.h"

/* Writes width x height pixels of blurred noise, NAME.png, another for each seed. */
void atl_test_picture_new (const AtlTestFolder *folder, const char *name, int width, int height,
                           int seed);
