/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter's dialog in GIMP 3.
 */

#pragma once

#include "filters/filter.h"
#include "host/host.h"

/* Asks the user for the arguments, and shows beside them what they would do: a part of the picture before and after,
 * the result's size, the time and the memory that it will take, and by what it is computed. 'layers' are the selected
 * ones. FALSE without an error if the user does not want. */
gboolean atl_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                         const AtlFilter *filter, GimpImage *image, const GArray *layers,
                         GError **error);
