/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random convolutions: kernels, strides, pads (negative ones too), channels and epilogues.
 */

#include "check.h"

#include <math.h>

#include "suite.h"

/* Winograd's transforms lose a digit: of the largest |y|. */
static const double conv_tolerance = 2e-5;

/* The case is kept small for the reference, and smaller under valgrind. */
static double
most_multiply_adds (void)
{
  return atl_test_quick () ? 1.5e6 : 1.2e7;
}

typedef struct
{
  AtlConv2d conv;
  AtlShape shape_x, shape_y, shape_w;
  const float *x, *w;
  AtlConvEpilogue epilogue; /* arrays in plain order */
  gboolean in_place;        /* y is the residual */
  const float *y; /* what is there before, of shape_stored, where y is a part of it; else NULL */
  AtlShape shape_stored;
  const float *dy, *dx, *dw, *db;
  gboolean accumulate;
  const float *relu; /* what masks dx, or NULL */
  float gain;
  AtlNearness nearness;
} ConvCase;

static void
draw_size (AtlCheck *check, int *size_in, int *size_out, int *pad, int kernel, int stride)
{
  do
    {
      *size_in = atl_check_size (check, G_MAXINT);
      *pad = atl_check_flip (check) ? kernel / 2
                                    : (int) atl_random_below (&check->random, kernel + 2) - 2;
      /* The largest output whose last row still reads one of the input. */
      *size_out = (*size_in + *pad - 1) / stride + 1;
    }
  while (*size_in + *pad < 1);

  const int usual = (*size_in + 2 * *pad - kernel) / stride + 1;

  if (atl_check_flip (check) && *size_in + 2 * *pad >= kernel)
    *size_out = MIN (*size_out, usual);
  else
    *size_out -= (int) atl_random_below (&check->random, MIN (*size_out, 4));
}

/* As networks have them where each output sees one pixel, and of so many channels, the last eight not always whole,
 * that the fast way reads them in another order. */
static void
draw_without_padding (AtlCheck *check, AtlConv2d *conv)
{
  static const int channels[] = { 67, 128, 256, 523 };

  conv->pad_top = 0;
  conv->pad_left = 0;
  conv->h_out = (conv->h_in - 1) / conv->stride + 1;
  conv->w_out = (conv->w_in - 1) / conv->stride + 1;
  *(atl_check_flip (check)
        ? &conv->c_in
        : &conv->c_out) = channels[atl_random_below (&check->random, G_N_ELEMENTS (channels))];
}

static AtlConv2d
draw_conv (AtlCheck *check)
{
  static const struct
  {
    int kernel, stride;
  } kinds[] = { { 3, 1 }, { 3, 1 }, { 3, 1 }, { 3, 2 }, { 1, 1 },
                { 1, 2 }, { 2, 2 }, { 5, 1 }, { 7, 2 }, { 9, 1 } };
  const size_t kind = atl_random_below (&check->random, G_N_ELEMENTS (kinds));
  AtlConv2d conv = { .kernel = kinds[kind].kernel, .stride = kinds[kind].stride };

  do
    {
      conv.n = 1 + (int) atl_random_below (&check->random, 3);
      conv.c_in = atl_check_channels (check);
      conv.c_out = atl_check_channels (check);
      draw_size (check, &conv.h_in, &conv.h_out, &conv.pad_top, conv.kernel, conv.stride);
      draw_size (check, &conv.w_in, &conv.w_out, &conv.pad_left, conv.kernel, conv.stride);
      if (conv.kernel <= conv.stride && atl_check_flip (check))
        draw_without_padding (check, &conv);
    }
  while ((double) conv.n * conv.c_in * conv.c_out * conv.kernel * conv.kernel
             * MAX (conv.h_out * conv.w_out, conv.h_in * conv.w_in)
         > most_multiply_adds ());

  return conv;
}

/* A shuffle that the channels allow, in about half of these cases. */
static void
draw_shuffle (AtlCheck *check, AtlConv2d *conv)
{
  for (int f = 3; f > 1 && conv->shuffle == 0; f--)
    if (conv->c_out % (f * f) == 0 && atl_check_flip (check))
      conv->shuffle = f;
}

/* An enlargement that divides the size. */
static void
draw_enlargement (AtlCheck *check, ConvCase *c)
{
  AtlConv2d *conv = &c->conv;

  for (int f = 3; f > 1 && conv->enlargement == 0; f--)
    if (conv->h_in % f == 0 && conv->w_in % f == 0 && atl_check_flip (check))
      {
        conv->enlargement = f;
        c->shape_x.h /= f;
        c->shape_x.w /= f;
      }
}

