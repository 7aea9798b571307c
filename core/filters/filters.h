/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each filter's description, for the list of all of them.
 */

#pragma once

#include "filters/filter.h"

G_BEGIN_DECLS

extern const AtlFilter atl_filter_upscale;

G_END_DECLS
