/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory between guards, random cases, and the comparison of a backend with the reference.
 */

#include "check.h"

#include <CUnit/CUnit.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "suite.h"

enum
{
  N_GUARDS = ATL_ALIGNMENT / sizeof (float), /* so that what follows is aligned as it promises */
  N_FAILURES_SHOWN = 5
};

/* Two NaNs told apart by their bits. */
static const guint32 guard_bits = 0x7fc0dead;
static const guint32 garbage_bits = 0x7fc00bad;

/* n floats at 'floats', with guards before them and right behind them. */
typedef struct
{
  const char *name; /* of an output, else NULL */
  float *floats;
  size_t n;
  gboolean is_tensor;
  AtlShape shape; /* of a tensor */
  size_t n_plain; /* numbers of an output that count; the rest of 'floats' is padding */
  float *plain;   /* an output in plain order, after the run */
  AtlNearness nearness;
} Buffer;

struct AtlSide
{
  const AtlBackend *backend;
  gboolean is_reference;
  GArray *buffers; /* of Buffer */
};

static void
fill_bits (float *floats, size_t n, guint32 bits)
{
  for (size_t i = 0; i < n; i++)
    memcpy (&floats[i], &bits, sizeof bits);
}

static gboolean
all_bits (const float *floats, size_t n, guint32 bits)
{
  for (size_t i = 0; i < n; i++)
    if (memcmp (&floats[i], &bits, sizeof bits) != 0)
      return FALSE;

  return TRUE;
}

static Buffer *
side_add (AtlSide *side, size_t n)
{
  float *memory = atl_floats_new (n + 2 * N_GUARDS, "a test", NULL);
  Buffer buffer = { .floats = memory + N_GUARDS, .n = n };

  fill_bits (memory, N_GUARDS, guard_bits);
  fill_bits (buffer.floats, n, garbage_bits);
  fill_bits (buffer.floats + n, N_GUARDS, guard_bits);
  g_array_append_val (side->buffers, buffer);
  return &g_array_index (side->buffers, Buffer, side->buffers->len - 1);
}

static AtlSide *
side_new (const AtlBackend *backend, gboolean is_reference)
{
  AtlSide *side = g_new0 (AtlSide, 1);

  side->backend = backend;
  side->is_reference = is_reference;
  side->buffers = g_array_new (FALSE, FALSE, sizeof (Buffer));
  return side;
}

static void
side_free (AtlSide *side)
{
  for (guint i = 0; i < side->buffers->len; i++)
    {
      Buffer *buffer = &g_array_index (side->buffers, Buffer, i);

      atl_floats_free (buffer->floats - N_GUARDS);
      g_free (buffer->plain);
    }

  g_array_unref (side->buffers);
  g_free (side);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlSide, side_free)

const AtlBackend *
atl_side_backend (const AtlSide *side)
{
  return side->backend;
}

static Buffer *
side_add_tensor (AtlSide *side, const float *nchw, const AtlShape *shape)
{
  Buffer *buffer = side_add (side, side->backend->tensor_size (shape));

  buffer->is_tensor = TRUE;
  buffer->shape = *shape;
  buffer->n_plain = atl_shape_size (shape);
  if (nchw != NULL)
    side->backend->tensor_import (buffer->floats, nchw, shape);
  return buffer;
}

static Buffer *
side_add_array (AtlSide *side, const float *values, size_t n, size_t n_padded)
{
  Buffer *buffer = side_add (side, n_padded);

  buffer->n_plain = n;
  if (values != NULL)
    {
      memcpy (buffer->floats, values, n * sizeof (float));
      memset (buffer->floats + n, 0, (n_padded - n) * sizeof (float));
    }
  return buffer;
}

static size_t
vector_size (const AtlSide *side, int n_channels)
{
  return (size_t) (side->is_reference ? n_channels : atl_padded_channels (n_channels));
}

const float *
atl_side_tensor (AtlSide *side, const float *nchw, const AtlShape *shape)
{
  return nchw == NULL ? NULL : side_add_tensor (side, nchw, shape)->floats;
}

const float *
atl_side_vector (AtlSide *side, const float *values, int n_channels)
{
  if (values == NULL)
    return NULL;

  return side_add_array (side, values, (size_t) n_channels, vector_size (side, n_channels))->floats;
}

const float *
atl_side_array (AtlSide *side, const float *values, size_t n)
{
  return values == NULL ? NULL : side_add_array (side, values, n, n)->floats;
}

float *
atl_side_scratch (AtlSide *side, size_t n)
{
  return side_add (side, n)->floats;
}

static float *
declare_output (Buffer *buffer, const char *name, AtlNearness nearness)
{
  buffer->name = name;
  buffer->nearness = nearness;
  return buffer->floats;
}

