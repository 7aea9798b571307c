/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels as cases of 'atelier bench', at the shapes that they have in the networks.
 */

#include "cli/bench.h"

#include "base/i18n.h"
#include "base/memory.h"
#include "base/random.h"

/* A convolution with padding kernel / 2; 'side' of a square picture at its input. */
typedef struct
{
  int c_in, c_out, kernel, stride, side;
} ConvShape;

static const ConvShape conv_shapes[] = {
  /* SrResnet */
  { 3, 64, 3, 1, 512 },
  { 64, 64, 3, 1, 512 },
  { 64, 256, 3, 1, 256 },
  { 64, 3, 3, 1, 512 },
  /* StyleResnet */
  { 3, 32, 9, 1, 712 },
  { 32, 64, 3, 2, 712 },
  { 64, 128, 3, 2, 356 },
  { 128, 128, 3, 1, 176 },
  { 128, 64, 3, 1, 320 },
  { 64, 32, 3, 1, 640 },
  { 32, 3, 9, 1, 640 },
  /* ResNet-34 and the decoder of Unet34, for a photo of 512 x 512 */
  { 3, 64, 7, 2, 512 },
  { 64, 64, 3, 1, 128 },
  { 64, 128, 3, 2, 128 },
  { 64, 128, 1, 2, 128 },
  { 128, 128, 3, 1, 64 },
  { 256, 256, 3, 1, 32 },
  { 512, 512, 3, 1, 16 },
  { 64, 128, 1, 1, 128 },
  { 256, 128, 1, 1, 32 },
  /* Its gradients are the transposed convolutions of the decoder, forward and backward. */
  { 128, 256, 2, 2, 128 },
};

static const struct
{
  AtlPass pass;
  const char *name;
} passes[] = {
  { ATL_PASS_FORWARD, "forward" },
  { ATL_PASS_DATA, "data gradient" },
  { ATL_PASS_WEIGHT, "weight gradient" },
};

/* What moves more than it computes: 64 channels of 512 x 512, and as many parameters for Adam. */
typedef enum
{
  RELU_FORWARD,
  RELU_BACKWARD,
  SCALED_ADD,
  SCALE_SHIFT,
  PIXEL_SHUFFLE,
  BATCH_NORM_FORWARD,
  BATCH_NORM_BACKWARD,
  L1_LOSS,
  ADAM,
  N_MOVERS
} Mover;

/* Floats of a vector of one number a channel: those of the widest layer. */
#define VECTOR 512

#define MOVER_CHANNELS 64
#define MOVER_SIDE 512

/* Arrays that are read or written by a run at least, counted as often as they are. A normalisation reads x for the
 * statistics and for the result; its gradient reads x and dy twice. */
static const struct
{
  const char *name;
  int n_moved;
} movers[] = {
  [RELU_FORWARD] = { "relu forward", 2 },
  [RELU_BACKWARD] = { "relu backward", 3 },
  [SCALED_ADD] = { "scaled-add forward", 3 },
  [SCALE_SHIFT] = { "scale-shift", 2 },
  [PIXEL_SHUFFLE] = { "pixel-shuffle forward", 2 },
  [BATCH_NORM_FORWARD] = { "batch-norm forward", 3 },
  [BATCH_NORM_BACKWARD] = { "batch-norm backward", 5 },
  [L1_LOSS] = { "l1-loss", 3 },
  [ADAM] = { "adam", 7 },
};
_Static_assert (G_N_ELEMENTS (movers) == N_MOVERS, "a name and a number each");

#define N_CONVS (int) (G_N_ELEMENTS (conv_shapes) * G_N_ELEMENTS (passes))

typedef struct
{
  const AtlBackend *backend;
  AtlConv2d conv;
  AtlPass pass;
  Mover mover;
  AtlShape shape;
  float *a, *b, *c,
      *d;            /* tensors; for a convolution x and y (or their gradients), weights, packed */
  float *vectors[4]; /* of one number a channel */
  float *scratch;
} KernelData;

static void
kernel_data_free (void *pointer)
{
  KernelData *data = pointer;

  atl_floats_free (data->a);
  atl_floats_free (data->b);
  atl_floats_free (data->c);
  atl_floats_free (data->d);
  for (size_t i = 0; i < G_N_ELEMENTS (data->vectors); i++)
    atl_floats_free (data->vectors[i]);
  atl_floats_free (data->scratch);
  g_free (data);
}

