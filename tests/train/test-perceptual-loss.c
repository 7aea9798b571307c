/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The losses by features: what they are zero for, their gradients by finite differences, and both backends alike.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/perceptual-loss.h"

static const AtlShape batch = { 2, 3, 9, 8 };

static const AtlPerceptualWeights content_alone = { .content = { 0.5, 3.0 } };
static const AtlPerceptualWeights style_alone = { .style = { 2e-12, 0.0, 5e-12 } };
static const AtlPerceptualWeights features = { .pixels = 0.7,
                                               .distance = ATL_DISTANCE_ABSOLUTE,
                                               .content = { 0.2, 0.0, 0.5 } };
static const AtlPerceptualWeights both = { .content = { 0.5, 3.0 },
                                           .style = { 2e-12, 0.0, 5e-12 } };

/* Normalised, with a pooling, and deeper with each stage. */
static AtlGraph *
small_loss_network (int n_stages)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_batch_norm (g, atl_graph_input (g), "input");

  for (int s = 0; s < n_stages; s++)
    {
      g_autofree char *conv = g_strdup_printf ("conv%d", s);
      g_autofree char *norm = g_strdup_printf ("norm%d", s);

      if (s > 0)
        x = atl_graph_max_pool (g, x, 2, 2, 0);
      x = atl_graph_conv2d (g, x, conv, 5 + 4 * s, 3, 1, 1);
      x = atl_graph_relu (g, atl_graph_batch_norm (g, x, norm));
      atl_graph_add_tap (g, x);
    }
  atl_graph_set_output (g, x);
  return g;
}

static float *
numbers (size_t n, AtlRandom *random, double middle, double spread)
{
  float *result = atl_floats_new (n, "a test", NULL);

  for (size_t i = 0; i < n; i++)
    result[i] = (float) (middle + spread * atl_random_normal (random));
  return result;
}

typedef struct
{
  const AtlBackend *backend;
  float *parameters, *y, *photo, *style; /* in plain order */
  float *tensor, *gradient;              /* y and dy in the backend's layout */
  AtlPerceptualLoss *loss;
} Run;

static void
run_init (Run *run, const AtlBackend *backend, const AtlPerceptualWeights *weights)
{
  g_autoptr (AtlGraph) graph = small_loss_network (ATL_LOSS_TAPS);
  const size_t n = atl_shape_size (&batch), n_tensor = backend->tensor_size (&batch);
  AtlRandom random;

  atl_random_init (&random, 5, 0);
  run->backend = backend;
  run->parameters = numbers (atl_graph_parameters_size (graph), &random, 0.0, 0.3);
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);

      if (p->role == ATL_PARAMETER_RUNNING_VARIANCE || p->role == ATL_PARAMETER_GAMMA)
        for (size_t k = 0; k < p->size; k++)
          run->parameters[p->offset + k] = 1.0f + fabsf (run->parameters[p->offset + k]);
    }
  run->y = numbers (n, &random, 0.5, 0.3);
  run->photo = numbers (n, &random, 0.5, 0.3);
  run->style = numbers (n / (size_t) batch.n, &random, 0.5, 0.3);
  run->tensor = atl_floats_new (n_tensor, "a test", NULL);
  run->gradient = atl_floats_new (n_tensor, "a test", NULL);
  run->loss = atl_perceptual_loss_new (small_loss_network, run->parameters, weights, &batch,
                                       backend, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (run->loss);
  atl_perceptual_loss_set_style (run->loss, run->style);
}

static void
run_clear (Run *run)
{
  atl_perceptual_loss_free (run->loss);
  atl_floats_free (run->parameters);
  atl_floats_free (run->y);
  atl_floats_free (run->photo);
  atl_floats_free (run->style);
  atl_floats_free (run->tensor);
  atl_floats_free (run->gradient);
}

static AtlPerceptualParts
compute (Run *run)
{
  run->backend->tensor_import (run->tensor, run->y, &batch);
  return atl_perceptual_loss_run (run->loss, run->gradient, run->tensor, run->photo);
}