float *
atl_side_output_tensor (AtlSide *side, const char *name, const AtlShape *shape,
                        const float *initial, AtlNearness nearness)
{
  return declare_output (side_add_tensor (side, initial, shape), name, nearness);
}

float *
atl_side_output_vector (AtlSide *side, const char *name, int n_channels, const float *initial,
                        AtlNearness nearness)
{
  const size_t n_padded = vector_size (side, n_channels);

  return declare_output (side_add_array (side, initial, (size_t) n_channels, n_padded), name,
                         nearness);
}

float *
atl_side_output_array (AtlSide *side, const char *name, size_t n, const float *initial,
                       AtlNearness nearness)
{
  return declare_output (side_add_array (side, initial, n, n), name, nearness);
}

/* Drawing. */

static guint32
below (AtlCheck *check, size_t n)
{
  return atl_random_below (&check->random, (guint32) n);
}

/* More than 96, where Winograd takes smaller blocks. */
int
atl_check_channels (AtlCheck *check)
{
  static const int channels[] = { 1, 3, 5, 8, 16, 36, 64, 67, 100, 256 };

  return channels[below (check, G_N_ELEMENTS (channels))];
}

/* More than 96 and 192, where a grid has another column. */
int
atl_check_size (AtlCheck *check, int largest)
{
  static const int sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 33, 48, 65, 100, 193 };
  size_t n = 1;

  while (n < G_N_ELEMENTS (sizes) && sizes[n] <= largest)
    n++;
  return sizes[below (check, n)];
}

AtlShape
atl_check_shape (AtlCheck *check, size_t most)
{
  AtlShape shape;

  do
    shape = (AtlShape) { .n = 1 + (int) below (check, 3),
                         .c = atl_check_channels (check),
                         .h = atl_check_size (check, G_MAXINT),
                         .w = atl_check_size (check, G_MAXINT) };
  while (atl_shape_size (&shape) > most);

  return shape;
}

gboolean
atl_check_flip (AtlCheck *check)
{
  return below (check, 2) == 1;
}

float
atl_check_gain (AtlCheck *check)
{
  static const float gains[] = { -0.5f, 0.1f, 1.0f };

  return gains[below (check, G_N_ELEMENTS (gains))];
}

static float *
draw_numbers (AtlCheck *check, size_t n, double scale)
{
  float *numbers = g_new (float, MAX (n, 1));

  for (size_t i = 0; i < n; i++)
    numbers[i] = (float) (scale * atl_random_normal (&check->random));
  g_ptr_array_add (check->numbers, numbers);
  return numbers;
}

static const struct
{
  const char *name;
  double scale;
} inputs[] = {
  [ATL_INPUT_NORMAL] = { "normal", 1.0 },
  [ATL_INPUT_HUGE] = { "huge", 1e15 },
  [ATL_INPUT_TINY] = { "tiny", 1e-36 },
  [ATL_INPUT_ZERO] = { "zero", 0.0 },
};

_Static_assert (G_N_ELEMENTS (inputs) == ATL_N_INPUTS, "an input without a name");

float *
atl_check_numbers (AtlCheck *check, size_t n)
{
  return draw_numbers (check, n, inputs[check->input].scale);
}

float *
atl_check_parameters (AtlCheck *check, size_t n)
{
  return draw_numbers (check, n, 1.0);
}

void
atl_check_describe (AtlCheck *check, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (check->what);
  check->what = g_strdup_vprintf (format, args);
  va_end (args);
}

/* Comparing. */

static int n_failures;

static void G_GNUC_PRINTF (2, 3) fail (const AtlCheck *check, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  if (n_failures++ < N_FAILURES_SHOWN)
    printf ("  %s, %s input: %s\n", check->what, inputs[check->input].name, message);
}

/* What lies in a tensor beside the plain numbers must be zero, as a fresh import leaves it. */
static gboolean
padding_is_zero (const AtlBackend *backend, const Buffer *buffer)
{
  g_autofree float *fresh = g_new0 (float, MAX (buffer->n, 1));

  if (! buffer->is_tensor)
    {
      for (size_t i = buffer->n_plain; i < buffer->n; i++)
        if (buffer->floats[i] != 0.0f)
          return FALSE;
      return TRUE;
    }

  backend->tensor_import (fresh, buffer->plain, &buffer->shape);
  for (size_t i = 0; i < buffer->n; i++)
    if (fresh[i] != buffer->floats[i] && ! (isnan (fresh[i]) && isnan (buffer->floats[i])))
      return FALSE;
  return TRUE;
}

