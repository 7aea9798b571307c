/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Training, the same for every task: the loop over batches, the learning rate, the optimiser,
 * validation, checkpoints, the log and the weight file. What a task brings is an AtlRecipe.
 *
 * The result depends on the data, the options and the seed, bit for bit, and neither on the number of
 * threads nor on interruptions; with --minutes also on the clock.
 */

#pragma once

#include "base/progress.h"
#include "nets/model.h"
#include "train/log.h"
#include "train/options.h"
#include "train/sheet.h"

G_BEGIN_DECLS

typedef struct
{
  double loss;
  double score; /* larger is better */
} AtlValidation;

/* What a task brings. */
typedef struct
{
  void *data;
  AtlShape input;         /* of a batch */
  guint64 epoch_size;     /* samples of one round over the data */
  const char *score_name; /* for the log: "psnr" */
  gboolean
      best_by_loss; /* the best weights have the lowest validation loss, else the highest score */
  const char *checksum; /* of the data; a checkpoint of other data is refused */

  /* Fills the input, N x C x H x W in plain order, with the samples from 'first_sample' on, counted from
   * 0 over all epochs, and keeps the targets. Depends on its arguments and the seed alone. */
  gboolean (*make_batch) (void *data, float *input, guint64 first_sample, GError **error);

  /* The loss of the last batch made, a mean over its samples, and its gradient. dy and y are in the
   * backend's layout, of the shape of the network's output for a batch. */
  double (*loss) (void *data, float *dy, const float *y);

  /* Measures these parameters on data that is not trained on, NULL if there is none. What people are to see of it goes to
   * 'sheet', which may be NULL, row by row: input, enlarged to the target's size, output and target. */
  gboolean (*validate) (void *data, AtlValidation *result, AtlSheet *sheet, const float *parameters,
                        GError **error);

  /* Adds samples as they are trained on, row by row: input, enlarged to the target's size, and target. NULL if there is
   * nothing that people can see. */
  gboolean (*show_samples) (void *data, AtlSheet *sheet, GError **error);

  /* The task's options, for checkpoints and the card; 'values' begins with AtlTrainOptions. */
  const AtlOptionTable *options;
  const void *values;
} AtlRecipe;

/* How far a training has come. */
typedef struct
{
  guint64 step;
  double progress; /* 0..1 */
  double epoch;
  double rate;
  double loss; /* mean since the last row of the log */
  double samples_per_second;
  double seconds, seconds_left; /* left: as things go now */
} AtlTrainStatus;

/* Who watches; members may be NULL. */
typedef struct
{
  void *data;
  void (*on_step) (const AtlTrainStatus *status, void *data);
  void (*on_row) (const AtlLogRow *row, const AtlTrainStatus *status, void *data);
  GCancellable *cancellable; /* borrowed */
} AtlTrainMonitor;

/* The folder of a training's log, curves, sheets, recipe and checkpoint, a file in it, and its checkpoint; owned by the
 * caller. */
char *atl_train_run_folder (const AtlTrainOptions *options);
char *atl_train_run_file (const AtlTrainOptions *options, const char *name);
char *atl_train_checkpoint_path (const AtlTrainOptions *options);

/* Whether a training can start: its output can be written, and its run folder holds a checkpoint if one is
 * to be resumed; if not, none, and nothing is in the place of the output. Changes nothing. */
gboolean atl_train_check (const AtlTrainOptions *options, GError **error);

/* Makes the run folder if it is not there. */
gboolean atl_train_make_run_folder (const AtlTrainOptions *options, GError **error);

/* Trains the model, from its parameters as they are or from the checkpoint, and writes it to
 * options->output: at every checkpoint, and at the end. When cancelled, checkpoint and weights are
 * written before G_IO_ERROR_CANCELLED is returned. ATL_ERROR_TRAINING if the loss or a gradient is no
 * longer a number; the last checkpoint and weights then stay. */
gboolean atl_train (AtlModel *model, const AtlRecipe *recipe, const AtlBackend *backend,
                    const AtlTrainMonitor *monitor, GError **error);

G_END_DECLS
