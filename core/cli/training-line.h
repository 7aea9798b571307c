/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands that train have in common: options by the tables of core/train, read in the order of their
 * strength, and the data and the network that they describe.
 */

#pragma once

#include "cli/options.h"
#include "train/upscale.h"

G_BEGIN_DECLS

/* What was typed, kept until a recipe and a checkpoint have given their values. */
typedef struct
{
  const AtlOption *option;
  char *text;
} AtlSetting;

typedef struct
{
  const AtlUsage *usage;
  const AtlOptionTable
      *tables[4]; /* NULL-ended; all for one struct, which begins with AtlUpscaleOptions */
  gboolean leaves_out_course; /* has no option whose is_course is set */
  GArray *settings;           /* of AtlSetting */
  gboolean quiet, json;
} AtlTrainingLine;

void atl_training_line_init (AtlTrainingLine *line);
void atl_training_line_clear (AtlTrainingLine *line);

/* Adds the tables' options, --quiet and --json; --help tells the values of 'standard'. Then parses: FALSE if the command
 * is to end with 'status'. What is neither option nor the task, "upscale", is taken for more of --data. */
gboolean atl_training_line_parse (AtlTrainingLine *line, AtlOptions *command_line,
                                  const void *standard, int *status);

/* The last text given for an option, "" for a flag; NULL if there is none. */
const char *atl_training_line_text (const AtlTrainingLine *line, const char *name);

/* Sets the values of the recipe that was typed, and those that were typed. */
void atl_training_line_begin (const AtlTrainingLine *line, AtlUpscaleOptions *options);
gboolean atl_training_line_apply (const AtlTrainingLine *line, void *options, GError **error);

/* The network that the options describe: fresh, or as --from has it, of which is told. */
AtlModel *atl_training_line_model (const AtlTrainingLine *line, const AtlUpscaleOptions *options,
                                   GError **error);

/* Loads the photos, with a bar, and tells of what was found and left out. */
AtlUpscaleData *atl_training_line_data (const AtlTrainingLine *line, AtlUpscaleOptions *options,
                                        const AtlBackend *backend, GError **error);

G_END_DECLS
