/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recipe upscale: inputs are the targets made smaller, whatever the crop and its orientation; batches
 * depend on the seed and the number of the sample alone; validation measures what it says.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/plan.h"
#include "image/resample.h"
#include "pictures.h"
#include "train/upscale-loss.h"

enum
{
  BATCH = 24,
  CROP = 12,
  LARGE = 2 * CROP
};

typedef struct
{
  AtlTestFolder *folder;
  AtlUpscaleOptions options;
  AtlModel *model;
  AtlUpscaleData *data;
  AtlRecipe recipe;
  float *input; /* of a batch */
} Setup;

static void
setup_init (Setup *setup, int seed, const char *validation, int scale, const char *degrade)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  setup->folder = atl_test_folder_new ();
  atl_test_picture_new (setup->folder, "a", 60, 50, 1);
  atl_test_picture_new (setup->folder, "b", 25, 33, 2);
  atl_test_picture_new (setup->folder, "c", 24, 24, 3);

  AtlUpscaleOptions *o = &setup->options;
  atl_upscale_options_init (o, ATL_UPSCALE_RECIPE_DEFAULT, scale);
  o->degrade = g_strdup (degrade);
  o->width = 4;
  o->blocks = 1;
  o->crop = CROP;
  o->common.batch = BATCH;
  o->common.seed = seed;
  o->common.data = g_new0 (char *, 2);
  o->common.data[0] = g_strdup (setup->folder);
  o->common.output = g_strdup ("unused");
  g_free (o->common.validation);
  o->common.validation = g_strdup (validation);
  CU_ASSERT_FATAL (atl_upscale_options_complete (o, NULL));

  setup->model = atl_upscale_model_new (o, &error);
  setup->data = atl_upscale_data_new (o, atl_backend_reference (), problems, NULL, &error);
  atl_test_no_error (error);
  CU_ASSERT_FATAL (setup->model != NULL && setup->data != NULL);
  CU_ASSERT_EQUAL (problems->len, 0);
  setup->recipe = atl_upscale_recipe (setup->data, setup->model);
  setup->input = atl_floats_new (atl_shape_size (&setup->recipe.input), "a test", NULL);
}

static void
setup_clear (Setup *setup)
{
  atl_floats_free (setup->input);
  atl_upscale_data_free (setup->data);
  atl_model_free (setup->model);
  atl_upscale_options_clear (&setup->options);
  atl_test_folder_free (setup->folder);
}

/* The targets of the last batch, from the gradient of the loss at zero: of 8-bit pictures that are 0..1,
 * the loss of y = 0 is their mean, and for y = 0 with the squared error dy = -2 t / M. */
static float *
read_targets (Setup *setup)
{
  const size_t n = (size_t) BATCH * 3 * LARGE * LARGE;
  g_autoptr (AtlFloats) y = atl_floats_new (n, "a test", NULL);
  float *targets = atl_floats_new (n, "a test", NULL);

  setup->options.loss = ATL_LOSS_MSE;
  setup->recipe.loss (setup->recipe.data, targets, y);
  for (size_t i = 0; i < n; i++)
    targets[i] *= -(float) n / 2.0f;
  return targets;
}

static void
make_batch (Setup *setup, guint64 step)
{
  CU_ASSERT (setup->recipe.make_batch (setup->recipe.data, setup->input, step * BATCH, NULL));
}

/* A crop shrunk by itself is the crop of the shrunk photo, but for 3 pixels at its border. */
static void
inputs_are_shrunk_targets (void)
{
  Setup setup;
  int n_compared = 0;

  setup_init (&setup, 1, "0", 2, NULL);
  for (guint64 batch = 0; batch < 3; batch++)
    {
      make_batch (&setup, batch);
      g_autoptr (AtlFloats) targets = read_targets (&setup);

      for (size_t plane = 0; plane < BATCH * 3; plane++)
        {
          const float *input = setup.input + plane * CROP * CROP;
          g_autoptr (AtlFloats) small = atl_resized_plane_new (
              ATL_KERNEL_BICUBIC, CROP, CROP, targets + plane * LARGE * LARGE, LARGE, LARGE, NULL);

          CU_ASSERT_PTR_NOT_NULL_FATAL (small);
          for (int y = 3; y < CROP - 3; y++)
            for (int x = 3; x < CROP - 3; x++, n_compared++)
              CU_ASSERT_DOUBLE_EQUAL (CLAMP (small[y * CROP + x], 0.0f, 1.0f), input[y * CROP + x],
                                      0.5 / 255 + 1e-4);
        }
    }
  CU_ASSERT_EQUAL (n_compared, 3 * BATCH * 3 * (CROP - 6) * (CROP - 6));
  setup_clear (&setup);
}

