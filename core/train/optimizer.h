/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adam over the trained parameters of a network, and the running average of its weights.
 */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Arrays are laid out as the parameters of the graph, atl_graph_parameters_size () floats. */
typedef struct
{
  size_t size;
  float *m, *v;    /* moments, zero at first */
  float *average;  /* of the parameters over the last steps, running statistics included */
  guint64 n_steps; /* done */
} AtlOptimizer;

/* Starts the average at 'parameters'. ATL_ERROR_MEMORY. */
gboolean atl_optimizer_init (AtlOptimizer *optimizer, const AtlGraph *graph,
                             const float *parameters, GError **error);
void atl_optimizer_clear (AtlOptimizer *optimizer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlOptimizer, atl_optimizer_clear)

/* One step on the parameters whose flag in 'trained' is set (NULL = all that gradients train). 'adam'
 * gives rates and weight decay, its step is counted here. Then average = d average + (1 - d) parameters
 * with d = min (decay, (1 + n) / (10 + n)), n being the steps before: a young average forgets fast. */
void atl_optimizer_step (AtlOptimizer *optimizer, float *parameters, const float *gradients,
                         const AtlGraph *graph, const AtlBackend *backend, const gboolean *trained,
                         const AtlAdam *adam, double decay);

G_END_DECLS
