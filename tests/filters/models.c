/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small models, written to a folder for the filters to find.
 */

#include "models.h"

#include "suite.h"

void
atl_test_model_write (const AtlTestFolder *folder, const char *name, const char *task, int scale,
                      float gain)
{
  const AtlNetworkConfig config = { .scale = scale, .width = 8, .blocks = 1 };
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autoptr (GError) error = NULL;
  AtlRandom random;

  atl_random_init (&random, 7, (guint64) scale);
  g_autoptr (AtlModel) model = atl_model_new (task, "sr-resnet", &config, &random, &error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  for (int i = 0; i < atl_graph_n_parameters (model->graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (model->graph, i);

      for (size_t k = 0; k < p->size && p->role == ATL_PARAMETER_WEIGHT; k++)
        model->parameters[p->offset + k] *= gain;
    }
  CU_ASSERT_TRUE (atl_model_save (model, path, ATL_DTYPE_F32, &error));
  atl_test_no_error (error);
}

AtlTestFolder *
atl_test_models_folder_new (void)
{
  AtlTestFolder *folder = atl_test_folder_new ();

  g_setenv ("ATELIER_MODEL_PATH", folder, TRUE);
  return folder;
}
