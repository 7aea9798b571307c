/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The training loop.
 */

#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/atomic-file.h"
#include "base/error.h"
#include "base/i18n.h"
#include "train/checkpoint.h"
#include "train/curves.h"
#include "train/learner.h"
#include "train/schedule.h"

/* Steps from one row of the log to the next: a mean over fewer losses is noise, and a curve of a day's
 * training has thousands of points. */
#define ROW_STEPS 100

/* A round over few data is short: at least so many steps lie between two validations. */
#define MIN_VALIDATION_STEPS 200

typedef struct
{
  AtlModel *model;
  const AtlRecipe *recipe;
  const AtlBackend *backend;
  const AtlTrainOptions *options;
  const AtlTrainMonitor *monitor;

  AtlSchedule schedule;
  AtlLearner learner;
  AtlTrainState state;
  JsonObject *option_json;
  char *checkpoint_path, *log_path;
  FILE *log;

  gint64 start;          /* of this sitting, in monotonic microseconds */
  double seconds_before; /* trained in earlier sittings */
  double progress_before;
  double row_seconds;   /* when the last row of the log was written, or this process began */
  guint64 row_step;     /* the step at that time */
  double saved_seconds; /* when the last checkpoint was written */
  double rate;          /* of the last step */
} Training;

static double
seconds_now (const Training *t)
{
  return t->seconds_before + (double) (g_get_monotonic_time () - t->start) * 1e-6;
}

static double
epochs_done (const Training *t)
{
  return (double) t->state.step * (double) atl_learner_samples (&t->learner)
         / (double) t->recipe->epoch_size;
}

/* 0..1, 1 when the training is over. */
static double
progress_now (const Training *t)
{
  const AtlTrainOptions *o = t->options;
  double progress;

  if (o->steps > 0)
    progress = (double) t->state.step / o->steps;
  else if (o->epochs > 0)
    progress = epochs_done (t) / o->epochs;
  else
    progress = seconds_now (t) / (60.0 * o->minutes);

  return MIN (progress, 1.0);
}

static AtlTrainStatus
status_now (const Training *t)
{
  const double progress = progress_now (t), seconds = seconds_now (t);
  const double done = progress - t->progress_before;
  const double n_losses = (double) t->state.n_losses;

  return (AtlTrainStatus) {
    .step = t->state.step,
    .progress = progress,
    .epoch = epochs_done (t),
    .rate = t->rate,
    .loss = n_losses > 0.0 ? t->state.loss_sum / n_losses : 0.0,
    .samples_per_second = (double) (t->state.step - t->row_step)
                          * (double) atl_learner_samples (&t->learner)
                          / MAX (seconds - t->row_seconds, 1e-9),
    .seconds = seconds,
    .seconds_left = done > 0.0 ? (seconds - t->seconds_before) * (1.0 - progress) / done : 0.0
  };
}

/* The weights that are worth keeping now. */
static float *
weights_to_save (const Training *t)
{
  if (t->state.has_best)
    return t->state.best;
  return t->options->average > 0.0 ? t->learner.optimizer.average : t->model->parameters;
}

static JsonObject *
options_to_json (const Training *t, gboolean names_only)
{
  JsonObject *object = json_object_new ();

  atl_options_to_json (&atl_train_options, t->options, names_only, object);
  atl_options_to_json (t->recipe->options, t->recipe->values, names_only, object);
  return object;
}

/* The card's recipe: every option, how far the training came, and which step's weights these are. */
static char *
recipe_to_json (const Training *t)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "atelier", ATELIER_VERSION);
  json_object_set_object_member (object, "options", options_to_json (t, TRUE));
  json_object_set_int_member (object, "steps", (gint64) t->state.step);
  json_object_set_double_member (object, "epochs", epochs_done (t));
  json_object_set_double_member (object, "seconds", seconds_now (t));
  if (t->state.has_best)
    {
      json_object_set_int_member (object, "best-step", (gint64) t->state.best_step);
      json_object_set_double_member (object, "validation-loss", t->state.best_loss);
      json_object_set_double_member (object, t->recipe->score_name, t->state.best_score);
    }

  json_node_set_object (node, object);
  return json_to_string (node, FALSE);
}

/* The same beside the log. */
static gboolean
save_recipe (const Training *t, const char *recipe, GError **error)
{
  g_autofree char *path = atl_train_run_file (t->options, "recipe.json");
  g_autofree char *line = g_strconcat (recipe, "\n", NULL);

  return atl_atomic_file_save (path, line, strlen (line), error);
}

