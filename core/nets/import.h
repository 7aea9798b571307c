/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models from weight files of other programs, whose tensors have the names of ours.
 */

#pragma once

#include "nets/model.h"
#include "weights/foreign-file.h"

G_BEGIN_DECLS

/* Makes a model of a file. 'arch' is its architecture, NULL for the first that the file has all parameters of; 'config'
 * is a config as in a card, NULL for what the architecture has. The card tells these, and the rest is left to the
 * caller. Names of tensors that the network does not have are added to 'left_out', of char * that it frees.
 *
 * ATL_ERROR_SHAPE names the tensors that are missing, or one of another shape; ATL_ERROR_MODEL if the file fits no
 * architecture, or the one given is unknown. Messages begin with the file's name. */
AtlModel *atl_model_import (const AtlForeignFile *file, const char *arch, const char *config,
                            GPtrArray *left_out, GError **error);

G_END_DECLS
