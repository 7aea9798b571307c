/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What makes a filter of the core a plug-in of GIMP: a program's main () calls atl_host_main ().
 *
 * gimp3.c and gimp2.c make the procedure, its arguments and its dialog from the filter's table; apply.c,
 * the same for both, computes and puts the result into the image.
 */

#pragma once

#include "filters/filter.h"
#include "host/adapter.h"

/* Serves GIMP as the plug-in of one filter until GIMP is done with it; returns the exit status. */
int atl_host_main (const char *filter_name, int argc, char **argv);

/* Starts GEGL and the threads as GIMP's preferences say: at the beginning of a procedure. */
void atl_host_set_up (void);

/* The name of a filter's procedure, to be freed by g_free (). */
char *atl_host_procedure_name (const AtlFilter *filter);

/* A label without its mnemonic and the dots of a menu entry, translated; to be freed by g_free (). */
char *atl_host_title (const char *label);

/* Whether the filter can work on the image: if not, ATL_ERROR_ARGUMENT. */
gboolean atl_host_check_image (const AtlFilter *filter, AtlHostImage image, GError **error);

/* Whether the settings mean the selected layers alone, not the whole image. */
gboolean atl_host_is_of_layers (const AtlFilter *filter, const AtlSettings *settings);

/* For filters that resize: enlarges the image, or the 'n_selected' selected layers if the settings say
 * so, as GIMP's own scaling does, and replaces the pixels of each layer by the filter's, in one step of
 * undo. On any error the image is as it was. */
gboolean atl_host_resize (const AtlFilter *filter, const AtlSettings *settings, AtlHostImage image,
                          const AtlHostLayer *selected, int n_selected, GError **error);

/* What GIMP is told of an error. */
GimpPDBStatusType atl_host_status (const GError *error);