static double
root_mean_square (const float *x, size_t n)
{
  double sum = 0.0;

  for (size_t i = 0; i < n; i++)
    sum += (double) x[i] * x[i];
  return sqrt (sum / (double) n);
}

/* The usual size of a sum of products of a's and b's. */
static AtlNearness
near_sum_of_products (int n_terms, const float *a, const AtlShape *shape_a, const float *b,
                      const AtlShape *shape_b)
{
  return (AtlNearness) { conv_tolerance, sqrt (n_terms)
                                             * root_mean_square (a, atl_shape_size (shape_a))
                                             * root_mean_square (b, atl_shape_size (shape_b)) };
}

static void
describe (AtlCheck *check, const ConvCase *c)
{
  const AtlConv2d *conv = &c->conv;
  const AtlConvEpilogue *e = &c->epilogue;

  atl_check_describe (check,
                      "%dx%d stride %d, %d x %d -> %d, %dx%d -> %dx%d, pads %d %d, shuffle %d, "
                      "enlarged by %d, from "
                      "channel %d of %d%s%s%s%s%s%s",
                      conv->kernel, conv->kernel, conv->stride, conv->n, conv->c_in, conv->c_out,
                      conv->h_in, conv->w_in, conv->h_out, conv->w_out, conv->pad_top,
                      conv->pad_left, conv->shuffle, conv->enlargement, e->y_channel, e->y_channels,
                      e->bias != NULL ? ", bias" : "",
                      e->relu        ? ", relu"
                      : e->relu_last ? ", relu at last"
                                     : "",
                      e->scale != NULL ? ", scale" : "", e->shift != NULL ? ", shift" : "",
                      c->in_place           ? ", residual in place"
                      : e->residual != NULL ? ", residual"
                                            : "",
                      c->accumulate ? ", accumulate" : "");
}

static ConvCase
draw_case (AtlCheck *check)
{
  ConvCase c = { .conv = draw_conv (check) };

  c.shape_x = (AtlShape) { c.conv.n, c.conv.c_in, c.conv.h_in, c.conv.w_in };
  c.shape_y = (AtlShape) { c.conv.n, c.conv.c_out, c.conv.h_out, c.conv.w_out };
  c.shape_w = (AtlShape) { c.conv.c_out, c.conv.c_in, c.conv.kernel, c.conv.kernel };
  c.gain = atl_check_gain (check);
  return c;
}

static float *
pack (AtlSide *side, const ConvCase *c, AtlPass pass)
{
  const AtlBackend *backend = atl_side_backend (side);
  float *packed = atl_side_scratch (side, backend->conv2d_packed_size (&c->conv, pass));

  backend->conv2d_pack (packed, atl_side_array (side, c->w, atl_shape_size (&c->shape_w)), &c->conv,
                        pass);
  return packed;
}

static AtlShape
residual_shape (const ConvCase *c, const AtlShape *shape_y)
{
  return (AtlShape) { shape_y->n, shape_y->c, c->epilogue.residual_h, c->epilogue.residual_w };
}

/* Makes y of shape_y a part of a tensor of more channels. */
static void
draw_part (AtlCheck *check, ConvCase *c, const AtlShape *shape_y)
{
  AtlConvEpilogue *e = &c->epilogue;
  const int n_behind = shape_y->c % ATL_CHANNEL_BLOCK == 0 && atl_check_flip (check) ? 5 : 0;

  e->y_channel = (int) atl_random_below (&check->random, 3) * ATL_CHANNEL_BLOCK;
  e->y_channels = e->y_channel + shape_y->c + n_behind;
  c->shape_stored.c = e->y_channels;
  c->y = atl_check_numbers (check, atl_shape_size (&c->shape_stored));
}

static void
draw_residual (AtlCheck *check, ConvCase *c, const AtlShape *shape_y)
{
  AtlConvEpilogue *e = &c->epilogue;

  c->in_place = atl_check_flip (check);
  if (! c->in_place)
    {
      e->residual_top = (int) atl_random_below (&check->random, 4);
      e->residual_left = (int) atl_random_below (&check->random, 4);
    }
  e->residual_h = shape_y->h + 2 * e->residual_top;
  e->residual_w = shape_y->w + 2 * e->residual_left;

  const AtlShape shape = residual_shape (c, shape_y);

  e->residual = atl_check_numbers (check, atl_shape_size (&shape));
}

