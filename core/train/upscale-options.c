/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of 'atelier train upscale', and the network that they describe.
 */

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "train/order.h"
#include "train/schedule.h"
#include "train/upscale-loss.h"

static const char *const recipes[] = { "default", "lesson", NULL };
static const char *const losses[] = { "l1", "mse", "features", NULL };
static const char *const starts[] = { "nearest", "random", NULL };

/* What a crash may cost. A checkpoint has five numbers for each parameter, 15 MB for the default network,
 * which is written and synced in well under a second. */
#define CHECKPOINT_SECONDS 120.0

#define AT(member) G_STRUCT_OFFSET (AtlUpscaleOptions, member)

static const AtlOption options[] = {
  { "recipe", 0, ATL_OPTION_CHOICE, AT (recipe), FALSE, 0, 0, recipes,
    .blurb = N_ (
        "Where the defaults come from: this program, or the fast.ai lesson it follows (crops of "
        "72, batch 64, MSE, rate 0.002, one-cycle-beta:40,10, weight decay 1e-7, one epoch)"),
    .is_fixed = TRUE },
  { "scale", 0, ATL_OPTION_INTEGER, AT (scale), FALSE, 1, 8, .argument = N_ ("N"),
    .blurb = N_ (
        "How many times larger: 2, 4 or 8; or 1, to clean photos that '--degrade' has spoilt"),
    .is_fixed = TRUE },
  { "width", 0, ATL_OPTION_INTEGER, AT (width), FALSE, 1, 512, .argument = N_ ("N"),
    .blurb = N_ ("Channels of the inner layers"), .is_fixed = TRUE },
  { "blocks", 0, ATL_OPTION_INTEGER, AT (blocks), FALSE, 1, 64, .argument = N_ ("N"),
    .blurb = N_ ("Residual blocks"), .is_fixed = TRUE },
  { "crop", 0, ATL_OPTION_INTEGER, AT (crop), FALSE, 4, 512, .argument = N_ ("N"),
    .blurb = N_ ("Side of a sample in pixels of the small picture"), .is_fixed = TRUE },
  { "degrade", 0, ATL_OPTION_STRING, AT (degrade), .argument = N_ ("HOW"),
    .blurb = N_ (
        "What has happened to the small pictures, as to photos in the wild: blur=LEAST..MOST in "
        "pixels, noise=LEAST..MOST of 255, jpeg=LEAST..MOST quality, with commas between them"),
    .is_fixed = TRUE },
  { "loss", 0, ATL_OPTION_CHOICE, AT (loss), FALSE, 0, 0, losses,
    .blurb = N_ (
        "Mean absolute (l1) or squared (mse) error of the pixels, or also of what a loss network "
        "sees in them (features), for crispness that the pixels' error punishes") },
  { "loss-network", 0, ATL_OPTION_STRING, AT (loss_network), .is_path = TRUE,
    .argument = N_ ("MODEL"),
    .blurb = N_ (
        "Network whose features '--loss features' compares, an installed one or a weight file") },
  { "loss-weights", 0, ATL_OPTION_STRING, AT (loss_weights), .argument = N_ ("P,S1,S2..."),
    .blurb = N_ ("Weights of the pixels and of each stage of the loss network [what suits it]") },
  { "start", 0, ATL_OPTION_CHOICE, AT (start), FALSE, 0, 0, starts,
    .blurb = N_ (
        "What an untrained network does: enlarge by nearest neighbour, or something random"),
    .is_fixed = TRUE },
};

const AtlOptionTable atl_upscale_options = { options, G_N_ELEMENTS (options) };

/* Measured by an hour on two cores, see the recipe in the card of upscale-x2. */
static void
init_default (AtlUpscaleOptions *o)
{
  o->crop = 32;
  o->loss = ATL_LOSS_L1;
  o->start = ATL_START_NEAREST;
  o->common.batch = 16;
  o->common.rate = 1e-3;
  o->common.schedule = g_strdup ("cosine:5");
  o->common.average = 0.999;
  o->common.norm = ATL_NORM_FROZEN;
  o->common.validation = g_strdup ("0.03");
}

static void
init_lesson (AtlUpscaleOptions *o)
{
  o->crop = 72;
  o->loss = ATL_LOSS_MSE;
  o->start = ATL_START_RANDOM;
  o->common.batch = o->scale == 2 ? 64 : 32;
  o->common.rate = 2e-3;
  o->common.schedule = g_strdup ("one-cycle-beta:40,10");
  o->common.weight_decay = 1e-7;
  o->common.norm = ATL_NORM_BATCH;
  o->common.validation = g_strdup ("0.01");
}