/* Numbers from -0.5 to 0.5, or NULL. */
static float *
noise_new (size_t n, AtlRandom *random, AtlBenchCase *bench_case, GError **error)
{
  float *floats = atl_floats_new (n, _ ("a case"), error);

  for (size_t i = 0; floats != NULL && i < n; i++)
    floats[i] = (float) atl_random_uniform (random) - 0.5f;
  bench_case->memory += n * sizeof (float);
  return floats;
}

static void
run_conv (void *pointer)
{
  KernelData *data = pointer;
  const AtlBackend *backend = data->backend;
  const AtlConvEpilogue epilogue = { .bias = data->vectors[0], .relu = TRUE };

  switch (data->pass)
    {
    case ATL_PASS_FORWARD:
      backend->conv2d_forward (data->b, data->a, data->d, &data->conv, &epilogue, data->scratch);
      break;
    case ATL_PASS_DATA:
      backend->conv2d_backward_data (data->a, data->b, data->d, &data->conv, 1.0f, FALSE, NULL,
                                     data->scratch);
      break;
    case ATL_PASS_WEIGHT:
      backend->conv2d_backward_weight (data->c, data->vectors[0], data->a, data->b, &data->conv,
                                       1.0f, data->scratch);
      break;
    }
}

static gboolean
make_conv (AtlBenchCase *bench_case, KernelData *data, int index, AtlRandom *random, GError **error)
{
  const AtlBackend *backend = data->backend;
  const ConvShape *s = &conv_shapes[(size_t) index / G_N_ELEMENTS (passes)];
  const int side_out = (s->side - 1) / s->stride + 1;
  const size_t n_weights = (size_t) s->c_out * s->c_in * s->kernel * s->kernel;
  const AtlShape in = { 1, s->c_in, s->side, s->side }, out = { 1, s->c_out, side_out, side_out };

  data->pass = passes[(size_t) index % G_N_ELEMENTS (passes)].pass;
  data->conv = (AtlConv2d) {
    .n = 1,
    .c_in = s->c_in,
    .c_out = s->c_out,
    .kernel = s->kernel,
    .stride = s->stride,
    .h_in = s->side,
    .w_in = s->side,
    .h_out = side_out,
    .w_out = side_out,
    .pad_top = (s->kernel - 1) / 2,
    .pad_left = (s->kernel - 1) / 2,
  };
  bench_case->conv = data->conv;
  bench_case->operations = 2.0 * (double) n_weights * side_out * side_out;
  bench_case->run = run_conv;

  /* Imported from plain order, so that the channels that a block adds are zero. */
  data->c = noise_new (MAX (n_weights, MAX (atl_shape_size (&in), atl_shape_size (&out))), random,
                       bench_case, error);
  data->a = noise_new (backend->tensor_size (&in), random, bench_case, error);
  data->b = noise_new (backend->tensor_size (&out), random, bench_case, error);
  data->d = noise_new (backend->conv2d_packed_size (&data->conv, data->pass), random, bench_case,
                       error);
  data->scratch = noise_new (backend->conv2d_scratch_size (&data->conv, data->pass), random,
                             bench_case, error);
  if (data->a == NULL || data->b == NULL || data->c == NULL || data->d == NULL
      || data->scratch == NULL)
    return FALSE;

  backend->tensor_import (data->a, data->c, &in);
  backend->tensor_import (data->b, data->c, &out);
  backend->conv2d_pack (data->d, data->c, &data->conv, data->pass);
  return TRUE;
}

