/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reference backend, forward and backward, against the numbers of PyTorch in golden.safetensors. What
 * the cases are is written in make-golden.py: each test runs all cases that the file has of its operator.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "backends/backend.h"
#include "weights/weight-file.h"

/* A float stores 6e-8 of a number; a few of them meet in Adam's steps. */
static const double tolerance = 5e-7;

static AtlWeightFile *golden;

/* One case while it runs. */
typedef struct
{
  const char *prefix; /* "conv2d.3x3." */
  GPtrArray *arrays;  /* what was read or made for it */
} Case;

static float *
new_array (Case *c, size_t n)
{
  float *array = g_new0 (float, MAX (n, 1));

  g_ptr_array_add (c->arrays, array);
  return array;
}

static const AtlTensorInfo *
find (const Case *c, const char *name)
{
  g_autofree char *full_name = g_strconcat (c->prefix, name, NULL);

  return atl_weight_file_find (golden, full_name);
}

/* NULL if the case has no such array. */
static float *
read_optional (Case *c, const char *name)
{
  const AtlTensorInfo *info = find (c, name);
  g_autoptr (GError) error = NULL;

  if (info == NULL)
    return NULL;

  float *array = new_array (c, info->size);

  atl_weight_file_read (golden, info, array, &error);
  atl_test_no_error (error);
  return array;
}

static float *
read (Case *c, const char *name)
{
  float *array = read_optional (c, name);

  CU_ASSERT_PTR_NOT_NULL_FATAL (array);
  return array;
}

static AtlShape
shape_of (const Case *c, const char *name)
{
  const AtlTensorInfo *info = find (c, name);

  CU_ASSERT_PTR_NOT_NULL_FATAL (info);
  CU_ASSERT_EQUAL_FATAL (info->n_dims, 4);
  return (AtlShape) { info->dims[0], info->dims[1], info->dims[2], info->dims[3] };
}

/* An output, full of NaN. */
static float *
new_output (Case *c, size_t n)
{
  float *array = new_array (c, n);

  for (size_t i = 0; i < n; i++)
    array[i] = NAN;
  return array;
}

static float *
new_output_tensor (Case *c, const AtlShape *shape)
{
  return new_output (c, atl_shape_size (shape));
}

static void
check (Case *c, const char *name, const float *array)
{
  g_autofree char *what = g_strconcat (c->prefix, name, NULL);

  atl_test_close (what, array, read (c, name), find (c, name)->size, tolerance);
}

/* As check (), and that what was computed a second time, into 'again' that held ones, came on top. */
static void
check_accumulated (Case *c, const char *name, const float *array, const float *again)
{
  const size_t n = find (c, name)->size;
  float *difference = new_array (c, n);

  for (size_t i = 0; i < n; i++)
    difference[i] = again[i] - 1.0f;
  check (c, name, array);
  for (size_t i = 0; i < n; i++)
    CU_ASSERT_DOUBLE_EQUAL (difference[i], array[i], 1e-5);
}

static float *
new_ones (Case *c, size_t n)
{
  float *array = new_array (c, n);

  for (size_t i = 0; i < n; i++)
    array[i] = 1.0f;
  return array;
}

/* Each case of an operator once: those are the tensors named OPERATOR.CASE.MAIN. */
static void
for_each_case (const char *op, const char *main_array, void (*run) (Case *c))
{
  g_autofree char *begin = g_strconcat (op, ".", NULL);
  g_autofree char *end = g_strconcat (".", main_array, NULL);
  int n_cases = 0;

  for (int i = 0; i < atl_weight_file_n_tensors (golden); i++)
    {
      const char *name = atl_weight_file_tensor (golden, i)->name;

      if (! g_str_has_prefix (name, begin) || ! g_str_has_suffix (name, end))
        continue;

      g_autofree char *prefix = g_strndup (name, strlen (name) - strlen (main_array));
      g_autoptr (GPtrArray) arrays = g_ptr_array_new_with_free_func (g_free);
      Case c = { .prefix = prefix, .arrays = arrays };

      run (&c);
      n_cases++;
    }

  CU_ASSERT (n_cases > 0);
}

