/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans for training: gradients by finite differences, frozen parameters, running statistics.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "graph/graph-private.h"
#include "graph/plan.h"
#include "networks.h"
#include "nets/network.h"

typedef struct
{
  AtlGraph *graph;
  const AtlBackend *backend;
  AtlShape shape;
  AtlPlan *plan;
  float *workspace, *parameters, *gradients, *input, *target;
} Run;

static void
run_init_sized (Run *run, const AtlTestNetwork *network, const AtlBackend *backend,
                const gboolean *trained, AtlTrainingFlags flags, int height, int width)
{
  AtlRandom random;

  atl_random_init (&random, 11, 0);
  run->graph = network->build ();
  run->backend = backend;
  run->shape = (AtlShape) { 2, atl_graph_node (run->graph, 0)->channels,
                            atl_test_side (network, height), atl_test_side (network, width) };
  run->plan = atl_plan_new_training (run->graph, backend, &run->shape, trained, flags);
  run->workspace = atl_floats_new (atl_plan_workspace_size (run->plan), "a test", NULL);
  run->parameters = atl_test_parameters (run->graph, &random);
  run->gradients = atl_floats_new (atl_graph_parameters_size (run->graph), "a test", NULL);
  run->input = atl_test_numbers (atl_shape_size (&run->shape), &random);

  const AtlShape output = atl_plan_output_shape (run->plan);
  g_autoptr (AtlFloats) target = atl_test_numbers (atl_shape_size (&output), &random);
  run->target = atl_floats_new (backend->tensor_size (&output), "a test", NULL);
  backend->tensor_import (run->target, target, &output);

  for (size_t i = 0; i < atl_plan_workspace_size (run->plan); i++)
    run->workspace[i] = NAN; /* nothing may be read before it is written */
}

static void
run_init (Run *run, const AtlTestNetwork *network, const AtlBackend *backend,
          const gboolean *trained, AtlTrainingFlags flags)
{
  run_init_sized (run, network, backend, trained, flags, 6, 9);
}

static void
run_clear (Run *run)
{
  atl_graph_free (run->graph);
  atl_plan_free (run->plan);
  atl_floats_free (run->workspace);
  atl_floats_free (run->parameters);
  atl_floats_free (run->gradients);
  atl_floats_free (run->input);
  atl_floats_free (run->target);
}

/* Half the mean squared numbers of each tap, whose gradients are left where the backward pass expects them. */
static double
loss_of_taps (Run *run)
{
  double loss = 0.0;

  for (int i = 0; i < atl_graph_n_taps (run->graph); i++)
    {
      const AtlShape shape = atl_plan_tap_shape (run->plan, i);
      g_autoptr (AtlFloats)
          scratch = atl_floats_new (run->backend->loss_scratch_size (&shape), "a test", NULL);
      g_autoptr (AtlFloats)
          zeros = atl_floats_new (run->backend->tensor_size (&shape), "a test", NULL);

      memset (zeros, 0, run->backend->tensor_size (&shape) * sizeof (float));
      loss += 0.5
              * run->backend->mse_loss (atl_plan_tap_gradient (run->plan, run->workspace, i),
                                        atl_plan_tap (run->plan, run->workspace, i), zeros, &shape,
                                        0.5f, scratch);
    }
  return loss;
}

/* The mean squared error, whose gradient is left where the backward pass expects it, and the loss of the taps. */
static double
run_forward (Run *run)
{
  const AtlShape output = atl_plan_output_shape (run->plan);
  g_autoptr (AtlFloats)
      scratch = atl_floats_new (run->backend->loss_scratch_size (&output), "a test", NULL);

  atl_plan_forward (run->plan, run->workspace, run->parameters, run->input);
  return run->backend->mse_loss (atl_plan_output_gradient (run->plan, run->workspace),
                                 atl_plan_output (run->plan, run->workspace), run->target, &output,
                                 1.0f, scratch)
         + loss_of_taps (run);
}

