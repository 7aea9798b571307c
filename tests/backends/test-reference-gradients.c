/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every backward function of the reference against its forward function: for random weights r, the
 * gradient of the loss  sum r y (x)  with respect to each number of x must be
 *
 *   (loss (x + h) - loss (x - h)) / 2h
 *
 * with the loss summed in double. Where an operator has a kink (ReLU, L1), x keeps 2h away from it.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "backends/backend.h"
#include "base/random.h"

/* Balances the rounding of y, 6e-8 / h, and the curvature of batch normalisation, h^2 / 6. */
static const float h = 1.0f / 128;
static const double tolerance = 1e-3; /* of the largest gradient */

static AtlRandom source;

static float *
draw (size_t n)
{
  float *numbers = g_new (float, n);

  for (size_t i = 0; i < n; i++)
    numbers[i] = (float) atl_random_normal (&source);
  return numbers;
}

/* Moves numbers that are within 2h of zero out of it. */
static void
keep_off_zero (float *numbers, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (fabsf (numbers[i]) < 2 * h)
      numbers[i] = numbers[i] < 0 ? -2 * h : 2 * h;
}

static double
dot (const float *a, const float *b, size_t n)
{
  double sum = 0.0;

  for (size_t i = 0; i < n; i++)
    sum += (double) a[i] * b[i];
  return sum;
}

/* loss (data) reads the n numbers x. */
static void
check_gradient (const char *what, const float *gradient, float *x, size_t n,
                double (*loss) (const void *data), const void *data)
{
  g_autofree float *numeric = g_new (float, n);

  for (size_t i = 0; i < n; i++)
    {
      const float before = x[i], above = before + h, below = before - h;

      x[i] = above;
      const double loss_above = loss (data);
      x[i] = below;
      const double loss_below = loss (data);
      x[i] = before;
      numeric[i] = (float) ((loss_above - loss_below) / ((double) above - below));
    }

  atl_test_close (what, gradient, numeric, n, tolerance);
}

static const AtlBackend *
reference (void)
{
  return atl_backend_reference ();
}

/* Convolution. r: of the shape of y. */

typedef struct
{
  AtlConv2d conv;
  const float *x, *w, *bias, *r;
  float *y;
  size_t size_y;
  float gain;
} ConvLoss;

static double
conv_loss (const void *data)
{
  const ConvLoss *c = data;
  const AtlConvEpilogue epilogue = { .bias = c->bias };

  reference ()->conv2d_forward (c->y, c->x, c->w, &c->conv, &epilogue, NULL);
  return c->gain * dot (c->y, c->r, c->size_y);
}

static void
check_conv (const AtlConv2d *conv)
{
  const AtlShape shape_x = { conv->n, conv->c_in, conv->h_in, conv->w_in };
  const AtlShape shape_y = { conv->n, conv->c_out, conv->h_out, conv->w_out };
  const AtlShape shape_w = { conv->c_out, conv->c_in, conv->kernel, conv->kernel };
  const size_t n_x = atl_shape_size (&shape_x), n_y = atl_shape_size (&shape_y);
  const size_t n_w = atl_shape_size (&shape_w), n_b = (size_t) conv->c_out;
  g_autofree float *x = draw (n_x), *w = draw (n_w), *bias = draw (n_b), *r = draw (n_y);
  g_autofree float *y = g_new (float, n_y), *dx = g_new (float, n_x);
  g_autofree float *dw = g_new0 (float, n_w), *db = g_new0 (float, n_b);
  const ConvLoss c = { *conv, x, w, bias, r, y, n_y, 0.3f };

  reference ()->conv2d_backward_data (dx, r, w, conv, c.gain, FALSE, NULL, NULL);
  reference ()->conv2d_backward_weight (dw, db, x, r, conv, c.gain, NULL);
  check_gradient ("dx", dx, x, n_x, conv_loss, &c);
  check_gradient ("dw", dw, w, n_w, conv_loss, &c);
  check_gradient ("db", db, bias, n_b, conv_loss, &c);
}

static void
conv2d (void)
{
  /* n, c_in, c_out, kernel, stride, h_in, w_in, h_out, w_out, pad_top, pad_left */
  static const AtlConv2d convs[] = {
    { 2, 3, 4, 3, 1, 5, 6, 5, 6, 1, 1 },   /* the usual one */
    { 1, 2, 3, 3, 2, 6, 7, 3, 4, 1, 1 },   /* stride 2, even and odd */
    { 1, 2, 2, 9, 1, 4, 5, 4, 5, 4, 4 },   /* a kernel larger than the picture */
    { 3, 5, 2, 1, 1, 3, 2, 3, 2, 0, 0 },   /* 1x1 */
    { 1, 2, 3, 3, 1, 8, 8, 3, 4, -2, -1 }, /* rows and columns that are skipped */
    { 1, 2, 3, 3, 2, 6, 6, 3, 2, 2, -1 },  /* a pad of the whole kernel less one */
    { 2, 1, 1, 3, 1, 1, 1, 1, 1, 1, 1 },   /* one pixel */
  };

  for (size_t i = 0; i < G_N_ELEMENTS (convs); i++)
    check_conv (&convs[i]);
}

