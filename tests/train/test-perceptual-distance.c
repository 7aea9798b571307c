/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The distance by features: PyTorch's numbers, also where a picture is looked at in tiles, and weight files that do not fit.
 */

#include "suite.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "formula.h"
#include "nets/network.h"
#include "temporary.h"
#include "train/perceptual-distance.h"
#include "weights/weight-file.h"

/* What float leaves of the distance. Tiles that reach 48 pixels beyond what counts would already differ by 1e-5. */
#define TOLERANCE 5e-6

/* A weight file of SqueezeNet by a formula, without a card. Its tensors may be changed first. */
typedef struct
{
  AtlGraph *graph;
  float *parameters;
  AtlTensorToWrite *tensors;
  int n_tensors;
} Weights;

static void
weights_init (Weights *weights)
{
  weights->graph = atl_squeezenet_new ();
  weights->parameters = atl_test_formula_parameters (weights->graph);
  weights->n_tensors = atl_graph_n_parameters (weights->graph);
  weights->tensors = atl_test_tensors (weights->graph, weights->parameters);
}

static void
weights_clear (Weights *weights)
{
  atl_graph_free (weights->graph);
  atl_floats_free (weights->parameters);
  g_free (weights->tensors);
}

/* Writes the file, reads it, and returns what atl_perceptual_load () makes of it. */
static AtlPerceptual *
load (const Weights *weights, const AtlCard *card, GError **error)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "w.safetensors", NULL);

  CU_ASSERT_FATAL (atl_weight_file_write (path, card, weights->tensors, weights->n_tensors,
                                          ATL_DTYPE_F32, NULL));
  return atl_perceptual_load (path, error);
}

static AtlPerceptual *
formula_perceptual (void)
{
  g_autoptr (AtlCard) card = atl_card_new ();
  g_autoptr (GError) error = NULL;
  Weights weights;

  weights_init (&weights);
  AtlPerceptual *perceptual = load (&weights, card, &error);
  weights_clear (&weights);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (perceptual);
  return perceptual;
}

/* Bytes, and others not far from them; see pictures () in squeezenet-distance.py. */
static void
make_pictures (AtlPhoto *a, AtlPhoto *b, int width, int height)
{
  CU_ASSERT_FATAL (atl_photo_init (a, width, height, NULL));
  CU_ASSERT_FATAL (atl_photo_init (b, width, height, NULL));
  for (size_t i = 0; i < 3 * (size_t) width * (size_t) height; i++)
    {
      a->rgb[i] = (guint8) floor (256.0 * (atl_test_formula ("picture", i) + 0.5));
      b->rgb[i] = (guint8) ((3 * a->rgb[i]
                             + (int) floor (256.0 * (atl_test_formula ("change", i) + 0.5)))
                            / 4);
    }
}

/* The expected numbers: what tests/nets/squeezenet-distance.py prints. */
static void
equals_pytorch (void)
{
  static const struct
  {
    int width, height;
    double distance;
  } expected[] = {
    { 75, 61, 0.16130366 },
    { 11, 12, 0.1111197 },
    { 1100, 24, 0.15990913 },
    { 24, 540, 0.1710081 },
  };
  g_autoptr (AtlPerceptual) perceptual = formula_perceptual ();

  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_auto (AtlPhoto) a = { 0 }, b = { 0 };
      g_autoptr (GError) error = NULL;

      make_pictures (&a, &b, expected[i].width, expected[i].height);
      const AtlPhoto *const pictures[] = { &a, &b };
      double distances[2] = { NAN, NAN };

      CU_ASSERT (atl_perceptual_distances (perceptual, distances, &a, pictures, 2, NULL, &error));
      atl_test_no_error (error);
      CU_ASSERT_EQUAL (distances[0], 0.0);
      if (! (fabs (distances[1] - expected[i].distance) <= TOLERANCE * expected[i].distance))
        printf ("  %d x %d: %.8g, expected %.8g\n", expected[i].width, expected[i].height,
                distances[1], expected[i].distance);
      CU_ASSERT_DOUBLE_EQUAL (distances[1], expected[i].distance, TOLERANCE * expected[i].distance);
    }
}