static gboolean
save_weights (const Training *t, GError **error)
{
  g_autoptr (AtlCard) card = atl_card_copy (t->model->card);
  AtlModel model = *t->model;

  g_free (card->recipe);
  card->recipe = recipe_to_json (t);
  model.card = card;
  model.parameters = weights_to_save (t);

  return atl_model_save (&model, t->options->output, (AtlDtype) t->options->precision, error)
         && save_recipe (t, card->recipe, error);
}

static gboolean
save_checkpoint (const Training *t, GError **error)
{
  return atl_checkpoint_save (t->checkpoint_path, t->model, &t->learner.optimizer, &t->state,
                              t->option_json, error);
}

static gboolean
save_all (Training *t, GError **error)
{
  t->state.seconds = seconds_now (t);
  t->saved_seconds = t->state.seconds;

  return save_checkpoint (t, error) && save_weights (t, error);
}

/* The training counts as finished only when its weights are on the disk: until then it can be resumed. */
static gboolean
finish (Training *t, GError **error)
{
  t->state.finished = FALSE;
  if (! save_all (t, error))
    return FALSE;

  t->state.finished = TRUE;
  return save_checkpoint (t, error);
}

static gboolean
is_better (const Training *t, const AtlValidation *result)
{
  if (! isfinite (result->score) || ! isfinite (result->loss))
    return FALSE;
  if (! t->state.has_best)
    return TRUE;
  return t->recipe->best_by_loss ? result->loss < t->state.best_loss
                                 : result->score > t->state.best_score;
}

/* What is trained on, before the first step: a wrong option is often seen at once. */
static gboolean
show_samples (const Training *t, GError **error)
{
  g_autofree char *path = atl_train_run_file (t->options, "samples.png");
  g_auto (AtlSheet) sheet;

  atl_sheet_init (&sheet, 2);
  return t->recipe->show_samples == NULL
         || (t->recipe->show_samples (t->recipe->data, &sheet, error)
             && atl_sheet_write (&sheet, path, error));
}

static gboolean
draw_curves (const Training *t, GError **error)
{
  g_autofree char *path = atl_train_run_file (t->options, "curves.svg");
  g_autoptr (GArray) rows = atl_log_read (t->log_path, error);

  return rows != NULL && atl_curves_write (path, rows, t->recipe->score_name, error);
}

/* Measures the weights, and keeps them and what they do if they are the best so far. */
static gboolean
validate (Training *t, AtlLogRow *row, GError **error)
{
  const float *weights = t->options->average > 0.0 ? t->learner.optimizer.average
                                                   : t->model->parameters;
  g_autofree char *path = atl_train_run_file (t->options, "best.png");
  g_auto (AtlSheet) sheet;
  AtlValidation result;

  atl_sheet_init (&sheet, 3);
  t->state.validated_step = t->state.step;
  if (t->recipe->validate == NULL)
    return TRUE;
  if (! t->recipe->validate (t->recipe->data, &result, &sheet, weights, error))
    return FALSE;

  row->has_validation = TRUE;
  row->validation_loss = result.loss;
  row->score = result.score;
  if (is_better (t, &result))
    {
      t->state.has_best = TRUE;
      t->state.best_score = result.score;
      t->state.best_loss = result.loss;
      t->state.best_step = t->state.step;
      memcpy (t->state.best, weights, t->learner.optimizer.size * sizeof (float));
      return atl_sheet_write (&sheet, path, error);
    }
  return TRUE;
}

/* Writes a row of the log and begins the next. */
static gboolean
end_row (Training *t, gboolean with_validation, GError **error)
{
  const AtlTrainStatus status = status_now (t);
  AtlLogRow row = { .step = status.step,
                    .epoch = status.epoch,
                    .rate = status.rate,
                    .training_loss = status.loss,
                    .samples_per_second = status.samples_per_second,
                    .seconds = status.seconds };

  if (with_validation && ! validate (t, &row, error))
    return FALSE;
  if (! atl_log_write (t->log, t->log_path, &row, error)
      || (with_validation && ! draw_curves (t, error)))
    return FALSE;
  if (t->monitor->on_row != NULL)
    t->monitor->on_row (&row, &status, t->monitor->data);

  t->state.loss_sum = 0.0;
  t->state.n_losses = 0;
  t->row_seconds = seconds_now (t);
  t->row_step = t->state.step;
  return TRUE;
}

static gboolean
set_diverged (const Training *t, GError **error)
{
  g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
               _ ("the training diverged: at step %" PRIu64
                  " the loss or its gradient is no number "
                  "any more; try a lower '--lr' than %g or a longer warm-up"),
               t->state.step + 1, t->options->rate);
  return FALSE;
}

