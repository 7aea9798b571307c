/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Colours for transparent pixels.
 *
 * Level 0 are the pixels, a cell of level k + 1 is made of 2 x 2 cells of level k:
 *
 *   w     = sum of alpha,   c = sum of alpha colour / w            where w > 0
 *   c [k] = c [k + 1], bilinearly interpolated                     where w = 0
 */

#include "image/fill.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"

/* The part of a level that is held: cells of H x W x 4, first (alpha R, alpha G, alpha B, alpha) summed,
 * after it was filled the mean colour and 1. */
typedef struct
{
  AtlRegion held;
  float *cells;
} Level;

struct AtlFill
{
  int width, height; /* of the picture */
  int shift;         /* a cell of 'base' has 2^shift x 2^shift pixels */
  Level base;
};

enum
{
  SHIFT_MIN = 3,
  SHIFT_MAX = 9, /* ATL_FILL_PART */
  /* 16 MiB; a picture of 64 megapixels still has cells of 8 x 8. */
  CELLS_MAX = 1 << 20
};

static gboolean
level_init (Level *level, const AtlRegion *held, GError **error)
{
  level->held = *held;
  level->cells = atl_floats_new ((size_t) held->width * held->height * 4,
                                 _ ("the colours under transparent pixels"), error);
  return level->cells != NULL;
}

static void
level_clear (Level *level)
{
  atl_floats_free (level->cells);
  level->cells = NULL;
}

/* The cell at (x, y) of the level, or the nearest that is held. */
static const float *
level_cell (const Level *level, int x, int y)
{
  x = CLAMP (x - level->held.x, 0, level->held.width - 1);
  y = CLAMP (y - level->held.y, 0, level->held.height - 1);
  return level->cells + ((size_t) y * level->held.width + x) * 4;
}

static gboolean
coarser_init (Level *coarser, const Level *level, GError **error)
{
  const AtlRegion *from = &level->held;
  const int x = from->x >> 1, y = from->y >> 1;
  const AtlRegion held = { x, y, (from->x + from->width + 1) / 2 - x,
                           (from->y + from->height + 1) / 2 - y };

  if (! level_init (coarser, &held, error))
    return FALSE;

  const float *cell = level->cells;
  for (int r = from->y; r < from->y + from->height; r++)
    for (int q = from->x; q < from->x + from->width; q++, cell += 4)
      {
        float *sum = coarser->cells + ((size_t) ((r >> 1) - y) * held.width + ((q >> 1) - x)) * 4;

        for (int c = 0; c < 4; c++)
          sum[c] += cell[c];
      }

  return TRUE;
}

/* The colour of the filled level 'coarser' at the cell (x, y) of the level below it: the four nearest
 * cells with weights of 1/4 and 3/4 a direction. */
static void
interpolate (float *colour, const Level *coarser, int x, int y)
{
  const int left = (x + 1) / 2 - 1, top = (y + 1) / 2 - 1;
  const float right_weight = x % 2 == 0 ? 0.75f : 0.25f;
  const float bottom_weight = y % 2 == 0 ? 0.75f : 0.25f;
  const float *nw = level_cell (coarser, left, top), *ne = level_cell (coarser, left + 1, top);
  const float *sw = level_cell (coarser, left, top + 1);
  const float *se = level_cell (coarser, left + 1, top + 1);

  for (int c = 0; c < 3; c++)
    {
      const float north = nw[c] + right_weight * (ne[c] - nw[c]);
      const float south = sw[c] + right_weight * (se[c] - sw[c]);

      colour[c] = north + bottom_weight * (south - north);
    }
}

static void
level_fill (Level *level, const Level *coarser)
{
  const AtlRegion *held = &level->held;
  float *cell = level->cells;

  for (int y = held->y; y < held->y + held->height; y++)
    for (int x = held->x; x < held->x + held->width; x++, cell += 4)
      {
        if (cell[3] > 0.0f)
          for (int c = 0; c < 3; c++)
            cell[c] /= cell[3];
        else
          interpolate (cell, coarser, x, y);
        cell[3] = 1.0f;
      }
}

AtlFill *
atl_fill_new (int width, int height, GError **error)
{
  g_autoptr (AtlFill) fill = g_new0 (AtlFill, 1);

  fill->width = width;
  fill->height = height;
  fill->shift = SHIFT_MIN;
  while (fill->shift < SHIFT_MAX
         && ((size_t) (width >> fill->shift) + 1) * ((size_t) (height >> fill->shift) + 1)
                > CELLS_MAX)
    fill->shift++;

  const AtlRegion held = { 0, 0, ((width - 1) >> fill->shift) + 1,
                           ((height - 1) >> fill->shift) + 1 };
  if (! level_init (&fill->base, &held, error))
    return NULL;

  return g_steal_pointer (&fill);
}

