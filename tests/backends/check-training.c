/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random cases of what only training needs: batch normalisation by the batch's statistics, losses, Adam.
 */

#include "check.h"

#include <math.h>

#include "suite.h"

static const double norm_tolerance = 2e-6;
static const AtlNearness near_loss = { 1e-6, 0.0 };
static const AtlNearness near_step = { 1e-6, 0.0 };

typedef struct
{
  AtlShape shape;
  const float *x, *gamma, *beta, *dx, *dy, *dgamma, *dbeta;
  float *mean, *variance;
  float epsilon;
  AtlNormEpilogue epilogue;
  float gain;                          /* of the gradient */
  gboolean accumulate, relu, in_place; /* of dx, which is dy if it is in place */
  double x_scale, y_scale, dx_scale;   /* see AtlNearness; what a mean or a deviation multiplies */
} NormCase;

static NormCase
draw_norm (AtlCheck *check)
{
  NormCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST) };
  const size_t n_channels = (size_t) c.shape.c, size = atl_shape_size (&c.shape);
  const size_t n_pixels = (size_t) c.shape.h * (size_t) c.shape.w;
  const float *offsets = atl_check_numbers (check, n_channels);
  float *x = atl_check_numbers (check, size);

  for (size_t i = 0; i < size; i++)
    x[i] += 10.0f * offsets[i / n_pixels % n_channels];
  c.x = x;
  c.gamma = atl_check_parameters (check, n_channels);
  c.beta = atl_check_parameters (check, n_channels);
  c.mean = atl_check_numbers (check, n_channels);
  c.variance = atl_check_numbers (check, n_channels);
  c.epsilon = atl_check_flip (check) ? 1e-5f : 0.1f;
  c.accumulate = atl_check_flip (check);
  atl_check_describe (check, "%d x %d x %d x %d%s", c.shape.n, c.shape.c, c.shape.h, c.shape.w,
                      c.accumulate ? ", accumulate" : "");
  return c;
}

/* The statistics of the batch, by the reference, and the scales that follow from them. */
static void
compute_statistics (AtlCheck *check, NormCase *c)
{
  const size_t size = atl_shape_size (&c->shape);
  float *y = atl_check_numbers (check, size);

  atl_backend_reference ()->batch_norm_forward (y, c->mean, c->variance, c->x, c->gamma, c->beta,
                                                &c->shape, c->epsilon, &(AtlNormEpilogue) { 0 },
                                                NULL);
  c->x_scale = atl_test_largest (c->x, size);
  for (int i = 0; i < c->shape.c; i++)
    {
      const double factor = fabs (c->gamma[i]) / sqrt (c->variance[i] + (double) c->epsilon);

      c->y_scale = fmax (c->y_scale, factor * c->x_scale);
      if (c->dy != NULL)
        c->dx_scale = fmax (c->dx_scale, factor * atl_test_largest (c->dy, size));
    }
}

static void
run_norm_forward (AtlSide *side, const void *data)
{
  const NormCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);
  const AtlNearness near_y = { norm_tolerance, c->y_scale };
  const AtlNearness near_mean = { norm_tolerance, c->x_scale };
  const AtlNearness near_variance = { norm_tolerance, 0.0 };

  float *y = atl_side_output_tensor (side, "y", &c->shape, NULL, near_y);
  float *mean = atl_side_output_vector (side, "mean", c->shape.c, c->mean, near_mean);
  float *variance = atl_side_output_vector (side, "variance", c->shape.c, c->variance,
                                            near_variance);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  const float *gamma = atl_side_vector (side, c->gamma, c->shape.c);
  const float *beta = atl_side_vector (side, c->beta, c->shape.c);
  float *scratch = atl_side_scratch (side, backend->batch_norm_scratch_size (&c->shape));
  AtlNormEpilogue epilogue = c->epilogue;

  epilogue.residual = atl_side_tensor (side, epilogue.residual, &c->shape);
  backend->batch_norm_forward (y, mean, variance, x, gamma, beta, &c->shape, c->epsilon, &epilogue,
                               scratch);
}

void
atl_check_batch_norm_forward (AtlCheck *check)
{
  NormCase c = draw_norm (check);

  if (atl_check_flip (check))
    c.epilogue.residual = atl_check_numbers (check, atl_shape_size (&c.shape));
  c.epilogue.gain = atl_check_gain (check);
  c.epilogue.relu = atl_check_flip (check);
  compute_statistics (check, &c);
  atl_check_run (check, run_norm_forward, &c);
}

