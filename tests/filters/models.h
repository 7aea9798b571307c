/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small models, written to a folder for the filters to find.
 */

#pragma once

#include "nets/model.h"
#include "temporary.h"

G_BEGIN_DECLS

/* Writes NAME.safetensors: an SrResnet of this scale with fresh weights, all multiplied by 'gain'. 1 makes
 * noise of a picture; 0 a constant; 1e30 numbers that are not finite. */
void atl_test_model_write (const AtlTestFolder *folder, const char *name, const char *task,
                           int scale, float gain);

/* A new folder in which alone models are searched from now on. */
AtlTestFolder *atl_test_models_folder_new (void);

G_END_DECLS
