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

typedef struct LossJob LossJob;

/* Computes the gradient of the numbers from 'begin' to 'end', whole pixels of channel blocks, and returns eight
 * sums of the loss. */
typedef AtlVector8 LossFunc (const LossJob *job, size_t begin, size_t end);

struct LossJob
{
  LossFunc *run;
  float *dy;
  const float *y, *t;
  AtlShape shape;
  size_t n;
  float scale;  /* of the gradient: gain / (N C H W) */
  double *sums; /* one a chunk */
};

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

/* |y - t| */
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

/* (y - t)^2 */
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

/* The channels of the pixel whose block begins with number i, without the added ones. */
static int
channels_at (const LossJob *job, size_t i)
{
  const size_t n_pixels = (size_t) job->shape.h * job->shape.w;
  const size_t n_blocks = (size_t) atl_padded_channels (job->shape.c) / ATL_CHANNEL_BLOCK;
  const size_t block = i / ATL_CHANNEL_BLOCK / n_pixels % n_blocks;

  return MIN (job->shape.c - (int) block * ATL_CHANNEL_BLOCK, ATL_CHANNEL_BLOCK);
}

/* Binary cross-entropy. Equal numbers cost nothing by the others, but a logit of 0 does: the added channels are
 * left out. */
static AtlVector8
cross_entropy_run (const LossJob *job, size_t begin, size_t end)
{
  AtlVector8 sums = { 0.0f };

  for (size_t i = begin; i < end; i += ATL_CHANNEL_BLOCK)
    {
      const int n_channels = channels_at (job, i);

      for (int k = 0; k < ATL_CHANNEL_BLOCK; k++)
        {
          const float y = job->y[i + k], t = job->t[i + k], small = expf (-fabsf (y));
          const float probability = (y >= 0.0f ? 1.0f : small) / (1.0f + small);

          job->dy[i + k] = k < n_channels ? job->scale * (probability - t) : 0.0f;
          if (k < n_channels)
            sums[k] += fmaxf (y, 0.0f) - y * t + log1pf (small);
        }
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
      const AtlVector8 sums = job->run (job, begin, MIN (begin + RUN, last));

      for (int k = 0; k < ATL_CHANNEL_BLOCK; k++)
        total += sums[k];
    }
  job->sums[chunk] = total;
}

static double
loss (LossFunc *run, float *dy, const float *y, const float *t, const AtlShape *shape, float gain,
      float *scratch)
{
  const double n = (double) atl_shape_size (shape);
  LossJob job = {
    .run = run,
    .dy = dy,
    .y = y,
    .t = t,
    .shape = *shape,
    .n = tensor_size (shape),
    .scale = (float) (gain / n),
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
  return loss (l1_run, dy, y, t, shape, gain, scratch);
}

static double
mse_loss (float *dy, const float *y, const float *t, const AtlShape *shape, float gain,
          float *scratch)
{
  return loss (mse_run, dy, y, t, shape, gain, scratch);
}

static double
binary_cross_entropy_loss (float *dy, const float *y, const float *t, const AtlShape *shape,
                           float gain, float *scratch)
{
  return loss (cross_entropy_run, dy, y, t, shape, gain, scratch);
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
  .binary_cross_entropy_loss = binary_cross_entropy_loss,
  .adam = adam,
};
