/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random cases of the operators that move pixels: enlargement, pooling, padding, joining.
 */

#include "check.h"

#include <math.h>

static const AtlNearness exact = { 0.0, 0.0 };
/* Sums of some numbers. */
static const AtlNearness near_sum = { 1e-6, 0.0 };

typedef struct
{
  AtlShape shape, shape_y; /* of x and y */
  const float *x, *dx, *dy;
  gboolean accumulate, relu;
  int factor;
  AtlMaxPool pool;
  AtlReflectionPad pad;

  /* Of what is joined: x goes into y from 'channel' on. */
  AtlOffset offset;
  int channel;

  /* Of rows that are copied. */
  int row_x, row_y, n_rows;
} SpatialCase;

static float *
draw_tensor (AtlCheck *check, const AtlShape *shape)
{
  return atl_check_numbers (check, atl_shape_size (shape));
}

/* What the cases have in common, when their shapes are known. */
static void
draw_numbers (AtlCheck *check, SpatialCase *c)
{
  c->accumulate = atl_check_flip (check);
  c->x = draw_tensor (check, &c->shape);
  c->dy = draw_tensor (check, &c->shape_y);
  c->dx = c->accumulate ? draw_tensor (check, &c->shape) : NULL;
}

static SpatialCase
draw_upsample (AtlCheck *check)
{
  SpatialCase c = { .factor = 1 + (int) atl_random_below (&check->random, 3) };

  c.shape = atl_check_shape (check, ATL_CHECK_MOST / (size_t) (c.factor * c.factor));
  c.shape_y = (AtlShape) { c.shape.n, c.shape.c, c.shape.h * c.factor, c.shape.w * c.factor };
  draw_numbers (check, &c);
  atl_check_describe (check, "%d x %d x %d x %d by %d%s", c.shape.n, c.shape.c, c.shape.h,
                      c.shape.w, c.factor, c.accumulate ? ", accumulate" : "");
  return c;
}

static void
run_upsample_forward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape_y, NULL, exact);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->upsample_forward (y, x, &c->shape, c->factor);
}

void
atl_check_upsample_forward (AtlCheck *check)
{
  const SpatialCase c = draw_upsample (check);

  atl_check_run (check, run_upsample_forward, &c);
}

static void
run_upsample_backward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->dx, near_sum);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  atl_side_backend (side)->upsample_backward (dx, dy, &c->shape, c->factor, c->accumulate);
}

void
atl_check_upsample_backward (AtlCheck *check)
{
  const SpatialCase c = draw_upsample (check);

  atl_check_run (check, run_upsample_backward, &c);
}

/* A pad with which all windows hold a part of the picture: it is smaller than the kernel, and where it is
 * negative, rows or columns of x are skipped. */
static int
draw_pad (AtlCheck *check, int kernel, int side)
{
  const int pad = (int) atl_random_below (&check->random, (guint32) kernel + 2) - 2;

  return CLAMP (pad, 1 - side, kernel - 1);
}

static SpatialCase
draw_max_pool (AtlCheck *check)
{
  SpatialCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST) };
  AtlMaxPool *p = &c.pool;
  float *x;

  *p = (AtlMaxPool) { .n = c.shape.n, .c = c.shape.c, .h_in = c.shape.h, .w_in = c.shape.w };
  p->kernel = 1 + (int) atl_random_below (&check->random, 3);
  p->stride = 1 + (int) atl_random_below (&check->random, 2);
  p->pad_top = draw_pad (check, p->kernel, p->h_in);
  p->pad_left = draw_pad (check, p->kernel, p->w_in);
  /* The last window begins inside. */
  p->h_out = (p->h_in - 1 + p->pad_top) / p->stride + 1;
  p->w_out = (p->w_in - 1 + p->pad_left) / p->stride + 1;
  c.shape_y = (AtlShape) { p->n, p->c, p->h_out, p->w_out };
  draw_numbers (check, &c);

  c.relu = atl_check_flip (check);
  /* Some numbers are equal, and perhaps one is NaN. */
  x = (float *) c.x;
  for (size_t i = 0; i < atl_shape_size (&c.shape); i += 3)
    x[i] = 0.0f;
  if (atl_check_flip (check))
    x[atl_random_below (&check->random, (guint32) atl_shape_size (&c.shape))] = NAN;

  atl_check_describe (check, "%d x %d x %d x %d, kernel %d, stride %d, pads %d %d%s", p->n, p->c,
                      p->h_in, p->w_in, p->kernel, p->stride, p->pad_top, p->pad_left,
                      c.accumulate ? ", accumulate" : "");
  return c;
}