static const AtlBackend *
reference (void)
{
  return atl_backend_reference ();
}

static AtlConv2d
read_conv (const AtlShape *x, const AtlShape *y, const AtlShape *w, const float *settings)
{
  return (AtlConv2d) { .n = x->n,
                       .c_in = x->c,
                       .c_out = y->c,
                       .kernel = w->h,
                       .stride = (int) settings[0],
                       .h_in = x->h,
                       .w_in = x->w,
                       .h_out = y->h,
                       .w_out = y->w,
                       .pad_top = (int) settings[1],
                       .pad_left = (int) settings[2] };
}

static float *
new_packed (Case *c, const AtlConv2d *conv, AtlPass pass)
{
  float *packed = new_output (c, reference ()->conv2d_packed_size (conv, pass));

  reference ()->conv2d_pack (packed, read (c, "w"), conv, pass);
  return packed;
}

static void
conv2d_backward (Case *c, const AtlConv2d *conv, const AtlShape *shape_x, const AtlShape *shape_w,
                 float gain)
{
  const float *packed = new_packed (c, conv, ATL_PASS_DATA);
  const float *x = read (c, "x"), *dy = read (c, "dy");
  float *dx = new_output_tensor (c, shape_x);
  float *dx_again = new_ones (c, atl_shape_size (shape_x));
  float *dw = new_array (c, atl_shape_size (shape_w));
  float *dw_again = new_ones (c, atl_shape_size (shape_w));
  float *db = new_array (c, (size_t) conv->c_out);
  float *db_again = new_ones (c, (size_t) conv->c_out);

  reference ()->conv2d_backward_data (dx, dy, packed, conv, gain, FALSE, NULL, NULL);
  reference ()->conv2d_backward_data (dx_again, dy, packed, conv, gain, TRUE, NULL, NULL);
  check_accumulated (c, "dx", dx, dx_again);

  reference ()->conv2d_backward_weight (dw, db, x, dy, conv, gain, NULL);
  reference ()->conv2d_backward_weight (dw_again, NULL, x, dy, conv, gain, NULL);
  check_accumulated (c, "dw", dw, dw_again);
  reference ()->conv2d_backward_weight (dw_again, db_again, x, dy, conv, gain, NULL);
  check_accumulated (c, "db", db, db_again);
}

static void
conv2d_case (Case *c)
{
  const AtlShape shape_x = shape_of (c, "x"), shape_y = shape_of (c, "y");
  const AtlShape shape_w = shape_of (c, "w");
  const float *settings = read (c, "settings");
  const AtlConv2d conv = read_conv (&shape_x, &shape_y, &shape_w, settings);
  const AtlConvEpilogue epilogue = { .bias = read_optional (c, "bias"),
                                     .relu = settings[3] != 0.0f,
                                     .scale = read_optional (c, "scale"),
                                     .shift = read_optional (c, "shift"),
                                     .residual = read_optional (c, "residual"),
                                     .residual_h = shape_y.h + 2 * (int) settings[4],
                                     .residual_w = shape_y.w + 2 * (int) settings[5],
                                     .residual_top = (int) settings[4],
                                     .residual_left = (int) settings[5],
                                     .gain = settings[6] };
  float *y = new_output_tensor (c, &shape_y);

  reference ()->conv2d_forward (y, read (c, "x"), new_packed (c, &conv, ATL_PASS_FORWARD), &conv,
                                &epilogue, NULL);
  check (c, "y", y);
  conv2d_backward (c, &conv, &shape_x, &shape_w, epilogue.gain);
}

static void
conv2d (void)
{
  for_each_case ("conv2d", "x", conv2d_case);
}

