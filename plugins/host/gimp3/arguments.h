/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter's parameters as the arguments of a procedure of GIMP 3.
 */

#pragma once

#include <libgimp/gimp.h>

#include "filters/filter.h"

/* Adds an argument for each parameter. */
void atl_arguments_add (GimpProcedure *procedure, const AtlFilter *filter);

/* Reads their values. */
gboolean atl_arguments_read (AtlSettings *settings, GimpProcedureConfig *config,
                             const AtlFilter *filter, GError **error);
