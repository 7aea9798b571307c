/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The losses of 'atelier train upscale'.
 */

#include "train/upscale-loss.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/perceptual-loss.h"
#include "weights/library.h"

/* A loss network, and how its features are weighed if the options do not say. */
typedef struct
{
  const char *arch;
  AtlLossNetworkFunc *build;
  double pixels, features[ATL_LOSS_TAPS];
} LossNetwork;

static const LossNetwork loss_networks[] = {
  /* The lesson's: mean differences of pixels / 100 and of the features before the first three poolings. */
  { "vgg16-bn", atl_vgg16_bn_new, 0.01, { 0.2, 0.7, 0.1 } },
  { "vgg19-16x", atl_vgg19_16x_new, 1.0, { 0.02, 0.02, 0.02 } },
};

struct AtlUpscaleLoss
{
  const AtlUpscaleOptions *options;
  const AtlBackend *backend;
  AtlShape shape;

  /* Of pixels: what they are compared with in the backend's layout. */
  float *target, *scratch;

  /* Of features, else NULL. */
  AtlModel *network;
  AtlPerceptualLoss *of_features;
};

void
atl_upscale_loss_free (AtlUpscaleLoss *loss)
{
  if (loss == NULL)
    return;

  atl_perceptual_loss_free (loss->of_features);
  atl_model_free (loss->network);
  atl_floats_free (loss->target);
  atl_floats_free (loss->scratch);
  g_free (loss);
}

static gboolean
read_weight (double *weight, const char *text)
{
  /* Written so that NaN fails. */
  return atl_text_to_number (text, weight) && *weight >= 0.0 && *weight <= 1e6;
}

/* "PIXELS,STAGE 1,...": weights of the pixels and of as many stages as are named. */
static gboolean
read_weights (AtlPerceptualWeights *weights, const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  const guint n = g_strv_length (words);
  gboolean usable = n >= 2 && n <= ATL_LOSS_TAPS + 1;
  double sum = 0.0;

  for (guint i = 0; usable && i < n; i++)
    {
      double *weight = i == 0 ? &weights->pixels : &weights->content[i - 1];

      usable = read_weight (weight, words[i]);
      sum += i == 0 ? 0.0 : *weight;
    }
  if (usable && sum > 0.0)
    return TRUE;

  g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
               _ ("'--loss-weights' is '%s', but must be the weight of the pixels and those of up "
                  "to %d stages of the loss network, of which one is more than 0, with commas "
                  "between them"),
               text, ATL_LOSS_TAPS);
  return FALSE;
}

gboolean
atl_upscale_loss_check_weights (const char *text, GError **error)
{
  AtlPerceptualWeights weights = { 0 };

  return read_weights (&weights, text, error);
}

static const LossNetwork *
find_network (const char *arch)
{
  for (size_t i = 0; i < G_N_ELEMENTS (loss_networks); i++)
    if (strcmp (loss_networks[i].arch, arch) == 0)
      return &loss_networks[i];
  g_return_val_if_reached (NULL);
}

static gboolean
init_features (AtlUpscaleLoss *loss, GError **error)
{
  const AtlUpscaleOptions *o = loss->options;
  g_autofree char *path = atl_library_find (o->loss_network, "loss", error);
  AtlPerceptualWeights weights = { .distance = ATL_DISTANCE_ABSOLUTE };

  if (path != NULL)
    loss->network = atl_model_load (path, "loss", error);
  if (loss->network == NULL)
    return FALSE;

  const LossNetwork *network = find_network (loss->network->card->arch);
  weights.pixels = network->pixels;
  memcpy (weights.content, network->features, sizeof weights.content);
  if (o->loss_weights != NULL)
    {
      memset (weights.content, 0, sizeof weights.content);
      if (! read_weights (&weights, o->loss_weights, error))
        return FALSE;
    }

  loss->of_features = atl_perceptual_loss_new (network->build, loss->network->parameters, &weights,
                                               &loss->shape, loss->backend, error);
  return loss->of_features != NULL;
}

static gboolean
init_pixels (AtlUpscaleLoss *loss, GError **error)
{
  loss->target = atl_floats_new (loss->backend->tensor_size (&loss->shape), _ ("a batch"), error);
  if (loss->target != NULL)
    loss->scratch = atl_floats_new (loss->backend->loss_scratch_size (&loss->shape), _ ("a batch"),
                                    error);
  return loss->scratch != NULL;
}

AtlUpscaleLoss *
atl_upscale_loss_new (const AtlUpscaleOptions *options, const AtlShape *shape,
                      const AtlBackend *backend, GError **error)
{
  g_autoptr (AtlUpscaleLoss) loss = g_new0 (AtlUpscaleLoss, 1);

  loss->options = options;
  loss->backend = backend;
  loss->shape = *shape;
  return (options->loss == ATL_LOSS_FEATURES ? init_features : init_pixels) (loss, error)
             ? g_steal_pointer (&loss)
             : NULL;
}

double
atl_upscale_loss_run (AtlUpscaleLoss *loss, float *dy, const float *y, const float *targets)
{
  if (loss->of_features != NULL)
    {
      const AtlPerceptualParts parts = atl_perceptual_loss_run (loss->of_features, dy, y, targets);

      return parts.pixels + parts.content;
    }

  AtlLossFunc *of_pixels = loss->options->loss == ATL_LOSS_MSE ? loss->backend->mse_loss
                                                               : loss->backend->l1_loss;

  loss->backend->tensor_import (loss->target, targets, &loss->shape);
  return of_pixels (dy, y, loss->target, &loss->shape, 1.0f, loss->scratch);
}