/* Described by the convolution whose gradient it is. */
static void
conv_transpose2d_case (Case *c)
{
  const AtlShape shape_x = shape_of (c, "x"), shape_y = shape_of (c, "y");
  const AtlShape shape_w = shape_of (c, "w");
  const float settings[3] = { read (c, "settings")[0], 0.0f, 0.0f };
  const AtlConv2d conv = read_conv (&shape_y, &shape_x, &shape_w, settings);
  const AtlConvEpilogue epilogue = { .bias = read (c, "bias"),
                                     .residual = read (c, "residual"),
                                     .residual_h = shape_y.h,
                                     .residual_w = shape_y.w,
                                     .gain = 1.0f,
                                     .relu_last = TRUE };
  const AtlConvEpilogue none = { 0 };
  const float *x = read (c, "x"), *dz = read (c, "dz");
  float *y = new_output_tensor (c, &shape_y), *dx = new_output_tensor (c, &shape_x);
  float *dw = new_array (c, atl_shape_size (&shape_w));
  float *db = new_array (c, (size_t) shape_y.c), *db_again = new_ones (c, (size_t) shape_y.c);

  reference ()->conv_transpose2d_forward (y, x, new_packed (c, &conv, ATL_PASS_DATA), &conv,
                                          &epilogue, NULL);
  check (c, "y", y);
  reference ()->conv2d_forward (dx, dz, new_packed (c, &conv, ATL_PASS_FORWARD), &conv, &none,
                                NULL);
  check (c, "dx", dx);
  reference ()->conv2d_backward_weight (dw, NULL, dz, x, &conv, 1.0f, NULL);
  check (c, "dw", dw);
  reference ()->bias_backward (db, dz, &shape_y, 1.0f, NULL);
  reference ()->bias_backward (db_again, dz, &shape_y, 1.0f, NULL);
  check_accumulated (c, "db", db, db_again);
}

static void
conv_transpose2d (void)
{
  for_each_case ("conv-transpose2d", "x", conv_transpose2d_case);
}

static void
relu_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x");
  float *y = new_output_tensor (c, &shape);
  float *dx = new_output_tensor (c, &shape);
  float *again = new_ones (c, atl_shape_size (&shape));

  reference ()->relu_forward (y, read (c, "x"), &shape);
  check (c, "y", y);
  reference ()->relu_backward (dx, read (c, "dy"), y, &shape, FALSE);
  reference ()->relu_backward (again, read (c, "dy"), y, &shape, TRUE);
  check_accumulated (c, "dx", dx, again);
}

static void
relu (void)
{
  for_each_case ("relu", "x", relu_case);
}

static void
scaled_add_case (Case *c)
{
  const AtlShape shape = shape_of (c, "y"), shape_a = shape_of (c, "a");
  const float *settings = read (c, "settings"), *dy = read (c, "dy");
  const AtlOffset offset = { (int) settings[0], (int) settings[1] }, none = { 0, 0 };
  float *y = new_output_tensor (c, &shape);
  float *da = new_output_tensor (c, &shape_a), *db = new_output_tensor (c, &shape);
  float *da_again = new_ones (c, atl_shape_size (&shape_a));
  float *db_again = new_ones (c, atl_shape_size (&shape));

  reference ()->scaled_add_forward (y, read (c, "a"), read (c, "b"), &shape, &shape_a, offset,
                                    settings[2]);
  check (c, "y", y);
  reference ()->scaled_add_backward (da, dy, &shape, &shape_a, offset, 1.0f, FALSE);
  reference ()->scaled_add_backward (da_again, dy, &shape, &shape_a, offset, 1.0f, TRUE);
  check_accumulated (c, "da", da, da_again);
  reference ()->scaled_add_backward (db, dy, &shape, &shape, none, settings[2], FALSE);
  reference ()->scaled_add_backward (db_again, dy, &shape, &shape, none, settings[2], TRUE);
  check_accumulated (c, "db", db, db_again);
}