static void
run_mover (void *pointer)
{
  static const AtlAdam adam = {
    .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .step = 100
  };
  KernelData *data = pointer;
  const AtlBackend *backend = data->backend;
  const AtlShape *shape = &data->shape;
  float *const *v = data->vectors;

  switch (data->mover)
    {
    case RELU_FORWARD:
      backend->relu_forward (data->a, data->b, shape);
      break;
    case RELU_BACKWARD:
      backend->relu_backward (data->a, data->b, data->c, shape, FALSE);
      break;
    case SCALED_ADD:
      backend->scaled_add_forward (data->a, data->b, data->c, shape, shape, (AtlOffset) { 0, 0 },
                                   0.1f);
      break;
    case SCALE_SHIFT:
      backend->scale_shift (data->a, data->b, v[0], v[1], shape);
      break;
    case PIXEL_SHUFFLE:
      backend->pixel_shuffle_forward (data->a, data->b, shape, 2);
      break;
    case BATCH_NORM_FORWARD:
      backend->batch_norm_forward (data->a, v[0], v[1], data->b, v[2], v[3], shape, 1e-5f,
                                   &(AtlNormEpilogue) { 0 }, data->scratch);
      break;
    case BATCH_NORM_BACKWARD:
      backend->batch_norm_backward (data->a, v[2], v[3], data->b, data->c, v[2], v[0], v[1], shape,
                                    1e-5f, 1.0f, FALSE, FALSE, data->scratch);
      break;
    case L1_LOSS:
      backend->l1_loss (data->a, data->b, data->c, shape, 1.0f, data->scratch);
      break;
    case ADAM:
      backend->adam (data->a, data->b, data->c, data->d, atl_shape_size (shape), &adam);
      break;
    case N_MOVERS:
      break;
    }
}

static gboolean
make_mover (AtlBenchCase *bench_case, KernelData *data, Mover mover, AtlRandom *random,
            GError **error)
{
  const AtlBackend *backend = data->backend;
  const AtlShape shape = { 1, MOVER_CHANNELS, MOVER_SIDE, MOVER_SIDE };
  const size_t n = backend->tensor_size (&shape);
  float **const tensors[] = { &data->a, &data->b, &data->c, &data->d };

  data->mover = mover;
  data->shape = shape;
  bench_case->bytes = (double) movers[mover].n_moved * (double) n * sizeof (float);
  bench_case->run = run_mover;

  for (size_t i = 0; i < G_N_ELEMENTS (tensors); i++)
    {
      *tensors[i] = noise_new (n, random, bench_case, error);
      if (*tensors[i] == NULL)
        return FALSE;
    }
  /* The second moments of Adam are squares. */
  for (size_t i = 0; i < n; i++)
    data->c[i] *= data->c[i];
  data->scratch = noise_new (
      MAX (backend->batch_norm_scratch_size (&shape), backend->loss_scratch_size (&shape)), random,
      bench_case, error);
  return data->scratch != NULL;
}

int
atl_bench_n_kernels (void)
{
  return N_CONVS + N_MOVERS;
}

char *
atl_bench_kernel_name (int index)
{
  if (index >= N_CONVS)
    return g_strdup_printf ("%s-%d-%d", movers[index - N_CONVS].name, MOVER_CHANNELS, MOVER_SIDE);

  const ConvShape *s = &conv_shapes[(size_t) index / G_N_ELEMENTS (passes)];
  g_autofree char *stride = s->stride > 1 ? g_strdup_printf ("s%d", s->stride) : g_strdup ("");

  return g_strdup_printf ("conv%dx%d%s-%d-%d-%d %s", s->kernel, s->kernel, stride, s->c_in,
                          s->c_out, s->side, passes[(size_t) index % G_N_ELEMENTS (passes)].name);
}

AtlBenchCase *
atl_bench_kernel_new (int index, GError **error)
{
  g_autoptr (AtlBenchCase) bench_case = g_new0 (AtlBenchCase, 1);
  KernelData *data = g_new0 (KernelData, 1);
  AtlRandom random;

  atl_random_init (&random, 1, (guint64) index);
  data->backend = atl_backend_default ();
  bench_case->name = atl_bench_kernel_name (index);
  bench_case->data = data;
  bench_case->free = kernel_data_free;

  for (size_t i = 0; i < G_N_ELEMENTS (data->vectors); i++)
    {
      data->vectors[i] = noise_new (VECTOR, &random, bench_case, error);
      if (data->vectors[i] == NULL)
        return NULL;
      /* Also variances, which are positive. */
      for (int c = 0; c < VECTOR; c++)
        data->vectors[i][c] += 1.0f;
    }

  const gboolean made = index < N_CONVS ? make_conv (bench_case, data, index, &random, error)
                                        : make_mover (bench_case, data, (Mover) (index - N_CONVS),
                                                      &random, error);
  return made ? g_steal_pointer (&bench_case) : NULL;
}