static void
run_max_pool_forward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape_y, NULL, exact);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->max_pool_forward (y, x, &c->pool);
}

void
atl_check_max_pool_forward (AtlCheck *check)
{
  const SpatialCase c = draw_max_pool (check);

  atl_check_run (check, run_max_pool_forward, &c);
}

static void
run_max_pool_backward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->dx, near_sum);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->max_pool_backward (dx, dy, x, &c->pool, c->accumulate, c->relu);
}

void
atl_check_max_pool_backward (AtlCheck *check)
{
  const SpatialCase c = draw_max_pool (check);

  atl_check_run (check, run_max_pool_backward, &c);
}

/* The part of a side that 'size' pixels from 'first' on of the continued picture read. */
static void
find_read (int first, int size, int side, int *begin, int *n)
{
  int lowest = side, highest = -1;

  for (int i = first; i < first + size; i++)
    {
      lowest = MIN (lowest, atl_mirrored (i, side));
      highest = MAX (highest, atl_mirrored (i, side));
    }
  *begin = lowest;
  *n = highest - lowest + 1;
}

/* A part of a padded picture, with the part of the picture that it reads. */
static SpatialCase
draw_reflection_pad (AtlCheck *check)
{
  SpatialCase c = { .shape_y = atl_check_shape (check, ATL_CHECK_MOST) };
  AtlReflectionPad *p = &c.pad;

  *p = (AtlReflectionPad) { .n = c.shape_y.n,
                            .c = c.shape_y.c,
                            .height = atl_check_size (check, 100),
                            .width = atl_check_size (check, 100),
                            .h_y = c.shape_y.h,
                            .w_y = c.shape_y.w };
  p->top = (int) atl_random_below (&check->random, (guint32) p->height + 10) - 10;
  p->left = (int) atl_random_below (&check->random, (guint32) p->width + 10) - 10;
  find_read (p->top, p->h_y, p->height, &p->x_top, &p->h_x);
  find_read (p->left, p->w_y, p->width, &p->x_left, &p->w_x);
  c.shape = (AtlShape) { p->n, p->c, p->h_x, p->w_x };
  draw_numbers (check, &c);

  atl_check_describe (check, "%d x %d x %d x %d from (%d, %d) of %d x %d%s", p->n, p->c, p->h_y,
                      p->w_y, p->top, p->left, p->height, p->width,
                      c.accumulate ? ", accumulate" : "");
  return c;
}

static void
run_reflection_pad_forward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape_y, NULL, exact);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->reflection_pad_forward (y, x, &c->pad);
}

void
atl_check_reflection_pad_forward (AtlCheck *check)
{
  const SpatialCase c = draw_reflection_pad (check);

  atl_check_run (check, run_reflection_pad_forward, &c);
}

static void
run_reflection_pad_backward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  /* Of up to 193 x 193 numbers in a single one. */
  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->dx, (AtlNearness) { 1e-4, 0.0 });
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  atl_side_backend (side)->reflection_pad_backward (dx, dy, &c->pad, c->accumulate);
}

void
atl_check_reflection_pad_backward (AtlCheck *check)
{
  const SpatialCase c = draw_reflection_pad (check);

  atl_check_run (check, run_reflection_pad_backward, &c);
}