static void
run_backward (Run *run)
{
  atl_plan_backward (run->plan, run->workspace, run->parameters, run->gradients);
}

/* The loss when one number is moved by 'step'; the running statistics do not matter here. */
static double
moved_loss (Run *run, float *number, float step)
{
  const float before = *number;

  *number = before + step;
  const double loss = run_forward (run);
  *number = before;
  return loss;
}

/* Whether the central difference agrees with the gradient, for one of two steps: between the points of a larger one
 * a ReLU's kink may lie, while the smaller one's difference may drown in float's rounding of the loss. */
static gboolean
number_agrees (Run *run, float *number, double gradient, double scale)
{
  static const float steps[] = { 5e-4f, 1e-4f };

  for (size_t i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      const double quotient = (moved_loss (run, number, steps[i])
                               - moved_loss (run, number, -steps[i]))
                              / (2.0 * steps[i]);

      if (fabs (quotient - gradient) <= 1e-2 * scale)
        return TRUE;
    }
  return FALSE;
}

static gboolean
has_gradient (AtlParameterRole role, AtlTrainingFlags flags)
{
  const gboolean of_norm = role == ATL_PARAMETER_GAMMA || role == ATL_PARAMETER_BETA;

  return atl_parameter_role_is_trained (role) && ! (of_norm && flags & ATL_TRAINING_FROZEN_NORM);
}

static void
check_gradients (const AtlTestNetwork *network, const AtlBackend *backend, AtlTrainingFlags flags)
{
  const int n_numbers = atl_test_quick () ? 4 : 12; /* of each parameter */
  int n_parameters_compared = 0;
  AtlRandom random;
  Run run;

  atl_random_init (&random, 2, 0);
  run_init (&run, network, backend, NULL, flags | ATL_TRAINING_INPUT_GRADIENT);
  run_forward (&run);
  run_backward (&run);

  /* The gradients of the parameters are the same where that of the input is not wanted. */
  Run without;
  run_init (&without, network, backend, NULL, flags);
  run_forward (&without);
  run_backward (&without);
  atl_test_close (network->name, without.gradients, run.gradients,
                  atl_graph_parameters_size (run.graph), 1e-6);
  run_clear (&without);

  g_autoptr (AtlFloats)
      input_gradient = atl_floats_new (atl_shape_size (&run.shape), "a test", NULL);
  backend->tensor_export (input_gradient, atl_plan_input_gradient (run.plan, run.workspace),
                          &run.shape);

  for (int i = 0; i <= atl_graph_n_parameters (run.graph); i++)
    {
      const gboolean is_input = i == atl_graph_n_parameters (run.graph);
      const AtlParameter *p = is_input ? NULL : atl_graph_parameter (run.graph, i);

      if (! is_input && ! has_gradient (p->role, flags))
        {
          CU_ASSERT_EQUAL (atl_test_largest (run.gradients + p->offset, p->size), 0.0);
          continue;
        }

      float *numbers = is_input ? run.input : run.parameters + p->offset;
      const float *gradients = is_input ? input_gradient : run.gradients + p->offset;
      const size_t n = is_input ? atl_shape_size (&run.shape) : p->size;
      const double scale = atl_test_largest (gradients, n);

      /* The bias below a normalisation by the batch's statistics has no effect: its gradient is the
       * rest of a sum that ought to be zero. */
      if (scale < 1e-5)
        continue;
      int n_agree = 0;
      for (int k = 0; k < n_numbers; k++)
        {
          const size_t at = atl_random_below (&random, (guint32) n);

          if (number_agrees (&run, &numbers[at], gradients[at], scale))
            n_agree++;
        }
      if (n_agree < n_numbers * 5 / 6)
        printf ("  %s, %s: %d of %d gradients right\n", network->name, is_input ? "input" : p->name,
                n_agree, n_numbers);
      CU_ASSERT (n_agree >= n_numbers * 5 / 6);
      n_parameters_compared++;
    }

  CU_ASSERT (n_parameters_compared >= 5);
  run_clear (&run);
}

