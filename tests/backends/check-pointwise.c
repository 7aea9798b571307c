/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random cases of the operators that move numbers or compute each from those at its place.
 */

#include "check.h"

#include <math.h>

/* A product and a sum, each rounded or both at once. */
static const AtlNearness near_product = { 3e-7, 0.0 };
static const AtlNearness exact = { 0.0, 0.0 };

typedef struct
{
  AtlShape shape, shape_large; /* large: of a in a scaled add, or of what is shuffled */
  const float *x, *a, *dx, *dy, *scale, *shift;
  AtlOffset offset;
  int factor;
  float gain;
  gboolean in_place, accumulate;
} PointCase;

static PointCase
draw_case (AtlCheck *check)
{
  PointCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST) };

  c.gain = atl_check_gain (check);
  c.accumulate = atl_check_flip (check);
  return c;
}

static void
describe (AtlCheck *check, const PointCase *c)
{
  atl_check_describe (check, "%d x %d x %d x %d, gain %g%s%s", c->shape.n, c->shape.c, c->shape.h,
                      c->shape.w, c->gain, c->in_place ? ", in place" : "",
                      c->accumulate ? ", accumulate" : "");
}

static float *
draw_tensor (AtlCheck *check, const AtlShape *shape)
{
  return atl_check_numbers (check, atl_shape_size (shape));
}

/* What the gradient holds before: numbers if it is added to, else nothing. */
static const float *
draw_gradient (AtlCheck *check, const PointCase *c, const AtlShape *shape)
{
  return c->accumulate ? draw_tensor (check, shape) : NULL;
}

/* Import into memory full of NaN, where the padding must become zero. */
static void
run_tensor (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape, NULL, exact);
  atl_side_backend (side)->tensor_import (y, c->x, &c->shape);
}

void
atl_check_tensor (AtlCheck *check)
{
  PointCase c = draw_case (check);

  c.x = draw_tensor (check, &c.shape);
  describe (check, &c);
  atl_check_run (check, run_tensor, &c);
}

static void
run_relu_forward (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape, c->in_place ? c->x : NULL, exact);
  const float *x = c->in_place ? y : atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->relu_forward (y, x, &c->shape);
}

void
atl_check_relu_forward (AtlCheck *check)
{
  PointCase c = draw_case (check);
  float *x = draw_tensor (check, &c.shape);

  if (atl_check_flip (check))
    x[atl_random_below (&check->random, (guint32) atl_shape_size (&c.shape))] = atl_check_flip (
                                                                                    check)
                                                                                    ? NAN
                                                                                    : INFINITY;
  c.x = x;
  c.in_place = atl_check_flip (check);
  describe (check, &c);
  atl_check_run (check, run_relu_forward, &c);
}

static void
run_relu_backward (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->in_place ? c->dy : c->dx,
                                      near_product);
  const float *dy = c->in_place ? dx : atl_side_tensor (side, c->dy, &c->shape);
  const float *y = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->relu_backward (dx, dy, y, &c->shape, c->accumulate);
}

void
atl_check_relu_backward (AtlCheck *check)
{
  PointCase c = draw_case (check);
  const size_t size = atl_shape_size (&c.shape);
  float *y = atl_check_numbers (check, size);

  for (size_t i = 0; i < size; i++)
    y[i] = MAX (y[i], 0.0f);
  c.x = y;
  c.dy = draw_tensor (check, &c.shape);
  c.dx = draw_gradient (check, &c, &c.shape);
  c.in_place = ! c.accumulate && atl_check_flip (check);
  describe (check, &c);
  atl_check_run (check, run_relu_backward, &c);
}

/* A tensor around that of the case, of the same size half of the time. */
static void
draw_frame (AtlCheck *check, PointCase *c)
{
  c->shape_large = c->shape;
  if (atl_check_flip (check))
    return;

  c->offset.top = (int) atl_random_below (&check->random, 4);
  c->offset.left = (int) atl_random_below (&check->random, 4);
  c->shape_large.h += c->offset.top + (int) atl_random_below (&check->random, 4);
  c->shape_large.w += c->offset.left + (int) atl_random_below (&check->random, 4);
}