/* The other rows of y keep their numbers. */
static void
run_copy_rows (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *y = atl_side_output_tensor (side, "y", &c->shape_y, c->dy, exact);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->tensor_copy_rows (y, &c->shape_y, c->row_y, x, &c->shape, c->row_x,
                                             c->n_rows);
}

void
atl_check_copy_rows (AtlCheck *check)
{
  SpatialCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST) };

  c.shape_y = c.shape;
  c.shape_y.h = 1 + (int) atl_random_below (&check->random, (guint32) c.shape.h);
  if (atl_check_flip (check))
    {
      const AtlShape larger = c.shape;

      c.shape = c.shape_y;
      c.shape_y = larger;
    }
  c.n_rows = 1 + (int) atl_random_below (&check->random, (guint32) MIN (c.shape.h, c.shape_y.h));
  c.row_x = (int) atl_random_below (&check->random, (guint32) (c.shape.h - c.n_rows + 1));
  c.row_y = (int) atl_random_below (&check->random, (guint32) (c.shape_y.h - c.n_rows + 1));
  draw_numbers (check, &c);
  atl_check_describe (check, "%d rows of %d x %d x %d x %d from %d to %d of %d", c.n_rows,
                      c.shape.n, c.shape.c, c.shape.h, c.shape.w, c.row_x, c.row_y, c.shape_y.h);
  atl_check_run (check, run_copy_rows, &c);
}

/* y has channels before x's and perhaps behind them; x has a rim. */
static SpatialCase
draw_concat (AtlCheck *check)
{
  SpatialCase c = { .shape = atl_check_shape (check, ATL_CHECK_MOST / 4) };
  const int before = atl_check_flip (check) ? atl_check_channels (check) : 0;
  const int behind = atl_check_flip (check) ? atl_check_channels (check) : 0;
  const int rim = (int) atl_random_below (&check->random, 2);

  c.shape_y = c.shape;
  c.shape_y.c = before + c.shape.c + behind;
  c.shape.h += 2 * rim;
  c.shape.w += 3 * rim;
  c.offset = (AtlOffset) { rim, 2 * rim };
  c.channel = before;
  draw_numbers (check, &c);

  atl_check_describe (check, "%d x %d x %d x %d to %d channels from %d, offset %d %d%s", c.shape.n,
                      c.shape.c, c.shape_y.h, c.shape_y.w, c.shape_y.c, c.channel, c.offset.top,
                      c.offset.left, c.accumulate ? ", accumulate" : "");
  return c;
}

/* The other channels of y keep what they have: numbers, or NaN if x's are the last, which then also have to clear
 * what is added behind them. */
static void
run_concat_forward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;
  const gboolean last = c->channel + c->shape.c == c->shape_y.c;

  float *y = atl_side_output_tensor (side, "y", &c->shape_y, last ? NULL : c->dy, exact);
  const float *x = atl_side_tensor (side, c->x, &c->shape);
  atl_side_backend (side)->concat_forward (y, x, &c->shape_y, &c->shape, c->offset, c->channel);
}

void
atl_check_concat_forward (AtlCheck *check)
{
  const SpatialCase c = draw_concat (check);

  atl_check_run (check, run_concat_forward, &c);
}

static void
run_concat_backward (AtlSide *side, const void *data)
{
  const SpatialCase *c = data;

  float *dx = atl_side_output_tensor (side, "dx", &c->shape, c->dx, near_sum);
  const float *dy = atl_side_tensor (side, c->dy, &c->shape_y);
  atl_side_backend (side)->concat_backward (dx, dy, &c->shape_y, &c->shape, c->offset, c->channel,
                                            c->accumulate);
}

void
atl_check_concat_backward (AtlCheck *check)
{
  const SpatialCase c = draw_concat (check);

  atl_check_run (check, run_concat_backward, &c);
}