/* The operators of one tensor. r: of the shape of y. */

typedef struct
{
  AtlShape shape, shape_large;
  const float *x, *other, *r;
  float *y;
} PointLoss;

static double
relu_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->relu_forward (c->y, c->x, &c->shape);
  return dot (c->y, c->r, atl_shape_size (&c->shape));
}

static void
relu (void)
{
  const AtlShape shape = { 2, 3, 4, 5 };
  const size_t n = atl_shape_size (&shape);
  g_autofree float *x = draw (n), *r = draw (n), *y = g_new (float, n), *dx = g_new (float, n);
  const PointLoss c = { .shape = shape, .x = x, .r = r, .y = y };

  keep_off_zero (x, n);
  relu_loss (&c);
  reference ()->relu_backward (dx, r, y, &shape, FALSE);
  check_gradient ("dx", dx, x, n, relu_loss, &c);
}

static const AtlOffset offset = { 2, 1 };
static const float gain = -0.4f;

static double
scaled_add_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->scaled_add_forward (c->y, c->x, c->other, &c->shape, &c->shape_large, offset, gain);
  return dot (c->y, c->r, atl_shape_size (&c->shape));
}

static void
scaled_add (void)
{
  const AtlShape shape = { 2, 3, 3, 4 }, shape_a = { 2, 3, 6, 6 };
  const AtlOffset none = { 0, 0 };
  const size_t n = atl_shape_size (&shape), n_a = atl_shape_size (&shape_a);
  g_autofree float *a = draw (n_a), *b = draw (n), *r = draw (n), *y = g_new (float, n);
  g_autofree float *da = g_new (float, n_a), *db = g_new (float, n);
  const PointLoss c = { shape, shape_a, a, b, r, y };

  reference ()->scaled_add_backward (da, r, &shape, &shape_a, offset, 1.0f, FALSE);
  reference ()->scaled_add_backward (db, r, &shape, &shape, none, gain, FALSE);
  check_gradient ("da", da, a, n_a, scaled_add_loss, &c);
  check_gradient ("db", db, b, n, scaled_add_loss, &c);
}

enum
{
  FACTOR = 3
};

static double
pixel_shuffle_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->pixel_shuffle_forward (c->y, c->x, &c->shape, FACTOR);
  return dot (c->y, c->r, atl_shape_size (&c->shape));
}

static void
pixel_shuffle (void)
{
  const AtlShape shape = { 2, 2 * FACTOR * FACTOR, 2, 3 };
  const size_t n = atl_shape_size (&shape);
  g_autofree float *x = draw (n), *r = draw (n), *y = g_new (float, n), *dx = g_new (float, n);
  const PointLoss c = { .shape = shape, .x = x, .r = r, .y = y };

  reference ()->pixel_shuffle_backward (dx, r, &shape, FACTOR, FALSE);
  check_gradient ("dx", dx, x, n, pixel_shuffle_loss, &c);
}

typedef struct
{
  AtlShape shape;
  const float *x, *gamma, *beta, *r;
  float *y, *mean, *variance;
  AtlNormEpilogue epilogue;
} NormLoss;

static const float epsilon = 0.01f;

static double
batch_norm_loss (const void *data)
{
  const NormLoss *c = data;

  reference ()->batch_norm_forward (c->y, c->mean, c->variance, c->x, c->gamma, c->beta, &c->shape,
                                    epsilon, &c->epilogue, NULL);
  return dot (c->y, c->r, atl_shape_size (&c->shape));
}

static void
batch_norm (void)
{
  const AtlShape shape = { 2, 3, 4, 5 };
  const size_t n = atl_shape_size (&shape), n_c = (size_t) shape.c;
  g_autofree float *x = draw (n), *gamma = draw (n_c), *beta = draw (n_c), *r = draw (n);
  g_autofree float *residual = draw (n);
  g_autofree float *y = g_new (float, n), *mean = g_new (float, n_c),
                   *variance = g_new (float, n_c);
  g_autofree float *dx = g_new (float, n);
  g_autofree float *dgamma = g_new0 (float, n_c), *dbeta = g_new0 (float, n_c);
  const NormLoss c = { shape, x, gamma, beta, r, y, mean, variance, { residual, 0.3f, FALSE } };

  batch_norm_loss (&c);
  reference ()->batch_norm_backward (dx, dgamma, dbeta, r, x, gamma, mean, variance, &shape,
                                     epsilon, c.epilogue.gain, FALSE, FALSE, NULL);
  check_gradient ("dx", dx, x, n, batch_norm_loss, &c);
  check_gradient ("dgamma", dgamma, gamma, n_c, batch_norm_loss, &c);
  check_gradient ("dbeta", dbeta, beta, n_c, batch_norm_loss, &c);
}

