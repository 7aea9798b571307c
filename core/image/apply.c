/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Networks applied to a whole picture of any size in bounded memory.
 */

#include "image/apply.h"

#include <math.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "image/picture.h"
#include "image/resample.h"
#include "image/room.h"
#include "image/swap.h"
#include "image/tiles.h"

/* Trials of this side take some tenths of a second together. */
#define TRIAL_SIDE 128
#define N_TRIALS 3

/* GIMP's own limit; far from the overflow of an int. */
#define SIDE_MAX 524288

/* Looking at the picture before the first stage, as a share of all progress. */
#define SURVEY_SHARE 0.02

/* The original picture, of which the last stage adds what the network must not see. */
typedef struct
{
  guint losses; /* of GEGL's swap file, before the work */
  AtlPicture *picture;
  AtlResampler *smooth;  /* for the excess */
  AtlResampler *bicubic; /* for alpha */
} Original;

/* Adds to a tile's colours what was clipped off the original. */
static gboolean
add_excess (const Original *original, float *colour, const AtlRegion *tile, GError **error)
{
  const AtlRegion from = atl_resampler_source_region (original->smooth, tile);
  const size_t n = 3 * (size_t) tile->width * tile->height;
  g_autoptr (AtlFloats) excess = atl_floats_new (3 * (size_t) from.width * from.height,
                                                 _ ("a tile of the picture"), error);

  if (excess == NULL || ! atl_picture_read (original->picture, NULL, excess, NULL, &from, error))
    return FALSE;

  g_autoptr (AtlFloats)
      resampled = atl_resampler_planes (original->smooth, tile, excess, &from, 3, error);
  if (resampled == NULL)
    return FALSE;

  for (size_t i = 0; i < n; i++)
    colour[i] += resampled[i];
  return TRUE;
}

/* The alpha of a tile: H x W; owned by the caller. Where all that it is made of is opaque it is exactly
 * opaque, not by a rounding of weights less. */
static float *
tile_alpha (const Original *original, const AtlRegion *tile, GError **error)
{
  const AtlRegion from = atl_resampler_source_region (original->bicubic, tile);
  const size_t n_from = (size_t) from.width * from.height;
  const size_t n = (size_t) tile->width * tile->height;
  g_autoptr (AtlFloats) alpha = atl_floats_new (n_from, _ ("a tile of the picture"), error);

  if (alpha == NULL || ! atl_picture_read (original->picture, NULL, NULL, alpha, &from, error))
    return NULL;

  float *result = atl_resampler_planes (original->bicubic, tile, alpha, &from, 1, error);
  if (result != NULL)
    for (size_t i = 0; i < n; i++)
      result[i] = result[i] > 1.0f - 1e-6f ? 1.0f : fmaxf (result[i], 0.0f);
  return result;
}

/* Computes a tile of the last stage and writes it. */
static gboolean
finish_tile (const Original *original, GeglBuffer *result, float *colour, const AtlRegion *tile,
             GError **error)
{
  g_autoptr (AtlFloats) alpha = NULL;

  if (atl_picture_has_excess (original->picture) && ! add_excess (original, colour, tile, error))
    return FALSE;

  if (atl_picture_has_alpha (original->picture))
    {
      alpha = tile_alpha (original, tile, error);
      if (alpha == NULL)
        return FALSE;
    }

  return atl_picture_write (original->picture, result, colour, alpha, tile, error);
}

static void
original_clear (Original *original)
{
  atl_resampler_free (original->bicubic);
  atl_resampler_free (original->smooth);
  atl_picture_free (original->picture);
}

static gboolean
original_init (Original *original, GeglBuffer *input, int width, int height,
               const AtlProgress *progress, GError **error)
{
  const int w = gegl_buffer_get_width (input), h = gegl_buffer_get_height (input);

  original->picture = atl_picture_new (input, progress, error);
  if (original->picture == NULL)
    return FALSE;
  original->smooth = atl_resampler_new (ATL_KERNEL_LINEAR, width, height, w, h, error);
  if (original->smooth == NULL)
    return FALSE;
  original->bicubic = atl_resampler_new (ATL_KERNEL_BICUBIC, width, height, w, h, error);
  return original->bicubic != NULL;
}

/* Numbers between two stages need neither alpha nor a space: they are stored as they are. */
static const Babl *
between_format (void)
{
  return babl_format ("R'G'B' float");
}

