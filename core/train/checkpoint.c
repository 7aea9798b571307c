/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checkpoints: a safetensors file with the arrays 'parameters', 'm', 'v', 'average' and 'best', and the
 * options and the state as JSON where a weight file's card has its recipe.
 */

#include "train/checkpoint.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/json.h"
#include "base/memory.h"

enum
{
  N_ARRAYS = 5
};

typedef struct
{
  const char *name;
  float *values;
} Array;

static void
list_arrays (Array arrays[N_ARRAYS], const AtlModel *model, const AtlOptimizer *optimizer,
             const AtlTrainState *state)
{
  arrays[0] = (Array) { "parameters", model->parameters };
  arrays[1] = (Array) { "m", optimizer->m };
  arrays[2] = (Array) { "v", optimizer->v };
  arrays[3] = (Array) { "average", optimizer->average };
  arrays[4] = (Array) { "best", state->best };
}

gboolean
atl_train_state_init (AtlTrainState *state, const AtlGraph *graph, const char *data, GError **error)
{
  *state = (AtlTrainState) { .data = g_strdup (data != NULL ? data : "") };
  state->best = atl_floats_new (atl_graph_parameters_size (graph), _ ("the best weights"), error);
  return state->best != NULL;
}

void
atl_train_state_clear (AtlTrainState *state)
{
  g_clear_pointer (&state->best, atl_floats_free);
  g_clear_pointer (&state->data, g_free);
}

static char *
to_json (const AtlTrainState *state, JsonObject *options)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_int_member (object, "step", (gint64) state->step);
  json_object_set_double_member (object, "seconds", state->seconds);
  json_object_set_double_member (object, "loss-sum", state->loss_sum);
  json_object_set_int_member (object, "losses", (gint64) state->n_losses);
  json_object_set_int_member (object, "validated-step", (gint64) state->validated_step);
  json_object_set_boolean_member (object, "finished", state->finished);
  json_object_set_string_member (object, "data", state->data);
  if (state->has_best)
    {
      json_object_set_double_member (object, "best-score", state->best_score);
      json_object_set_double_member (object, "best-loss", state->best_loss);
      json_object_set_int_member (object, "best-step", (gint64) state->best_step);
    }
  json_object_set_object_member (object, "options", json_object_ref (options));

  json_node_set_object (node, object);
  return json_to_string (node, FALSE);
}

gboolean
atl_checkpoint_save (const char *path, const AtlModel *model, const AtlOptimizer *optimizer,
                     const AtlTrainState *state, JsonObject *options, GError **error)
{
  g_autoptr (AtlCard) card = atl_card_copy (model->card);
  AtlTensorToWrite tensors[N_ARRAYS];
  Array arrays[N_ARRAYS];

  g_free (card->recipe);
  card->recipe = to_json (state, options);
  list_arrays (arrays, model, optimizer, state);
  for (int i = 0; i < N_ARRAYS; i++)
    tensors[i] = (AtlTensorToWrite) { .name = arrays[i].name,
                                      .n_dims = 1,
                                      .dims = { (int) optimizer->size },
                                      .values = arrays[i].values };

  return atl_weight_file_write (path, card, tensors, N_ARRAYS, ATL_DTYPE_F32, error);
}

/* The JSON object in an open checkpoint. */
static JsonObject *
read_json (const AtlWeightFile *file, GError **error)
{
  const char *text = atl_weight_file_card (file)->recipe;
  g_autoptr (JsonNode) node = text != NULL ? atl_json_parse (text, NULL) : NULL;

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObject *object = json_node_get_object (node);
      JsonNode *options = json_object_get_member (object, "options");

      if (json_object_has_member (object, "step") && options != NULL
          && JSON_NODE_HOLDS_OBJECT (options))
        return json_object_ref (object);
    }

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("'%s' is not a checkpoint of a training"),
               atl_weight_file_path (file));
  return NULL;
}

JsonObject *
atl_checkpoint_options (const char *path, gboolean *finished, GError **error)
{
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, error);
  g_autoptr (JsonObject) object = file != NULL ? read_json (file, error) : NULL;

  if (object == NULL)
    return NULL;

  *finished = json_object_get_boolean_member_with_default (object, "finished", FALSE);
  return json_object_ref (json_object_get_object_member (object, "options"));
}

static void
state_from_json (AtlTrainState *state, JsonObject *object)
{
  state->step = (guint64) json_object_get_int_member_with_default (object, "step", 0);
  state->seconds = json_object_get_double_member_with_default (object, "seconds", 0.0);
  state->loss_sum = json_object_get_double_member_with_default (object, "loss-sum", 0.0);
  state->n_losses = (guint64) json_object_get_int_member_with_default (object, "losses", 0);
  state->validated_step = (guint64) json_object_get_int_member_with_default (object,
                                                                             "validated-step", 0);
  state->finished = json_object_get_boolean_member_with_default (object, "finished", FALSE);
  state->has_best = json_object_has_member (object, "best-score");
  state->best_score = json_object_get_double_member_with_default (object, "best-score", 0.0);
  state->best_loss = json_object_get_double_member_with_default (object, "best-loss", 0.0);
  state->best_step = (guint64) json_object_get_int_member_with_default (object, "best-step", 0);
}

/* The order of the samples is that of the photos: with others the training would be another. */
static gboolean
check_data (const AtlTrainState *state, JsonObject *object, const char *path, GError **error)
{
  const char *found = json_object_get_string_member_with_default (object, "data", "");

  if (strcmp (found, state->data) == 0)
    return TRUE;

  g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
               _ ("the photos are not those that '%s' was trained on: bring them back, or start a "
                  "new training with '--from'"),
               path);
  return FALSE;
}

gboolean
atl_checkpoint_load (const char *path, AtlModel *model, AtlOptimizer *optimizer,
                     AtlTrainState *state, GError **error)
{
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, error);
  g_autoptr (JsonObject) object = file != NULL ? read_json (file, error) : NULL;
  Array arrays[N_ARRAYS];

  if (object == NULL || ! check_data (state, object, path, error))
    return FALSE;

  list_arrays (arrays, model, optimizer, state);
  for (int i = 0; i < N_ARRAYS; i++)
    {
      const AtlTensorInfo *info = atl_weight_file_find (file, arrays[i].name);

      if (info == NULL || info->size != optimizer->size)
        {
          g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE,
                       P_ ("'%s': '%s' has %zu number, but the network's has %zu; train with the "
                           "options of the run, or start a new one",
                           "'%s': '%s' has %zu numbers, but the network's has %zu; train with the "
                           "options of the run, or start a new one",
                           info != NULL ? info->size : 0),
                       path, arrays[i].name, info != NULL ? info->size : 0, optimizer->size);
          return FALSE;
        }
      if (! atl_weight_file_read (file, info, arrays[i].values, error))
        return FALSE;
    }

  state_from_json (state, object);
  optimizer->n_steps = state->step;
  return TRUE;
}