static gboolean
run_step (Training *t, GError **error)
{
  const AtlPace pace = { atl_schedule_rate (&t->schedule, t->options->rate, progress_now (t)),
                         ATL_MOMENTUM };
  double loss;

  t->rate = pace.rate;
  if (! atl_learner_step (&t->learner, &loss, t->state.step, &pace, error))
    return FALSE;
  if (! isfinite (loss))
    return set_diverged (t, error);

  t->state.step++;
  t->state.loss_sum += loss;
  t->state.n_losses++;
  return TRUE;
}

/* Rows of the log fall on fixed steps, so that a resumed training has the same. */
static gboolean
end_step (Training *t, gboolean last, GError **error)
{
  const guint64 n = atl_learner_samples (&t->learner), size = t->recipe->epoch_size;
  const guint64 step = t->state.step;
  const gboolean new_epoch = step * n / size > (step - 1) * n / size;
  const gboolean validates = last
                             || (new_epoch
                                 && step >= t->state.validated_step + MIN_VALIDATION_STEPS);

  /* Before the row, whose end begins the mean of the losses anew. */
  if (t->monitor->on_step != NULL)
    {
      const AtlTrainStatus status = status_now (t);

      t->monitor->on_step (&status, t->monitor->data);
    }
  if ((validates || step % ROW_STEPS == 0) && ! end_row (t, validates, error))
    return FALSE;

  if (last)
    return finish (t, error);
  if (seconds_now (t) - t->saved_seconds >= t->options->checkpoint)
    return save_all (t, error);
  return TRUE;
}

static gboolean
run_steps (Training *t, GError **error)
{
  gboolean last = FALSE;

  /* All was done but the end. */
  if (t->state.step > 0 && progress_now (t) >= 1.0)
    return finish (t, error);

  while (! last)
    {
      if (g_cancellable_is_cancelled (t->monitor->cancellable))
        {
          /* Before the first step there is nothing worth a file. */
          if (t->state.step > 0 && ! save_all (t, error))
            return FALSE;
          g_cancellable_set_error_if_cancelled (t->monitor->cancellable, error);
          return FALSE;
        }

      if (! run_step (t, error))
        return FALSE;
      last = progress_now (t) >= 1.0;
      if (! end_step (t, last, error))
        return FALSE;
    }
  return TRUE;
}

/* Starts with the parameters as they are, or with the checkpoint. */
static gboolean
prepare_parameters (Training *t, GError **error)
{
  return atl_learner_init (&t->learner, t->model, t->recipe, t->backend, error)
         && atl_train_state_init (&t->state, t->model->graph, t->recipe->checksum, error)
         && (! t->options->resume
             || atl_checkpoint_load (t->checkpoint_path, t->model, &t->learner.optimizer, &t->state,
                                     error));
}

/* What is in the run folder before the first step. */
static gboolean
begin_run_folder (const Training *t, GError **error)
{
  g_autofree char *recipe = recipe_to_json (t);

  return save_recipe (t, recipe, error) && show_samples (t, error);
}

static gboolean
prepare (Training *t, GError **error)
{
  t->checkpoint_path = atl_train_checkpoint_path (t->options);
  t->log_path = atl_train_run_file (t->options, "log.csv");
  t->option_json = options_to_json (t, FALSE);

  if (! atl_schedule_parse (&t->schedule, t->options->schedule, error)
      || ! prepare_parameters (t, error) || ! atl_train_make_run_folder (t->options, error))
    return FALSE;

  t->log = atl_log_open (t->log_path, t->recipe->score_name, t->options->resume, t->state.step,
                         error);
  t->start = g_get_monotonic_time ();
  t->seconds_before = t->row_seconds = t->saved_seconds = t->state.seconds;
  t->row_step = t->state.step;
  t->progress_before = progress_now (t);
  return t->log != NULL && (t->state.step > 0 || begin_run_folder (t, error));
}

static void
training_clear (Training *t)
{
  atl_learner_clear (&t->learner);
  atl_train_state_clear (&t->state);
  g_clear_pointer (&t->option_json, json_object_unref);
  g_free (t->checkpoint_path);
  g_free (t->log_path);
  g_clear_pointer (&t->log, fclose);
}

gboolean
atl_train (AtlModel *model, const AtlRecipe *recipe, const AtlBackend *backend,
           const AtlTrainMonitor *monitor, GError **error)
{
  static const AtlTrainMonitor nobody = { 0 };
  Training training = { .model = model,
                        .recipe = recipe,
                        .backend = backend,
                        .options = recipe->values,
                        .monitor = monitor != NULL ? monitor : &nobody };
  const gboolean done = prepare (&training, error) && run_steps (&training, error);

  training_clear (&training);
  return done;
}
