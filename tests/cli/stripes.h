/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures whose scores are known, and what 'atelier evaluate --json' says of such.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "temporary.h"

/* Writes a PNG with stripes of different breadth and direction in each colour. */
void atl_test_stripes_new (const AtlTestFolder *folder, const char *name, int width, int height);

/* The first of the sets; asserts that there is one. Borrowed. */
JsonObject *atl_test_first_set (JsonNode *node);

/* What a picture reaches without a model. */
typedef struct
{
  double bicubic_psnr, bicubic_ssim, lanczos_psnr, lanczos_ssim;
} AtlTestScores;

/* Asserts that this is what is said of it. */
void atl_test_scores (JsonObject *picture, const AtlTestScores *expected);
