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
#include "nets/network.h"
#include "train/optimizer.h"
#include "train/perceptual-loss.h"

static AtlGraph *
sr_resnet_2 (void)
{
  return atl_sr_resnet_new (2, 64, 8);
}

static AtlGraph *
sr_resnet_4 (void)
{
  return atl_sr_resnet_new (4, 64, 8);
}

static AtlGraph *
style_resnet (void)
{
  return atl_style_resnet_new (32);
}

static AtlGraph *
unet34 (void)
{
  return atl_unet34_new (1);
}

typedef enum
{
  INFERENCE,
  STEP,      /* of training, with a loss of the backend */
  STYLE_STEP /* with VGG16-bn's features */
} Kind;

typedef struct
{
  const char *name;
  AtlGraph *(*build) (void);
  int n, h, w; /* of the input */
  Kind kind;
  size_t loss; /* offset in AtlBackend */
} Network;

static const Network networks[] = {
  { "sr-resnet x2, 512x768", sr_resnet_2, 1, 512, 768, INFERENCE, 0 },
  { "sr-resnet x2, 256x256", sr_resnet_2, 1, 256, 256, INFERENCE, 0 },
  { "sr-resnet x4, 256x256", sr_resnet_4, 1, 256, 256, INFERENCE, 0 },
  { "style-resnet, 632x1200", style_resnet, 1, 632, 1200, INFERENCE, 0 },
  { "style-resnet, 256x256", style_resnet, 1, 256, 256, INFERENCE, 0 },
  { "unet34, 512x512", unet34, 1, 512, 512, INFERENCE, 0 },
  { "unet34, 1024x1024", unet34, 1, 1024, 1024, INFERENCE, 0 },
  { "sr-resnet x2, step of 16 48x48, MSE", sr_resnet_2, 16, 48, 48, STEP,
    G_STRUCT_OFFSET (AtlBackend, mse_loss) },
  { "unet34, step of 8 256x256, BCE", unet34, 8, 256, 256, STEP,
    G_STRUCT_OFFSET (AtlBackend, binary_cross_entropy_loss) },
  { "style-resnet, step of 4 256x256, VGG16-bn", style_resnet, 4, 256, 256, STYLE_STEP, 0 },
};

typedef struct
{
  AtlGraph *graph;
  float *parameters;
  AtlPrepared *prepared; /* of an inference */
  AtlPlan *plan;
  float *workspace, *input, *output; /* plain order; output: of an inference */

  /* Of a training. */
  const AtlBackend *backend;
  AtlLossFunc *loss;
  AtlOptimizer optimizer;
  AtlShape output_shape;
  float *gradients, *target, *loss_scratch;
  AtlPerceptualLoss *style_loss;
  float *loss_parameters;
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
  atl_perceptual_loss_free (data->style_loss);
  atl_floats_free (data->loss_parameters);
  atl_optimizer_clear (&data->optimizer);
  atl_plan_free (data->plan);
  atl_prepared_free (data->prepared);
  atl_floats_free (data->parameters);
  atl_graph_free (data->graph);
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
  const AtlShape output = atl_graph_output_shape (data->graph, &input);
  const AtlRegion whole = { 0, 0, output.w, output.h };

  data->prepared = atl_prepared_new (data->graph, data->parameters, data->backend, error);
  if (data->prepared == NULL)
    return FALSE;

  bench_case->memory += atl_prepared_size (data->prepared);
  data->plan = atl_plan_new_inference (data->prepared, network->w, network->h, &whole);
  bench_case->run = run_inference;
  data->input = noise_new (atl_shape_size (&input), random, bench_case, error);
  bench_case->loaded = bench_case->memory;
  if (data->input != NULL)
    data->output = noise_new (atl_shape_size (&output), random, bench_case, error);
  return data->output != NULL;
}

static void
run_loss (NetworkData *data)
{
  float *gradient = atl_plan_output_gradient (data->plan, data->workspace);
  const float *output = atl_plan_output (data->plan, data->workspace);

  if (data->style_loss != NULL)
    atl_perceptual_loss_run (data->style_loss, gradient, output, data->input);
  else
    data->loss (gradient, output, data->target, &data->output_shape, 1.0f, data->loss_scratch);
}