static gboolean
write_between (GeglBuffer *buffer, const float *colour, const AtlRegion *tile, GError **error)
{
  const size_t n = (size_t) tile->width * tile->height;
  g_autoptr (AtlFloats) pixels = atl_floats_new (3 * n, _ ("a tile of the picture"), error);

  if (pixels == NULL)
    return FALSE;

  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++)
      pixels[3 * i + c] = colour[c * n + i];
  gegl_buffer_set (buffer, GEGL_RECTANGLE (tile->x, tile->y, tile->width, tile->height), 0,
                   between_format (), pixels, GEGL_AUTO_ROWSTRIDE);
  return TRUE;
}

/* Computes all tiles into 'result': finished ones in the last stage, else those between two stages. */
static gboolean
run_stage (AtlTiles *tiles, GeglBuffer *result, const Original *original, gboolean last,
           const AtlProgress *progress, GError **error)
{
  const int n_tiles = atl_tiles_count (tiles);

  for (int i = 0; i < n_tiles; i++)
    {
      const AtlRegion tile = atl_tiles_region (tiles, i);
      const AtlProgress part = atl_progress_part (progress, (double) i / n_tiles,
                                                  (i + 1.0) / n_tiles);
      g_autoptr (AtlFloats) colour = atl_tiles_colour (tiles, &tile, &part, error);

      if (colour == NULL)
        return FALSE;
      if (! (last ? finish_tile (original, result, colour, &tile, error)
                  : write_between (result, colour, &tile, error)))
        return FALSE;
      if (! atl_swap_check (original->losses, error))
        return FALSE;
    }

  return atl_progress_update (progress, 1.0, error) && atl_tiles_check_result (tiles, error);
}

static gboolean
check_sizes (const AtlStages *stages, GeglBuffer *input, int width, int height, GError **error)
{
  gint64 w = gegl_buffer_get_width (input), h = gegl_buffer_get_height (input);
  gint64 largest = MAX (MAX (w, h), MAX (width, height));

  for (int p = 0; p < stages->n_stages; p++)
    {
      w *= stages->stages[p].factor;
      h *= stages->stages[p].factor;
      largest = MAX (largest, MAX (w, h));
    }

  if (width < 1 || height < 1 || largest > SIDE_MAX)
    {
      g_set_error (
          error, ATL_ERROR, ATL_ERROR_SHAPE,
          _ ("The result of %d x %d pixels, or a picture on the way to it, has a side that "
             "is not from 1 to %d"),
          width, height, SIDE_MAX);
      return FALSE;
    }
  return TRUE;
}

/* The bytes of all buffers that are made: those between stages, and the result. */
static guint64
buffers_size (const AtlStages *stages, GeglBuffer *input, int width, int height)
{
  const guint64 pixel = babl_format_get_bytes_per_pixel (gegl_buffer_get_format (input));
  guint64 w = gegl_buffer_get_width (input), h = gegl_buffer_get_height (input);
  guint64 size = pixel * width * height;

  for (int p = 0; p + 1 < stages->n_stages; p++)
    {
      w *= stages->stages[p].factor;
      h *= stages->stages[p].factor;
      size += w * h * babl_format_get_bytes_per_pixel (between_format ());
    }
  return size;
}

/* The share of stage p in the work, counted by the pixels it reads. */
static double
share_until (const AtlStages *stages, int p)
{
  double pixels = 1.0, until = 0.0, all = 0.0;

  for (int i = 0; i < stages->n_stages; i++)
    {
      all += pixels;
      if (i < p)
        until += pixels;
      pixels *= (double) stages->stages[i].factor * stages->stages[i].factor;
    }
  return until / all;
}