static void
scaled_add (void)
{
  for_each_case ("scaled-add", "a", scaled_add_case);
}

static void
pixel_shuffle_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x"), shape_y = shape_of (c, "y");
  const int factor = (int) read (c, "settings")[0];
  float *y = new_output_tensor (c, &shape_y);
  float *dx = new_output_tensor (c, &shape);
  float *again = new_ones (c, atl_shape_size (&shape));

  reference ()->pixel_shuffle_forward (y, read (c, "x"), &shape, factor);
  check (c, "y", y);
  reference ()->pixel_shuffle_backward (dx, read (c, "dy"), &shape, factor, FALSE);
  reference ()->pixel_shuffle_backward (again, read (c, "dy"), &shape, factor, TRUE);
  check_accumulated (c, "dx", dx, again);
}

static void
pixel_shuffle (void)
{
  for_each_case ("pixel-shuffle", "x", pixel_shuffle_case);
}

static void
upsample_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x"), shape_y = shape_of (c, "y");
  const int factor = (int) read (c, "settings")[0];
  float *y = new_output_tensor (c, &shape_y);
  float *dx = new_output_tensor (c, &shape);
  float *again = new_ones (c, atl_shape_size (&shape));

  reference ()->upsample_forward (y, read (c, "x"), &shape, factor);
  check (c, "y", y);
  reference ()->upsample_backward (dx, read (c, "dy"), &shape, factor, FALSE);
  reference ()->upsample_backward (again, read (c, "dy"), &shape, factor, TRUE);
  check_accumulated (c, "dx", dx, again);
}

static void
upsample (void)
{
  for_each_case ("upsample", "x", upsample_case);
}

static void
max_pool_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x"), shape_y = shape_of (c, "y");
  const float *settings = read (c, "settings"), *x = read (c, "x"), *dy = read (c, "dy");
  const AtlMaxPool pool = { .n = shape.n,
                            .c = shape.c,
                            .kernel = (int) settings[0],
                            .stride = (int) settings[1],
                            .h_in = shape.h,
                            .w_in = shape.w,
                            .h_out = shape_y.h,
                            .w_out = shape_y.w,
                            .pad_top = (int) settings[2],
                            .pad_left = (int) settings[3] };
  float *y = new_output_tensor (c, &shape_y);
  float *dx = new_output_tensor (c, &shape);
  float *again = new_ones (c, atl_shape_size (&shape));

  reference ()->max_pool_forward (y, x, &pool);
  check (c, "y", y);
  reference ()->max_pool_backward (dx, dy, x, &pool, FALSE, FALSE);
  reference ()->max_pool_backward (again, dy, x, &pool, TRUE, FALSE);
  check_accumulated (c, "dx", dx, again);
}

static void
max_pool (void)
{
  for_each_case ("max-pool", "x", max_pool_case);
}

static void
reflection_pad_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x"), shape_y = shape_of (c, "y");
  const float *settings = read (c, "settings"), *dy = read (c, "dy");
  const AtlReflectionPad pad = { .n = shape.n,
                                 .c = shape.c,
                                 .height = shape.h,
                                 .width = shape.w,
                                 .h_x = shape.h,
                                 .w_x = shape.w,
                                 .h_y = shape_y.h,
                                 .w_y = shape_y.w,
                                 .top = (int) settings[0],
                                 .left = (int) settings[1] };
  float *y = new_output_tensor (c, &shape_y);
  float *dx = new_output_tensor (c, &shape);
  float *again = new_ones (c, atl_shape_size (&shape));

  reference ()->reflection_pad_forward (y, read (c, "x"), &pad);
  check (c, "y", y);
  reference ()->reflection_pad_backward (dx, dy, &pad, FALSE);
  reference ()->reflection_pad_backward (again, dy, &pad, TRUE);
  check_accumulated (c, "dx", dx, again);
}

