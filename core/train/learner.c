/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A network, the memory of its training, and one step of it.
 */

#include "train/learner.h"

#include <math.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"

/* Which parameters are trained; of a frozen normalisation none. */
static void
choose_trained (AtlLearner *l)
{
  const AtlGraph *graph = l->model->graph;

  l->trained = g_new (gboolean, atl_graph_n_parameters (graph));
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameterRole role = atl_graph_parameter (graph, i)->role;

      l->trained[i] = atl_parameter_role_is_trained (role)
                      && (l->options->norm != ATL_NORM_FROZEN
                          || (role != ATL_PARAMETER_GAMMA && role != ATL_PARAMETER_BETA));
    }
}

static gboolean
make_memory (AtlLearner *l, GError **error)
{
  const AtlGraph *graph = l->model->graph;
  const AtlTrainingFlags flags = l->options->norm == ATL_NORM_FROZEN ? ATL_TRAINING_FROZEN_NORM : 0;

  l->plan = atl_plan_new_training (graph, l->backend, &l->recipe->input, l->trained, flags);
  l->workspace = atl_floats_new (atl_plan_workspace_size (l->plan), _ ("a batch"), error);
  if (l->workspace != NULL)
    l->input = atl_floats_new (atl_shape_size (&l->recipe->input), _ ("a batch"), error);
  if (l->input != NULL)
    l->gradients = atl_floats_new (atl_graph_parameters_size (graph), _ ("gradients"), error);
  return l->gradients != NULL;
}

gboolean
atl_learner_init (AtlLearner *l, AtlModel *model, const AtlRecipe *recipe,
                  const AtlBackend *backend, GError **error)
{
  *l = (AtlLearner) {
    .model = model, .recipe = recipe, .backend = backend, .options = recipe->values
  };
  choose_trained (l);
  if (make_memory (l, error)
      && atl_optimizer_init (&l->optimizer, model->graph, model->parameters, error))
    return TRUE;

  atl_learner_clear (l);
  return FALSE;
}

void
atl_learner_clear (AtlLearner *l)
{
  g_clear_pointer (&l->plan, atl_plan_free);
  g_clear_pointer (&l->trained, g_free);
  g_clear_pointer (&l->workspace, atl_floats_free);
  g_clear_pointer (&l->input, atl_floats_free);
  g_clear_pointer (&l->gradients, atl_floats_free);
  atl_optimizer_clear (&l->optimizer);
}

guint64
atl_learner_samples (const AtlLearner *l)
{
  return (guint64) l->recipe->input.n;
}

/* Adam squares gradients, and the square of 1.8e19 is no float any more: 1e18 stays clear of that. NaN
 * fails as well. */
static gboolean
are_usable (const float *gradients, size_t n)
{
  gboolean usable = TRUE;

  for (size_t i = 0; i < n; i++)
    usable &= fabsf (gradients[i]) < 1e18f;
  return usable;
}

gboolean
atl_learner_loss (AtlLearner *l, double *loss, guint64 step, float *parameters, GError **error)
{
  if (! l->recipe->make_batch (l->recipe->data, l->input, step * atl_learner_samples (l), error))
    return FALSE;

  atl_plan_forward (l->plan, l->workspace, parameters, l->input);
  *loss = l->recipe->loss (l->recipe->data, atl_plan_output_gradient (l->plan, l->workspace),
                           atl_plan_output (l->plan, l->workspace));
  return TRUE;
}

gboolean
atl_learner_step (AtlLearner *l, double *loss, guint64 step, const AtlPace *pace, GError **error)
{
  const AtlTrainOptions *o = l->options;
  const AtlAdam adam = { .learning_rate = pace->rate,
                         .beta1 = pace->momentum,
                         .beta2 = 0.999,
                         .epsilon = 1e-8,
                         .weight_decay = o->weight_decay };

  if (! atl_learner_loss (l, loss, step, l->model->parameters, error))
    return FALSE;

  memset (l->gradients, 0, l->optimizer.size * sizeof (float));
  if (isfinite (*loss))
    atl_plan_backward (l->plan, l->workspace, l->model->parameters, l->gradients);
  if (! are_usable (l->gradients, l->optimizer.size))
    *loss = INFINITY;
  if (isfinite (*loss))
    atl_optimizer_step (&l->optimizer, l->model->parameters, l->gradients, l->model->graph,
                        l->backend, l->trained, &adam, o->average);
  return TRUE;
}
