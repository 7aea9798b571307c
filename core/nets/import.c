/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models from weight files of other programs.
 */

#include "nets/import.h"

#include "base/error.h"
#include "base/i18n.h"
#include "nets/parameter.h"

enum
{
  MAX_NAMED = 5 /* of the tensors that are missing; the rest follows from them */
};

static float *
values_of (const AtlModel *model, const AtlParameter *parameter)
{
  return model->parameters + parameter->offset;
}

/* Whether the file may lack a parameter. */
static gboolean
is_supplied (const char *arch, const AtlParameter *parameter)
{
  g_autofree float *values = g_new (float, parameter->size);

  return atl_network_supply (arch, parameter, values);
}

/* Whether the file has all that a network needs. */
static gboolean
fits (const AtlForeignFile *file, const char *arch, const AtlGraph *graph)
{
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (graph, i);
      const AtlTensorInfo *info = atl_foreign_file_find (file, parameter->name);

      if (! atl_parameter_fits (parameter, info)
          && (info != NULL || ! is_supplied (arch, parameter)))
        return FALSE;
    }
  return TRUE;
}

/* An architecture that the file fits, or NULL. */
static const char *
find_arch (const AtlForeignFile *file, const char *config, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (int i = 0; atl_network_name (i) != NULL; i++)
    {
      const char *arch = atl_network_name (i);
      AtlNetworkConfig parsed;
      g_autoptr (AtlGraph) graph = atl_network_config_parse (&parsed, arch, config, NULL)
                                       ? atl_network_new (arch, &parsed, NULL)
                                       : NULL;

      if (graph != NULL && fits (file, arch, graph))
        return arch;
      g_string_append_printf (names, i == 0 ? _ ("'%s'") : _ (", '%s'"), arch);
    }

  g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
               _ ("its tensors are those of none of the architectures %s as they usually are; name "
                  "one to be told what is missing"),
               names->str);
  return NULL;
}

/* Fails with the names of the tensors that are missing, or with one of another shape. */
static gboolean
check_tensors (const AtlForeignFile *file, const AtlModel *model, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  int n_missing = 0;

  for (int i = 0; i < atl_graph_n_parameters (model->graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (model->graph, i);
      const AtlTensorInfo *info = atl_foreign_file_find (file, parameter->name);

      if (info != NULL && ! atl_parameter_check_shape (parameter, info, model->card->arch, error))
        return FALSE;
      if (info != NULL || is_supplied (model->card->arch, parameter))
        continue;
      if (n_missing++ < MAX_NAMED)
        g_string_append_printf (names, n_missing == 1 ? _ ("'%s'") : _ (", '%s'"), parameter->name);
    }
  if (n_missing == 0)
    return TRUE;

  if (n_missing > MAX_NAMED)
    g_string_append (names, ", ...");
  g_set_error (
      error, ATL_ERROR, ATL_ERROR_SHAPE,
      P_ ("%d tensor of '%s' is missing: %s", "%d tensors of '%s' are missing: %s", n_missing),
      n_missing, model->card->arch, names->str);
  return FALSE;
}

/* A model whose parameters the file has, but which are not read yet. */
static AtlModel *
blank_model (const AtlForeignFile *file, const char *arch, const char *config, GError **error)
{
  AtlNetworkConfig parsed;

  if (arch == NULL)
    arch = find_arch (file, config, error);
  if (arch == NULL || ! atl_network_config_parse (&parsed, arch, config, error))
    return NULL;

  g_autoptr (AtlModel) model = atl_model_new_blank (atl_network_task (arch), arch, &parsed, error);
  return model != NULL && check_tensors (file, model, error) ? g_steal_pointer (&model) : NULL;
}

static gboolean
read_parameters (const AtlForeignFile *file, AtlModel *model, GError **error)
{
  for (int i = 0; i < atl_graph_n_parameters (model->graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (model->graph, i);
      const AtlTensorInfo *info = atl_foreign_file_find (file, parameter->name);
      float *values = values_of (model, parameter);

      if (info == NULL)
        atl_network_supply (model->card->arch, parameter, values);
      else if (! atl_foreign_file_read (file, info, values, error))
        return FALSE;
      if (! atl_parameter_check_values (parameter, values, error))
        {
          atl_foreign_file_prefix_error (file, error);
          return FALSE;
        }
    }
  return TRUE;
}

static void
list_left_out (const AtlForeignFile *file, const AtlGraph *graph, GPtrArray *left_out)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    g_hash_table_add (names, atl_graph_parameter (graph, i)->name);

  for (int i = 0; i < atl_foreign_file_n_tensors (file); i++)
    {
      const char *name = atl_foreign_file_tensor (file, i)->name;

      if (! g_hash_table_contains (names, name))
        g_ptr_array_add (left_out, g_strdup (name));
    }
}

AtlModel *
atl_model_import (const AtlForeignFile *file, const char *arch, const char *config,
                  GPtrArray *left_out, GError **error)
{
  g_autoptr (AtlModel) model = blank_model (file, arch, config != NULL ? config : "{}", error);

  if (model == NULL)
    {
      atl_foreign_file_prefix_error (file, error);
      return NULL;
    }
  if (! read_parameters (file, model, error))
    return NULL;

  list_left_out (file, model->graph, left_out);
  return g_steal_pointer (&model);
}