static void
run_step (void *pointer)
{
  NetworkData *data = pointer;
  float *parameters = data->parameters;
  const AtlAdam adam = { .learning_rate = 1e-6, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 };

  memset (data->gradients, 0, data->optimizer.size * sizeof (float));
  atl_plan_forward (data->plan, data->workspace, parameters, data->input);
  run_loss (data);
  atl_plan_backward (data->plan, data->workspace, parameters, data->gradients);
  atl_optimizer_step (&data->optimizer, parameters, data->gradients, data->graph, data->backend,
                      NULL, &adam, 0.0);
}

static gboolean
make_loss (AtlBenchCase *bench_case, NetworkData *data, const Network *network, AtlRandom *random,
           GError **error)
{
  const AtlBackend *backend = data->backend;

  data->loss = G_STRUCT_MEMBER (AtlLossFunc *, backend, network->loss);
  data->target = noise_new (backend->tensor_size (&data->output_shape), random, bench_case, error);
  bench_case->loaded = bench_case->memory;
  data->loss_scratch = noise_new (backend->loss_scratch_size (&data->output_shape), random,
                                  bench_case, error);
  return data->target != NULL && data->loss_scratch != NULL;
}

static gboolean
make_style_loss (AtlBenchCase *bench_case, NetworkData *data, AtlRandom *random, GError **error)
{
  g_autoptr (AtlGraph) graph = atl_vgg16_bn_new (ATL_LOSS_TAPS);

  data->loss_parameters = noise_new (atl_graph_parameters_size (graph), random, bench_case, error);
  if (data->loss_parameters == NULL)
    return FALSE;

  bench_case->loaded = bench_case->memory;
  atl_network_init_parameters (graph, data->loss_parameters, random);
  data->style_loss = atl_perceptual_loss_new (atl_vgg16_bn_new, data->loss_parameters,
                                              &atl_style_weights_vgg16_bn, &data->output_shape,
                                              data->backend, error);
  if (data->style_loss == NULL)
    return FALSE;

  bench_case->memory += atl_perceptual_loss_size (data->style_loss);
  bench_case->operations += 2.0 * atl_perceptual_loss_multiply_adds (data->style_loss);
  return TRUE;
}

static gboolean
make_step (AtlBenchCase *bench_case, NetworkData *data, const Network *network, AtlRandom *random,
           GError **error)
{
  const AtlGraph *graph = data->graph;
  const AtlShape input = { network->n, 3, network->h, network->w };

  if (! atl_optimizer_init (&data->optimizer, graph, data->parameters, error))
    return FALSE;

  data->output_shape = atl_graph_output_shape (graph, &input);
  data->plan = atl_plan_new_training (graph, data->backend, &input, NULL, ATL_TRAINING_DEFAULT);
  bench_case->run = run_step;

  data->input = noise_new (atl_shape_size (&input), random, bench_case, error);
  if (data->input == NULL
      || ! (network->kind == STYLE_STEP ? make_style_loss (bench_case, data, random, error)
                                        : make_loss (bench_case, data, network, random, error)))
    return FALSE;

  /* The optimiser's moments and average. */
  bench_case->memory += 3 * data->optimizer.size * sizeof (float);
  data->gradients = noise_new (atl_graph_parameters_size (graph), random, bench_case, error);
  return data->gradients != NULL;
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
  data->graph = network->build ();
  data->parameters = noise_new (atl_graph_parameters_size (data->graph), &random, bench_case,
                                error);
  if (data->parameters == NULL)
    return NULL;

  atl_network_init_parameters (data->graph, data->parameters, &random);
  if (! (network->kind == INFERENCE ? make_inference : make_step) (bench_case, data, network,
                                                                   &random, error))
    return NULL;

  /* A backward pass computes two gradients with as many operations each, but for the input's. */
  bench_case->operations += 2.0 * atl_plan_multiply_adds (data->plan)
                            * (network->kind == INFERENCE ? 1 : 3);
  bench_case->memory += atl_plan_workspace_size (data->plan) * sizeof (float);
  data->workspace = atl_floats_new (atl_plan_workspace_size (data->plan), _ ("a case"), error);
  return data->workspace != NULL ? g_steal_pointer (&bench_case) : NULL;
}