/* What PyTorch refuses: the mirrored picture is mirrored again. */
static void
far_reflection_pad (void)
{
  static const float three[] = { 0.0f, 1.0f, 2.0f };
  static const float expected[] = { 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1 };
  const AtlReflectionPad far = { 1, 1, 1, 3, 1, 3, 0, 0, 1, 13, 0, -5 };
  const AtlReflectionPad one = { 1, 1, 1, 1, 1, 1, 0, 0, 3, 13, -1, -4 };
  float y[3 * G_N_ELEMENTS (expected)];

  reference ()->reflection_pad_forward (y, three, &far);
  atl_test_close ("far", y, expected, G_N_ELEMENTS (expected), 0.0);
  reference ()->reflection_pad_forward (y, three + 2, &one);
  for (size_t i = 0; i < G_N_ELEMENTS (y); i++)
    CU_ASSERT_EQUAL (y[i], 2.0f);
}

static void
reflection_pad (void)
{
  for_each_case ("reflection-pad", "x", reflection_pad_case);
  far_reflection_pad ();
}

static void
concat_case (Case *c)
{
  const AtlShape shape = shape_of (c, "y"), shape_x = shape_of (c, "x");
  const AtlShape shape_a = shape_of (c, "a"), shape_b = shape_of (c, "b");
  const float *settings = read (c, "settings"), *dy = read (c, "dy");
  const AtlOffset offset = { (int) settings[0], (int) settings[1] }, none = { 0, 0 };
  const int channel = (int) settings[2];
  float *y = new_output_tensor (c, &shape);
  float *dx = new_output_tensor (c, &shape_x);
  float *again = new_ones (c, atl_shape_size (&shape_x));

  reference ()->concat_forward (y, read (c, "a"), &shape, &shape_a, none, 0);
  reference ()->concat_forward (y, read (c, "x"), &shape, &shape_x, offset, channel);
  reference ()->concat_forward (y, read (c, "b"), &shape, &shape_b, none, channel + shape_x.c);
  check (c, "y", y);
  reference ()->concat_backward (dx, dy, &shape, &shape_x, offset, channel, FALSE);
  reference ()->concat_backward (again, dy, &shape, &shape_x, offset, channel, TRUE);
  check_accumulated (c, "dx", dx, again);
}

static void
concat (void)
{
  for_each_case ("concat", "x", concat_case);
}

static void
gram_case (Case *c)
{
  const AtlShape shape = shape_of (c, "f");
  const float *f = read (c, "f"), *dg = read (c, "dg");
  float *g = new_output (c, (size_t) shape.n * (size_t) (shape.c * shape.c));
  float *df = new_array (c, atl_shape_size (&shape));
  float *again = new_ones (c, atl_shape_size (&shape));

  reference ()->gram_forward (g, f, &shape, NULL);
  check (c, "g", g);
  reference ()->gram_backward (df, dg, f, &shape, NULL);
  reference ()->gram_backward (again, dg, f, &shape, NULL);
  check_accumulated (c, "df", df, again);
}

static void
gram (void)
{
  for_each_case ("gram", "f", gram_case);
}

static void
scale_shift_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x");
  float *y = new_output_tensor (c, &shape);

  reference ()->scale_shift (y, read (c, "x"), read (c, "scale"), read (c, "shift"), &shape);
  check (c, "y", y);
}

static void
scale_shift (void)
{
  for_each_case ("scale-shift", "x", scale_shift_case);
}