/* Pass p: 'input' is the original's buffer for the first stage, else what lies between. */
static GeglBuffer *
result_of_stage (const AtlStages *stages, int p, const Original *original, GeglBuffer *between,
                 int width, int height, guint64 buffers, const AtlProgress *progress,
                 GError **error)
{
  const AtlStage *stage = &stages->stages[p];
  const gboolean last = p == stages->n_stages - 1;
  g_autoptr (AtlPicture) picture = between != NULL ? atl_picture_new (between, NULL, error) : NULL;

  if (between != NULL && picture == NULL)
    return NULL;

  const AtlPicture *input = between != NULL ? picture : original->picture;
  const int w = last ? width : atl_picture_width (input) * stage->factor;
  const int h = last ? height : atl_picture_height (input) * stage->factor;
  g_autoptr (AtlTiles) tiles = atl_tiles_new (stage, stages->average, input, w, h, error);

  if (tiles == NULL || ! atl_room_check (atl_tiles_memory (tiles), buffers, error))
    return NULL;

  g_autoptr (GeglBuffer)
      result = last ? atl_picture_new_result (original->picture, w, h)
                    : gegl_buffer_new (GEGL_RECTANGLE (0, 0, w, h), between_format ());
  if (! run_stage (tiles, result, original, last, progress, error))
    return NULL;
  return g_steal_pointer (&result);
}

GeglBuffer *
atl_apply_stages (const AtlStages *stages, GeglBuffer *input, int width, int height,
                  const AtlProgress *progress, GError **error)
{
  Original original = { .losses = atl_swap_losses () };
  g_autoptr (GeglBuffer) result = NULL;

  if (! check_sizes (stages, input, width, height, error))
    return NULL;

  const AtlProgress survey = atl_progress_part (progress, 0.0, SURVEY_SHARE);
  gboolean done = original_init (&original, input, width, height, &survey, error);

  for (int p = 0; done && p < stages->n_stages; p++)
    {
      const AtlProgress part = atl_progress_part (
          progress, SURVEY_SHARE + (1.0 - SURVEY_SHARE) * share_until (stages, p),
          SURVEY_SHARE + (1.0 - SURVEY_SHARE) * share_until (stages, p + 1));
      GeglBuffer *next = result_of_stage (stages, p, &original, result, width, height,
                                          p == 0 ? buffers_size (stages, input, width, height) : 0,
                                          &part, error);

      g_set_object (&result, next);
      g_clear_object (&next);
      done = result != NULL;
    }

  original_clear (&original);
  return done ? g_steal_pointer (&result) : NULL;
}

/* The seconds for one multiply-add of a stage, from a trial on a grey square. */
static double
seconds_per_multiply_add (const AtlStage *stage, GError **error)
{
  const int side = TRIAL_SIDE, out_side = side * stage->factor;
  const AtlRegion whole = { 0, 0, out_side, out_side };
  g_autoptr (AtlPlan) plan = atl_plan_new_inference (stage->prepared, side, side, &whole);
  g_autoptr (AtlFloats)
      workspace = atl_floats_new (atl_plan_workspace_size (plan), _ ("a trial"), error);
  g_autoptr (AtlFloats) input = atl_floats_new (3 * (size_t) side * side, _ ("a trial"), error);
  g_autoptr (AtlFloats)
      output = atl_floats_new (3 * (size_t) out_side * out_side, _ ("a trial"), error);

  if (workspace == NULL || input == NULL || output == NULL)
    return -1.0;

  for (int i = 0; i < 3 * side * side; i++)
    input[i] = 0.5f;

  /* The first run wakes threads and touches memory, and any may be disturbed: the fastest counts. */
  gint64 fastest = G_MAXINT64;
  for (int i = 0; i < N_TRIALS; i++)
    {
      const gint64 start = g_get_monotonic_time ();

      atl_plan_infer (plan, workspace, output, input);
      fastest = MIN (fastest, g_get_monotonic_time () - start);
    }
  return (double) fastest * 1e-6 / atl_plan_multiply_adds (plan);
}

double
atl_apply_seconds (const AtlStages *stages, int width, int height, GError **error)
{
  double seconds = 0.0;

  for (int p = 0; p < stages->n_stages; p++)
    {
      const AtlStage *stage = &stages->stages[p];
      const double rate = seconds_per_multiply_add (stage, error);

      if (rate < 0.0)
        return -1.0;
      seconds += rate * atl_tiles_cost (stage, stages->average, width, height).multiply_adds;
      width *= stage->factor;
      height *= stage->factor;
    }

  return seconds;
}

size_t
atl_apply_memory (const AtlStages *stages, int width, int height)
{
  size_t memory = 0;

  for (int p = 0; p < stages->n_stages; p++)
    {
      const AtlStage *stage = &stages->stages[p];

      memory = MAX (memory, atl_tiles_cost (stage, stages->average, width, height).memory);
      width *= stage->factor;
      height *= stage->factor;
    }
  return memory;
}
