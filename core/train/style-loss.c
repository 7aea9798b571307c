/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loss that trains a style network.
 */

#include "train/style-loss.h"

#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "graph/plan.h"

/* Gram matrices are small numbers: the loss counts them in millionths. */
static const double gram_unit = 1e6;

const AtlStyleWeights atl_style_weights_vgg16_bn = {
  .content = { 0.0, 0.0, 0.0, 1e4, 0.0 },
  .style = { 0.0, 0.025, 0.275, 5.0, 0.2 },
};

/* The loss network up to the last tap that is needed, and how to run it. */
typedef struct
{
  AtlGraph *graph;
  AtlPlan *plan;
} Features;

struct _AtlStyleLoss
{
  const AtlBackend *backend;
  AtlStyleWeights weights;
  AtlShape shape;
  float *parameters; /* borrowed */
  Features of_photo; /* without a gradient */
  Features of_y;
  size_t size;                   /* of all arrays, in floats */
  float *workspace;              /* of both in turn */
  float *pictures;               /* a batch in plain order */
  float *content[ATL_LOSS_TAPS]; /* features of the photo */
  float *style[ATL_LOSS_TAPS];   /* C x C, in millionths */
  float *grams;                  /* of a batch, then their gradient */
  float *scratch;
};

static int
count_stages (const double *weights, const double *others)
{
  int n = 0;

  for (int i = 0; i < ATL_LOSS_TAPS; i++)
    if (weights[i] != 0.0 || others[i] != 0.0)
      n = i + 1;
  return n;
}

static void
features_init (Features *features, const AtlStyleLoss *loss, AtlLossNetworkFunc *build,
               int n_stages, AtlTrainingFlags flags)
{
  features->graph = build (n_stages);

  const int n_parameters = atl_graph_n_parameters (features->graph);
  g_autofree gboolean *trained = g_new0 (gboolean, (gsize) n_parameters);

  features->plan = atl_plan_new_training (features->graph, loss->backend, &loss->shape, trained,
                                          flags | ATL_TRAINING_FROZEN_NORM);
}

static void
features_clear (Features *features)
{
  atl_plan_free (features->plan);
  atl_graph_free (features->graph);
}

/* n zeros in *array; FALSE if there is no memory for them. */
static gboolean
allocate (AtlStyleLoss *loss, float **array, size_t n, GError **error)
{
  *array = atl_floats_new (n, _ ("the loss"), error);
  loss->size += n;
  return *array != NULL;
}

/* The arrays of a tap that is compared. */
static gboolean
allocate_tap (AtlStyleLoss *loss, int tap, size_t *grams_size, size_t *scratch_size, GError **error)
{
  const AtlBackend *backend = loss->backend;
  const AtlShape shape = atl_plan_tap_shape (loss->of_y.plan, tap);
  const size_t gram_size = (size_t) shape.c * (size_t) shape.c;

  *grams_size = MAX (*grams_size, (size_t) shape.n * gram_size);
  *scratch_size = MAX (*scratch_size, MAX (backend->gram_scratch_size (&shape),
                                           backend->loss_scratch_size (&shape)));
  return (loss->weights.content[tap] == 0.0
          || allocate (loss, &loss->content[tap], backend->tensor_size (&shape), error))
         && (loss->weights.style[tap] == 0.0
             || allocate (loss, &loss->style[tap], gram_size, error));
}

static gboolean
allocate_all (AtlStyleLoss *loss, GError **error)
{
  const size_t workspace_size = MAX (
      atl_plan_workspace_size (loss->of_y.plan),
      loss->of_photo.plan == NULL ? 0 : atl_plan_workspace_size (loss->of_photo.plan));
  size_t grams_size = 0, scratch_size = 0;

  for (int tap = 0; tap < atl_graph_n_taps (loss->of_y.graph); tap++)
    if (! allocate_tap (loss, tap, &grams_size, &scratch_size, error))
      return FALSE;
  return allocate (loss, &loss->workspace, workspace_size, error)
         && allocate (loss, &loss->pictures, atl_shape_size (&loss->shape), error)
         && allocate (loss, &loss->grams, grams_size, error)
         && allocate (loss, &loss->scratch, scratch_size, error);
}

AtlStyleLoss *
atl_style_loss_new (AtlLossNetworkFunc *build, float *parameters, const AtlStyleWeights *weights,
                    const AtlShape *shape, const AtlBackend *backend, GError **error)
{
  g_autoptr (AtlStyleLoss) loss = g_new0 (AtlStyleLoss, 1);
  const int n_content = count_stages (weights->content, weights->content);

  loss->backend = backend;
  loss->weights = *weights;
  loss->shape = *shape;
  loss->parameters = parameters;
  features_init (&loss->of_y, loss, build, count_stages (weights->content, weights->style),
                 ATL_TRAINING_INPUT_GRADIENT);
  if (n_content > 0)
    features_init (&loss->of_photo, loss, build, n_content, ATL_TRAINING_DEFAULT);

  return allocate_all (loss, error) ? g_steal_pointer (&loss) : NULL;
}

