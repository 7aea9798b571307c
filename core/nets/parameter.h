/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A network's parameters in files.
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

/* The parameters of a graph, atl_graph_parameters_size () floats freed by atl_floats_free (). The file has a tensor of
 * the name and shape of each; those that it has besides are left out. 'network' is what messages call the graph.
 * ATL_ERROR_SHAPE for a missing or misshaped tensor, before any memory is taken; ATL_ERROR_FORMAT for numbers that are
 * not finite, or negative variances; ATL_ERROR_MEMORY; G_FILE_ERROR. Messages begin with the file's name. */
float *atl_parameters_load (const AtlGraph *graph, const AtlWeightFile *file, const char *network,
                            GError **error);

G_END_DECLS