static void
draw_epilogue (AtlCheck *check, ConvCase *c, const AtlShape *shape_y, int n_bias)
{
  const size_t c_out = (size_t) shape_y->c;
  AtlConvEpilogue *e = &c->epilogue;

  c->shape_stored = *shape_y;
  if (atl_check_flip (check))
    {
      float *bias = atl_check_numbers (check, (size_t) n_bias);

      if (atl_check_flip (check))
        bias[atl_random_below (&check->random, (guint32) n_bias)] = NAN; /* must reach y */
      e->bias = bias;
    }
  e->relu = atl_check_flip (check);
  e->relu_last = atl_check_flip (check);
  e->scale = atl_check_flip (check) ? atl_check_parameters (check, c_out) : NULL;
  e->shift = atl_check_flip (check) ? atl_check_numbers (check, c_out) : NULL;
  e->gain = c->gain;
  if (atl_check_flip (check))
    draw_residual (check, c, shape_y);
  else if (atl_check_flip (check))
    draw_part (check, c, shape_y);
  if (atl_check_flip (check))
    e->mask = atl_check_numbers (check, atl_shape_size (&c->shape_stored));
}

/* The shape of what is stored. */
static AtlShape
shuffled_shape (const ConvCase *c)
{
  const int f = MAX (c->conv.shuffle, 1);

  return (AtlShape) { c->shape_y.n, c->shape_y.c / (f * f), c->shape_y.h * f, c->shape_y.w * f };
}

/* Forward, or transposed: then y is of the shape of x, and x is dy. */
static void
run_layer (AtlSide *side, const ConvCase *c, AtlPass pass)
{
  const AtlBackend *backend = atl_side_backend (side);
  const gboolean forward = pass == ATL_PASS_FORWARD;
  const AtlShape shape_y = forward ? shuffled_shape (c) : c->shape_x;
  const AtlShape shape_residual = residual_shape (c, &shape_y);
  AtlConvEpilogue e = c->epilogue;

  float *y = atl_side_output_tensor (side, "y", &c->shape_stored, c->in_place ? e.residual : c->y,
                                     c->nearness);
  e.bias = atl_side_vector (side, e.bias, forward ? c->conv.c_out : c->conv.c_in);
  e.scale = atl_side_vector (side, e.scale, shape_y.c);
  e.shift = atl_side_vector (side, e.shift, shape_y.c);
  e.residual = c->in_place ? y : atl_side_tensor (side, e.residual, &shape_residual);
  e.mask = atl_side_tensor (side, e.mask, &c->shape_stored);

  const float *x = forward ? atl_side_tensor (side, c->x, &c->shape_x)
                           : atl_side_tensor (side, c->dy, &c->shape_y);
  const float *packed = pack (side, c, pass);
  float *scratch = atl_side_scratch (side, backend->conv2d_scratch_size (&c->conv, pass));
  (forward ? backend->conv2d_forward : backend->conv_transpose2d_forward) (y, x, packed, &c->conv,
                                                                           &e, scratch);
}

static void
run_forward (AtlSide *side, const void *data)
{
  run_layer (side, data, ATL_PASS_FORWARD);
}

static void
run_transposed (AtlSide *side, const void *data)
{
  run_layer (side, data, ATL_PASS_DATA);
}

void
atl_check_conv2d_forward (AtlCheck *check)
{
  ConvCase c = draw_case (check);

  draw_shuffle (check, &c.conv);
  draw_enlargement (check, &c);
  const AtlShape shape_y = shuffled_shape (&c);

  c.x = atl_check_numbers (check, atl_shape_size (&c.shape_x));
  c.w = atl_check_parameters (check, atl_shape_size (&c.shape_w));
  c.nearness = near_sum_of_products (c.conv.c_in * c.conv.kernel * c.conv.kernel, c.x, &c.shape_x,
                                     c.w, &c.shape_w);
  draw_epilogue (check, &c, &shape_y, c.conv.c_out);
  describe (check, &c);
  atl_check_run (check, run_forward, &c);
}