/* The operators that move pixels, which are linear but for the choice of max pooling. */

enum
{
  CHANNEL = 2 /* of y, where what is joined begins */
};

static const AtlMaxPool pool = { 2, 3, 3, 2, 5, 6, 3, 3, 1, 1 };
static const AtlReflectionPad pad = { 2, 3, 5, 6, 5, 6, 0, 0, 12, 9, -6, -2 };

static double
upsample_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->upsample_forward (c->y, c->x, &c->shape, FACTOR);
  return dot (c->y, c->r, atl_shape_size (&c->shape_large));
}

static double
max_pool_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->max_pool_forward (c->y, c->x, &pool);
  return dot (c->y, c->r, atl_shape_size (&c->shape_large));
}

static double
reflection_pad_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->reflection_pad_forward (c->y, c->x, &pad);
  return dot (c->y, c->r, atl_shape_size (&c->shape_large));
}

/* shape: of what is joined, without its rim; shape_large: of y. */
static double
concat_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->concat_forward (c->y, c->x, &c->shape_large, &c->shape, offset, CHANNEL);
  return dot (c->y, c->r, atl_shape_size (&c->shape_large));
}

static double
gram_loss (const void *data)
{
  const PointLoss *c = data;

  reference ()->gram_forward (c->y, c->x, &c->shape, NULL);
  return dot (c->y, c->r, (size_t) c->shape.n * (size_t) (c->shape.c * c->shape.c));
}

static void
pixels (void)
{
  const AtlShape shape = { 2, 3, 5, 6 };
  const AtlShape upsampled = { 2, 3, 15, 18 }, pooled = { 2, 3, 3, 3 }, padded = { 2, 3, 12, 9 };
  const AtlShape joined = { 2, 7, 3, 4 };
  const size_t n = atl_shape_size (&shape), most = atl_shape_size (&upsampled);
  g_autofree float *x = draw (n), *r = draw (most), *y = g_new0 (float, most);
  g_autofree float *dx = g_new (float, n);
  PointLoss c = { .shape = shape, .x = x, .r = r, .y = y };

  c.shape_large = upsampled;
  reference ()->upsample_backward (dx, r, &shape, FACTOR, FALSE);
  check_gradient ("upsample", dx, x, n, upsample_loss, &c);

  c.shape_large = padded;
  reference ()->reflection_pad_backward (dx, r, &pad, FALSE);
  check_gradient ("reflection pad", dx, x, n, reflection_pad_loss, &c);

  c.shape_large = joined;
  reference ()->concat_backward (dx, r, &joined, &shape, offset, CHANNEL, FALSE);
  check_gradient ("concat", dx, x, n, concat_loss, &c);

  memset (dx, 0, n * sizeof *dx);
  reference ()->gram_backward (dx, r, x, &shape, NULL);
  check_gradient ("gram", dx, x, n, gram_loss, &c);

  /* So far apart that no other number becomes the largest. */
  for (size_t i = 0; i < n; i++)
    x[i] = 4.0f * h * (float) (i * 7 % n);
  c.shape_large = pooled;
  reference ()->max_pool_backward (dx, r, x, &pool, FALSE, FALSE);
  check_gradient ("max pool", dx, x, n, max_pool_loss, &c);
}

typedef struct
{
  AtlLossFunc *loss;
  AtlShape shape;
  const float *y, *t;
  float *dy;
} LossLoss;

static double
loss_loss (const void *data)
{
  const LossLoss *c = data;

  return gain * c->loss (c->dy, c->y, c->t, &c->shape, 1.0f, NULL);
}

static void
check_loss (AtlLossFunc *loss)
{
  const AtlShape shape = { 2, 3, 2, 3 };
  const size_t n = atl_shape_size (&shape);
  g_autofree float *y = draw (n), *t = draw (n), *dy = g_new (float, n), *unused = g_new (float, n);
  const LossLoss c = { loss, shape, y, t, unused };

  for (size_t i = 0; i < n; i++)
    y[i] -= t[i];
  keep_off_zero (y, n);
  for (size_t i = 0; i < n; i++)
    y[i] += t[i];
  loss (dy, y, t, &shape, gain, NULL);
  check_gradient ("dy", dy, y, n, loss_loss, &c);
}

static void
losses (void)
{
  check_loss (reference ()->l1_loss);
  check_loss (reference ()->mse_loss);
  check_loss (reference ()->binary_cross_entropy_loss);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "conv2d", conv2d },         { "relu", relu },
    { "scaled add", scaled_add }, { "pixel shuffle", pixel_shuffle },
    { "batch norm", batch_norm }, { "losses", losses },
    { "pixels", pixels },
  };

  atl_random_init (&source, 5, 0);
  return atl_suite_run ("reference-gradients", tests, G_N_ELEMENTS (tests));
}
