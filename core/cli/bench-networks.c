/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole networks with random weights as cases of 'atelier bench': a picture through them, and a step of their
 * training.
 */

#include "cli/bench.h"

#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "graph/plan.h"
#include "nets/model.h"
#include "train/optimizer.h"

typedef struct
{
  const char *name;
  const char *task, *arch;
  AtlNetworkConfig config;
  int n, h, w; /* of the input */
  gboolean training;
} Network;

static const Network networks[] = {
  { "sr-resnet x2, 512x768", "upscale", "sr-resnet", { 2, 64, 8 }, 1, 512, 768, FALSE },
  { "sr-resnet x2, 256x256", "upscale", "sr-resnet", { 2, 64, 8 }, 1, 256, 256, FALSE },
  { "sr-resnet x4, 256x256", "upscale", "sr-resnet", { 4, 64, 8 }, 1, 256, 256, FALSE },
  { "sr-resnet x2, step of 16 48x48, L1", "upscale", "sr-resnet", { 2, 64, 8 }, 16, 48, 48, TRUE },
};

typedef struct
{
  AtlModel *model;
  AtlPrepared *prepared; /* of an inference */
  AtlPlan *plan;
  float *workspace, *input, *output; /* plain order; output: of an inference */

  /* Of a training. */
  const AtlBackend *backend;
  AtlOptimizer optimizer;
  AtlShape output_shape;
  float *gradients, *target, *loss_scratch;
} NetworkData;

static void
network_data_free (void *pointer)
{
  NetworkData *data = pointer;

  atl_floats_free (data->workspace);
  atl_floats_free (data->input);
  atl_floats_free (data->output);
  atl_floats_free (data->gradients);
  atl_floats_free (data->target);
  atl_floats_free (data->loss_scratch);
  atl_optimizer_clear (&data->optimizer);
  atl_plan_free (data->plan);
  atl_prepared_free (data->prepared);
  atl_model_free (data->model);
  g_free (data);
}

/* n numbers from 0 to 1, or NULL. */
static float *
noise_new (size_t n, AtlRandom *random, AtlBenchCase *bench_case, GError **error)
{
  float *floats = atl_floats_new (n, _ ("a case"), error);

  for (size_t i = 0; floats != NULL && i < n; i++)
    floats[i] = (float) atl_random_uniform (random);
  bench_case->memory += n * sizeof (float);
  return floats;
}

static void
run_inference (void *pointer)
{
  NetworkData *data = pointer;

  atl_plan_infer (data->plan, data->workspace, data->output, data->input);
}

static gboolean
make_inference (AtlBenchCase *bench_case, NetworkData *data, const Network *network,
                AtlRandom *random, GError **error)
{
  const AtlShape input = { 1, 3, network->h, network->w };
  const AtlShape output = atl_graph_output_shape (data->model->graph, &input);
  const AtlRegion whole = { 0, 0, output.w, output.h };

  data->prepared = atl_prepared_new (data->model->graph, data->model->parameters, data->backend,
                                     error);
  if (data->prepared == NULL)
    return FALSE;

  bench_case->memory += atl_prepared_size (data->prepared);
  data->plan = atl_plan_new_inference (data->prepared, network->w, network->h, &whole);
  bench_case->run = run_inference;
  data->input = noise_new (atl_shape_size (&input), random, bench_case, error);
  if (data->input != NULL)
    data->output = noise_new (atl_shape_size (&output), random, bench_case, error);
  return data->output != NULL;
}

static void
run_step (void *pointer)
{
  NetworkData *data = pointer;
  const AtlBackend *backend = data->backend;
  float *parameters = data->model->parameters;
  const AtlAdam adam = { .learning_rate = 1e-6, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 };

  memset (data->gradients, 0, data->optimizer.size * sizeof (float));
  atl_plan_forward (data->plan, data->workspace, parameters, data->input);
  backend->l1_loss (atl_plan_output_gradient (data->plan, data->workspace),
                    atl_plan_output (data->plan, data->workspace), data->target,
                    &data->output_shape, 1.0f, data->loss_scratch);
  atl_plan_backward (data->plan, data->workspace, parameters, data->gradients);
  atl_optimizer_step (&data->optimizer, parameters, data->gradients, data->model->graph, backend,
                      NULL, &adam, 0.0);
}

static gboolean
make_step (AtlBenchCase *bench_case, NetworkData *data, const Network *network, AtlRandom *random,
           GError **error)
{
  const AtlGraph *graph = data->model->graph;
  const AtlBackend *backend = data->backend;
  const AtlShape input = { network->n, 3, network->h, network->w };

  if (! atl_optimizer_init (&data->optimizer, graph, data->model->parameters, error))
    return FALSE;

  data->output_shape = atl_graph_output_shape (graph, &input);
  data->plan = atl_plan_new_training (graph, backend, &input, NULL, ATL_TRAINING_DEFAULT);
  bench_case->run = run_step;

  data->input = noise_new (atl_shape_size (&input), random, bench_case, error);
  data->target = noise_new (backend->tensor_size (&data->output_shape), random, bench_case, error);
  data->gradients = noise_new (atl_graph_parameters_size (graph), random, bench_case, error);
  /* The optimiser's moments and average. */
  bench_case->memory += 3 * data->optimizer.size * sizeof (float);
  data->loss_scratch = noise_new (backend->loss_scratch_size (&data->output_shape), random,
                                  bench_case, error);
  return data->input != NULL && data->target != NULL && data->gradients != NULL
         && data->loss_scratch != NULL;
}

int
atl_bench_n_networks (void)
{
  return G_N_ELEMENTS (networks);
}

char *
atl_bench_network_name (int index)
{
  return g_strdup (networks[index].name);
}

AtlBenchCase *
atl_bench_network_new (int index, GError **error)
{
  const Network *network = &networks[index];
  g_autoptr (AtlBenchCase) bench_case = g_new0 (AtlBenchCase, 1);
  NetworkData *data = g_new0 (NetworkData, 1);
  AtlRandom random;

  atl_random_init (&random, 1, (guint64) index);
  bench_case->name = atl_bench_network_name (index);
  bench_case->data = data;
  bench_case->free = network_data_free;
  data->backend = atl_backend_default ();
  data->model = atl_model_new (network->task, network->arch, &network->config, &random, error);
  if (data->model == NULL
      || ! (network->training ? make_step : make_inference) (bench_case, data, network, &random,
                                                             error))
    return NULL;

  /* A backward pass computes two gradients with as many operations each, but for the input's. */
  bench_case->operations = 2.0 * atl_plan_multiply_adds (data->plan) * (network->training ? 3 : 1);
  bench_case->memory += (atl_plan_workspace_size (data->plan)
                         + atl_graph_parameters_size (data->model->graph))
                        * sizeof (float);
  data->workspace = atl_floats_new (atl_plan_workspace_size (data->plan), _ ("a case"), error);
  return data->workspace != NULL ? g_steal_pointer (&bench_case) : NULL;
}
