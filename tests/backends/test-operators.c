/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every operator of every backend, held to the reference over random shapes and inputs. See check.h.
 */

#include "suite.h"

#include "base/cpu.h"
#include "check.h"

/* Held to the reference: a new backend is one line. */
static const AtlBackend *(*const backends[]) (void) = {
  atl_backend_cpu,
};

/* A new operator is one line. */
static const AtlOperator operators[] = {
  { "tensor import and export", atl_check_tensor, 30 },
  { "conv2d forward", atl_check_conv2d_forward, 150 },
  { "conv2d backward data", atl_check_conv2d_backward_data, 100 },
  { "conv2d backward weight", atl_check_conv2d_backward_weight, 100 },
  { "transposed conv2d forward", atl_check_conv_transpose2d_forward, 100 },
  { "bias backward", atl_check_bias_backward, 30 },
  { "relu forward", atl_check_relu_forward, 30 },
  { "relu backward", atl_check_relu_backward, 30 },
  { "scaled add forward", atl_check_scaled_add_forward, 30 },
  { "scaled add backward", atl_check_scaled_add_backward, 30 },
  { "scale and shift", atl_check_scale_shift, 30 },
  { "pixel shuffle forward", atl_check_pixel_shuffle_forward, 30 },
  { "pixel shuffle backward", atl_check_pixel_shuffle_backward, 30 },
  { "upsample forward", atl_check_upsample_forward, 30 },
  { "upsample backward", atl_check_upsample_backward, 30 },
  { "max pool forward", atl_check_max_pool_forward, 50 },
  { "max pool backward", atl_check_max_pool_backward, 50 },
  { "reflection pad forward", atl_check_reflection_pad_forward, 50 },
  { "reflection pad backward", atl_check_reflection_pad_backward, 50 },
  { "copy of rows", atl_check_copy_rows, 30 },
  { "concat forward", atl_check_concat_forward, 50 },
  { "concat backward", atl_check_concat_backward, 50 },
  { "batch norm forward", atl_check_batch_norm_forward, 30 },
  { "batch norm backward", atl_check_batch_norm_backward, 30 },
  { "L1 loss", atl_check_l1_loss, 30 },
  { "MSE loss", atl_check_mse_loss, 30 },
  { "binary cross-entropy loss", atl_check_binary_cross_entropy_loss, 30 },
  { "Gram matrix forward", atl_check_gram_forward, 30 },
  { "Gram matrix backward", atl_check_gram_backward, 30 },
  { "Adam", atl_check_adam, 30 },
};

enum
{
  N_TESTS = G_N_ELEMENTS (backends) * G_N_ELEMENTS (operators)
};

typedef struct
{
  const AtlBackend *backend;
  const AtlOperator *op;
} Subject;

static void
hold_to_reference (void)
{
  const Subject *subject = atl_test_data ();
  const char *level = g_getenv ("ATELIER_CPU");

  if (level != NULL && ! g_str_equal (level, atl_cpu_level_name (atl_cpu_level ())))
    atl_test_skip ("this processor lacks the instructions");
  else
    atl_check_operator (subject->backend, subject->op);
}

int
main (void)
{
  Subject subjects[N_TESTS];
  AtlTest tests[N_TESTS];
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int n_tests = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (backends); i++)
    for (size_t k = 0; k < G_N_ELEMENTS (operators); k++)
      {
        const AtlBackend *backend = backends[i]();
        char *name = g_strdup_printf ("%s (%s): %s", backend->name, backend->variant,
                                      operators[k].name);

        g_ptr_array_add (names, name);
        subjects[n_tests] = (Subject) { backend, &operators[k] };
        tests[n_tests] = (AtlTest) { name, hold_to_reference, &subjects[n_tests] };
        n_tests++;
      }

  return atl_suite_run ("operators", tests, n_tests);
}
