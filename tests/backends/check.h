/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a backend is held to the reference: random cases of an operator are computed by both, the backend
 * on several numbers of threads, in memory between guards that is filled with NaN where an operator may
 * not rely on what is there.
 *
 * An operator's check draws one case, describes it, and calls atl_check_run () with a function that
 * computes it on one side. That function is the same for all backends: it asks the side for the arrays
 * it passes to the operator.
 */

#pragma once

#include <glib.h>

#include "backends/backend.h"
#include "base/random.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_INPUT_NORMAL, /* normally distributed */
  ATL_INPUT_HUGE,   /* 1e15 times that: its square is still a float */
  ATL_INPUT_TINY,   /* 1e-36 times that: the smallest are denormal, as is what they make */
  ATL_INPUT_ZERO,
  ATL_N_INPUTS
} AtlInput;

typedef struct
{
  const AtlBackend *backend; /* the one to be checked */
  AtlRandom random;
  AtlInput input;
  char *what;         /* the case in words */
  GPtrArray *numbers; /* freed when the case is done */
} AtlCheck;

/* One operator: a row of the table of test-operators.c. */
typedef struct
{
  const char *name;
  void (*check) (AtlCheck *check); /* draws one case and runs it */
  int n_cases;                     /* for each kind of input; at least 10 */
} AtlOperator;

/* Checks n_cases random cases for each kind of input, a tenth of them if ATELIER_TEST_QUICK is set;
 * failures are reported to CUnit. */
void atl_check_operator (const AtlBackend *backend, const AtlOperator *op);

/* Drawing a case. */

int atl_check_channels (AtlCheck *check);
/* A number of rows or columns, at most 'largest'. */
int atl_check_size (AtlCheck *check, int largest);
/* All of a tensor's sizes, of at most so many numbers. */
AtlShape atl_check_shape (AtlCheck *check, size_t most);
#define ATL_CHECK_MOST 200000 /* a case then takes milliseconds */
gboolean atl_check_flip (AtlCheck *check);
/* -0.5, 0.1 or 1. */
float atl_check_gain (AtlCheck *check);
/* n numbers of the kind of input of this case; owned by the check, as those below. */
float *atl_check_numbers (AtlCheck *check, size_t n);
/* n numbers as weights and biases are, whatever the kind of input. */
float *atl_check_parameters (AtlCheck *check, size_t n);
void atl_check_describe (AtlCheck *check, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* One backend's computation of a case. The arrays that it gives belong to it. Tensors are given in plain
 * order and converted to the backend's layout. */
typedef struct AtlSide AtlSide;

const AtlBackend *atl_side_backend (const AtlSide *side);

/* Inputs; NULL stays NULL. */
const float *atl_side_tensor (AtlSide *side, const float *nchw, const AtlShape *shape);
/* One number a channel; for all but the reference padded by zeros to whole blocks. */
const float *atl_side_vector (AtlSide *side, const float *values, int n_channels);
const float *atl_side_array (AtlSide *side, const float *values, size_t n);
/* n floats of NaN that the operator may use. */
float *atl_side_scratch (AtlSide *side, size_t n);

/* How near an output must be to the reference's y: |difference| <= tolerance max (scale, max |y|), and equal
 * with a tolerance of 0, or where y is not finite. The scale is the size of what is summed: with it a sum that happens to cancel is not asked for digits
 * that float does not have. */
typedef struct
{
  double tolerance, scale;
} AtlNearness;

/* Outputs; 'initial' is what they hold before, NULL = NaN. Compared after the run. */
float *atl_side_output_tensor (AtlSide *side, const char *name, const AtlShape *shape,
                               const float *initial, AtlNearness nearness);
float *atl_side_output_vector (AtlSide *side, const char *name, int n_channels,
                               const float *initial, AtlNearness nearness);
float *atl_side_output_array (AtlSide *side, const char *name, size_t n, const float *initial,
                              AtlNearness nearness);

/* Computes the case on the reference and on the backend, and compares. */
void atl_check_run (AtlCheck *check, void (*run) (AtlSide *side, const void *data),
                    const void *data);

/* The operators. */

void atl_check_tensor (AtlCheck *check);
void atl_check_conv2d_forward (AtlCheck *check);
void atl_check_conv2d_backward_data (AtlCheck *check);
void atl_check_conv2d_backward_weight (AtlCheck *check);
void atl_check_conv_transpose2d_forward (AtlCheck *check);
void atl_check_bias_backward (AtlCheck *check);
void atl_check_relu_forward (AtlCheck *check);
void atl_check_relu_backward (AtlCheck *check);
void atl_check_scaled_add_forward (AtlCheck *check);
void atl_check_scaled_add_backward (AtlCheck *check);
void atl_check_scale_shift (AtlCheck *check);
void atl_check_pixel_shuffle_forward (AtlCheck *check);
void atl_check_pixel_shuffle_backward (AtlCheck *check);
void atl_check_upsample_forward (AtlCheck *check);
void atl_check_upsample_backward (AtlCheck *check);
void atl_check_max_pool_forward (AtlCheck *check);
void atl_check_max_pool_backward (AtlCheck *check);
void atl_check_reflection_pad_forward (AtlCheck *check);
void atl_check_reflection_pad_backward (AtlCheck *check);
void atl_check_copy_rows (AtlCheck *check);
void atl_check_concat_forward (AtlCheck *check);
void atl_check_concat_backward (AtlCheck *check);
void atl_check_batch_norm_forward (AtlCheck *check);
void atl_check_batch_norm_backward (AtlCheck *check);
void atl_check_l1_loss (AtlCheck *check);
void atl_check_mse_loss (AtlCheck *check);
void atl_check_binary_cross_entropy_loss (AtlCheck *check);
void atl_check_gram_forward (AtlCheck *check);
void atl_check_gram_backward (AtlCheck *check);
void atl_check_adam (AtlCheck *check);

G_END_DECLS
