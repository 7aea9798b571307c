/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What training does outside the network: the losses and the optimiser.
 */

#include "backends/cpu/kernels.h"

#include <math.h>

#include "backends/cpu/vector.h"
#include "base/threads.h"

enum
{
  CHUNK = 16384, /* floats */
  RUN = 256      /* summed in float, lane by lane */
};

typedef struct
{
  float *dy;
  const float *y, *t;
  size_t n;
  float scale; /* of the gradient: gain / (N C H W) */
  gboolean squared;
  double *sums; /* one a chunk */
} LossJob;

/* Numbers in a tensor, with the added channels, which are zero in y and in t. */
static size_t
tensor_size (const AtlShape *shape)
{
  return (size_t) shape->n * atl_padded_channels (shape->c) * shape->h * shape->w;
}

static size_t
count_chunks (size_t n)
{
  return (n + CHUNK - 1) / CHUNK;
}

/* Two floats for each double. */
static size_t
loss_scratch_size (const AtlShape *shape)
{
  return 2 * count_chunks (tensor_size (shape));
}

/* Eight sums of |y - t| over numbers from 'begin' to 'end', and the gradient. */
static AtlVector8
l1_run (const LossJob *job, size_t begin, size_t end)
{
  AtlVector8 sums = { 0.0f };

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    {
      const AtlVector8 d = atl_load8 (job->y + i) - atl_load8 (job->t + i);

      sums += atl_absolute8 (d);
      atl_store8 (job->dy + i, atl_signed8 (d, job->scale));
    }
  return sums;
}

/* The same for (y - t)^2. */
static AtlVector8
mse_run (const LossJob *job, size_t begin, size_t end)
{
  AtlVector8 sums = { 0.0f };

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    {
      const AtlVector8 d = atl_load8 (job->y + i) - atl_load8 (job->t + i);

      sums += d * d;
      atl_store8 (job->dy + i, d * (2.0f * job->scale));
    }
  return sums;
}

static void
loss_chunk (int chunk, int worker, void *data)
{
  const LossJob *job = data;
  const size_t first = (size_t) chunk * CHUNK, last = MIN (first + CHUNK, job->n);
  double total = 0.0;

  for (size_t begin = first; begin < last; begin += RUN)
    {
      const AtlVector8 sums = (job->squared ? mse_run : l1_run) (job, begin,
                                                                 MIN (begin + RUN, last));

      for (int k = 0; k < ATL_CHANNEL_BLOCK; k++)
        total += sums[k];
    }
  job->sums[chunk] = total;
}

static double
loss (gboolean squared, float *dy, const float *y, const float *t, const AtlShape *shape,
      float gain, float *scratch)
{
  const double n = (double) atl_shape_size (shape);
  LossJob job = {
    .dy = dy,
    .y = y,
    .t = t,
    .n = tensor_size (shape),
    .scale = (float) (gain / n),
    .squared = squared,
    .sums = (double *) scratch,
  };
  const size_t n_chunks = count_chunks (job.n);
  double total = 0.0;

  atl_parallel_for ((int) n_chunks, loss_chunk, &job);
  for (size_t i = 0; i < n_chunks; i++)
    total += job.sums[i];

  return total / n;
}

static double
l1_loss (float *dy, const float *y, const float *t, const AtlShape *shape, float gain,
         float *scratch)
{
  return loss (FALSE, dy, y, t, shape, gain, scratch);
}

static double
mse_loss (float *dy, const float *y, const float *t, const AtlShape *shape, float gain,
          float *scratch)
{
  return loss (TRUE, dy, y, t, shape, gain, scratch);
}

typedef struct
{
  float *w, *m, *v;
  const float *g;
  size_t n;
  float beta1, beta2, epsilon;
  float new1, new2; /* 1 - beta1, 1 - beta2 */
  float rate;       /* learning rate / (1 - beta1^step) */
  float v_scale;    /* 1 / sqrt (1 - beta2^step) */
  float decay;      /* added to the gradient, times w */
  float shrink;     /* of w before the step: decoupled decay */
} AdamJob;

static void
adam_chunk (int chunk, int worker, void *data)
{
  const AdamJob *job = data;
  const size_t begin = (size_t) chunk * CHUNK, end = MIN (begin + CHUNK, job->n);
  const AdamJob a = *job;

  for (size_t i = begin; i < end; i++)
    {
      const float w = a.w[i] * a.shrink;
      const float g = a.g[i] + a.decay * w;
      const float m = a.beta1 * a.m[i] + a.new1 * g;
      const float v = a.beta2 * a.v[i] + a.new2 * g * g;

      a.m[i] = m;
      a.v[i] = v;
      a.w[i] = w - a.rate * m / (sqrtf (v) * a.v_scale + a.epsilon);
    }
}

static void
adam (float *w, float *m, float *v, const float *g, size_t n, const AtlAdam *adam)
{
  const double step = (double) adam->step;
  AdamJob job = {
    .w = w,
    .m = m,
    .v = v,
    .g = g,
    .n = n,
    .beta1 = (float) adam->beta1,
    .beta2 = (float) adam->beta2,
    .new1 = (float) (1.0 - adam->beta1),
    .new2 = (float) (1.0 - adam->beta2),
    .epsilon = (float) adam->epsilon,
    .rate = (float) (adam->learning_rate / (1.0 - pow (adam->beta1, step))),
    .v_scale = (float) (1.0 / sqrt (1.0 - pow (adam->beta2, step))),
    .decay = adam->decoupled ? 0.0f : (float) adam->weight_decay,
    .shrink = adam->decoupled ? (float) (1.0 - adam->learning_rate * adam->weight_decay) : 1.0f,
  };

  atl_parallel_for ((int) count_chunks (n), adam_chunk, &job);
}

const AtlCpuOptimize ATL_CPU_OPTIMIZE = {
  .loss_scratch_size = loss_scratch_size,
  .l1_loss = l1_loss,
  .mse_loss = mse_loss,
  .adam = adam,
};