static void
side_finish (AtlCheck *check, AtlSide *side)
{
  for (guint i = 0; i < side->buffers->len; i++)
    {
      Buffer *buffer = &g_array_index (side->buffers, Buffer, i);
      const char *name = buffer->name != NULL ? buffer->name : "an input or scratch";

      if (! all_bits (buffer->floats - N_GUARDS, N_GUARDS, guard_bits)
          || ! all_bits (buffer->floats + buffer->n, N_GUARDS, guard_bits))
        fail (check, "'%s' wrote outside of %s", side->backend->name, name);

      if (buffer->name == NULL)
        continue;

      buffer->plain = g_new (float, MAX (buffer->n_plain, 1));
      if (buffer->is_tensor)
        side->backend->tensor_export (buffer->plain, buffer->floats, &buffer->shape);
      else
        memcpy (buffer->plain, buffer->floats, buffer->n_plain * sizeof (float));

      if (! padding_is_zero (side->backend, buffer))
        fail (check, "the padding of %s is not zero", name);
    }
}

/* Infinity is near to itself alone, and NaN to NaN. */
static gboolean
is_near (double is, double wanted, double allowed)
{
  if (isnan (is) || isnan (wanted))
    return isnan (is) && isnan (wanted);

  return is == wanted || fabs (is - wanted) <= allowed;
}

static void
compare_output (AtlCheck *check, const Buffer *fast, const Buffer *reference)
{
  const AtlNearness near = reference->nearness;
  const double largest = atl_test_largest (reference->plain, reference->n_plain);
  /* FLT_MIN: a backend that computes may flush denormal numbers to zero. */
  const double allowed = near.tolerance > 0.0
                             ? near.tolerance * fmax (near.scale, largest) + FLT_MIN
                             : 0.0;

  for (size_t i = 0; i < reference->n_plain; i++)
    {
      const double is = fast->plain[i], wanted = reference->plain[i];

      if (! is_near (is, wanted, allowed))
        {
          fail (check, "%s[%zu] is %.9g, the reference has %.9g; |difference| %.3g > %.3g",
                fast->name, i, is, wanted, fabs (is - wanted), allowed);
          return;
        }
    }
}

static void
compare_sides (AtlCheck *check, const AtlSide *fast, const AtlSide *reference)
{
  for (guint i = 0; i < fast->buffers->len; i++)
    {
      const Buffer *buffer = &g_array_index (fast->buffers, Buffer, i);

      if (buffer->name != NULL)
        compare_output (check, buffer, &g_array_index (reference->buffers, Buffer, i));
    }
}

static void
compare_threads (AtlCheck *check, const AtlSide *side, const AtlSide *first, int n_threads)
{
  for (guint i = 0; i < side->buffers->len; i++)
    {
      const Buffer *a = &g_array_index (side->buffers, Buffer, i);
      const Buffer *b = &g_array_index (first->buffers, Buffer, i);

      if (a->name != NULL && memcmp (a->plain, b->plain, a->n_plain * sizeof (float)) != 0)
        fail (check, "%s differs between 1 thread and %d", a->name, n_threads);
    }
}

void
atl_check_run (AtlCheck *check, void (*run) (AtlSide *side, const void *data), const void *data)
{
  static const int n_threads[] = { 1, 2, 3, 5 };
  const int n_threads_before = atl_threads_count ();
  g_autoptr (AtlSide) reference = side_new (atl_backend_reference (), TRUE);
  g_autoptr (AtlSide) first = NULL;

  run (reference, data);
  side_finish (check, reference);

  for (size_t i = 0; i < G_N_ELEMENTS (n_threads); i++)
    {
      g_autoptr (AtlSide) side = side_new (check->backend, FALSE);

      atl_threads_set_count (n_threads[i]);
      run (side, data);
      side_finish (check, side);
      if (first == NULL)
        {
          compare_sides (check, side, reference);
          first = g_steal_pointer (&side);
        }
      else
        compare_threads (check, side, first, n_threads[i]);
    }

  atl_threads_set_count (n_threads_before);
}

void
atl_check_operator (const AtlBackend *backend, const AtlOperator *op)
{
  AtlCheck check = { .backend = backend };
  const int divisor = atl_test_quick () ? 10 : 1;

  atl_random_init (&check.random, g_str_hash (op->name), 0);
  n_failures = 0;
  for (int input = 0; input < ATL_N_INPUTS; input++)
    for (int i = 0; i < op->n_cases / divisor; i++)
      {
        check.input = (AtlInput) input;
        check.numbers = g_ptr_array_new_with_free_func (g_free);
        op->check (&check);
        g_ptr_array_unref (check.numbers);
      }

  g_free (check.what);
  if (n_failures > N_FAILURES_SHOWN)
    printf ("  and %d more\n", n_failures - N_FAILURES_SHOWN);
  CU_ASSERT_EQUAL (n_failures, 0);
}
