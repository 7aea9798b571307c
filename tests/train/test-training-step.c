/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One training step of small networks: loss, gradients, running statistics and the parameters afterwards
 * are PyTorch's.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/plan.h"
#include "nets/network.h"
#include "train/optimizer.h"
#include "weights/weight-file.h"

/* As in make-training-step.py. */
typedef struct
{
  const char *name;
  int scale, width, blocks;
  gboolean mse, frozen;
} Case;

static const Case cases[] = {
  { "x2-l1", 2, 8, 2, FALSE, FALSE },
  { "x2-mse", 2, 8, 2, TRUE, FALSE },
  { "x4-l1", 4, 8, 2, FALSE, FALSE },
  { "x2-frozen", 2, 8, 2, FALSE, TRUE },
};

static const AtlShape batch = { 2, 3, 6, 7 };

typedef struct
{
  const Case *of;
  const AtlBackend *backend;
  AtlWeightFile *file;
  AtlGraph *graph;
  float *parameters, *gradients;
} Step;

/* A tensor of the fixture, or NULL. */
static float *
read_tensor (const Step *step, const char *kind, const char *name, size_t *size)
{
  g_autofree char *key = name != NULL ? g_strdup_printf ("%s:%s:%s", step->of->name, kind, name)
                                      : g_strdup_printf ("%s:%s", step->of->name, kind);
  const AtlTensorInfo *info = atl_weight_file_find (step->file, key);
  g_autoptr (GError) error = NULL;

  if (info == NULL)
    return NULL;

  float *values = atl_floats_new (info->size, "a test", &error);
  CU_ASSERT (atl_weight_file_read (step->file, info, values, &error));
  atl_test_no_error (error);
  if (size != NULL)
    *size = info->size;
  return values;
}

static void
load_weights (const Step *step)
{
  for (int i = 0; i < atl_graph_n_parameters (step->graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (step->graph, i);
      size_t size = 0;
      g_autoptr (AtlFloats) values = read_tensor (step, "weight", p->name, &size);

      CU_ASSERT_PTR_NOT_NULL_FATAL (values);
      CU_ASSERT_EQUAL_FATAL (size, p->size);
      memcpy (step->parameters + p->offset, values, size * sizeof (float));
    }
}

/* Forward, loss and backward. */
static void
run_plan (const Step *step)
{
  const AtlBackend *backend = step->backend;
  const AtlTrainingFlags flags = step->of->frozen ? ATL_TRAINING_FROZEN_NORM : ATL_TRAINING_DEFAULT;
  g_autoptr (AtlPlan) plan = atl_plan_new_training (step->graph, backend, &batch, NULL, flags);
  const AtlShape shape = atl_plan_output_shape (plan);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  g_autoptr (AtlFloats)
      scratch = atl_floats_new (backend->loss_scratch_size (&shape), "a test", NULL);
  g_autoptr (AtlFloats) target = atl_floats_new (backend->tensor_size (&shape), "a test", NULL);
  g_autoptr (AtlFloats) input = read_tensor (step, "input", NULL, NULL);
  g_autoptr (AtlFloats) plain = read_tensor (step, "target", NULL, NULL);
  g_autoptr (AtlFloats) expected = read_tensor (step, "loss", NULL, NULL);

  backend->tensor_import (target, plain, &shape);
  atl_plan_forward (plan, workspace, step->parameters, input);
  AtlLossFunc *loss_func = step->of->mse ? backend->mse_loss : backend->l1_loss;
  const float loss = (float) loss_func (atl_plan_output_gradient (plan, workspace),
                                        atl_plan_output (plan, workspace), target, &shape, 1.0f,
                                        scratch);
  atl_test_close ("loss", &loss, expected, 1, 1e-5);
  atl_plan_backward (plan, workspace, step->parameters, step->gradients);
}

/* A bias under a normalisation by the batch's statistics has no effect: its gradient is zero, here and
 * there but for rounding. Every other gradient is compared relatively. */
static void
check_gradients (const Step *step)
{
  const double all = atl_test_largest (step->gradients, atl_graph_parameters_size (step->graph));
  int n_compared = 0;

  for (int i = 0; i < atl_graph_n_parameters (step->graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (step->graph, i);
      const float *found = step->gradients + p->offset;
      g_autoptr (AtlFloats) expected = read_tensor (step, "gradient", p->name, NULL);

      if (expected == NULL)
        CU_ASSERT_EQUAL (atl_test_largest (found, p->size), 0.0)
      else if (atl_test_largest (expected, p->size) < 1e-7 * all)
        CU_ASSERT (atl_test_largest (found, p->size) < 1e-5 * all)
      else
        {
          atl_test_close (p->name, found, expected, p->size, 1e-4);
          n_compared++;
        }
    }
  CU_ASSERT (n_compared >= 2 * (2 * step->of->blocks + 3));
}

static void
check_after_adam (const Step *step)
{
  const AtlAdam adam = { .learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-3 };
  g_auto (AtlOptimizer) optimizer = { 0 };

  CU_ASSERT_FATAL (atl_optimizer_init (&optimizer, step->graph, step->parameters, NULL));
  atl_optimizer_step (&optimizer, step->parameters, step->gradients, step->graph, step->backend,
                      NULL, &adam, 0.999);
  for (int i = 0; i < atl_graph_n_parameters (step->graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (step->graph, i);
      g_autoptr (AtlFloats) before = read_tensor (step, "weight", p->name, NULL);
      g_autoptr (AtlFloats) after = read_tensor (step, "after", p->name, NULL);
      float *found = step->parameters + p->offset;

      /* What was done, not what was there: the step is small. */
      for (size_t k = 0; k < p->size; k++)
        {
          found[k] -= before[k];
          after[k] -= before[k];
        }
      /* The difference of two floats near 1 is right to 1e-7. */
      if (atl_test_largest (after, p->size) > 1e-4)
        atl_test_close (p->name, found, after, p->size, 1e-3);
      else
        CU_ASSERT (atl_test_largest (found, p->size) < 1e-4);
    }
}

static void
check_case (const Case *of, const AtlBackend *backend)
{
  g_autoptr (GError) error = NULL;
  Step step = { .of = of, .backend = backend };

  step.file = atl_weight_file_open (TEST_FOLDER "/training-step.safetensors", &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (step.file);
  step.graph = atl_sr_resnet_new (of->scale, of->width, of->blocks);
  step.parameters = atl_floats_new (atl_graph_parameters_size (step.graph), "a test", NULL);
  step.gradients = atl_floats_new (atl_graph_parameters_size (step.graph), "a test", NULL);

  load_weights (&step);
  run_plan (&step);
  check_gradients (&step);
  check_after_adam (&step);

  atl_floats_free (step.parameters);
  atl_floats_free (step.gradients);
  atl_graph_free (step.graph);
  atl_weight_file_close (step.file);
}

static void
reference_step (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    check_case (&cases[i], atl_backend_reference ());
}

static void
cpu_step (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    check_case (&cases[i], atl_backend_cpu ());
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reference", reference_step },
    { "cpu", cpu_step },
  };

  return atl_suite_run ("training step", tests, G_N_ELEMENTS (tests));
}
