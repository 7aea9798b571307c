/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Losses by what the features of a fixed network see.
 */

#include "train/perceptual-loss.h"

#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "graph/plan.h"

/* Gram matrices are small numbers: the loss counts them in millionths. */
static const double gram_unit = 1e6;

const AtlPerceptualWeights atl_style_weights_vgg16_bn = {
  .content = { 0.0, 0.0, 0.0, 1e4, 0.0 },
  .style = { 0.0, 0.025, 0.275, 5.0, 0.2 },
};

/* The loss network up to the last tap that is needed, and how to run it. */
typedef struct
{
  AtlGraph *graph;
  AtlPlan *plan;
} Features;

struct _AtlPerceptualLoss
{
  const AtlBackend *backend;
  AtlPerceptualWeights weights;
  AtlShape shape;
  float *parameters; /* borrowed */
  Features of_photo; /* without a gradient */
  Features of_y;
  size_t size;                   /* of all arrays, in floats */
  float *workspace;              /* of both in turn */
  float *pictures;               /* a batch in plain order */
  float *pixels;                 /* those of the photo, in the backend's layout */
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
features_init (Features *features, const AtlPerceptualLoss *loss, AtlLossNetworkFunc *build,
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
allocate (AtlPerceptualLoss *loss, float **array, size_t n, GError **error)
{
  *array = atl_floats_new (n, _ ("the loss"), error);
  loss->size += n;
  return *array != NULL;
}

/* The arrays of a tap that is compared. */
static gboolean
allocate_tap (AtlPerceptualLoss *loss, int tap, size_t *grams_size, size_t *scratch_size,
              GError **error)
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
allocate_all (AtlPerceptualLoss *loss, GError **error)
{
  const size_t workspace_size = MAX (
      atl_plan_workspace_size (loss->of_y.plan),
      loss->of_photo.plan == NULL ? 0 : atl_plan_workspace_size (loss->of_photo.plan));
  size_t grams_size = 0, scratch_size = loss->backend->loss_scratch_size (&loss->shape);

  for (int tap = 0; tap < atl_graph_n_taps (loss->of_y.graph); tap++)
    if (! allocate_tap (loss, tap, &grams_size, &scratch_size, error))
      return FALSE;
  return allocate (loss, &loss->workspace, workspace_size, error)
         && allocate (loss, &loss->pictures, atl_shape_size (&loss->shape), error)
         && (loss->weights.pixels == 0.0
             || allocate (loss, &loss->pixels, loss->backend->tensor_size (&loss->shape), error))
         && allocate (loss, &loss->grams, grams_size, error)
         && allocate (loss, &loss->scratch, scratch_size, error);
}

AtlPerceptualLoss *
atl_perceptual_loss_new (AtlLossNetworkFunc *build, float *parameters,
                         const AtlPerceptualWeights *weights, const AtlShape *shape,
                         const AtlBackend *backend, GError **error)
{
  g_autoptr (AtlPerceptualLoss) loss = g_new0 (AtlPerceptualLoss, 1);
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
atl_perceptual_loss_free (AtlPerceptualLoss *loss)
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
  atl_floats_free (loss->pixels);
  atl_floats_free (loss->grams);
  atl_floats_free (loss->scratch);
  g_free (loss);
}

void
atl_perceptual_loss_set_style (AtlPerceptualLoss *loss, const float *picture)
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
look_at_photo (AtlPerceptualLoss *loss, const float *photo)
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
compare_style (AtlPerceptualLoss *loss, int tap, float *df, const float *f, const AtlShape *shape)
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
compare_tap (AtlPerceptualLoss *loss, int tap, AtlPerceptualParts *parts)
{
  const AtlPlan *plan = loss->of_y.plan;
  const AtlShape shape = atl_plan_tap_shape (plan, tap);
  const float *f = atl_plan_tap (plan, loss->workspace, tap);
  float *df = atl_plan_tap_gradient (plan, loss->workspace, tap);

  if (loss->content[tap] != NULL)
    {
      AtlLossFunc *distance = loss->weights.distance == ATL_DISTANCE_SQUARED
                                  ? loss->backend->mse_loss
                                  : loss->backend->l1_loss;

      parts->content += loss->weights.content[tap]
                        * distance (df, f, loss->content[tap], &shape,
                                    (float) loss->weights.content[tap], loss->scratch);
    }
  else
    memset (df, 0, loss->backend->tensor_size (&shape) * sizeof (float));
  if (loss->style[tap] != NULL)
    parts->style += compare_style (loss, tap, df, f, &shape);
}

/* The gradient of all parts: that of the features has gone back to the input of the loss network. */
static void
complete_gradient (AtlPerceptualLoss *loss, float *dy, const float *y, const float *photo,
                   AtlPerceptualParts *parts)
{
  const AtlBackend *backend = loss->backend;
  const float *of_features = atl_plan_input_gradient (loss->of_y.plan, loss->workspace);
  const AtlOffset none = { 0, 0 };

  if (loss->pixels == NULL)
    {
      memcpy (dy, of_features, backend->tensor_size (&loss->shape) * sizeof (float));
      return;
    }

  backend->tensor_import (loss->pixels, photo, &loss->shape);
  parts->pixels = loss->weights.pixels
                  * backend->l1_loss (dy, y, loss->pixels, &loss->shape,
                                      (float) loss->weights.pixels, loss->scratch);
  backend->scaled_add_forward (dy, of_features, dy, &loss->shape, &loss->shape, none, 1.0f);
}

AtlPerceptualParts
atl_perceptual_loss_run (AtlPerceptualLoss *loss, float *dy, const float *y, const float *photo)
{
  const AtlPlan *plan = loss->of_y.plan;
  AtlPerceptualParts parts = { 0 };

  look_at_photo (loss, photo);
  loss->backend->tensor_export (loss->pictures, y, &loss->shape);
  atl_plan_forward (plan, loss->workspace, loss->parameters, loss->pictures);
  for (int tap = 0; tap < atl_graph_n_taps (loss->of_y.graph); tap++)
    compare_tap (loss, tap, &parts);
  atl_plan_backward (plan, loss->workspace, loss->parameters, NULL);
  complete_gradient (loss, dy, y, photo, &parts);
  return parts;
}

double
atl_perceptual_loss_multiply_adds (const AtlPerceptualLoss *loss)
{
  return 2.0 * atl_plan_multiply_adds (loss->of_y.plan)
         + (loss->of_photo.plan == NULL ? 0.0 : atl_plan_multiply_adds (loss->of_photo.plan));
}

size_t
atl_perceptual_loss_size (const AtlPerceptualLoss *loss)
{
  return loss->size * sizeof (float);
}