static void
reference_gradients (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    check_gradients (&atl_test_networks[i], atl_backend_reference (), ATL_TRAINING_DEFAULT);
}

static void
gradients_with_frozen_norm (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    check_gradients (&atl_test_networks[i], atl_backend_reference (), ATL_TRAINING_FROZEN_NORM);
}

/* Every gradient of the fast backend against the oracle's. */
static void
cpu_equals_reference (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    {
      Run slow, fast;

      run_init (&slow, &atl_test_networks[i], atl_backend_reference (), NULL, FALSE);
      run_init (&fast, &atl_test_networks[i], atl_backend_cpu (), NULL, FALSE);
      CU_ASSERT_DOUBLE_EQUAL (run_forward (&slow), run_forward (&fast), 1e-5);
      run_backward (&slow);
      run_backward (&fast);
      atl_test_close (atl_test_networks[i].name, fast.gradients, slow.gradients,
                      atl_graph_parameters_size (slow.graph), 1e-5);
      atl_test_close (atl_test_networks[i].name, fast.parameters, slow.parameters,
                      atl_graph_parameters_size (slow.graph), 1e-5);
      run_clear (&slow);
      run_clear (&fast);
    }
}

/* A network that Winograd computes, and pictures of which each kernel has several chunks: rows and columns
 * of blocks, and more pixels than a sum of one chunk has. */
static void
same_bits_on_any_number_of_threads (void)
{
  const AtlTestNetwork *wide = &atl_test_networks[atl_n_test_networks - 1];
  const int n_threads_before = atl_threads_count ();
  static const int n_threads[] = { 1, 2, 3, 7 };
  g_autoptr (AtlFloats) first = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (n_threads); i++)
    {
      Run run;

      CU_ASSERT_FATAL (wide->by_winograd);
      atl_threads_set_count (n_threads[i]);
      run_init_sized (&run, wide, atl_backend_cpu (), NULL, ATL_TRAINING_DEFAULT, 50, 100);
      run_forward (&run);
      run_backward (&run);
      const size_t n = atl_graph_parameters_size (run.graph);
      if (first == NULL)
        first = g_steal_pointer (&run.gradients);
      else
        CU_ASSERT (memcmp (first, run.gradients, n * sizeof (float)) == 0);
      run_clear (&run);
    }
  atl_threads_set_count (n_threads_before);
}

/* A flag for each parameter: of every second weight and its bias. */
static gboolean *
every_second_weight (const AtlGraph *graph)
{
  const int n = atl_graph_n_parameters (graph);
  gboolean *trained = g_new0 (gboolean, (gsize) n);
  gboolean flag = FALSE;

  for (int i = 0; i < n; i++)
    {
      const AtlParameterRole role = atl_graph_parameter (graph, i)->role;

      if (role == ATL_PARAMETER_WEIGHT)
        flag = ! flag;
      trained[i] = flag && (role == ATL_PARAMETER_WEIGHT || role == ATL_PARAMETER_BIAS);
    }
  return trained;
}

