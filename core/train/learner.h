/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What learns: a network with the memory and the optimiser of its training, a step at a time. How many steps, at which
 * rate, and what is kept of it is its caller's affair: a training's, or the search's for a rate.
 */

#pragma once

#include "graph/plan.h"
#include "train/optimizer.h"
#include "train/trainer.h"

G_BEGIN_DECLS

/* Adam's beta1 unless it is cycled: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015. */
#define ATL_MOMENTUM 0.9

/* How one step goes. */
typedef struct
{
  double rate;
  double momentum; /* Adam's beta1 */
} AtlPace;

typedef struct
{
  AtlModel *model; /* borrowed, as the next three */
  const AtlRecipe *recipe;
  const AtlBackend *backend;
  const AtlTrainOptions *options;

  AtlOptimizer optimizer;
  AtlPlan *plan;
  gboolean *trained;                    /* a flag for each parameter */
  float *workspace, *input, *gradients; /* input: a batch, plain order */
} AtlLearner;

/* Starts from the model's parameters as they are, by the recipe's options. ATL_ERROR_MEMORY. */
gboolean atl_learner_init (AtlLearner *learner, AtlModel *model, const AtlRecipe *recipe,
                           const AtlBackend *backend, GError **error);
void atl_learner_clear (AtlLearner *learner);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlLearner, atl_learner_clear)

/* How many samples a step sees. */
guint64 atl_learner_samples (const AtlLearner *learner);

/* The loss of other parameters of the same network on the samples of a step. In training batch normalisation changes its
 * running statistics there. */
gboolean atl_learner_loss (AtlLearner *learner, double *loss, guint64 step, float *parameters,
                           GError **error);

/* Learns from the samples of step number 'step', which are counted from 0. 'loss' is their mean; it is not finite if
 * there is no going on from it or its gradient, and then the trained parameters have not changed. Fails as the recipe's
 * make_batch does. */
gboolean atl_learner_step (AtlLearner *learner, double *loss, guint64 step, const AtlPace *pace,
                           GError **error);

G_END_DECLS