void
atl_fill_free (AtlFill *fill)
{
  if (fill == NULL)
    return;

  level_clear (&fill->base);
  g_free (fill);
}

/* Adds alpha times the colours of the pixels to the cells of 2^shift x 2^shift pixels. */
static void
add_pixels (Level *level, int shift, const float *rgba, const AtlRegion *part)
{
  const AtlRegion *held = &level->held;

  for (int y = part->y; y < part->y + part->height; y++)
    for (int x = part->x; x < part->x + part->width; x++, rgba += 4)
      {
        const size_t at = (size_t) ((y >> shift) - held->y) * held->width
                          + ((x >> shift) - held->x);
        float *sum = level->cells + at * 4;
        const float alpha = fmaxf (0.0f, rgba[3]);

        for (int c = 0; c < 3; c++)
          sum[c] += alpha * rgba[c];
        sum[3] += alpha;
      }
}

void
atl_fill_add (AtlFill *fill, const float *rgba, const AtlRegion *part)
{
  add_pixels (&fill->base, fill->shift, rgba, part);
}

gboolean
atl_fill_finish (AtlFill *fill, gboolean *any_visible, GError **error)
{
  Level levels[32]; /* sizes are ints: halved 31 times they are 1 */
  int n = 1;
  gboolean done = TRUE;

  levels[0] = fill->base;
  while (done && (levels[n - 1].held.width > 1 || levels[n - 1].held.height > 1))
    {
      done = coarser_init (&levels[n], &levels[n - 1], error);
      n++;
    }

  if (done)
    {
      *any_visible = levels[n - 1].cells[3] > 0.0f;
      if (*any_visible)
        for (int k = n - 1; k >= 0; k--)
          level_fill (&levels[k], k < n - 1 ? &levels[k + 1] : NULL);
    }

  for (int k = 1; k < n; k++)
    level_clear (&levels[k]);
  return done;
}

/* A pixel's colour may come from the neighbours of its cell on each local level: 2 + 4 + … pixels away,
 * less than a cell of the base, whose neighbours are at hand for the whole picture. */
AtlRegion
atl_fill_window (const AtlFill *fill, const AtlRegion *region)
{
  const int cell = 1 << fill->shift;
  const int left = MAX (0, (region->x / cell - 1) * cell);
  const int top = MAX (0, (region->y / cell - 1) * cell);
  const gint64 right = ((gint64) (region->x + region->width - 1) / cell + 2) * cell;
  const gint64 bottom = ((gint64) (region->y + region->height - 1) / cell + 2) * cell;

  return (AtlRegion) { left, top, (int) MIN (right, fill->width) - left,
                       (int) MIN (bottom, fill->height) - top };
}

static gboolean
has_transparent (const float *rgba, const AtlRegion *window)
{
  const size_t n = (size_t) window->width * window->height;

  for (size_t i = 0; i < n; i++)
    if (rgba[i * 4 + 3] <= 0.0f)
      return TRUE;
  return FALSE;
}

gboolean
atl_fill_apply (const AtlFill *fill, float *rgba, const AtlRegion *window, GError **error)
{
  if (! has_transparent (rgba, window))
    return TRUE;

  /* levels[0] is that of 2 x 2 pixels; the last but one is the finest below the base. */
  Level levels[SHIFT_MAX + 1] = { 0 };
  const int n_local = fill->shift - 1;
  const AtlRegion held = { window->x / 2, window->y / 2, (window->width + 1) / 2,
                           (window->height + 1) / 2 };
  gboolean done = level_init (&levels[0], &held, error);

  if (done)
    add_pixels (&levels[0], 1, rgba, window);
  for (int k = 1; done && k < n_local; k++)
    done = coarser_init (&levels[k], &levels[k - 1], error);

  if (done)
    {
      for (int k = n_local - 1; k >= 0; k--)
        level_fill (&levels[k], k == n_local - 1 ? &fill->base : &levels[k + 1]);

      float *pixel = rgba;
      for (int y = window->y; y < window->y + window->height; y++)
        for (int x = window->x; x < window->x + window->width; x++, pixel += 4)
          if (pixel[3] <= 0.0f)
            interpolate (pixel, &levels[0], x, y);
    }

  for (int k = 0; k < n_local; k++)
    level_clear (&levels[k]);
  return done;
}
