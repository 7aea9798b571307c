/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Plans and memory: running one allocates nothing, and too little memory is one error.
 */

#include "suite.h"

#include "allocations.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "graph/graph-private.h"
#include "graph/plan-private.h"
#include "networks.h"

/* The linker leads the calls of atl_floats_new () to __wrap_: those from the n-th on fail. */
extern float *__real_atl_floats_new (size_t n, const char *what, GError **error);
extern float *__wrap_atl_floats_new (size_t n, const char *what, GError **error);
static int n_blocks_left = G_MAXINT;

float *
__wrap_atl_floats_new (size_t n, const char *what, GError **error)
{
  if (n_blocks_left > 0)
    {
      n_blocks_left -= n_blocks_left != G_MAXINT;
      return __real_atl_floats_new (n, what, error);
    }

  atl_error_set_memory (error, what, n * sizeof (float));
  return NULL;
}

static void
too_little_memory (void)
{
  g_autoptr (AtlGraph) graph = atl_test_networks[0].build ();
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlFloats) parameters = atl_test_parameters (graph, &random);

  /* An error set over another one would be reported by GLib. */
  const GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_LEVEL_WARNING);
  for (int n = 0; n < 2; n++)
    {
      g_autoptr (GError) error = NULL;

      n_blocks_left = n;
      CU_ASSERT_PTR_NULL (atl_prepared_new (graph, parameters, atl_backend_reference (), &error));
      n_blocks_left = G_MAXINT;
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_MEMORY, "Not enough memory for the weights");
    }
  g_log_set_always_fatal (fatal);
}

/* What a test does twice: the first time the threads of the pool are made. */
typedef struct
{
  AtlPlan *plan;
  float *workspace, *parameters, *gradients, *input, *output;
} Run;

static void
infer (const Run *run)
{
  atl_plan_infer (run->plan, run->workspace, run->output, run->input);
}

static void
train (const Run *run)
{
  atl_plan_forward (run->plan, run->workspace, run->parameters, run->input);
  atl_plan_backward (run->plan, run->workspace, run->parameters, run->gradients);
}

static gboolean
check_run (const char *network, const Run *run, void (*work) (const Run *run))
{
  const char *why = NULL;

  work (run);
  if (! atl_test_allocations_start (&why))
    {
      atl_test_skip (why);
      return FALSE;
    }
  work (run);

  const int n_allocations = atl_test_allocations_stop ();
  if (n_allocations > 0)
    printf ("  %s: %d allocations\n", network, n_allocations);
  CU_ASSERT_EQUAL (n_allocations, 0);
  return TRUE;
}

typedef enum
{
  INFERENCE,
  IN_STRIPS,
  TRAINING,
  FROZEN /* all that can be: only the input's gradient is computed */
} Purpose;

/* Into two strips of as few steps as possible. */
static AtlDivision
smallest_division (const AtlPrepared *prepared)
{
  guint tail_begin = prepared->steps->len - 1;

  while (tail_begin > 0 && ! atl_prepared_can_divide_tail (prepared, tail_begin))
    tail_begin--;
  CU_ASSERT_FATAL (atl_prepared_can_divide_tail (prepared, tail_begin));
  return (AtlDivision) { .tail_begin = tail_begin, .n_tail_strips = 2 };
}

static AtlPlan *
new_plan (const AtlGraph *graph, const AtlPrepared *prepared, const AtlBackend *backend,
          const AtlShape *shape, Purpose purpose)
{
  const AtlShape output = atl_graph_output_shape (graph, shape);
  const AtlRegion part = { 1, 1, output.w - 2, output.h - 2 };
  g_autofree gboolean *trained = g_new0 (gboolean, (gsize) atl_graph_n_parameters (graph));
  const AtlDivision division = smallest_division (prepared);

  switch (purpose)
    {
    case TRAINING:
      return atl_plan_new_training (graph, backend, shape, NULL, ATL_TRAINING_DEFAULT);
    case FROZEN:
      return atl_plan_new_training (graph, backend, shape, trained,
                                    ATL_TRAINING_FROZEN_NORM | ATL_TRAINING_INPUT_GRADIENT);
    case IN_STRIPS:
      return atl_plan_new_divided (prepared, shape->w, shape->h, &part, &division);
    case INFERENCE:
      break;
    }
  return atl_plan_new_inference (prepared, shape->w, shape->h, &part);
}

static gboolean
check_network (const AtlTestNetwork *network, const AtlBackend *backend, Purpose purpose)
{
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlGraph) graph = network->build ();
  const AtlShape shape = { 1, atl_graph_node (graph, 0)->channels, 20, 30 };
  const AtlShape output_shape = atl_graph_output_shape (graph, &shape);
  const size_t output_size = backend->tensor_size (&output_shape);
  g_autoptr (AtlFloats) parameters = atl_test_parameters (graph, &random);
  g_autoptr (AtlPrepared) prepared = atl_prepared_new (graph, parameters, backend, NULL);
  g_autoptr (AtlPlan) plan = new_plan (graph, prepared, backend, &shape, purpose);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  g_autoptr (AtlFloats)
      gradients = atl_floats_new (atl_graph_parameters_size (graph), "a test", NULL);
  g_autoptr (AtlFloats) input = atl_test_numbers (atl_shape_size (&shape), &random);
  g_autoptr (AtlFloats) output = atl_floats_new (output_size, "a test", NULL);
  const Run run = { plan, workspace, parameters, gradients, input, output };

  return check_run (network->name, &run, purpose <= IN_STRIPS ? infer : train);
}

/* On several threads, which would count too. */
static void
check_networks (Purpose purpose)
{
  const int n_threads_before = atl_threads_count ();

  atl_threads_set_count (3);
  for (int i = 0; i < atl_n_test_networks; i++)
    if (! check_network (&atl_test_networks[i], atl_backend_reference (), purpose)
        || ! check_network (&atl_test_networks[i], atl_backend_cpu (), purpose))
      break;
  atl_threads_set_count (n_threads_before);
}

static void
inference_allocates_nothing (void)
{
  check_networks (INFERENCE);
  check_networks (IN_STRIPS);
}

static void
training_allocates_nothing (void)
{
  check_networks (TRAINING);
  check_networks (FROZEN);
}

static void
allocations_are_counted (void)
{
  const char *why = NULL;

  if (! atl_test_allocations_start (&why))
    {
      atl_test_skip (why);
      return;
    }

  char *volatile small = g_malloc (10); /* in GLib */
  float *volatile floats = atl_floats_new (10, "a test", NULL);
  CU_ASSERT_EQUAL (atl_test_allocations_stop (), 2);
  g_free (small);
  atl_floats_free (floats);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "allocations are counted", allocations_are_counted },
    { "inference allocates nothing", inference_allocates_nothing },
    { "training allocates nothing", training_allocates_nothing },
    { "too little memory", too_little_memory },
  };

  return atl_suite_run ("plan memory", tests, G_N_ELEMENTS (tests));
}
