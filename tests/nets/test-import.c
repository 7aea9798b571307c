/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Networks of other programs: each number gets to its place, and what does not fit is told by name.
 */

#include "suite.h"

#include <string.h>

#include "base/error.h"
#include "nets/import.h"
#include "temporary.h"

#define X2 "{\"scale\": 2, \"width\": 4, \"blocks\": 2}"

static AtlModel *
import (const char *path, const char *arch, const char *config, GPtrArray *left_out, GError **error)
{
  g_autoptr (AtlForeignFile) file = atl_foreign_file_open (path, error);

  return file != NULL ? atl_model_import (file, arch, config, left_out, error) : NULL;
}

static void
import_fails (const char *path, const char *arch, const char *config, int code, const char *message)
{
  g_autoptr (GPtrArray) left_out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (import (path, arch, config, left_out, &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  CU_ASSERT (g_str_has_prefix (error->message, "'/"));
  atl_test_error (&error, ATL_ERROR, code, message);
  CU_ASSERT_EQUAL (left_out->len, 0);
}

/* The same network as a weight file of ours, and as PyTorch saves it. */
static void
imports_what_pytorch_saved (void)
{
  g_autoptr (GPtrArray) left_out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel)
      model = import (TEST_FOLDER "/sr-resnet-x2.pth", "sr-resnet", X2, left_out, &error);
  g_autoptr (AtlModel)
      expected = atl_model_load (TEST_FOLDER "/sr-resnet-x2.safetensors", NULL, NULL);

  atl_test_no_error (error);
  CU_ASSERT_FATAL (model != NULL && expected != NULL);
  CU_ASSERT_EQUAL (left_out->len, 0);
  CU_ASSERT_STRING_EQUAL (model->card->task, "upscale");
  CU_ASSERT_STRING_EQUAL (model->card->arch, "sr-resnet");
  CU_ASSERT_STRING_EQUAL (model->card->config, X2);
  CU_ASSERT_STRING_EQUAL (model->card->input, ATL_INPUT_RGB_UNIT);
  CU_ASSERT_PTR_NULL (model->card->license);
  CU_ASSERT (memcmp (model->parameters, expected->parameters,
                     atl_graph_parameters_size (model->graph) * sizeof (float))
             == 0);
}

/* Values of a parameter as no other has: its place in the file and in itself. */
static float
value_of (int parameter, size_t i)
{
  return 0.25f * (float) (parameter % 30) + 1e-3f * (float) (i % 100);
}

/* What a foreign file of a network is to have. */
typedef struct
{
  const char *arch;
  const char *left_away; /* what names of parameters begin with that it lacks, or NULL */
  const char *misshaped; /* a parameter that has one more row, or NULL */
  const char *negative;  /* a parameter whose numbers are -1, or NULL */
} Contents;

/* Writes a file without a card, with "module." before names, a classifier and a counter. */
static char *
write_foreign (const AtlTestFolder *folder, const Contents *contents)
{
  AtlNetworkConfig config;
  char *path = g_build_filename (folder, "foreign.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlCard) card = atl_card_new ();
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  static const float classifier[] = { 1.0f, 2.0f };
  int n = 0;

  CU_ASSERT_FATAL (atl_network_config_parse (&config, contents->arch, "{}", NULL));
  g_autoptr (AtlGraph) graph = atl_network_new (contents->arch, &config, NULL);
  g_autofree AtlTensorToWrite *tensors = g_new0 (AtlTensorToWrite,
                                                 atl_graph_n_parameters (graph) + 1);
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);
      AtlTensorToWrite *tensor = &tensors[n];
      char *name = g_strconcat ("module.", p->name, NULL);
      float *values = g_new0 (float, p->size + p->size / (size_t) p->dims[0]);

      g_ptr_array_add (owned, name);
      g_ptr_array_add (owned, values);
      if (contents->left_away != NULL && g_str_has_prefix (p->name, contents->left_away))
        continue;
      for (size_t k = 0; k < p->size; k++)
        values[k] = g_strcmp0 (contents->negative, p->name) == 0 ? -1.0f : value_of (i, k);
      *tensor = (AtlTensorToWrite) { .name = name, .n_dims = p->n_dims, .values = values };
      memcpy (tensor->dims, p->dims, sizeof p->dims);
      tensor->dims[0] += g_strcmp0 (contents->misshaped, p->name) == 0;
      n++;
    }

  tensors[n++] = (AtlTensorToWrite) {
    .name = "classifier.0.weight", .n_dims = 1, .dims = { 2 }, .values = classifier
  };
  CU_ASSERT_FATAL (atl_weight_file_write (path, card, tensors, n, ATL_DTYPE_F32, &error));
  return path;
}

