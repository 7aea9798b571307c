/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models: loading, saving, and the first values of parameters.
 */

#include "nets/model.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "nets/parameter.h"

static float *
values_of (const AtlModel *model, const AtlParameter *parameter)
{
  return model->parameters + parameter->offset;
}

/* Whether a card names the task that its network can do; FALSE for an unknown network too. A filter may not be given a
 * network of other inputs and outputs than its own. */
static gboolean
task_fits_arch (const AtlCard *card)
{
  return g_strcmp0 (card->task, atl_network_task (card->arch)) == 0;
}

/* Fails if the card is for another task, or for none. */
static gboolean
check_task (const AtlCard *card, const char *task, GError **error)
{
  if (card->task == NULL)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                   _ ("the file has no card that tells what network it is for"));
      return FALSE;
    }
  if (task != NULL && strcmp (card->task, task) != 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                   _ ("this model is for the task '%s', but one for '%s' is needed"), card->task,
                   task);
      return FALSE;
    }
  return TRUE;
}

/* Fails if the file has a tensor that the graph does not know. */
static gboolean
check_no_others (const AtlModel *model, const AtlWeightFile *file, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (int i = 0; i < atl_graph_n_parameters (model->graph); i++)
    g_hash_table_add (names, atl_graph_parameter (model->graph, i)->name);

  for (int i = 0; i < atl_weight_file_n_tensors (file); i++)
    {
      const char *name = atl_weight_file_tensor (file, i)->name;

      if (! g_hash_table_contains (names, name))
        {
          g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE, _ ("'%s' does not know tensor '%s'"),
                       model->card->arch, name);
          return FALSE;
        }
    }
  return TRUE;
}

/* Makes the graph that the card describes. */
static gboolean
build (AtlModel *model, const char *task, GError **error)
{
  const AtlCard *card = model->card;

  if (! check_task (card, task, error)
      || ! atl_network_config_parse (&model->config, card->arch, card->config, error))
    return FALSE;
  if (! task_fits_arch (card))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                   _ ("the card is for the task '%s', but '%s' is a network for '%s'"), card->task,
                   card->arch, atl_network_task (card->arch));
      return FALSE;
    }

  model->graph = atl_network_new (card->arch, &model->config, error);
  return model->graph != NULL;
}

AtlModel *
atl_model_load (const char *path, const char *task, GError **error)
{
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, error);
  g_autoptr (AtlModel) model = g_new0 (AtlModel, 1);

  if (file == NULL)
    return NULL;

  model->card = atl_card_copy (atl_weight_file_card (file));
  if (! build (model, task, error))
    {
      atl_weight_file_prefix_error (file, error);
      return NULL;
    }

  model->parameters = atl_parameters_load (model->graph, file, model->card->arch, error);
  if (model->parameters == NULL)
    return NULL;
  if (! check_no_others (model, file, error))
    {
      atl_weight_file_prefix_error (file, error);
      return NULL;
    }
  return g_steal_pointer (&model);
}

AtlModel *
atl_model_new_blank (const char *task, const char *arch, const AtlNetworkConfig *config,
                     GError **error)
{
  g_autoptr (AtlModel) model = g_new0 (AtlModel, 1);

  model->config = *config;
  model->graph = atl_network_new (arch, config, error);
  if (model->graph == NULL)
    return NULL;
  model->parameters = atl_floats_new (atl_graph_parameters_size (model->graph),
                                      _ ("the network's parameters"), error);
  if (model->parameters == NULL)
    return NULL;

  model->card = atl_card_new ();
  model->card->format = g_strdup (ATL_CARD_FORMAT);
  model->card->task = g_strdup (task);
  model->card->arch = g_strdup (arch);
  model->card->config = atl_network_config_to_json (arch, config);
  model->card->input = g_strdup (ATL_INPUT_RGB_UNIT);
  return g_steal_pointer (&model);
}

AtlModel *
atl_model_new (const char *task, const char *arch, const AtlNetworkConfig *config,
               AtlRandom *random, GError **error)
{
  AtlModel *model = atl_model_new_blank (task, arch, config, error);

  if (model != NULL)
    atl_network_init_parameters (model->graph, model->parameters, random);
  return model;
}

gboolean
atl_model_save (const AtlModel *model, const char *path, AtlDtype dtype, GError **error)
{
  const int n_tensors = atl_graph_n_parameters (model->graph);
  g_autofree AtlTensorToWrite *tensors = g_new0 (AtlTensorToWrite, n_tensors);

  for (int i = 0; i < n_tensors; i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (model->graph, i);

      tensors[i].name = parameter->name;
      tensors[i].n_dims = parameter->n_dims;
      memcpy (tensors[i].dims, parameter->dims, sizeof parameter->dims);
      tensors[i].values = values_of (model, parameter);
    }
  return atl_weight_file_write (path, model->card, tensors, n_tensors, dtype, error);
}

void
atl_model_free (AtlModel *model)
{
  if (model == NULL)
    return;

  atl_floats_free (model->parameters);
  atl_graph_free (model->graph);
  atl_card_free (model->card);
  g_free (model);
}

int
atl_card_scale (const AtlCard *card, GError **error)
{
  AtlNetworkConfig config;

  if (card->arch == NULL || card->config == NULL)
    {
      g_set_error_literal (error, ATL_ERROR, ATL_ERROR_MODEL,
                           _ ("the card does not tell which network it is"));
      return 0;
    }
  if (! atl_network_config_parse (&config, card->arch, card->config, error))
    return 0;
  if (config.scale == 0 || ! task_fits_arch (card))
    {
      g_set_error_literal (error, ATL_ERROR, ATL_ERROR_MODEL, _ ("the network does not enlarge"));
      return 0;
    }
  return config.scale;
}