static void
batch_norm_case (Case *c)
{
  const AtlShape shape = shape_of (c, "x");
  const size_t size = atl_shape_size (&shape), n_channels = (size_t) shape.c;
  const float epsilon = read (c, "settings")[0];
  const float *x = read (c, "x"), *gamma = read (c, "gamma"), *dy = read (c, "dy");
  float *y = new_output (c, size), *mean = new_output (c, n_channels);
  float *variance = new_output (c, n_channels);
  float *dx = new_output (c, size), *dx_again = new_ones (c, size);
  float *dgamma = new_array (c, n_channels), *dgamma_again = new_ones (c, n_channels);
  float *dbeta = new_array (c, n_channels), *dbeta_again = new_ones (c, n_channels);

  reference ()->batch_norm_forward (y, mean, variance, x, gamma, read (c, "beta"), &shape, epsilon,
                                    &(AtlNormEpilogue) { 0 }, NULL);
  check (c, "y", y);
  check (c, "mean", mean);
  check (c, "variance", variance);

  reference ()->batch_norm_backward (dx, dgamma, dbeta, dy, x, gamma, mean, variance, &shape,
                                     epsilon, 1.0f, FALSE, FALSE, NULL);
  reference ()->batch_norm_backward (dx_again, dgamma_again, dbeta_again, dy, x, gamma, mean,
                                     variance, &shape, epsilon, 1.0f, TRUE, FALSE, NULL);
  check_accumulated (c, "dx", dx, dx_again);
  check_accumulated (c, "dgamma", dgamma, dgamma_again);
  check_accumulated (c, "dbeta", dbeta, dbeta_again);
}

static void
batch_norm (void)
{
  for_each_case ("batch-norm", "x", batch_norm_case);
}

static void
loss_case (Case *c)
{
  const AtlShape shape = shape_of (c, "y");
  const float gain = read (c, "settings")[0];
  const float *y = read (c, "y"), *t = read (c, "t");
  float *dy = new_output_tensor (c, &shape);

  const float l1 = (float) reference ()->l1_loss (dy, y, t, &shape, gain, NULL);
  check (c, "l1", &l1);
  check (c, "l1_dy", dy);

  const float mse = (float) reference ()->mse_loss (dy, y, t, &shape, gain, NULL);
  check (c, "mse", &mse);
  check (c, "mse_dy", dy);

  const float bce = (float) reference ()->binary_cross_entropy_loss (dy, y, read (c, "p"), &shape,
                                                                     gain, NULL);
  check (c, "bce", &bce);
  check (c, "bce_dy", dy);
}

static void
losses (void)
{
  for_each_case ("loss", "y", loss_case);
}

static void
adam_case (Case *c)
{
  const float *settings = read (c, "settings"), *gradients = read (c, "gradients");
  const AtlTensorInfo *info = find (c, "weights");
  const size_t n_steps = (size_t) info->dims[0], n = (size_t) info->dims[1];
  float *w = read (c, "w"), *m = new_array (c, n), *v = new_array (c, n);
  float *weights = new_output (c, n_steps * n);
  AtlAdam adam = { .learning_rate = settings[0],
                   .beta1 = settings[1],
                   .beta2 = settings[2],
                   .epsilon = settings[3],
                   .weight_decay = settings[4],
                   .decoupled = settings[5] != 0.0f };

  for (size_t step = 0; step < n_steps; step++)
    {
      adam.step = step + 1;
      reference ()->adam (w, m, v, gradients + step * n, n, &adam);
      memcpy (weights + step * n, w, n * sizeof (float));
    }
  check (c, "weights", weights);
}

static void
adam (void)
{
  for_each_case ("adam", "w", adam_case);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "conv2d", conv2d },
    { "relu", relu },
    { "scaled add", scaled_add },
    { "pixel shuffle", pixel_shuffle },
    { "scale shift", scale_shift },
    { "batch norm", batch_norm },
    { "losses", losses },
    { "adam", adam },
    { "upsample", upsample },
    { "max pool", max_pool },
    { "concat", concat },
    { "reflection pad", reflection_pad },
    { "gram", gram },
    { "transposed conv2d", conv_transpose2d },
  };
  g_autoptr (GError) error = NULL;

  golden = atl_weight_file_open (TEST_FOLDER "/golden.safetensors", &error);
  if (golden == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  const int status = atl_suite_run ("reference-golden", tests, G_N_ELEMENTS (tests));

  atl_weight_file_close (golden);
  return status;
}