static void
batches_follow_from_seed_and_sample (void)
{
  Setup setup, again, other;

  setup_init (&setup, 1, "0", 2, NULL);
  setup_init (&again, 1, "0", 2, NULL);
  setup_init (&other, 2, "0", 2, NULL);
  const size_t n = atl_shape_size (&setup.recipe.input);

  for (guint64 step = 0; step < 5; step++)
    make_batch (&setup, step);
  make_batch (&again, 4);
  make_batch (&other, 4);
  CU_ASSERT_EQUAL (memcmp (setup.input, again.input, n * sizeof (float)), 0);
  CU_ASSERT_NOT_EQUAL (memcmp (setup.input, other.input, n * sizeof (float)), 0);
  setup_clear (&setup);
  setup_clear (&again);
  setup_clear (&other);
}

/* Little noise leaves the inputs what they are else, to a few steps of 8 bits: they are cut from the same places. */
static void
inputs_are_degraded (void)
{
  Setup clean, noisy;
  double sum = 0.0;

  setup_init (&clean, 1, "0", 2, NULL);
  setup_init (&noisy, 1, "0", 2, "noise=1,blur=0..0.01");
  const size_t n = atl_shape_size (&clean.recipe.input);

  make_batch (&clean, 1);
  make_batch (&noisy, 1);
  g_autoptr (AtlFloats) clean_targets = read_targets (&clean);
  g_autoptr (AtlFloats) noisy_targets = read_targets (&noisy);
  CU_ASSERT_EQUAL (memcmp (clean_targets, noisy_targets, 4 * n * sizeof (float)), 0);
  for (size_t i = 0; i < n; i++)
    {
      const double d = 255.0 * ((double) noisy.input[i] - clean.input[i]);

      CU_ASSERT_DOUBLE_EQUAL (d, 0.0, 6.0);
      sum += d * d;
    }
  CU_ASSERT_DOUBLE_EQUAL (sqrt (sum / (double) n), 1.04, 0.05);
  setup_clear (&clean);
  setup_clear (&noisy);
}

/* At a scale of 1 the photo itself is what is spoilt. */
static void
scale_of_one_cleans (void)
{
  Setup setup;
  AtlValidation result;

  setup_init (&setup, 1, "0.5", 1, "noise=5");
  const size_t n = atl_shape_size (&setup.recipe.input);
  make_batch (&setup, 0);
  g_autoptr (AtlFloats) y = atl_floats_new (n, "a test", NULL);
  g_autoptr (AtlFloats) targets = atl_floats_new (n, "a test", NULL);
  double sum = 0.0;

  setup.options.loss = ATL_LOSS_MSE;
  setup.recipe.loss (setup.recipe.data, targets, y);
  for (size_t i = 0; i < n; i++)
    {
      const double d = 255.0 * (setup.input[i] + targets[i] * (double) n / 2.0);

      sum += d * d;
    }
  CU_ASSERT_DOUBLE_EQUAL (sqrt (sum / (double) n), 5.0, 0.2);

  /* An untrained network leaves the picture as it is: what validation finds is the noise, 5 sqrt (0.257^2 + 0.504^2
   * + 0.098^2) in luma, 39.0 dB. */
  CU_ASSERT (
      setup.recipe.validate (setup.recipe.data, &result, NULL, setup.model->parameters, NULL));
  CU_ASSERT_DOUBLE_EQUAL (result.score, 39.0, 0.3);
  setup_clear (&setup);
}

/* By a loss network of random weights. */
static void
features_are_compared (void)
{
  const AtlNetworkConfig config = { 0 };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "loss.safetensors", NULL);
  AtlRandom random;
  Setup setup;

  atl_random_init (&random, 1, 0);
  g_autoptr (AtlModel) network = atl_model_new ("loss", "vgg19-16x", &config, &random, NULL);
  CU_ASSERT_FATAL (atl_model_save (network, path, ATL_DTYPE_F32, NULL));

  setup_init (&setup, 1, "0.5", 2, NULL);
  const AtlShape batch = { 1, 3, LARGE, LARGE };
  const size_t n = atl_shape_size (&batch);
  make_batch (&setup, 0);
  g_autoptr (AtlFloats) y = read_targets (&setup);
  g_autoptr (AtlFloats) gradient = atl_floats_new (n, "a test", NULL);
  const AtlBackend *backend = atl_backend_reference ();

  setup.options.loss = ATL_LOSS_FEATURES;
  g_free (setup.options.loss_network);
  setup.options.loss_network = g_strdup (path);
  setup.options.loss_weights = g_strdup ("0.5,0.1,0,0.2");
  g_autoptr (AtlUpscaleLoss) loss = atl_upscale_loss_new (&setup.options, &batch, backend, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (loss);
  g_autoptr (AtlFloats) targets = atl_floats_new (n, "a test", NULL);
  memcpy (targets, y, n * sizeof (float));
  CU_ASSERT_EQUAL (atl_upscale_loss_run (loss, gradient, y, targets), 0.0);

  /* Where a picture is too bright, its gradient is to make it darker: by its pixels alone each counts alike. */
  for (size_t i = 0; i < n; i++)
    y[i] += 0.1f;
  const double both = atl_upscale_loss_run (loss, gradient, y, targets);
  CU_ASSERT (both > 0.5 * 0.1 + 1e-4);

  g_free (setup.options.loss_weights);
  setup.options.loss_weights = g_strdup ("0.5,1e-9");
  g_autoptr (AtlUpscaleLoss) pixels = atl_upscale_loss_new (&setup.options, &batch, backend, NULL);
  CU_ASSERT_DOUBLE_EQUAL (atl_upscale_loss_run (pixels, gradient, y, targets), 0.5 * 0.1, 1e-5);
  for (size_t i = 0; i < n; i++)
    CU_ASSERT_DOUBLE_EQUAL (gradient[i], 0.5 / (double) n, 0.01 / (double) n);
  setup_clear (&setup);
}

