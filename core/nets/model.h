/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model: an architecture with its parameters and its card, loaded from a weight file or new.
 */

#pragma once

#include "base/random.h"
#include "nets/network.h"
#include "weights/weight-file.h"

G_BEGIN_DECLS

typedef struct
{
  AtlCard *card;
  AtlNetworkConfig config;
  AtlGraph *graph;
  float *parameters; /* atl_graph_parameters_size () floats */
} AtlModel;

/* The factor by which the network of a card enlarges. 0 and ATL_ERROR_MODEL or ATL_ERROR_FORMAT if the card
 * does not tell, or tells of a network that is not known here, or of one that does not enlarge. */
int atl_card_scale (const AtlCard *card, GError **error);

/* Loads a weight file completely. 'task' is what the caller needs ("upscale"), NULL for any. A missing,
 * additional or misshaped tensor is ATL_ERROR_SHAPE, another task ATL_ERROR_MODEL. */
AtlModel *atl_model_load (const char *path, const char *task, GError **error);

/* A model with fresh parameters, see atl_network_init_parameters (). */
AtlModel *atl_model_new (const char *task, const char *arch, const AtlNetworkConfig *config,
                         AtlRandom *random, GError **error);

/* The same with all parameters zero, to be filled in. */
AtlModel *atl_model_new_blank (const char *task, const char *arch, const AtlNetworkConfig *config,
                               GError **error);

/* Writes the model with its card. */
gboolean atl_model_save (const AtlModel *model, const char *path, AtlDtype dtype, GError **error);

void atl_model_free (AtlModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlModel, atl_model_free)

G_END_DECLS