static void
check_values (const AtlModel *model, int first)
{
  size_t n_wrong = 0;

  for (int i = first; i < atl_graph_n_parameters (model->graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (model->graph, i);

      for (size_t k = 0; k < p->size; k++)
        n_wrong += model->parameters[p->offset + k] != value_of (i, k);
    }
  CU_ASSERT_EQUAL (n_wrong, 0);
}

/* By its tensors alone, as torchvision and others name them. */
static void
finds_the_architecture (void)
{
  const Contents *contents = atl_test_data ();
  const int n_supplied = contents->left_away != NULL ? 4 : 0;
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = write_foreign (folder, contents);
  g_autoptr (GPtrArray) left_out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlModel) model = import (path, NULL, NULL, left_out, &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  CU_ASSERT_STRING_EQUAL (model->card->arch, contents->arch);
  CU_ASSERT_STRING_EQUAL (model->card->task, "loss");
  CU_ASSERT_STRING_EQUAL (model->card->config, "{}");
  CU_ASSERT_EQUAL_FATAL (left_out->len, 1);
  CU_ASSERT_STRING_EQUAL (g_ptr_array_index (left_out, 0), "classifier.0.weight");
  check_values (model, n_supplied);

  for (int i = 0; i < n_supplied; i++)
    {
      const AtlParameter *p = atl_graph_parameter (model->graph, i);
      float values[3];

      CU_ASSERT_FATAL (atl_network_supply (contents->arch, p, values));
      CU_ASSERT (memcmp (model->parameters + p->offset, values, sizeof values) == 0);
    }
}

/* What is supplied is so only where the file does not have it. */
static void
the_file_comes_before_what_is_supplied (void)
{
  static const Contents contents = { .arch = "vgg16-bn" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();

  if (atl_test_quick ())
    {
      atl_test_skip ("60 MB under valgrind");
      return;
    }

  g_autofree char *path = write_foreign (folder, &contents);
  g_autoptr (GPtrArray) left_out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (AtlModel) model = import (path, "vgg16-bn", NULL, left_out, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  check_values (model, 0);
}

static void
tells_what_does_not_fit (void)
{
  static const Contents misshaped = { "vgg19-16x", .misshaped = "conv21.weight" };
  static const Contents incomplete = { "vgg19-16x", .left_away = "conv51" };
  static const Contents almost_none = { "vgg19-16x", .left_away = "conv" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();

  g_autofree char *path = write_foreign (folder, &misshaped);
  import_fails (path, "vgg19-16x", NULL, ATL_ERROR_SHAPE,
                "foreign.safetensors': tensor 'conv21.weight' is 33x16x3x3, but 'vgg19-16x' "
                "expects 32x16x3x3");
  import_fails (path, NULL, NULL, ATL_ERROR_MODEL,
                "its tensors are those of none of the architectures 'sr-resnet', 'vgg16-bn', ");

  g_free (write_foreign (folder, &incomplete));
  import_fails (path, "vgg19-16x", NULL, ATL_ERROR_SHAPE,
                "2 tensors of 'vgg19-16x' are missing: 'conv51.weight', 'conv51.bias'");
  g_free (write_foreign (folder, &almost_none));
  import_fails (path, "vgg19-16x", NULL, ATL_ERROR_SHAPE,
                "28 tensors of 'vgg19-16x' are missing: 'conv0.weight', 'conv0.bias', "
                "'conv11.weight', 'conv11.bias', 'conv12.weight', ...");
}

static void
refuses_bad_requests (void)
{
  import_fails (TEST_FOLDER "/sr-resnet-x2.pth", "gan", NULL, ATL_ERROR_MODEL,
                "sr-resnet-x2.pth': the architecture 'gan' is unknown");
  import_fails (TEST_FOLDER "/sr-resnet-x2.pth", "sr-resnet", "{\"scale\": 3}", ATL_ERROR_FORMAT,
                "'scale' is 3");
  import_fails (TEST_FOLDER "/sr-resnet-x2.pth", "sr-resnet", "{\"width\": 5, \"blocks\": 2}",
                ATL_ERROR_SHAPE,
                "tensor 'features.0.0.weight' is 4x3x3x3, but 'sr-resnet' expects 5x3x3x3");
}

static void
refuses_negative_variances (void)
{
  static const Contents contents = { "sr-resnet", .negative = "features.11.running_var" };
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = write_foreign (folder, &contents);

  import_fails (path, NULL, NULL, ATL_ERROR_FORMAT,
                "number 1 of 64 of tensor 'features.11.running_var' is a negative variance");
}

int
main (void)
{
  static const Contents thin = { .arch = "vgg19-16x" };
  static const Contents vision = { .arch = "vgg16-bn", .left_away = "input." };
  const AtlTest tests[] = {
    { "imports what PyTorch saved", imports_what_pytorch_saved },
    { "finds the thin VGG19", finds_the_architecture, &thin },
    { "finds VGG16 as torchvision has it", finds_the_architecture, &vision },
    { "the file comes before what is supplied", the_file_comes_before_what_is_supplied },
    { "tells what does not fit", tells_what_does_not_fit },
    { "refuses bad requests", refuses_bad_requests },
    { "refuses negative variances", refuses_negative_variances },
  };

  return atl_suite_run ("import", tests, G_N_ELEMENTS (tests));
}
