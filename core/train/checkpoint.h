/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All that a training needs to go on as if it had never stopped.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "nets/model.h"
#include "train/optimizer.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 step;           /* steps done */
  double seconds;         /* of training, all sittings together */
  double loss_sum;        /* of the steps since the last row of the log */
  guint64 n_losses;       /* summed there */
  guint64 validated_step; /* at the last validation, 0 = none */
  gboolean finished;
  char *data; /* what it is trained on: a checksum, owned */

  /* The best weights by validation so far. */
  gboolean has_best;
  double best_score, best_loss;
  guint64 best_step;
  float *best; /* laid out as the parameters, owned; defined if has_best */
} AtlTrainState;

/* ATL_ERROR_MEMORY. */
gboolean atl_train_state_init (AtlTrainState *state, const AtlGraph *graph, const char *data,
                               GError **error);
void atl_train_state_clear (AtlTrainState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlTrainState, atl_train_state_clear)

/* Writes a checkpoint, replacing the file at once and only when it is complete. 'options' is the
 * training's options as JSON. */
gboolean atl_checkpoint_save (const char *path, const AtlModel *model,
                              const AtlOptimizer *optimizer, const AtlTrainState *state,
                              JsonObject *options, GError **error);

/* The options stored in a checkpoint, and whether its training was finished. */
JsonObject *atl_checkpoint_options (const char *path, gboolean *finished, GError **error);

/* Loads a checkpoint into a model, optimiser and state of the same network. ATL_ERROR_TRAINING if it was
 * trained on other data than the state tells, ATL_ERROR_SHAPE if its network is another. */
gboolean atl_checkpoint_load (const char *path, AtlModel *model, AtlOptimizer *optimizer,
                              AtlTrainState *state, GError **error);

G_END_DECLS
