/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A training that starts from the weights of another.
 */

#include "train/warm-start.h"

#include "base/error.h"
#include "base/i18n.h"
#include "nets/parameter.h"

gboolean
atl_warm_start (AtlModel *model, const char *path, AtlWarmStart *result, GError **error)
{
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, error);
  const int n_parameters = atl_graph_n_parameters (model->graph);

  if (file == NULL)
    return FALSE;

  *result = (AtlWarmStart) { 0 };
  for (int i = 0; i < n_parameters; i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (model->graph, i);
      const AtlTensorInfo *info = atl_weight_file_find (file, parameter->name);

      if (! atl_parameter_fits (parameter, info))
        continue;
      if (! atl_weight_file_read (file, info, model->parameters + parameter->offset, error))
        return FALSE;
      result->n_loaded++;
    }

  result->n_new = n_parameters - result->n_loaded;
  result->n_left_out = atl_weight_file_n_tensors (file) - result->n_loaded;
  if (result->n_loaded == 0)
    g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE,
                 _ ("'%s' has no tensor with the name and shape of one of the network"), path);
  return result->n_loaded > 0;
}
