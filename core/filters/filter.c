/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of filters, and jobs of any of them.
 */

#include "filters/filter.h"

#include <string.h>

#include "filters/filters.h"
#include "filters/job.h"

static const AtlFilter *const filters[] = {
  &atl_filter_upscale,
  NULL,
};

const AtlFilter *const *
atl_filters (void)
{
  return filters;
}

const AtlFilter *
atl_filter_find (const char *name)
{
  for (int i = 0; filters[i] != NULL; i++)
    if (strcmp (filters[i]->name, name) == 0)
      return filters[i];
  return NULL;
}

AtlJob *
atl_job_new (const AtlFilter *filter, const AtlSettings *settings, GError **error)
{
  AtlJob *job = filter->job_new (filter, settings, error);

  if (job != NULL)
    job->filter = filter;
  return job;
}

void
atl_job_free (AtlJob *job)
{
  if (job != NULL)
    job->filter->job_free (job);
}

GeglBuffer *
atl_job_run (AtlJob *job, GeglBuffer *input, int width, int height, const AtlProgress *progress,
             GError **error)
{
  return job->filter->job_run (job, input, width, height, progress, error);
}

double
atl_job_scale (const AtlJob *job)
{
  return job->filter->job_scale (job);
}

double
atl_job_seconds (const AtlJob *job, int width, int height, GError **error)
{
  return job->filter->job_seconds (job, width, height, error);
}

size_t
atl_job_memory (const AtlJob *job, int width, int height)
{
  return job->filter->job_memory (job, width, height);
}

char *
atl_job_describe (const AtlJob *job)
{
  return job->filter->job_describe (job);
}
