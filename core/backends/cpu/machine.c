/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the processor can do at most.
 */

#include "backends/machine.h"

#include "backends/cpu/kernels.h"
#include "base/memory.h"
#include "base/threads.h"

enum
{
  /* Chunks of some hundred microseconds, so that all threads end together. */
  CHUNKS_OF_THREAD = 64,
  ROUNDS = 20000,
  CHUNK = 1 << 18 /* floats */
};

typedef struct
{
  const AtlCpuLimits *limits;
  double flops[ATL_THREADS_MAX]; /* of each worker */
  float *y;
  const float *x;
  size_t n;
} Job;

static void
multiply_add_chunk (int chunk, int worker, void *data)
{
  Job *job = data;
  float sums[ATL_ALIGNMENT / sizeof (float)] = { 0.0f };

  job->flops[worker] += job->limits->multiply_add (sums, ROUNDS);
}

double
atl_machine_flops (void)
{
  Job job = { .limits = atl_cpu_kernels ()->limits };
  double flops = 0.0;
  const gint64 start = g_get_monotonic_time ();

  atl_parallel_for (CHUNKS_OF_THREAD * atl_threads_count (), multiply_add_chunk, &job);
  for (int worker = 0; worker < atl_threads_count (); worker++)
    flops += job.flops[worker];
  return flops * 1e6 / (double) MAX (g_get_monotonic_time () - start, 1);
}

static void
scale_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const size_t begin = (size_t) chunk * CHUNK;

  job->limits->scale (job->y + begin, job->x + begin, CHUNK);
}

double
atl_machine_bytes (float *y, const float *x, size_t n)
{
  Job job = { .limits = atl_cpu_kernels ()->limits, .y = y, .x = x, .n = n };
  const int n_chunks = (int) (n / CHUNK);
  const gint64 start = g_get_monotonic_time ();

  atl_parallel_for (n_chunks, scale_chunk, &job);
  return 2.0 * sizeof (float) * n_chunks * CHUNK * 1e6
         / (double) MAX (g_get_monotonic_time () - start, 1);
}
