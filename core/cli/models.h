/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of the command 'atelier models'.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_MODELS_COMMAND "models"

/* NULL for what was not given. */
typedef struct
{
  gboolean json;
  char *task;
  char *size;   /* of the input of a summary */
  char *output; /* of an import, like all below */
  char *arch, *config, *precision;
  char *name, *description, *license, *trained_on;
} AtlModelsOptions;

/* Prints the layers of a model, by its name or path; returns the exit status. */
int atl_models_summarize (const char *model, const AtlModelsOptions *options);

/* Makes a weight file of one of another program; returns the exit status. */
int atl_models_import (const char *path, const AtlModelsOptions *options);

G_END_DECLS
