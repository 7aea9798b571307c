/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole training follows PyTorch's of the same recipe: from its weights at some steps one step gives its loss and
 * gradients, and left alone the losses stay close to its.
 */

#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "graph/plan.h"
#include "temporary.h"
#include "train/upscale.h"
#include "weights/weight-file.h"

/* As in make-training-run.py. */
enum
{
  STEPS = 200,
  BATCH = 3,
  SIDE = 12,
  LARGE = 2 * SIDE,
  WIDTH = 8,
  BLOCKS = 2
};

typedef struct
{
  const AtlBackend *backend;
  AtlWeightFile *file;
  AtlModel *model;
  AtlUpscaleOptions options;
  float *targets, *target, *scratch; /* of a batch: in plain order, and in the backend's layout */
  float losses[STEPS];
} Run;

static const AtlShape input_shape = { BATCH, 3, SIDE, SIDE };
static const AtlShape target_shape = { BATCH, 3, LARGE, LARGE };

static double
colour_at (guint64 step, int b, int c, int y, int x)
{
  const double k = (double) step;

  return 0.5
         + 0.3 * sin (0.11 * (x + 1) * (1 + 0.3 * b) + 0.9 * k + c) * cos (0.17 * y - 0.5 * k * b)
         + 0.1 * sin (1.3 * x + 0.7 * y + k);
}

static gboolean
make_batch (void *data, float *input, guint64 first_sample, GError **error)
{
  Run *run = data;
  const guint64 step = first_sample / BATCH;

  for (int plane = 0; plane < BATCH * 3; plane++)
    for (int y = 0; y < LARGE; y++)
      for (int x = 0; x < LARGE; x++)
        run->targets[(plane * LARGE + y) * LARGE + x] = (float) colour_at (step, plane / 3,
                                                                           plane % 3, y, x);
  for (int plane = 0; plane < BATCH * 3; plane++)
    for (int y = 0; y < SIDE; y++)
      for (int x = 0; x < SIDE; x++)
        {
          double sum = 0.0;

          for (int i = 0; i < 4; i++)
            sum += colour_at (step, plane / 3, plane % 3, 2 * y + i / 2, 2 * x + i % 2);
          input[(plane * SIDE + y) * SIDE + x] = (float) (sum / 4.0);
        }
  run->backend->tensor_import (run->target, run->targets, &target_shape);
  return TRUE;
}

static double
batch_loss (void *data, float *dy, const float *y)
{
  Run *run = data;

  return run->backend->l1_loss (dy, y, run->target, &target_shape, 1.0f, run->scratch);
}

static float *
read_tensor (const Run *run, const char *name, size_t *size)
{
  const AtlTensorInfo *info = atl_weight_file_find (run->file, name);

  if (info == NULL)
    return NULL;

  float *values = atl_floats_new (info->size, "a test", NULL);
  CU_ASSERT (atl_weight_file_read (run->file, info, values, NULL));
  *size = info->size;
  return values;
}

static float *
read_parameter (const Run *run, int step, const char *kind, const AtlParameter *parameter)
{
  g_autofree char *name = g_strdup_printf ("%d:%s:%s", step, kind, parameter->name);
  size_t size = 0;
  float *values = read_tensor (run, name, &size);

  CU_ASSERT (values == NULL || size == parameter->size);
  return values;
}

static void
load_weights (Run *run, int step)
{
  const AtlGraph *graph = run->model->graph;

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);
      g_autoptr (AtlFloats) values = read_parameter (run, step, "weight", p);

      CU_ASSERT_PTR_NOT_NULL_FATAL (values);
      memcpy (run->model->parameters + p->offset, values, p->size * sizeof (float));
    }
}

