/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether what a file holds can be a network's parameter.
 */

#include "nets/parameter.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"

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