static void
run_norm_backward (AtlSide *side, const void *data)
{
  const NormCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);
  const AtlNearness near_dx = { norm_tolerance, c->dx_scale };
  /* Sums of as many terms as a channel has numbers. */
  const double n_terms = (double) atl_shape_size (&c->shape) / c->shape.c;
  const AtlNearness near_sum = {
    norm_tolerance, sqrt (n_terms) * atl_test_largest (c->dy, atl_shape_size (&c->shape))
  };

  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->in_place ? c->dy : c->dx, near_dx);
  float *dgamma = c->dgamma == NULL
                      ? NULL
                      : atl_side_output_vector (side, "dgamma", c->shape.c, c->dgamma, near_sum);
  float *dbeta = c->dbeta == NULL
                     ? NULL
                     : atl_side_output_vector (side, "dbeta", c->shape.c, c->dbeta, near_sum);
  const float *dy = c->in_place ? dx : atl_side_tensor (side, c->dy, &c->shape);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  const float *gamma = atl_side_vector (side, c->gamma, c->shape.c);
  const float *mean = atl_side_vector (side, c->mean, c->shape.c);
  const float *variance = atl_side_vector (side, c->variance, c->shape.c);
  float *scratch = atl_side_scratch (side, backend->batch_norm_scratch_size (&c->shape));
  backend->batch_norm_backward (dx, dgamma, dbeta, dy, x, gamma, mean, variance, &c->shape,
                                c->epsilon, c->gain, c->accumulate, c->relu, scratch);
}

void
atl_check_batch_norm_backward (AtlCheck *check)
{
  NormCase c = draw_norm (check);
  const size_t n_channels = (size_t) c.shape.c, size = atl_shape_size (&c.shape);

  c.gain = atl_check_gain (check);
  c.relu = atl_check_flip (check);
  c.in_place = ! c.accumulate && atl_check_flip (check);
  c.dy = atl_check_parameters (check, size);
  c.dx = c.accumulate ? atl_check_parameters (check, size) : NULL;
  c.dgamma = atl_check_flip (check) ? atl_check_parameters (check, n_channels) : NULL;
  c.dbeta = atl_check_flip (check) ? atl_check_parameters (check, n_channels) : NULL;
  compute_statistics (check, &c);
  atl_check_run (check, run_norm_backward, &c);
}

typedef struct
{
  AtlShape shape;
  size_t member; /* offset of the loss in AtlBackend */
  const float *y, *t;
  float gain;
} LossCase;

static void
run_loss (AtlSide *side, const void *data)
{
  const LossCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);
  AtlLossFunc *const loss = G_STRUCT_MEMBER (AtlLossFunc *, backend, c->member);

  float *value = atl_side_output_array (side, "loss", 1, NULL, near_loss);
  float *dy = atl_side_output_tensor (side, "dy", &c->shape, NULL, near_loss);
  const float *y = atl_side_tensor (side, c->y, &c->shape);
  const float *t = atl_side_tensor (side, c->t, &c->shape);
  float *scratch = atl_side_scratch (side, backend->loss_scratch_size (&c->shape));
  *value = (float) loss (dy, y, t, &c->shape, c->gain, scratch);
}

static void
check_loss (AtlCheck *check, size_t member)
{
  LossCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST),
                 .member = member,
                 .gain = atl_check_gain (check) };
  const size_t size = atl_shape_size (&c.shape);
  float *y = atl_check_numbers (check, size);

  c.t = atl_check_numbers (check, size);
  for (size_t i = 0; i < size; i += 1 + atl_random_below (&check->random, 9))
    y[i] = c.t[i]; /* where the gradient of L1 is 0 */
  c.y = y;
  atl_check_describe (check, "%d x %d x %d x %d, gain %g", c.shape.n, c.shape.c, c.shape.h,
                      c.shape.w, c.gain);
  atl_check_run (check, run_loss, &c);
}

void
atl_check_l1_loss (AtlCheck *check)
{
  check_loss (check, G_STRUCT_OFFSET (AtlBackend, l1_loss));
}

void
atl_check_mse_loss (AtlCheck *check)
{
  check_loss (check, G_STRUCT_OFFSET (AtlBackend, mse_loss));
}

