/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Batch normalisation with the statistics of the batch, for M = N H W numbers of each channel:
 *
 *   mean = sum x / M,   variance = sum (x - mean)^2 / M,   x^ = (x - mean) / sqrt (variance + epsilon)
 *   y = gamma x^ + beta
 *
 *   dbeta = sum dy,   dgamma = sum dy x^
 *   dx = gamma / sqrt (variance + epsilon) (dy - dbeta / M - x^ dgamma / M)
 *
 * Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
 * Covariate Shift", ICML 2015, section 3.
 *
 * A chunk is a run of pixels of a channel block in one image. Its sums are doubles; those of all chunks
 * are added in their order.
 */

#include "backends/cpu/kernels.h"

#include <math.h>

#include "backends/cpu/blocks.h"
#include "backends/cpu/vector.h"
#include "base/threads.h"

enum
{
  CHUNK_PIXELS = 4096,
  RUN_PIXELS = 64, /* summed in float */
  N_SUMS = 2 * ATL_CHANNEL_BLOCK
};

typedef struct Job Job;

/* Adds the two sums of a run of pixels. */
typedef void SumFunc (const Job *job, int channel, size_t begin, size_t end, AtlVector8 sums[2]);

struct Job
{
  float *out; /* y, or dx */
  const float *x, *dy;
  const float *gamma, *beta, *mean, *variance;
  float epsilon;
  gboolean accumulate;
  int n_images, n_blocks;
  size_t n_pixels;
  int n_runs; /* chunks of one picture */
  double *sums;
  SumFunc *sum;
};

/* Where the pixels of a chunk lie, in floats, and which channels they are. */
typedef struct
{
  int channel;
  size_t begin, end;
} Run;

static Run
run_of_chunk (const Job *job, int chunk)
{
  const int plane = chunk / job->n_runs;
  const size_t first = (size_t) (chunk % job->n_runs) * CHUNK_PIXELS;
  const size_t last = MIN (first + CHUNK_PIXELS, job->n_pixels);

  return (Run) {
    .channel = plane % job->n_blocks * ATL_CHANNEL_BLOCK,
    .begin = (plane * job->n_pixels + first) * ATL_CHANNEL_BLOCK,
    .end = (plane * job->n_pixels + last) * ATL_CHANNEL_BLOCK,
  };
}

static int
count_runs (const AtlShape *shape)
{
  return (int) (((size_t) shape->h * shape->w + CHUNK_PIXELS - 1) / CHUNK_PIXELS);
}

static int
count_chunks (const Job *job)
{
  return job->n_images * job->n_blocks * job->n_runs;
}

static void
sum_values (const Job *job, int channel, size_t begin, size_t end, AtlVector8 sums[2])
{
  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    sums[0] += atl_load8 (job->x + i);
}

static void
sum_squares (const Job *job, int channel, size_t begin, size_t end, AtlVector8 sums[2])
{
  const AtlVector8 mean = atl_load8 (job->mean + channel);

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    {
      const AtlVector8 d = atl_load8 (job->x + i) - mean;

      sums[0] += d * d;
    }
}

/* dy, and dy (x - mean). */
static void
sum_gradients (const Job *job, int channel, size_t begin, size_t end, AtlVector8 sums[2])
{
  const AtlVector8 mean = atl_load8 (job->mean + channel);

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    {
      const AtlVector8 dy = atl_load8 (job->dy + i);

      sums[0] += dy;
      sums[1] += dy * (atl_load8 (job->x + i) - mean);
    }
}

static void
sum_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Run run = run_of_chunk (job, chunk);
  double *total = job->sums + (size_t) chunk * N_SUMS;

  for (int i = 0; i < N_SUMS; i++)
    total[i] = 0.0;

  for (size_t begin = run.begin; begin < run.end; begin += RUN_PIXELS * ATL_CHANNEL_BLOCK)
    {
      AtlVector8 sums[2] = { 0 };

      job->sum (job, run.channel, begin, MIN (begin + RUN_PIXELS * ATL_CHANNEL_BLOCK, run.end),
                sums);
      for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
        {
          total[i] += sums[0][i];
          total[ATL_CHANNEL_BLOCK + i] += sums[1][i];
        }
    }
}

/* The means over all pixels, C and C numbers, replace the sums of the first image's first chunks. */
static void
compute_means (Job *job, SumFunc *sum)
{
  const double n = (double) job->n_images * (double) job->n_pixels;

  job->sum = sum;
  atl_parallel_for (count_chunks (job), sum_chunk, job);

  for (int b = 0; b < job->n_blocks; b++)
    for (int i = 0; i < N_SUMS; i++)
      {
        double total = 0.0;

        for (int image = 0; image < job->n_images; image++)
          for (int run = 0; run < job->n_runs; run++)
            {
              const size_t chunk = ((size_t) image * job->n_blocks + b) * job->n_runs + run;

              total += job->sums[chunk * N_SUMS + i];
            }
        job->sums[(size_t) b * job->n_runs * N_SUMS + i] = total / n;
      }
}

/* The means of a block after compute_means (). */
static const double *
means_of_block (const Job *job, int block)
{
  return job->sums + (size_t) block * job->n_runs * N_SUMS;
}