/* Whether a training of some parameters has the gradients that one of all has, of these and of the input. */
static void
check_frozen_norms (const AtlTestNetwork *network, const gboolean *trained)
{
  const AtlTrainingFlags flags = ATL_TRAINING_FROZEN_NORM | ATL_TRAINING_INPUT_GRADIENT;
  Run all, some;

  run_init (&all, network, atl_backend_reference (), NULL, flags);
  run_init (&some, network, atl_backend_cpu (), trained, flags);
  CU_ASSERT_DOUBLE_EQUAL (run_forward (&all), run_forward (&some), 1e-5);
  run_backward (&all);
  run_backward (&some);

  const size_t n = atl_shape_size (&all.shape);
  g_autoptr (AtlFloats) exported = atl_floats_new (n, "a test", NULL);
  some.backend->tensor_export (exported, atl_plan_input_gradient (some.plan, some.workspace),
                               &some.shape);
  atl_test_close (network->name, exported, atl_plan_input_gradient (all.plan, all.workspace), n,
                  1e-5);
  for (int i = 0; i < atl_graph_n_parameters (all.graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (all.graph, i);

      if (trained[i])
        atl_test_close (p->name, some.gradients + p->offset, all.gradients + p->offset, p->size,
                        1e-5);
      else
        CU_ASSERT_EQUAL (atl_test_largest (some.gradients + p->offset, p->size), 0.0);
    }
  run_clear (&all);
  run_clear (&some);
}

/* Frozen normalisations go into the weights of convolutions that are not trained. */
static void
frozen_norms_in_frozen_weights (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    {
      g_autoptr (AtlGraph) graph = atl_test_networks[i].build ();
      g_autofree gboolean *none = g_new0 (gboolean, (gsize) atl_graph_n_parameters (graph));
      g_autofree gboolean *some = every_second_weight (graph);

      check_frozen_norms (&atl_test_networks[i], none);
      check_frozen_norms (&atl_test_networks[i], some);
    }
}

/* With only the last convolution trained, the others' gradients stay zero and its own is the same. */
static void
frozen_parameters_cost_nothing (void)
{
  Run all, head;
  g_autoptr (AtlGraph) graph = atl_test_networks[0].build ();
  const int n_parameters = atl_graph_n_parameters (graph);
  g_autofree gboolean *trained = g_new0 (gboolean, (gsize) n_parameters);
  const AtlParameter *weight = atl_graph_parameter (graph, n_parameters - 2);

  trained[n_parameters - 2] = trained[n_parameters - 1] = TRUE;
  run_init (&all, &atl_test_networks[0], atl_backend_reference (), NULL, ATL_TRAINING_DEFAULT);
  run_init (&head, &atl_test_networks[0], atl_backend_reference (), trained, ATL_TRAINING_DEFAULT);
  run_forward (&all);
  run_forward (&head);
  run_backward (&all);
  run_backward (&head);

  CU_ASSERT_EQUAL (atl_test_largest (head.gradients, weight->offset), 0.0);
  CU_ASSERT (atl_test_largest (all.gradients, weight->offset) > 0.0);
  CU_ASSERT (memcmp (all.gradients + weight->offset, head.gradients + weight->offset,
                     weight->size * sizeof (float))
             == 0);
  /* No activation is kept for a backward pass that does not come. */
  CU_ASSERT (atl_plan_workspace_size (head.plan) < atl_plan_workspace_size (all.plan) / 2);
  run_clear (&all);
  run_clear (&head);
}

/* Each parameter trained alone (a bias with its weight) has the gradient that it has among all. */
static void
any_parameter_can_be_trained_alone (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    {
      Run all;

      run_init (&all, &atl_test_networks[i], atl_backend_reference (), NULL, 0);
      const int n_parameters = atl_graph_n_parameters (all.graph);
      run_forward (&all);
      run_backward (&all);

      for (int k = 0; k < n_parameters; k++)
        {
          g_autofree gboolean *trained = g_new0 (gboolean, (gsize) n_parameters);
          Run one;

          const gboolean is_bias = atl_graph_parameter (all.graph, k)->role == ATL_PARAMETER_BIAS;

          trained[k] = TRUE;
          if (is_bias)
            trained[k - 1] = TRUE; /* its weight: a bias is not trained without it */
          run_init (&one, &atl_test_networks[i], atl_backend_reference (), trained, 0);
          run_forward (&one);
          run_backward (&one);
          for (int m = 0; m < n_parameters; m++)
            {
              const AtlParameter *p = atl_graph_parameter (one.graph, m);
              const float *gradient = one.gradients + p->offset;

              if (trained[m])
                atl_test_close (p->name, gradient, all.gradients + p->offset, p->size, 1e-6);
              else
                CU_ASSERT_EQUAL (atl_test_largest (gradient, p->size), 0.0);
            }
          run_clear (&one);
        }
      run_clear (&all);
    }
}

static void
gradients_are_added (void)
{
  Run run;

  run_init (&run, &atl_test_networks[3], atl_backend_reference (), NULL, ATL_TRAINING_DEFAULT);
  const size_t n = atl_graph_parameters_size (run.graph);
  g_autoptr (AtlFloats) doubled = atl_floats_new (n, "a test", NULL);

  run_forward (&run);
  run_backward (&run);
  for (size_t i = 0; i < n; i++)
    doubled[i] = 2.0f * run.gradients[i];
  run_forward (&run);
  run_backward (&run);
  atl_test_close ("sum of two passes", run.gradients, doubled, n, 1e-6);
  run_clear (&run);
}

/* The batch's result by inference, in plain order. */
static float *
run_inference (const Run *run)
{
  const AtlShape output = atl_plan_output_shape (run->plan);
  const size_t n_in = atl_shape_size (&run->shape) / (size_t) run->shape.n;
  const size_t n_out = atl_shape_size (&output) / (size_t) run->shape.n;
  g_autoptr (AtlPrepared)
      prepared = atl_prepared_new (run->graph, run->parameters, run->backend, NULL);
  const AtlRegion all = { 0, 0, output.w, output.h };
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, run->shape.w, run->shape.h, &all);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  float *inferred = atl_floats_new (atl_shape_size (&output), "a test", NULL);

  for (size_t i = 0; i < (size_t) run->shape.n; i++)
    atl_plan_infer (plan, workspace, inferred + i * n_out, run->input + i * n_in);
  return inferred;
}