static void
refuses_wrong_loss_weights (void)
{
  static const char *const wrong[] = { "",       "1",   "1,0",           "1,-1",  "1,nan",
                                       "1,0.1,", "x,1", "1,1,1,1,1,1,1", "0,1e99" };

  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    CU_ASSERT_FALSE (atl_upscale_loss_check_weights (wrong[i], NULL));
  CU_ASSERT (atl_upscale_loss_check_weights ("0,1", NULL));
  CU_ASSERT (atl_upscale_loss_check_weights ("1,0,0,0,0,2.5", NULL));
}

static void
an_epoch_covers_the_photos (void)
{
  Setup setup;

  setup_init (&setup, 1, "0", 2, NULL);
  /* 30 x 25, 12 x 16 and 12 x 12 pixels in crops of 12 x 12 */
  CU_ASSERT_EQUAL (setup.recipe.epoch_size, 6 + 2 + 1);
  CU_ASSERT_EQUAL (atl_upscale_data_n_photos (setup.data), 3);
  CU_ASSERT_PTR_NULL (setup.recipe.validate);
  setup_clear (&setup);
}

/* A network of zero weights gives black: the loss is the mean of the photo's pixels. */
static void
validates_on_what_is_held_out (void)
{
  Setup setup;
  AtlValidation result;

  setup_init (&setup, 1, "0.5", 2, NULL);
  CU_ASSERT_EQUAL (atl_upscale_data_n_photos (setup.data), 1);
  CU_ASSERT_EQUAL (atl_upscale_data_n_validation (setup.data), 2);
  g_autoptr (AtlFloats)
      zero = atl_floats_new (atl_graph_parameters_size (setup.model->graph), "a test", NULL);

  CU_ASSERT_FATAL (setup.recipe.validate (setup.recipe.data, &result, NULL, zero, NULL));
  CU_ASSERT_DOUBLE_EQUAL (result.loss, 0.5, 0.02); /* of uniform noise */
  /* luma is about 126 of 235 - 16, with noise: 255 against 110 +- 30 */
  CU_ASSERT_DOUBLE_EQUAL (result.score, 7.0, 1.0);
  setup_clear (&setup);
}

/* An untrained network repeats each pixel, whatever the scale. */
static void
starts_as_nearest_neighbour (void)
{
  for (int scale = 1; scale <= 8; scale *= 2)
    {
      enum
      {
        SIDE = 5
      };
      const int side = SIDE * scale;
      const AtlRegion all = { 0, 0, side, side };
      AtlUpscaleOptions o;
      float input[3 * SIDE * SIDE];

      atl_upscale_options_init (&o, ATL_UPSCALE_RECIPE_DEFAULT, scale);
      o.width = 6;
      o.common.data = g_new0 (char *, 1);
      g_autoptr (AtlModel) model = atl_upscale_model_new (&o, NULL);
      g_autoptr (AtlPrepared) prepared = atl_prepared_new (model->graph, model->parameters,
                                                           atl_backend_reference (), NULL);
      g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, SIDE, SIDE, &all);
      g_autoptr (AtlFloats)
          workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
      g_autoptr (AtlFloats) output = atl_floats_new (3 * (size_t) (side * side), "a test", NULL);

      for (int i = 0; i < 3 * SIDE * SIDE; i++)
        input[i] = (float) (i * i % 97) / 97.0f;
      atl_plan_infer (plan, workspace, output, input);
      for (int c = 0; c < 3; c++)
        for (int y = 0; y < side; y++)
          for (int x = 0; x < side; x++)
            /* A normalisation divides by sqrt (1 + 1e-5). */
            CU_ASSERT_DOUBLE_EQUAL (output[(c * side + y) * side + x],
                                    input[(c * SIDE + y / scale) * SIDE + x / scale], 1e-5);
      atl_upscale_options_clear (&o);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "inputs are shrunk targets", inputs_are_shrunk_targets },
    { "batches follow from seed and sample", batches_follow_from_seed_and_sample },
    { "inputs are degraded", inputs_are_degraded },
    { "a scale of one cleans", scale_of_one_cleans },
    { "features are compared", features_are_compared },
    { "refuses wrong loss weights", refuses_wrong_loss_weights },
    { "an epoch covers the photos", an_epoch_covers_the_photos },
    { "starts as nearest neighbour", starts_as_nearest_neighbour },
    { "validates on what is held out", validates_on_what_is_held_out },
  };

  return atl_suite_run ("upscale", tests, G_N_ELEMENTS (tests));
}