static void
can_be_cancelled (void)
{
  g_autoptr (AtlPerceptual) perceptual = formula_perceptual ();
  g_auto (AtlPhoto) a = { 0 }, b = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const AtlProgress progress = { .cancellable = cancellable };
  const AtlPhoto *const pictures[] = { &b };
  g_autoptr (GError) error = NULL;
  double distance;

  make_pictures (&a, &b, 20, 20);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (
      atl_perceptual_distances (perceptual, &distance, &a, pictures, 1, &progress, &error));
  CU_ASSERT (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

/* What a card that is complete says. */
static AtlCard *
card_of (const char *arch)
{
  AtlCard *card = atl_card_new ();

  card->format = g_strdup (ATL_CARD_FORMAT);
  card->task = g_strdup ("perceptual");
  card->arch = g_strdup (arch);
  card->config = g_strdup ("{}");
  card->input = g_strdup (ATL_INPUT_RGB_UNIT);
  return card;
}

static void
reads_files_that_fit (void)
{
  static const float classifier[4] = { 1.0f, 2.0f, 3.0f, 4.0f };
  g_autoptr (AtlCard) none = atl_card_new (), ours = card_of ("squeezenet");
  g_autoptr (GError) error = NULL;
  Weights weights;

  weights_init (&weights);
  weights.tensors[weights.n_tensors++] = (AtlTensorToWrite) {
    "conv10.weight", 2, { 2, 2 }, classifier
  };
  g_autoptr (AtlPerceptual) without = load (&weights, none, &error);
  g_autoptr (AtlPerceptual) with = load (&weights, ours, &error);
  CU_ASSERT_PTR_NOT_NULL (without);
  CU_ASSERT_PTR_NOT_NULL (with);
  atl_test_no_error (error);
  weights_clear (&weights);
}

static void
refuses_files_that_do_not_fit (void)
{
  g_autoptr (AtlCard) none = atl_card_new (), other = card_of ("sr-resnet");
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *text = atl_test_file_new (folder, "text.safetensors", "no tensors", 10);
  g_autoptr (GError) error = NULL;
  Weights weights;

  weights_init (&weights);
  CU_ASSERT_PTR_NULL (load (&weights, other, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MODEL, "this network is 'sr-resnet'");

  weights.tensors[0].dims[0] = 48;
  CU_ASSERT_PTR_NULL (load (&weights, none, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_SHAPE,
                  "w.safetensors': tensor 'conv1.weight' is 48x3x7x7, but 'squeezenet' expects "
                  "96x3x7x7");
  weights.tensors[0].dims[0] = 96;
  weights.tensors[0].name = "features.0.weight";
  CU_ASSERT_PTR_NULL (load (&weights, none, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_SHAPE, "tensor 'conv1.weight' is missing");
  weights_clear (&weights);

  CU_ASSERT_PTR_NULL (atl_perceptual_load (text, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "text.safetensors");
  CU_ASSERT_PTR_NULL (atl_perceptual_load ("/no.safetensors", &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "/no.safetensors");
}

/* A thousand times the pixels take longer, whatever else the machine does meanwhile. */
static void
tells_how_long_it_takes (void)
{
  g_autoptr (AtlPerceptual) perceptual = formula_perceptual ();
  const double one = atl_perceptual_seconds (perceptual, 1000, 1000, 3, NULL);
  const double thousand = atl_perceptual_seconds (perceptual, 50000, 20000, 3, NULL);

  CU_ASSERT (one > 0.0);
  CU_ASSERT (thousand > 2.0 * one);
}

/* Numbers that are finite make features that are not. */
static void
wild_numbers_are_told (void)
{
  g_autoptr (AtlCard) none = atl_card_new ();
  g_auto (AtlPhoto) a = { 0 }, b = { 0 };
  const AtlPhoto *const pictures[] = { &b };
  g_autoptr (GError) error = NULL;
  Weights weights;
  double distance;

  weights_init (&weights);
  for (size_t i = 0; i < atl_graph_parameters_size (weights.graph); i++)
    weights.parameters[i] *= 1e37f;
  g_autoptr (AtlPerceptual) perceptual = load (&weights, none, &error);
  weights_clear (&weights);
  CU_ASSERT_PTR_NOT_NULL_FATAL (perceptual);

  make_pictures (&a, &b, 20, 20);
  CU_ASSERT_FALSE (atl_perceptual_distances (perceptual, &distance, &a, pictures, 1, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_RESULT, "w.safetensors': the features");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "equals PyTorch", equals_pytorch },
    { "can be cancelled", can_be_cancelled },
    { "reads files that fit", reads_files_that_fit },
    { "refuses files that do not fit", refuses_files_that_do_not_fit },
    { "tells how long it takes", tells_how_long_it_takes },
    { "wild numbers are told", wild_numbers_are_told },
  };

  return atl_suite_run ("perceptual", tests, G_N_ELEMENTS (tests));
}