void
atl_style_loss_free (AtlStyleLoss *loss)
{
  if (loss == NULL)
    return;

  features_clear (&loss->of_photo);
  features_clear (&loss->of_y);
  for (int tap = 0; tap < ATL_LOSS_TAPS; tap++)
    {
      atl_floats_free (loss->content[tap]);
      atl_floats_free (loss->style[tap]);
    }
  atl_floats_free (loss->workspace);
  atl_floats_free (loss->pictures);
  atl_floats_free (loss->grams);
  atl_floats_free (loss->scratch);
  g_free (loss);
}

void
atl_style_loss_set_style (AtlStyleLoss *loss, const float *picture)
{
  const size_t n = (size_t) loss->shape.n, size = atl_shape_size (&loss->shape) / n;

  for (size_t i = 0; i < n; i++)
    memcpy (loss->pictures + i * size, picture, size * sizeof (float));
  atl_plan_forward (loss->of_y.plan, loss->workspace, loss->parameters, loss->pictures);

  for (int tap = 0; tap < ATL_LOSS_TAPS; tap++)
    if (loss->style[tap] != NULL)
      {
        const AtlShape shape = atl_plan_tap_shape (loss->of_y.plan, tap);

        loss->backend->gram_forward (loss->grams,
                                     atl_plan_tap (loss->of_y.plan, loss->workspace, tap), &shape,
                                     loss->scratch);
        for (size_t i = 0; i < (size_t) shape.c * (size_t) shape.c; i++)
          loss->style[tap][i] = (float) (gram_unit * loss->grams[i]);
      }
}

/* The features of the photo, kept until they are compared. */
static void
look_at_photo (AtlStyleLoss *loss, const float *photo)
{
  if (loss->of_photo.plan == NULL)
    return;

  atl_plan_forward (loss->of_photo.plan, loss->workspace, loss->parameters, photo);
  for (int tap = 0; tap < ATL_LOSS_TAPS; tap++)
    if (loss->content[tap] != NULL)
      {
        const AtlShape shape = atl_plan_tap_shape (loss->of_photo.plan, tap);

        memcpy (loss->content[tap], atl_plan_tap (loss->of_photo.plan, loss->workspace, tap),
                loss->backend->tensor_size (&shape) * sizeof (float));
      }
}

/* Adds the gradient of the features f to df. */
static double
compare_style (AtlStyleLoss *loss, int tap, float *df, const float *f, const AtlShape *shape)
{
  const size_t size = (size_t) shape->c * (size_t) shape->c, n = (size_t) shape->n * size;
  const float *style = loss->style[tap];
  const double mean = loss->weights.style[tap] / (double) n;
  double sum = 0.0;

  loss->backend->gram_forward (loss->grams, f, shape, loss->scratch);
  for (float *g = loss->grams; g < loss->grams + n; g += size)
    for (size_t i = 0; i < size; i++)
      {
        const double difference = gram_unit * g[i] - style[i];

        sum += difference * difference;
        g[i] = (float) (2.0 * mean * gram_unit * difference);
      }
  loss->backend->gram_backward (df, loss->grams, f, shape, loss->scratch);
  return mean * sum;
}

/* Both parts of a tap, and their gradient. */
static void
compare_tap (AtlStyleLoss *loss, int tap, AtlStyleParts *parts)
{
  const AtlPlan *plan = loss->of_y.plan;
  const AtlShape shape = atl_plan_tap_shape (plan, tap);
  const float *f = atl_plan_tap (plan, loss->workspace, tap);
  float *df = atl_plan_tap_gradient (plan, loss->workspace, tap);

  if (loss->content[tap] != NULL)
    parts->content += loss->weights.content[tap]
                      * loss->backend->mse_loss (df, f, loss->content[tap], &shape,
                                                 (float) loss->weights.content[tap], loss->scratch);
  else
    memset (df, 0, loss->backend->tensor_size (&shape) * sizeof (float));
  if (loss->style[tap] != NULL)
    parts->style += compare_style (loss, tap, df, f, &shape);
}

AtlStyleParts
atl_style_loss_run (AtlStyleLoss *loss, float *dy, const float *y, const float *photo)
{
  const AtlPlan *plan = loss->of_y.plan;
  AtlStyleParts parts = { 0.0, 0.0 };

  look_at_photo (loss, photo);
  loss->backend->tensor_export (loss->pictures, y, &loss->shape);
  atl_plan_forward (plan, loss->workspace, loss->parameters, loss->pictures);
  for (int tap = 0; tap < atl_graph_n_taps (loss->of_y.graph); tap++)
    compare_tap (loss, tap, &parts);
  atl_plan_backward (plan, loss->workspace, loss->parameters, NULL);
  memcpy (dy, atl_plan_input_gradient (plan, loss->workspace),
          loss->backend->tensor_size (&loss->shape) * sizeof (float));
  return parts;
}

double
atl_style_loss_multiply_adds (const AtlStyleLoss *loss)
{
  return 2.0 * atl_plan_multiply_adds (loss->of_y.plan)
         + (loss->of_photo.plan == NULL ? 0.0 : atl_plan_multiply_adds (loss->of_photo.plan));
}

size_t
atl_style_loss_size (const AtlStyleLoss *loss)
{
  return loss->size * sizeof (float);
}