static void
zero_for_the_same (void)
{
  const size_t n = atl_shape_size (&batch), n_one = n / (size_t) batch.n;
  Run run;

  run_init (&run, atl_backend_reference (), &both);
  const AtlPerceptualParts other = compute (&run);
  CU_ASSERT (other.content > 0.0 && other.style > 0.0);

  for (size_t i = 0; i < n; i++)
    run.y[i] = run.style[i % n_one];
  const AtlPerceptualParts in_style = compute (&run);
  CU_ASSERT (in_style.style < 1e-6 * other.style);
  CU_ASSERT (in_style.content > 0.0);

  memcpy (run.y, run.photo, n * sizeof (float));
  const AtlPerceptualParts unchanged = compute (&run);
  CU_ASSERT_EQUAL (unchanged.content, 0.0);
  CU_ASSERT (unchanged.style > 0.0);
  run_clear (&run);
}

static double
moved_loss (Run *run, size_t at, float step)
{
  const float before = run->y[at];

  run->y[at] = before + step;
  const AtlPerceptualParts parts = compute (run);
  run->y[at] = before;
  return parts.pixels + parts.content + parts.style;
}

static void
check_gradient_of_pictures (const AtlPerceptualWeights *weights)
{
  const size_t n = atl_shape_size (&batch);
  const float step = 1e-3f;
  g_autoptr (AtlFloats) gradient = atl_floats_new (n, "a test", NULL);
  int n_right = 0;
  Run run;

  run_init (&run, atl_backend_reference (), weights);
  compute (&run);
  memcpy (gradient, run.gradient, n * sizeof (float)); /* the reference's layout is the plain one */
  const double largest = atl_test_largest (gradient, n);
  CU_ASSERT (largest > 0.0);

  /* Some lie at a ReLU's kink. */
  for (size_t i = 0; i < n; i += 7)
    {
      const double quotient = (moved_loss (&run, i, step) - moved_loss (&run, i, -step))
                              / (2.0 * step);

      n_right += fabs (quotient - gradient[i]) < 1e-2 * largest;
    }
  CU_ASSERT (n_right > 0.95 * (double) n / 7);
  run_clear (&run);
}

static void
gradient_of_pictures (void)
{
  check_gradient_of_pictures (&content_alone);
  check_gradient_of_pictures (&style_alone);
  check_gradient_of_pictures (&both);
  check_gradient_of_pictures (&features);
}

/* The mean difference of pixels is known without a loss network. */
static void
pixels_count_too (void)
{
  const size_t n = atl_shape_size (&batch);
  double sum = 0.0;
  Run run;

  run_init (&run, atl_backend_reference (), &features);
  const AtlPerceptualParts parts = compute (&run);
  for (size_t i = 0; i < n; i++)
    sum += fabs ((double) run.y[i] - run.photo[i]);
  CU_ASSERT_DOUBLE_EQUAL (parts.pixels, 0.7 * sum / (double) n, 1e-6);
  CU_ASSERT (parts.content > 0.0);
  CU_ASSERT_EQUAL (parts.style, 0.0);

  memcpy (run.y, run.photo, n * sizeof (float));
  const AtlPerceptualParts same = compute (&run);
  CU_ASSERT_EQUAL (same.pixels + same.content, 0.0);
  run_clear (&run);
}

static void
check_backends (const AtlPerceptualWeights *weights)
{
  const size_t n = atl_shape_size (&batch);
  g_autoptr (AtlFloats) gradient = atl_floats_new (n, "a test", NULL);
  Run slow, fast;

  run_init (&slow, atl_backend_reference (), weights);
  run_init (&fast, atl_backend_cpu (), weights);
  const AtlPerceptualParts a = compute (&slow), b = compute (&fast);
  CU_ASSERT_DOUBLE_EQUAL (a.pixels, b.pixels, 1e-5 * a.pixels);
  CU_ASSERT_DOUBLE_EQUAL (a.content, b.content, 1e-5 * a.content);
  CU_ASSERT_DOUBLE_EQUAL (a.style, b.style, 1e-5 * a.style);
  fast.backend->tensor_export (gradient, fast.gradient, &batch);
  atl_test_close ("gradient", gradient, slow.gradient, n, 1e-5);
  run_clear (&slow);
  run_clear (&fast);
}

static void
cpu_equals_reference (void)
{
  check_backends (&both);
  check_backends (&features);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "zero for the same", zero_for_the_same },
    { "gradient of pictures", gradient_of_pictures },
    { "pixels count too", pixels_count_too },
    { "cpu equals reference", cpu_equals_reference },
  };

  return atl_suite_run ("perceptual loss", tests, G_N_ELEMENTS (tests));
}