static void
check_inference (Run *run, double tolerance)
{
  const AtlShape output = atl_plan_output_shape (run->plan);
  const size_t n = atl_shape_size (&output);
  g_autoptr (AtlFloats) trained = atl_floats_new (n, "a test", NULL);
  g_autoptr (AtlFloats) inferred = run_inference (run);

  run->backend->tensor_export (trained, atl_plan_output (run->plan, run->workspace), &output);
  atl_test_close ("inference", inferred, trained, n, tolerance);
}

/* After many batches of the same numbers the running statistics are those of the batch, and inference
 * gives what training gives. */
static void
running_statistics_converge (void)
{
  Run run;

  run_init (&run, &atl_test_networks[0], atl_backend_reference (), NULL, ATL_TRAINING_DEFAULT);
  for (int i = 0; i < 300; i++)
    run_forward (&run);
  /* The running variance is the unbiased one: larger by 1 / (N H W - 1). */
  check_inference (&run, 5e-3);
  run_clear (&run);
}

/* With frozen normalisation training computes what inference does, and leaves the statistics alone. */
static void
frozen_norm_infers (void)
{
  for (int i = 0; i < atl_n_test_networks; i++)
    {
      Run run;

      run_init (&run, &atl_test_networks[i], atl_backend_reference (), NULL,
                ATL_TRAINING_FROZEN_NORM);
      const size_t n = atl_graph_parameters_size (run.graph);
      g_autofree float *before = g_memdup2 (run.parameters, n * sizeof (float));

      run_forward (&run);
      check_inference (&run, 1e-5);
      CU_ASSERT (memcmp (before, run.parameters, n * sizeof (float)) == 0);
      run_clear (&run);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reference gradients", reference_gradients },
    { "gradients with frozen norm", gradients_with_frozen_norm },
    { "frozen norm infers", frozen_norm_infers },
    { "frozen norms in frozen weights", frozen_norms_in_frozen_weights },
    { "cpu equals reference", cpu_equals_reference },
    { "same bits on any number of threads", same_bits_on_any_number_of_threads },
    { "frozen parameters cost nothing", frozen_parameters_cost_nothing },
    { "any parameter can be trained alone", any_parameter_can_be_trained_alone },
    { "gradients are added", gradients_are_added },
    { "running statistics converge", running_statistics_converge },
  };

  return atl_suite_run ("training plan", tests, G_N_ELEMENTS (tests));
}
