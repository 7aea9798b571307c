/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recipe for networks that enlarge, or with a scale of 1 clean: square crops of photos are the targets, the same
 * crops made smaller by antialiased bicubic resampling, and degraded if that is asked for, are the inputs.
 */

#pragma once

#include "train/degrade.h"
#include "train/trainer.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_LOSS_L1,
  ATL_LOSS_MSE,
  ATL_LOSS_FEATURES /* mean differences of pixels and of what a loss network sees */
} AtlUpscaleLossKind;

typedef enum
{
  ATL_UPSCALE_RECIPE_DEFAULT,
  ATL_UPSCALE_RECIPE_LESSON
} AtlUpscaleRecipe;

typedef enum
{
  ATL_START_NEAREST, /* as nearest-neighbour enlargement */
  ATL_START_RANDOM   /* Kaiming-normal with ICNR, as in the lesson */
} AtlUpscaleStart;

typedef struct
{
  AtlTrainOptions common;
  int recipe; /* AtlUpscaleRecipe */
  int scale, width, blocks;
  int crop;                   /* pixels of the small picture, on a side */
  int loss;                   /* AtlUpscaleLossKind */
  char *loss_network;         /* of ATL_LOSS_FEATURES: a model */
  char *loss_weights;         /* NULL: those that suit it */
  int start;                  /* AtlUpscaleStart */
  char *degrade;              /* NULL: not at all */
  AtlDegradation degradation; /* what 'degrade' says, when complete */
} AtlUpscaleOptions;

/* The options beside those of atl_train_options. */
extern const AtlOptionTable atl_upscale_options;

/* The values of a recipe; 'scale' matters to the lesson's batch. Strings are owned. */
void atl_upscale_options_init (AtlUpscaleOptions *options, AtlUpscaleRecipe recipe, int scale);
void atl_upscale_options_clear (AtlUpscaleOptions *options);

/* Checks what the tables cannot, and fills in what was not given. ATL_ERROR_ARGUMENT. */
gboolean atl_upscale_options_complete (AtlUpscaleOptions *options, GError **error);

/* A fresh network by the options, with its card. */
AtlModel *atl_upscale_model_new (const AtlUpscaleOptions *options, GError **error);

typedef struct AtlUpscaleData AtlUpscaleData;

/* Loads the photos, and sets the option of their number. 'options' must live longer. Photos that cannot be
 * used are told of in 'problems', a GPtrArray of char *. ATL_ERROR_TRAINING if none is left. */
AtlUpscaleData *atl_upscale_data_new (AtlUpscaleOptions *options, const AtlBackend *backend,
                                      GPtrArray *problems, const AtlProgress *progress,
                                      GError **error);
void atl_upscale_data_free (AtlUpscaleData *data);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlUpscaleData, atl_upscale_data_free)

int atl_upscale_data_n_photos (const AtlUpscaleData *data);
int atl_upscale_data_n_validation (const AtlUpscaleData *data);

/* The recipe for these photos and this network; valid while both live. */
AtlRecipe atl_upscale_recipe (AtlUpscaleData *data, const AtlModel *model);

G_END_DECLS
