/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A training that starts from the weights of another.
 */

#pragma once

#include "nets/model.h"

G_BEGIN_DECLS

typedef struct
{
  int n_loaded;   /* parameters taken from the file */
  int n_new;      /* parameters that the file lacks or has in another shape: they stay fresh */
  int n_left_out; /* tensors of the file that the network does not have in this shape */
} AtlWarmStart;

/* Takes every parameter of the model that the file has by the same name and in the same shape.
 * ATL_ERROR_SHAPE if there is none. */
gboolean atl_warm_start (AtlModel *model, const char *path, AtlWarmStart *result, GError **error);

G_END_DECLS