/* y = x scale + shift */
static void
normalize_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Run run = run_of_chunk (job, chunk);
  AtlVector8 scale, mean = atl_load8 (job->mean + run.channel);
  const AtlVector8 beta = atl_load8 (job->beta + run.channel);

  for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
    scale[i] = (float) (job->gamma[run.channel + i]
                        / sqrt ((double) job->variance[run.channel + i] + job->epsilon));

  for (size_t i = run.begin; i < run.end; i += ATL_CHANNEL_BLOCK)
    atl_store8 (job->out + i, (atl_load8 (job->x + i) - mean) * scale + beta);
}

/* dx = (dy - mean dy) scale - (x - mean) scale_x */
static void
gradient_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Run run = run_of_chunk (job, chunk);
  const double *means = means_of_block (job, run.channel / ATL_CHANNEL_BLOCK);
  const AtlVector8 mean = atl_load8 (job->mean + run.channel);
  AtlVector8 scale, scale_x, mean_dy;

  for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
    {
      const double variance = (double) job->variance[run.channel + i] + job->epsilon;
      const double s = job->gamma[run.channel + i] / sqrt (variance);

      scale[i] = (float) s;
      scale_x[i] = (float) (s * means[ATL_CHANNEL_BLOCK + i] / variance);
      mean_dy[i] = (float) means[i];
    }

  for (size_t i = run.begin; i < run.end; i += ATL_CHANNEL_BLOCK)
    {
      AtlVector8 dx = (atl_load8 (job->dy + i) - mean_dy) * scale
                      - (atl_load8 (job->x + i) - mean) * scale_x;

      if (job->accumulate)
        dx += atl_load8 (job->out + i);
      atl_store8 (job->out + i, dx);
    }
}

/* Two floats for each double. */
static size_t
scratch_size (const AtlShape *shape)
{
  return (size_t) shape->n * atl_channel_blocks (shape->c) * count_runs (shape) * N_SUMS * 2;
}

static Job
job_of_shape (const AtlShape *shape, float *scratch)
{
  return (Job) {
    .n_images = shape->n,
    .n_blocks = atl_channel_blocks (shape->c),
    .n_pixels = (size_t) shape->h * shape->w,
    .n_runs = count_runs (shape),
    .sums = (double *) scratch,
  };
}

static void
forward (float *y, float *mean, float *variance, const float *x, const float *gamma,
         const float *beta, const AtlShape *shape, float epsilon, float *scratch)
{
  Job job = job_of_shape (shape, scratch);

  job.out = y;
  job.x = x;
  job.gamma = gamma;
  job.beta = beta;
  job.mean = mean;
  job.variance = variance;
  job.epsilon = epsilon;

  compute_means (&job, sum_values);
  for (int c = 0; c < job.n_blocks * ATL_CHANNEL_BLOCK; c++)
    mean[c] = (float) means_of_block (&job, c / ATL_CHANNEL_BLOCK)[c % ATL_CHANNEL_BLOCK];
  compute_means (&job, sum_squares);
  for (int c = 0; c < job.n_blocks * ATL_CHANNEL_BLOCK; c++)
    variance[c] = (float) means_of_block (&job, c / ATL_CHANNEL_BLOCK)[c % ATL_CHANNEL_BLOCK];

  atl_parallel_for (count_chunks (&job), normalize_chunk, &job);
}

static void
backward (float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
          const float *gamma, const float *mean, const float *variance, const AtlShape *shape,
          float epsilon, gboolean accumulate, float *scratch)
{
  Job job = job_of_shape (shape, scratch);
  const double n = (double) shape->n * shape->h * shape->w;

  job.out = dx;
  job.x = x;
  job.dy = dy;
  job.gamma = gamma;
  job.mean = mean;
  job.variance = variance;
  job.epsilon = epsilon;
  job.accumulate = accumulate;

  compute_means (&job, sum_gradients);
  for (int c = 0; c < shape->c; c++)
    {
      const double *means = means_of_block (&job, c / ATL_CHANNEL_BLOCK) + c % ATL_CHANNEL_BLOCK;

      if (dbeta != NULL)
        dbeta[c] += (float) (means[0] * n);
      if (dgamma != NULL)
        dgamma[c] += (float) (means[ATL_CHANNEL_BLOCK] * n / sqrt ((double) variance[c] + epsilon));
    }

  atl_parallel_for (count_chunks (&job), gradient_chunk, &job);
}

/* The gradient of a bias is a sum that is computed here anyway. */
static void
bias_backward (float *db, const float *dy, const AtlShape *shape, float gain, float *scratch)
{
  Job job = job_of_shape (shape, scratch);
  const double n = (double) shape->n * shape->h * shape->w;

  job.x = dy;
  compute_means (&job, sum_values);
  for (int c = 0; c < shape->c; c++)
    db[c] += (float) (gain * n
                      * means_of_block (&job, c / ATL_CHANNEL_BLOCK)[c % ATL_CHANNEL_BLOCK]);
}

const AtlCpuBatchNorm ATL_CPU_BATCH_NORM = {
  .scratch_size = scratch_size,
  .forward = forward,
  .backward = backward,
  .bias_backward = bias_backward,
};
