/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether what a file holds can be a network's parameter.
 */

#pragma once

#include "graph/graph.h"
#include "weights/weight-file.h"

G_BEGIN_DECLS

/* Whether a tensor of a file has the shape of a parameter; FALSE if it is NULL. */
gboolean atl_parameter_fits (const AtlParameter *parameter, const AtlTensorInfo *info);

/* The same with ATL_ERROR_SHAPE, which names both and the architecture. */
gboolean atl_parameter_check_shape (const AtlParameter *parameter, const AtlTensorInfo *info,
                                    const char *arch, GError **error);

/* ATL_ERROR_FORMAT for a variance that is negative: its root would be NaN. */
gboolean atl_parameter_check_values (const AtlParameter *parameter, const float *values,
                                     GError **error);

G_END_DECLS