static void
run_init (Run *run)
{
  AtlUpscaleOptions *o = &run->options;
  size_t n_losses = 0;

  *run = (Run) { .backend = atl_backend_cpu () };
  run->file = atl_weight_file_open (TEST_FOLDER "/training-run.safetensors", NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (run->file);
  g_autoptr (AtlFloats) losses = read_tensor (run, "losses", &n_losses);
  CU_ASSERT_EQUAL_FATAL (n_losses, STEPS);
  memcpy (run->losses, losses, sizeof run->losses);

  atl_upscale_options_init (o, ATL_UPSCALE_RECIPE_DEFAULT, 2);
  o->width = WIDTH;
  o->blocks = BLOCKS;
  o->common.batch = BATCH;
  o->common.steps = STEPS;
  o->common.data = g_new0 (char *, 1);
  run->model = atl_upscale_model_new (o, NULL);
  run->targets = atl_floats_new (atl_shape_size (&target_shape), "a test", NULL);
  run->target = atl_floats_new (run->backend->tensor_size (&target_shape), "a test", NULL);
  run->scratch = atl_floats_new (run->backend->loss_scratch_size (&target_shape), "a test", NULL);
}

static void
run_clear (Run *run)
{
  atl_floats_free (run->targets);
  atl_floats_free (run->target);
  atl_floats_free (run->scratch);
  atl_model_free (run->model);
  atl_upscale_options_clear (&run->options);
  atl_weight_file_close (run->file);
}

static void
check_step (Run *run, int step)
{
  const AtlGraph *graph = run->model->graph;
  g_autoptr (AtlPlan) plan = atl_plan_new_training (graph, run->backend, &input_shape, NULL,
                                                    ATL_TRAINING_FROZEN_NORM);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  g_autoptr (AtlFloats) input = atl_floats_new (atl_shape_size (&input_shape), "a test", NULL);
  g_autoptr (AtlFloats)
      gradients = atl_floats_new (atl_graph_parameters_size (graph), "a test", NULL);
  int n_compared = 0;

  load_weights (run, step);
  make_batch (run, input, (guint64) step * BATCH, NULL);
  atl_plan_forward (plan, workspace, run->model->parameters, input);
  const float loss = (float) batch_loss (run, atl_plan_output_gradient (plan, workspace),
                                         atl_plan_output (plan, workspace));
  atl_test_close ("loss", &loss, &run->losses[step], 1, 1e-4);

  atl_plan_backward (plan, workspace, run->model->parameters, gradients);
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);
      g_autoptr (AtlFloats) expected = read_parameter (run, step, "gradient", p);

      if (expected == NULL)
        continue;
      atl_test_close (p->name, gradients + p->offset, expected, p->size, 1e-4);
      n_compared++;
    }
  CU_ASSERT_EQUAL (n_compared, 2 * (2 * BLOCKS + 4));
}

static void
steps_are_those_of_pytorch (void)
{
  Run run;

  run_init (&run);
  check_step (&run, 0);
  check_step (&run, 50);
  check_step (&run, 150);
  run_clear (&run);
}

typedef struct
{
  double sum; /* of the losses since the last row of the log */
  guint64 n;
  double losses[STEPS];
} Watched;

/* The status has the mean since the last row. */
static void
on_step (const AtlTrainStatus *status, void *data)
{
  Watched *watched = data;

  watched->n++;
  watched->losses[status->step - 1] = status->loss * (double) watched->n - watched->sum;
  watched->sum = status->loss * (double) watched->n;
}

static void
on_row (const AtlLogRow *row, const AtlTrainStatus *status, void *data)
{
  Watched *watched = data;

  watched->sum = 0.0;
  watched->n = 0;
}

static int
compare_numbers (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
run_stays_close_to_pytorch (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  Watched watched = { 0 };
  const AtlTrainMonitor monitor = { .data = &watched, .on_step = on_step, .on_row = on_row };
  double differences[STEPS];
  GError *error = NULL;
  Run run;

  run_init (&run);
  run.options.common.output = g_build_filename (folder, "w.safetensors", NULL);
  load_weights (&run, 0);
  const AtlRecipe recipe = { .data = &run,
                             .input = input_shape,
                             .epoch_size = 1000,
                             .score_name = "psnr",
                             .checksum = "a formula",
                             .make_batch = make_batch,
                             .loss = batch_loss,
                             .options = &atl_upscale_options,
                             .values = &run.options };
  CU_ASSERT (atl_train (run.model, &recipe, run.backend, &monitor, &error));
  atl_test_no_error (error);

  for (int i = 0; i < STEPS; i++)
    differences[i] = fabs (watched.losses[i] / run.losses[i] - 1.0);
  qsort (differences, STEPS, sizeof differences[0], compare_numbers);
  CU_ASSERT (differences[STEPS / 2] <= 0.01);
  CU_ASSERT (run.losses[STEPS - 1] < 0.5 * run.losses[0]);
  run_clear (&run);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "steps are those of PyTorch", steps_are_those_of_pytorch },
    { "a run stays close to PyTorch's", run_stays_close_to_pytorch },
  };

  return atl_suite_run ("training run", tests, G_N_ELEMENTS (tests));
}
