/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Batch normalisation with the statistics of the batch, for M = N H W numbers of each channel:
 *
 *   mean = sum x / M,   variance = sum (x - mean)^2 / M,   x^ = (x - mean) / sqrt (variance + epsilon)
 *   z = gamma x^ + beta
 *
 *   dbeta = sum dz,   dgamma = sum dz x^
 *   dx = gamma / sqrt (variance + epsilon) (dz - dbeta / M - x^ dgamma / M)
 *
 * Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
 * Covariate Shift", ICML 2015, section 3.
 *
 * A chunk is a run of pixels of a channel block in one image. Its sums are doubles; those of all chunks
 * are added in their order. Mean and variance come from one reading of x: a few pixels at a time are read twice
 * while they are in the cache, and parts with different means are joined by
 *
 *   d = mean_b - mean_a,   mean = mean_a + d n_b / n,   S = S_a + S_b + d^2 n_a n_b / n,   n = n_a + n_b
 *
 * where S is a part's sum of (x - mean)^2. Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
 * Computing Sample Variances", 1979.
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
  AtlNormEpilogue epilogue;
  float gain;                /* of the gradient */
  gboolean accumulate, relu; /* of it */
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

/* The sum over x of (x - mean)^2, or of x if there is no mean. Four sums at a time: an addition takes that long. */
ATL_ALWAYS_INLINE AtlVector8
sum_of_run (const float *x, int n_pixels, const gboolean has_mean, AtlVector8 mean)
{
  enum
  {
    N = 4
  };
  AtlVector8 sums[N] = { 0 };

  for (int i = 0; i < n_pixels; i += N)
    for (int k = 0; k < MIN (N, n_pixels - i); k++)
      {
        const AtlVector8 v = atl_load8 (x + (size_t) (i + k) * ATL_CHANNEL_BLOCK);

        sums[k] += has_mean ? (v - mean) * (v - mean) : v;
      }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* Joins a part of n_b numbers a channel to one of n_a: means, then sums of squares. */
static void
join_moments (double a[N_SUMS], double n_a, const double b[N_SUMS], double n_b)
{
  const double n = n_a + n_b;

  for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
    {
      const double d = b[i] - a[i];

      a[i] += d * n_b / n;
      a[ATL_CHANNEL_BLOCK + i] += b[ATL_CHANNEL_BLOCK + i] + d * d * n_a * n_b / n;
    }
}

static void
moments_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Run run = run_of_chunk (job, chunk);
  const int n_pixels = (int) ((run.end - run.begin) / ATL_CHANNEL_BLOCK);
  double *total = job->sums + (size_t) chunk * N_SUMS;

  for (int i = 0; i < N_SUMS; i++)
    total[i] = 0.0;

  for (int pixel = 0; pixel < n_pixels; pixel += RUN_PIXELS)
    {
      const float *x = job->x + run.begin + (size_t) pixel * ATL_CHANNEL_BLOCK;
      const int n = MIN (RUN_PIXELS, n_pixels - pixel);
      const AtlVector8 mean = sum_of_run (x, n, FALSE, (AtlVector8) { 0.0f }) / (float) n;
      const AtlVector8 squares = sum_of_run (x, n, TRUE, mean);
      double moments[N_SUMS];

      for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
        {
          moments[i] = mean[i];
          moments[ATL_CHANNEL_BLOCK + i] = squares[i];
        }
      join_moments (total, pixel, moments, n);
    }
}

/* Mean and variance of each channel. */
static void
compute_moments (Job *job, float *mean, float *variance)
{
  const double n = (double) job->n_images * (double) job->n_pixels;

  atl_parallel_for (count_chunks (job), moments_chunk, job);

  for (int b = 0; b < job->n_blocks; b++)
    {
      double total[N_SUMS] = { 0.0 }, n_joined = 0.0;

      for (int image = 0; image < job->n_images; image++)
        for (int r = 0; r < job->n_runs; r++)
          {
            const int chunk = (image * job->n_blocks + b) * job->n_runs + r;
            const Run run = run_of_chunk (job, chunk);
            const double n_new = (double) ((run.end - run.begin) / ATL_CHANNEL_BLOCK);

            join_moments (total, n_joined, job->sums + (size_t) chunk * N_SUMS, n_new);
            n_joined += n_new;
          }
      for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
        {
          mean[b * ATL_CHANNEL_BLOCK + i] = (float) total[i];
          variance[b * ATL_CHANNEL_BLOCK + i] = (float) (total[ATL_CHANNEL_BLOCK + i] / n);
        }
    }
}

