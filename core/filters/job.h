/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all jobs have in common; each filter's own job begins with it.
 */

#pragma once

#include "filters/filter.h"

G_BEGIN_DECLS

struct AtlJob
{
  const AtlFilter *filter; /* set by atl_job_new () */
};

G_END_DECLS
