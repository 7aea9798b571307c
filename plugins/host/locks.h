/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A layer's locks against changes of its pixels and its position, which GIMP's Scale Image ignores, but its Scale
 * Layer, and whoever writes pixels, must respect.
 */

#pragma once

#include "host/adapter.h"

/* Lifts the locks of a layer, of the groups around it and of the layers in it; returns which they were, to be set
 * again by atl_host_locks_restore (). */
GArray *atl_host_locks_lift (AtlHostLayer layer);

/* Takes what was lifted. */
void atl_host_locks_restore (GArray *lifted);
