/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adam over the trained parameters of a network, and the running average of its weights.
 *
 * The average is that of Polyak and Juditsky, "Acceleration of stochastic approximation by averaging",
 * 1992, in the exponential form with TensorFlow's warm-up.
 */

#include "train/optimizer.h"

#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"

gboolean
atl_optimizer_init (AtlOptimizer *optimizer, const AtlGraph *graph, const float *parameters,
                    GError **error)
{
  const size_t size = atl_graph_parameters_size (graph);

  *optimizer = (AtlOptimizer) { .size = size };
  optimizer->m = atl_floats_new (size, _ ("the optimiser's state"), error);
  if (optimizer->m != NULL)
    optimizer->v = atl_floats_new (size, _ ("the optimiser's state"), error);
  if (optimizer->v != NULL)
    optimizer->average = atl_floats_new (size, _ ("the averaged weights"), error);

  if (optimizer->average == NULL)
    {
      atl_optimizer_clear (optimizer);
      return FALSE;
    }

  memcpy (optimizer->average, parameters, size * sizeof (float));
  return TRUE;
}

void
atl_optimizer_clear (AtlOptimizer *optimizer)
{
  g_clear_pointer (&optimizer->m, atl_floats_free);
  g_clear_pointer (&optimizer->v, atl_floats_free);
  g_clear_pointer (&optimizer->average, atl_floats_free);
}

void
atl_optimizer_step (AtlOptimizer *optimizer, float *parameters, const float *gradients,
                    const AtlGraph *graph, const AtlBackend *backend, const gboolean *trained,
                    const AtlAdam *adam, double decay)
{
  const double n = (double) optimizer->n_steps;
  const float keep = (float) MIN (decay, (1.0 + n) / (10.0 + n));
  AtlAdam now = *adam;

  now.step = ++optimizer->n_steps;
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);

      if (atl_parameter_role_is_trained (p->role) && (trained == NULL || trained[i]))
        backend->adam (parameters + p->offset, optimizer->m + p->offset, optimizer->v + p->offset,
                       gradients + p->offset, p->size, &now);
    }

  for (size_t i = 0; i < optimizer->size; i++)
    optimizer->average[i] = keep * optimizer->average[i] + (1.0f - keep) * parameters[i];
}
