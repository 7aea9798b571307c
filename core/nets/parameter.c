/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A network's parameters in files.
 */

#include "nets/parameter.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"

static char *
dims_to_string (int n_dims, const int *dims)
{
  g_autoptr (GString) string = g_string_new (n_dims == 0 ? "1" : NULL);

  for (int i = 0; i < n_dims; i++)
    g_string_append_printf (string, i == 0 ? "%d" : "x%d", dims[i]);
  return g_strdup (string->str);
}

gboolean
atl_parameter_fits (const AtlParameter *parameter, const AtlTensorInfo *info)
{
  return info != NULL && info->n_dims == parameter->n_dims
         && memcmp (info->dims, parameter->dims, info->n_dims * sizeof info->dims[0]) == 0;
}

gboolean
atl_parameter_check_shape (const AtlParameter *parameter, const AtlTensorInfo *info,
                           const char *arch, GError **error)
{
  g_autofree char *expected = dims_to_string (parameter->n_dims, parameter->dims);

  if (info == NULL)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE,
                   _ ("tensor '%s' is missing; '%s' expects it as %s"), parameter->name, arch,
                   expected);
      return FALSE;
    }

  if (! atl_parameter_fits (parameter, info))
    {
      g_autofree char *found = dims_to_string (info->n_dims, info->dims);

      g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE, _ ("tensor '%s' is %s, but '%s' expects %s"),
                   info->name, found, arch, expected);
      return FALSE;
    }
  return TRUE;
}

gboolean
atl_parameter_check_values (const AtlParameter *parameter, const float *values, GError **error)
{
  for (size_t i = 0; i < parameter->size; i++)
    if (parameter->role == ATL_PARAMETER_RUNNING_VARIANCE && values[i] < 0.0f)
      {
        g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                     _ ("number %zu of %zu of tensor '%s' is a negative variance"), i + 1,
                     parameter->size, parameter->name);
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_tensors (const AtlGraph *graph, const AtlWeightFile *file, const char *network,
               GError **error)
{
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (graph, i);

      if (! atl_parameter_check_shape (parameter, atl_weight_file_find (file, parameter->name),
                                       network, error))
        {
          atl_weight_file_prefix_error (file, error);
          return FALSE;
        }
    }
  return TRUE;
}

float *
atl_parameters_load (const AtlGraph *graph, const AtlWeightFile *file, const char *network,
                     GError **error)
{
  if (! check_tensors (graph, file, network, error))
    return NULL;

  g_autoptr (AtlFloats) parameters = atl_floats_new (atl_graph_parameters_size (graph),
                                                     _ ("the network's parameters"), error);

  for (int i = 0; parameters != NULL && i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (graph, i);
      const AtlTensorInfo *info = atl_weight_file_find (file, parameter->name);
      float *values = parameters + parameter->offset;

      if (! atl_weight_file_read (file, info, values, error))
        return NULL;
      if (! atl_parameter_check_values (parameter, values, error))
        {
          atl_weight_file_prefix_error (file, error);
          return NULL;
        }
    }
  return g_steal_pointer (&parameters);
}