void
atl_check_conv_transpose2d_forward (AtlCheck *check)
{
  ConvCase c = draw_case (check);

  c.dy = atl_check_numbers (check, atl_shape_size (&c.shape_y));
  c.w = atl_check_parameters (check, atl_shape_size (&c.shape_w));
  c.nearness = near_sum_of_products (c.conv.c_out * c.conv.kernel * c.conv.kernel, c.dy, &c.shape_y,
                                     c.w, &c.shape_w);
  draw_epilogue (check, &c, &c.shape_x, c.conv.c_in);
  describe (check, &c);
  atl_check_run (check, run_transposed, &c);
}

static void
run_bias_backward (AtlSide *side, const void *data)
{
  const ConvCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);

  float *db = atl_side_output_vector (side, "db", c->shape_y.c, c->db, c->nearness);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  float *scratch = atl_side_scratch (side, backend->batch_norm_scratch_size (&c->shape_y));
  backend->bias_backward (db, dy, &c->shape_y, c->gain, scratch);
}

void
atl_check_bias_backward (AtlCheck *check)
{
  ConvCase c = { .shape_y = atl_check_shape (check, ATL_CHECK_MOST),
                 .gain = atl_check_gain (check) };
  const size_t n = atl_shape_size (&c.shape_y);

  c.dy = atl_check_numbers (check, n);
  c.db = atl_check_numbers (check, (size_t) c.shape_y.c);
  c.nearness = (AtlNearness) { 1e-6, sqrt ((double) n) * root_mean_square (c.dy, n) };
  atl_check_describe (check, "%d x %d x %d x %d, gain %g", c.shape_y.n, c.shape_y.c, c.shape_y.h,
                      c.shape_y.w, c.gain);
  atl_check_run (check, run_bias_backward, &c);
}

static void
run_backward_data (AtlSide *side, const void *data)
{
  const ConvCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);

  float *dx = atl_side_output_tensor (side, "dx", &c->shape_x, c->dx, c->nearness);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  const float *packed = pack (side, c, ATL_PASS_DATA);
  float *scratch = atl_side_scratch (side, backend->conv2d_scratch_size (&c->conv, ATL_PASS_DATA));
  backend->conv2d_backward_data (dx, dy, packed, &c->conv, c->gain, c->accumulate,
                                 atl_side_tensor (side, c->relu, &c->shape_x), scratch);
}

void
atl_check_conv2d_backward_data (AtlCheck *check)
{
  ConvCase c = draw_case (check);

  c.accumulate = atl_check_flip (check);
  c.dx = c.accumulate ? atl_check_numbers (check, atl_shape_size (&c.shape_x)) : NULL;
  c.relu = atl_check_flip (check) ? atl_check_numbers (check, atl_shape_size (&c.shape_x)) : NULL;
  c.dy = atl_check_numbers (check, atl_shape_size (&c.shape_y));
  c.w = atl_check_parameters (check, atl_shape_size (&c.shape_w));
  c.nearness = near_sum_of_products (c.conv.c_out * c.conv.kernel * c.conv.kernel, c.dy, &c.shape_y,
                                     c.w, &c.shape_w);
  describe (check, &c);
  atl_check_run (check, run_backward_data, &c);
}

static void
run_backward_weight (AtlSide *side, const void *data)
{
  const ConvCase *c = data;
  const AtlBackend *backend = atl_side_backend (side);

  float *dw = atl_side_output_array (side, "dw", atl_shape_size (&c->shape_w), c->dw, c->nearness);
  float *db = c->db == NULL
                  ? NULL
                  : atl_side_output_vector (side, "db", c->conv.c_out, c->db, c->nearness);
  const float *x = atl_side_tensor (side, c->x, &c->shape_x);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  float *scratch = atl_side_scratch (side,
                                     backend->conv2d_scratch_size (&c->conv, ATL_PASS_WEIGHT));
  backend->conv2d_backward_weight (dw, db, x, dy, &c->conv, c->gain, scratch);
}

void
atl_check_conv2d_backward_weight (AtlCheck *check)
{
  ConvCase c = draw_case (check);

  c.x = atl_check_parameters (check, atl_shape_size (&c.shape_x));
  c.dy = atl_check_numbers (check, atl_shape_size (&c.shape_y));
  c.dw = atl_check_numbers (check, atl_shape_size (&c.shape_w));
  c.db = atl_check_flip (check) ? atl_check_numbers (check, (size_t) c.conv.c_out) : NULL;
  c.nearness = near_sum_of_products (c.conv.n * c.conv.h_out * c.conv.w_out, c.x, &c.shape_x, c.dy,
                                     &c.shape_y);
  describe (check, &c);
  atl_check_run (check, run_backward_weight, &c);
}