/* Logits, as large as the kind of input makes them, and probabilities. */
void
atl_check_binary_cross_entropy_loss (AtlCheck *check)
{
  LossCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST / 4),
                 .member = G_STRUCT_OFFSET (AtlBackend, binary_cross_entropy_loss),
                 .gain = atl_check_gain (check) };
  const size_t size = atl_shape_size (&c.shape);
  float *t = atl_check_parameters (check, size);

  for (size_t i = 0; i < size; i++)
    t[i] = CLAMP (t[i], 0.0f, 1.0f);
  c.t = t;
  c.y = atl_check_numbers (check, size);
  atl_check_describe (check, "%d x %d x %d x %d, gain %g", c.shape.n, c.shape.c, c.shape.h,
                      c.shape.w, c.gain);
  atl_check_run (check, run_loss, &c);
}

typedef struct
{
  AtlShape shape;
  const float *f, *df, *dg;
} GramCase;

/* Sums over up to 193 x 193 pixels, and 256 channels. */
static const AtlNearness near_gram = { 5e-6, 0.0 };

static GramCase
draw_gram (AtlCheck *check)
{
  /* Small, for the reference multiplies each number with those of all channels. */
  GramCase c = { .shape = atl_check_shape (check, 50000) };
  const size_t size = atl_shape_size (&c.shape);

  c.f = atl_check_numbers (check, size);
  c.df = atl_check_numbers (check, size);
  c.dg = atl_check_parameters (check, (size_t) c.shape.n * (size_t) (c.shape.c * c.shape.c));
  atl_check_describe (check, "%d x %d x %d x %d", c.shape.n, c.shape.c, c.shape.h, c.shape.w);
  return c;
}

static void
run_gram_forward (AtlSide *side, const void *data)
{
  const GramCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);
  const size_t n = (size_t) c->shape.n * (size_t) (c->shape.c * c->shape.c);

  float *g = atl_side_output_array (side, "g", n, NULL, near_gram);
  const float *f = atl_side_tensor (side, c->f, &c->shape);
  float *scratch = atl_side_scratch (side, backend->gram_scratch_size (&c->shape));
  backend->gram_forward (g, f, &c->shape, scratch);
}

void
atl_check_gram_forward (AtlCheck *check)
{
  const GramCase c = draw_gram (check);

  atl_check_run (check, run_gram_forward, &c);
}

static void
run_gram_backward (AtlSide *side, const void *data)
{
  const GramCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);
  const size_t n = (size_t) c->shape.n * (size_t) (c->shape.c * c->shape.c);

  float *df = atl_side_output_tensor (side, "df", &c->shape, c->df, near_gram);
  const float *dg = atl_side_array (side, c->dg, n);
  const float *f = atl_side_tensor (side, c->f, &c->shape);
  float *scratch = atl_side_scratch (side, backend->gram_scratch_size (&c->shape));
  backend->gram_backward (df, dg, f, &c->shape, scratch);
}

void
atl_check_gram_backward (AtlCheck *check)
{
  const GramCase c = draw_gram (check);

  atl_check_run (check, run_gram_backward, &c);
}

typedef struct
{
  size_t n;
  const float *w, *m, *v, *g;
  AtlAdam adam;
} AdamCase;

static void
run_adam (AtlSide *side, const void *data)
{
  const AdamCase *c = data;

  float *w = atl_side_output_array (side, "w", c->n, c->w, near_step);
  float *m = atl_side_output_array (side, "m", c->n, c->m, near_step);
  float *v = atl_side_output_array (side, "v", c->n, c->v, near_step);
  const float *g = atl_side_array (side, c->g, c->n);
  atl_side_backend (side)->adam (w, m, v, g, c->n, &c->adam);
}

void
atl_check_adam (AtlCheck *check)
{
  AdamCase c = { .n = 1 + atl_random_below (&check->random, 40000) };
  float *v = atl_check_numbers (check, c.n);

  for (size_t i = 0; i < c.n; i++)
    v[i] *= v[i];
  c.v = v;
  c.m = atl_check_numbers (check, c.n);
  c.g = atl_check_numbers (check, c.n);
  c.w = atl_check_parameters (check, c.n);
  c.adam = (AtlAdam) { .learning_rate = 0.01 * atl_random_uniform (&check->random),
                       .beta1 = 0.9,
                       .beta2 = 0.99,
                       .epsilon = 1e-8,
                       .weight_decay = atl_check_flip (check) ? 0.1 : 0.0,
                       .decoupled = atl_check_flip (check),
                       .step = 1 + atl_random_below (&check->random, 1000) };
  atl_check_describe (check, "%zu parameters, step %d, weight decay %g%s", c.n, (int) c.adam.step,
                      c.adam.weight_decay, c.adam.decoupled ? " decoupled" : "");
  atl_check_run (check, run_adam, &c);
}