static void
run_scaled_add_forward (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape, c->in_place ? c->x : NULL, near_product);
  const float *a = atl_side_tensor (side, c->a, &c->shape_large);
  const float *b = c->in_place ? y : atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->scaled_add_forward (y, a, b, &c->shape, &c->shape_large, c->offset,
                                               c->gain);
}

void
atl_check_scaled_add_forward (AtlCheck *check)
{
  PointCase c = draw_case (check);

  draw_frame (check, &c);
  c.a = draw_tensor (check, &c.shape_large);
  c.x = draw_tensor (check, &c.shape);
  c.in_place = atl_check_flip (check);
  describe (check, &c);
  atl_check_run (check, run_scaled_add_forward, &c);
}

static void
run_scaled_add_backward (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *dx = atl_side_output_tensor (side, "dx", &c->shape_large, c->dx, near_product);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape);
  atl_side_backend (side)->scaled_add_backward (dx, dy, &c->shape, &c->shape_large, c->offset,
                                                c->gain, c->accumulate);
}

void
atl_check_scaled_add_backward (AtlCheck *check)
{
  PointCase c = draw_case (check);

  draw_frame (check, &c);
  c.dy = draw_tensor (check, &c.shape);
  c.dx = draw_gradient (check, &c, &c.shape_large);
  describe (check, &c);
  atl_check_run (check, run_scaled_add_backward, &c);
}

static void
run_scale_shift (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape, c->in_place ? c->x : NULL, near_product);
  const float *x = c->in_place ? y : atl_side_tensor (side, c->x, &c->shape);
  const float *scale = atl_side_vector (side, c->scale, c->shape.c);
  const float *shift = atl_side_vector (side, c->shift, c->shape.c);
  atl_side_backend (side)->scale_shift (y, x, scale, shift, &c->shape);
}

void
atl_check_scale_shift (AtlCheck *check)
{
  PointCase c = draw_case (check);

  c.x = draw_tensor (check, &c.shape);
  c.scale = atl_check_parameters (check, (size_t) c.shape.c);
  c.shift = atl_check_numbers (check, (size_t) c.shape.c);
  c.in_place = atl_check_flip (check);
  describe (check, &c);
  atl_check_run (check, run_scale_shift, &c);
}

/* shape: of x, with factor^2 times the channels; shape_large: of y. */
static PointCase
draw_shuffle (AtlCheck *check)
{
  PointCase c = draw_case (check);

  c.factor = 1 + (int) atl_random_below (&check->random, 3);
  c.shape = atl_check_shape (check, ATL_CHECK_MOST / (size_t) (c.factor * c.factor));
  c.shape_large = (AtlShape) { c.shape.n, c.shape.c, c.shape.h * c.factor, c.shape.w * c.factor };
  c.shape.c *= c.factor * c.factor;
  return c;
}

static void
run_pixel_shuffle_forward (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape_large, NULL, exact);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->pixel_shuffle_forward (y, x, &c->shape, c->factor);
}

void
atl_check_pixel_shuffle_forward (AtlCheck *check)
{
  PointCase c = draw_shuffle (check);

  c.x = draw_tensor (check, &c.shape);
  describe (check, &c);
  atl_check_run (check, run_pixel_shuffle_forward, &c);
}

static void
run_pixel_shuffle_backward (AtlSide *side, const void *data)
{
  const PointCase *c = data;

  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->dx, near_product);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_large);
  atl_side_backend (side)->pixel_shuffle_backward (dx, dy, &c->shape, c->factor, c->accumulate);
}

void
atl_check_pixel_shuffle_backward (AtlCheck *check)
{
  PointCase c = draw_shuffle (check);

  c.dy = draw_tensor (check, &c.shape_large);
  c.dx = draw_gradient (check, &c, &c.shape);
  describe (check, &c);
  atl_check_run (check, run_pixel_shuffle_backward, &c);
}
