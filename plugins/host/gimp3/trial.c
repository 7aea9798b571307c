/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "host/gimp3/trial.h"

#include <gio/gio.h>

/* Of settings, for a picture of width x height, or of a part, whose result has this size; the other is NULL. */
typedef struct
{
  AtlSettings *settings;
  GeglBuffer *part;
  int width, height;
} Question;

struct AtlTrial
{
  const AtlFilter *filter;
  AtlTrialFunc *answered;
  void *data;
  Question *next;            /* to be asked when the thread rests, or NULL */
  GCancellable *cancellable; /* of the thread; NULL while it rests */
  AtlJob *job;               /* the thread's, while there is one */
  gboolean closing;          /* nothing is asked or answered any more */
};

typedef struct
{
  AtlTrialAnswer answer;
  GError *error;
  char *how;
} OwnedAnswer;

static void
question_free (void *data)
{
  Question *question = data;

  if (question == NULL)
    return;

  atl_settings_free (question->settings);
  g_clear_object (&question->part);
  g_free (question);
}

static void
owned_answer_free (void *data)
{
  OwnedAnswer *owned = data;

  g_clear_error (&owned->error);
  g_clear_object (&owned->answer.result);
  g_free (owned->how);
  g_free (owned);
}

static void
answer_settings (AtlTrial *trial, const Question *question, OwnedAnswer *owned)
{
  AtlTrialAnswer *answer = &owned->answer;

  g_clear_pointer (&trial->job, atl_job_free);
  trial->job = atl_job_new (trial->filter, question->settings, &owned->error);
  if (trial->job == NULL)
    return;

  answer->scale = atl_job_scale (trial->job);
  answer->seconds = atl_job_seconds (trial->job, question->width, question->height, &owned->error);
  answer->memory = atl_job_memory (trial->job, question->width, question->height);
  owned->how = atl_job_describe (trial->job);
}

static void
answer_part (AtlTrial *trial, const Question *question, GCancellable *cancellable,
             OwnedAnswer *owned)
{
  const AtlProgress progress = { .cancellable = cancellable };

  owned->answer.result = atl_job_run (trial->job, question->part, question->width, question->height,
                                      &progress, &owned->error);
}

/* The thread. */
static void
work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Question *question = data;
  AtlTrial *trial = g_object_get_data (G_OBJECT (task), "trial");
  OwnedAnswer *owned = g_new0 (OwnedAnswer, 1);

  if (question->settings != NULL)
    answer_settings (trial, question, owned);
  else
    answer_part (trial, question, cancellable, owned);
  owned->answer.error = owned->error;
  owned->answer.how = owned->how;
  g_task_return_pointer (task, owned, owned_answer_free);
}

static void start (AtlTrial *trial);

static void
finished (GObject *source, GAsyncResult *result, gpointer data)
{
  AtlTrial *trial = data;
  OwnedAnswer *owned = g_task_propagate_pointer (G_TASK (result), NULL); /* NULL if cancelled */

  g_clear_object (&trial->cancellable);
  if (owned != NULL && ! trial->closing)
    trial->answered (&owned->answer, trial->data);
  g_clear_pointer (&owned, owned_answer_free);
  start (trial);
}

/* Asks the next question, unless the thread is busy. */
static void
start (AtlTrial *trial)
{
  if (trial->cancellable != NULL || trial->next == NULL || trial->closing)
    return;

  trial->cancellable = g_cancellable_new ();
  g_autoptr (GTask) task = g_task_new (NULL, trial->cancellable, finished, trial);
  g_object_set_data (G_OBJECT (task), "trial", trial);
  g_task_set_task_data (task, g_steal_pointer (&trial->next), question_free);
  g_task_run_in_thread (task, work);
}

/* Takes the question. */
static void
ask (AtlTrial *trial, Question *question)
{
  question_free (trial->next);
  trial->next = question;
  if (trial->cancellable != NULL)
    g_cancellable_cancel (trial->cancellable);
  start (trial);
}

AtlTrial *
atl_trial_new (const AtlFilter *filter, AtlTrialFunc *answered, void *data)
{
  AtlTrial *trial = g_new0 (AtlTrial, 1);

  trial->filter = filter;
  trial->answered = answered;
  trial->data = data;
  return trial;
}

void
atl_trial_free (AtlTrial *trial)
{
  trial->closing = TRUE;
  if (trial->cancellable != NULL)
    g_cancellable_cancel (trial->cancellable);
  while (trial->cancellable != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&trial->next, question_free);
  if (trial->job != NULL)
    atl_job_free (trial->job);
  g_free (trial);
}

void
atl_trial_ask (AtlTrial *trial, AtlSettings *settings, int width, int height)
{
  Question *question = g_new0 (Question, 1);

  question->settings = settings;
  question->width = width;
  question->height = height;
  ask (trial, question);
}

void
atl_trial_ask_part (AtlTrial *trial, GeglBuffer *part, int width, int height)
{
  Question *question = g_new0 (Question, 1);

  question->part = g_object_ref (part);
  question->width = width;
  question->height = height;
  ask (trial, question);
}