/* z = (x - mean) scale + beta, and the epilogue. */
ATL_ALWAYS_INLINE void
normalize_run (const Job *job, const Run *run, AtlVector8 scale, const gboolean has_residual,
               const gboolean relu)
{
  const AtlVector8 mean = atl_load8 (job->mean + run->channel);
  const AtlVector8 beta = atl_load8 (job->beta + run->channel);

  for (size_t i = run->begin; i < run->end; i += ATL_CHANNEL_BLOCK)
    {
      AtlVector8 y = (atl_load8 (job->x + i) - mean) * scale + beta;

      if (has_residual)
        y = y * job->epilogue.gain + atl_load8 (job->epilogue.residual + i);
      atl_store8 (job->out + i, relu ? atl_relu8 (y) : y);
    }
}

static void
normalize_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Run run = run_of_chunk (job, chunk);
  AtlVector8 scale;

  for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
    scale[i] = (float) (job->gamma[run.channel + i]
                        / sqrt ((double) job->variance[run.channel + i] + job->epsilon));

  if (job->epilogue.residual != NULL && job->epilogue.relu)
    normalize_run (job, &run, scale, TRUE, TRUE);
  else if (job->epilogue.residual != NULL)
    normalize_run (job, &run, scale, TRUE, FALSE);
  else if (job->epilogue.relu)
    normalize_run (job, &run, scale, FALSE, TRUE);
  else
    normalize_run (job, &run, scale, FALSE, FALSE);
}

/* dx = (dy - mean dy) scale - (x - mean) scale_x */
typedef struct
{
  AtlVector8 scale, scale_x, mean_dy;
} Gradient;

ATL_ALWAYS_INLINE void
gradient_of_run (const Job *job, const Run *run, const Gradient *gradient,
                 const gboolean accumulate, const gboolean relu)
{
  const AtlVector8 mean = atl_load8 (job->mean + run->channel);

  for (size_t i = run->begin; i < run->end; i += ATL_CHANNEL_BLOCK)
    {
      const AtlVector8 x = atl_load8 (job->x + i);
      AtlVector8 dx = (atl_load8 (job->dy + i) - gradient->mean_dy) * gradient->scale
                      - (x - mean) * gradient->scale_x;

      if (accumulate)
        dx += atl_load8 (job->out + i);
      atl_store8 (job->out + i, relu ? atl_where_positive8 (dx, x) : dx);
    }
}

static void
gradient_chunk (int chunk, int worker, void *data)
{
  const Job *job = data;
  const Run run = run_of_chunk (job, chunk);
  const double *means = means_of_block (job, run.channel / ATL_CHANNEL_BLOCK);
  Gradient gradient;

  for (int i = 0; i < ATL_CHANNEL_BLOCK; i++)
    {
      const double variance = (double) job->variance[run.channel + i] + job->epsilon;
      const double s = job->gain * job->gamma[run.channel + i] / sqrt (variance);

      gradient.scale[i] = (float) s;
      gradient.scale_x[i] = (float) (s * means[ATL_CHANNEL_BLOCK + i] / variance);
      gradient.mean_dy[i] = (float) means[i];
    }

  if (job->accumulate && job->relu)
    gradient_of_run (job, &run, &gradient, TRUE, TRUE);
  else if (job->accumulate)
    gradient_of_run (job, &run, &gradient, TRUE, FALSE);
  else if (job->relu)
    gradient_of_run (job, &run, &gradient, FALSE, TRUE);
  else
    gradient_of_run (job, &run, &gradient, FALSE, FALSE);
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
         const float *beta, const AtlShape *shape, float epsilon, const AtlNormEpilogue *epilogue,
         float *scratch)
{
  Job job = job_of_shape (shape, scratch);

  job.out = y;
  job.x = x;
  job.gamma = gamma;
  job.beta = beta;
  job.mean = mean;
  job.variance = variance;
  job.epsilon = epsilon;
  job.epilogue = *epilogue;

  compute_moments (&job, mean, variance);
  atl_parallel_for (count_chunks (&job), normalize_chunk, &job);
}

static void
backward (float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
          const float *gamma, const float *mean, const float *variance, const AtlShape *shape,
          float epsilon, float gain, gboolean accumulate, gboolean relu, float *scratch)
{
  Job job = job_of_shape (shape, scratch);
  const double n = (double) gain * shape->n * shape->h * shape->w;

  job.out = dx;
  job.x = x;
  job.dy = dy;
  job.gamma = gamma;
  job.mean = mean;
  job.variance = variance;
  job.epsilon = epsilon;
  job.gain = gain;
  job.accumulate = accumulate;
  job.relu = relu;

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
