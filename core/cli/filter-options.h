/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter's table of parameters as options of the command line.
 */

#pragma once

#include "cli/options.h"
#include "filters/filter.h"

G_BEGIN_DECLS

/* What was typed for the parameters of a filter. */
typedef struct
{
  const AtlFilter *filter;
  char **texts; /* one for each parameter; NULL where nothing was given */
} AtlFilterOptions;

void atl_filter_options_init (AtlFilterOptions *options, const AtlFilter *filter);
void atl_filter_options_clear (AtlFilterOptions *options);

/* Adds an option for each parameter that concerns files and is among the names (NULL-ended; NULL for all).
 * 'options' must live until the command line is parsed. */
void atl_filter_options_add (AtlFilterOptions *options, const char *const *names,
                             AtlOptions *command_line);

/* The settings that were typed. NULL and ATL_ERROR_ARGUMENT if one is not possible. */
AtlSettings *atl_filter_options_settings (const AtlFilterOptions *options, GError **error);

G_END_DECLS
