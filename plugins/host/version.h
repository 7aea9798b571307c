/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a plug-in says of itself when it is started by hand.
 */

#pragma once

#include "filters/filter.h"

/* Prints which filter this is, of which Atelier, and for which GIMP it was built, if the only argument is --version.
 * Returns whether it is, and the program is to end. */
gboolean atl_host_tell_version (const AtlFilter *filter, int argc, char **argv);
