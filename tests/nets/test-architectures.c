/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every architecture computes what PyTorch's of the same names and shapes does, with parameters made by a formula.
 */

#include "suite.h"

#include <string.h>

#include "base/memory.h"
#include "formula.h"
#include "graph/plan.h"
#include "nets/network.h"
#include "weights/weight-file.h"

/* Of the largest number: dozens of layers, some by Winograd's transforms. */
#define TOLERANCE 2e-5

static AtlWeightFile *expected;

static float *
read_tensor (const char *network, const char *name, AtlShape *shape)
{
  g_autofree char *full_name = g_strdup_printf ("%s.%s", network, name);
  const AtlTensorInfo *info = atl_weight_file_find (expected, full_name);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (info);
  float *numbers = atl_floats_new (info->size, "a test", NULL);
  CU_ASSERT_FATAL (atl_weight_file_read (expected, info, numbers, &error));
  if (shape != NULL)
    *shape = (AtlShape) { info->dims[0], info->dims[1], info->dims[2], info->dims[3] };
  return numbers;
}

static void
check_inference (const char *name, const AtlGraph *graph, const float *parameters,
                 const AtlBackend *backend)
{
  AtlShape shape, shape_y;
  g_autoptr (AtlFloats) input = read_tensor (name, "input", &shape);
  g_autoptr (AtlFloats) output = read_tensor (name, "output", &shape_y);
  g_autoptr (AtlPrepared) prepared = atl_prepared_new (graph, parameters, backend, NULL);
  const AtlRegion whole = { 0, 0, shape_y.w, shape_y.h };
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (prepared, shape.w, shape.h, &whole);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);
  g_autoptr (AtlFloats) found = atl_floats_new (atl_shape_size (&shape_y), "a test", NULL);
  const AtlShape computed = atl_graph_output_shape (graph, &shape);

  CU_ASSERT (memcmp (&computed, &shape_y, sizeof shape_y) == 0);
  atl_plan_infer (plan, workspace, found, input);
  atl_test_close (name, found, output, atl_shape_size (&shape_y), TOLERANCE);
}

/* The taps of a loss network, as a training plan shows them: the mean of each channel. */
static void
check_taps (const char *name, const AtlGraph *graph, float *parameters)
{
  const AtlBackend *backend = atl_backend_cpu ();
  AtlShape shape;
  g_autoptr (AtlFloats) input = read_tensor (name, "input", &shape);
  g_autoptr (AtlPlan)
      plan = atl_plan_new_training (graph, backend, &shape, NULL, ATL_TRAINING_FROZEN_NORM);
  g_autoptr (AtlFloats) workspace = atl_floats_new (atl_plan_workspace_size (plan), "a test", NULL);

  atl_plan_forward (plan, workspace, parameters, input);
  for (int tap = 0; tap < atl_graph_n_taps (graph); tap++)
    {
      const AtlShape of_tap = atl_plan_tap_shape (plan, tap);
      const size_t n_pixels = (size_t) of_tap.h * (size_t) of_tap.w;
      g_autofree char *tap_name = g_strdup_printf ("tap%d", tap);
      g_autoptr (AtlFloats) means = read_tensor (name, tap_name, NULL);
      g_autoptr (AtlFloats) features = atl_floats_new (atl_shape_size (&of_tap), "a test", NULL);
      g_autofree float *found = g_new0 (float, of_tap.c);

      backend->tensor_export (features, atl_plan_tap (plan, workspace, tap), &of_tap);
      for (int c = 0; c < of_tap.c; c++)
        {
          double sum = 0.0;

          for (size_t i = 0; i < n_pixels; i++)
            sum += features[(size_t) c * n_pixels + i];
          found[c] = (float) (sum / (double) n_pixels);
        }
      atl_test_close (tap_name, found, means, (size_t) of_tap.c, TOLERANCE);
    }
}

static void
check (const char *name, AtlGraph *take_graph)
{
  g_autoptr (AtlGraph) graph = take_graph;
  g_autoptr (AtlFloats) parameters = atl_test_formula_parameters (graph);

  check_inference (name, graph, parameters, atl_backend_cpu ());
  if (! atl_test_quick ())
    check_inference (name, graph, parameters, atl_backend_reference ());
  if (atl_graph_n_taps (graph) > 0)
    check_taps (name, graph, parameters);
}

static void
style_resnet (void)
{
  check ("style-resnet", atl_style_resnet_new (8));
}

static void
unet34 (void)
{
  check ("unet34", atl_unet34_new (3));
}

static void
upsample34 (void)
{
  check ("upsample34", atl_upsample34_new (2));
}

static void
vgg16_bn (void)
{
  check ("vgg16-bn", atl_vgg16_bn_new (5));
}

static void
vgg19_16x (void)
{
  check ("vgg19-16x", atl_vgg19_16x_new (5));
}

/* What the lesson and PyTorch's own counts say. */
static void
have_their_parameters (void)
{
  const struct
  {
    AtlGraph *graph;
    size_t n_trained;
  } networks[] = {
    { atl_style_resnet_new (32), 1677638 },
    { atl_unet34_new (1), 22009665 },
  };

  for (size_t k = 0; k < G_N_ELEMENTS (networks); k++)
    {
      size_t n = 0;

      for (int i = 0; i < atl_graph_n_parameters (networks[k].graph); i++)
        {
          const AtlParameter *p = atl_graph_parameter (networks[k].graph, i);

          n += atl_parameter_role_is_trained (p->role) ? p->size : 0;
        }
      if (n != networks[k].n_trained)
        printf ("  %zu parameters, expected %zu\n", n, networks[k].n_trained);
      CU_ASSERT_EQUAL (n, networks[k].n_trained);
      atl_graph_free (networks[k].graph);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "StyleResnet", style_resnet }, { "Unet34", unet34 },
    { "Upsample34", upsample34 },    { "VGG16 with batch normalisation", vgg16_bn },
    { "thin VGG19", vgg19_16x },     { "have their parameters", have_their_parameters },
  };
  g_autoptr (GError) error = NULL;

  expected = atl_weight_file_open (TEST_FOLDER "/architectures.safetensors", &error);
  if (expected == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  const int status = atl_suite_run ("architectures", tests, G_N_ELEMENTS (tests));

  atl_weight_file_close (expected);
  return status;
}