void
atl_upscale_options_init (AtlUpscaleOptions *o, AtlUpscaleRecipe recipe, int scale)
{
  *o = (AtlUpscaleOptions) { .recipe = recipe, .scale = scale, .width = 64, .blocks = 8 };
  o->loss_network = g_strdup ("vgg19-16x");
  o->common.seed = 1;
  o->common.checkpoint = CHECKPOINT_SECONDS;
  o->common.precision = ATL_DTYPE_F32;

  if (recipe == ATL_UPSCALE_RECIPE_LESSON)
    init_lesson (o);
  else
    init_default (o);
}

void
atl_upscale_options_clear (AtlUpscaleOptions *o)
{
  atl_options_clear (&atl_train_options, o);
  atl_options_clear (&atl_upscale_options, o);
}

static gboolean
set_argument_error (GError **error, const char *message)
{
  g_set_error_literal (error, ATL_ERROR, ATL_ERROR_ARGUMENT, message);
  return FALSE;
}

gboolean
atl_upscale_options_complete (AtlUpscaleOptions *o, GError **error)
{
  AtlTrainOptions *c = &o->common;
  const int n_lengths = (c->steps > 0) + (c->epochs > 0) + (c->minutes > 0.0);
  AtlSchedule schedule;

  if (c->output == NULL)
    return set_argument_error (error, _ ("'--output' is missing: the weight file to write"));
  if (c->data == NULL)
    return set_argument_error (error, _ ("'--data' is missing: a folder of photos to learn from"));
  if (! atl_options_check_texts (&atl_train_options, o, error)
      || ! atl_options_check_texts (&atl_upscale_options, o, error))
    return FALSE;
  if (n_lengths > 1)
    return set_argument_error (
        error, _ ("only one of '--steps', '--epochs' and '--minutes' can be given"));
  if (o->scale != 1 && o->scale != 2 && o->scale != 4 && o->scale != 8)
    return set_argument_error (error, _ ("'--scale' must be 1, 2, 4 or 8"));
  if (o->scale == 1 && o->degrade == NULL)
    return set_argument_error (error, _ ("with '--scale 1' a network learns to clean photos: say "
                                         "by '--degrade' what spoils them"));
  if (o->loss_weights != NULL && ! atl_upscale_loss_check_weights (o->loss_weights, error))
    return FALSE;
  if (o->degrade != NULL && ! atl_degradation_parse (&o->degradation, o->degrade, error))
    return FALSE;

  if (o->start == ATL_START_NEAREST && o->width < 3)
    return set_argument_error (
        error, _ ("'--start nearest' carries three colours and needs a '--width' of at least 3"));

  if (n_lengths == 0 && o->recipe == ATL_UPSCALE_RECIPE_LESSON)
    c->epochs = 1;
  else if (n_lengths == 0)
    c->minutes = 60.0;
  return atl_schedule_parse (&schedule, c->schedule, error);
}

/* The folders' names, for the card. */
static char *
data_names (char **data)
{
  GString *names = g_string_new (NULL);

  for (int i = 0; data[i] != NULL; i++)
    {
      g_autofree char *name = g_path_get_basename (data[i]);

      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", name);
    }
  return g_string_free (names, FALSE);
}

AtlModel *
atl_upscale_model_new (const AtlUpscaleOptions *o, GError **error)
{
  const AtlNetworkConfig config = { .scale = o->scale, .width = o->width, .blocks = o->blocks };
  const AtlTrainOptions *c = &o->common;
  AtlRandom random;

  atl_stream_init (&random, (guint64) c->seed, ATL_STREAM_WEIGHTS, 0);
  AtlModel *model = atl_model_new ("upscale", "sr-resnet", &config, &random, error);
  if (model == NULL)
    return NULL;

  if (o->start == ATL_START_NEAREST)
    atl_sr_resnet_start_nearest (model->graph, model->parameters);
  if (c->name != NULL)
    model->card->name = g_strdup (c->name);
  else
    model->card->name = o->scale == 1 ? g_strdup ("Clean")
                                      : g_strdup_printf ("Upscale x%d", o->scale);
  if (c->description != NULL)
    model->card->description = g_strdup (c->description);
  else if (o->scale == 1)
    model->card->description = g_strdup ("Cleans photos without making them larger");
  else
    model->card->description = g_strdup_printf ("Makes photos %d times larger than they are",
                                                o->scale);
  model->card->license = g_strdup (c->license);
  model->card->trained_on = c->trained_on != NULL ? g_strdup (c->trained_on) : data_names (c->data);
  return model;
}
