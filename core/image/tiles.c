/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One stage of a network over a picture, cut into tiles.
 */

#include "image/tiles.h"

#include <math.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/rounding.h"
#include "image/dihedral.h"
#include "image/resample.h"

/* From 512 pixels on the halo costs less than a tenth, and a press on Cancel waits long enough. */
static const int tile_sides[] = { 512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16 };

#define TENSOR_BYTES_MAX ((size_t) 256 << 20)

/* A result counts as constant if its contrast is so much smaller than that of the picture, which itself
 * has at least so much (8 codes of 8 bits). */
#define CONTRAST_LOST 1e-3f
#define CONTRAST_MIN 0.03f

/* Networks have learned from crops of photos, not from a few pixels in the middle of zeros: of a picture
 * with a shorter side they would make a darker one. Its edges are repeated up to about this side. */
#define SIDE_MIN 16

struct AtlTiles
{
  const AtlStage *stage;
  gboolean average;
  const AtlPicture *picture; /* the stage's input */
  int margin_x, margin_y;    /* repeated pixels on each side of it, for the network to see */
  int width, height;         /* of the network's output */
  int out_width, out_height; /* of the result of the stage, after resampling */
  AtlResampler *resampler;   /* NULL if these are equal */
  int columns, rows;
  AtlPlan *typical; /* the plan of a tile in the middle */
  float *workspace;
  size_t workspace_size; /* floats */
  float low[3], high[3]; /* of the result */
};

static AtlPlan *
plan_new (const AtlStage *stage, int width, int height, int side)
{
  const int w = MIN (width, side), h = MIN (height, side), f = stage->factor;
  const AtlRegion centre = { (width - w) / 2 * f, (height - h) / 2 * f, w * f, h * f };

  return atl_plan_new_inference (stage->prepared, width, height, &centre);
}

/* The side of tiles in pixels of the input. The kernels' scratch does not count: results would depend on the number of
 * threads, if only in their last bits. */
static int
choose_side (const AtlStage *stage, int width, int height)
{
  const char *wanted = g_getenv ("ATELIER_TILE");
  const size_t available = atl_memory_available ();
  const size_t budget = available > 0 ? MIN (TENSOR_BYTES_MAX, available / 2) : TENSOR_BYTES_MAX;

  if (wanted != NULL && g_ascii_strtoull (wanted, NULL, 10) > 0)
    return (int) MIN (g_ascii_strtoull (wanted, NULL, 10), 4096);

  for (size_t i = 0; i + 1 < G_N_ELEMENTS (tile_sides); i++)
    {
      g_autoptr (AtlPlan) plan = plan_new (stage, width, height, tile_sides[i]);

      if (atl_plan_tensors_size (plan) * sizeof (float) <= budget)
        return tile_sides[i];
    }

  return tile_sides[G_N_ELEMENTS (tile_sides) - 1];
}

static int
margin_of_side (int side)
{
  return side < SIDE_MIN ? (SIDE_MIN - side + 1) / 2 : 0;
}

AtlTiles *
atl_tiles_new (const AtlStage *stage, gboolean average, const AtlPicture *picture, int out_width,
               int out_height, GError **error)
{
  const int width = atl_picture_width (picture), height = atl_picture_height (picture);
  g_autoptr (AtlTiles) tiles = g_new0 (AtlTiles, 1);

  tiles->stage = stage;
  tiles->average = average;
  tiles->picture = picture;
  tiles->margin_x = margin_of_side (width);
  tiles->margin_y = margin_of_side (height);
  tiles->width = width * stage->factor;
  tiles->height = height * stage->factor;
  tiles->out_width = out_width;
  tiles->out_height = out_height;
  for (int c = 0; c < 3; c++)
    {
      tiles->low[c] = INFINITY;
      tiles->high[c] = -INFINITY;
    }

  if (out_width != tiles->width || out_height != tiles->height)
    {
      tiles->resampler = atl_resampler_new (ATL_KERNEL_BICUBIC, out_width, out_height, tiles->width,
                                            tiles->height, error);
      if (tiles->resampler == NULL)
        return NULL;
    }

  const int side = choose_side (stage, width, height);
  tiles->columns = MIN (atl_divide_up (width, side), out_width);
  tiles->rows = MIN (atl_divide_up (height, side), out_height);
  tiles->typical = plan_new (stage, width + 2 * tiles->margin_x, height + 2 * tiles->margin_y,
                             side);

  return g_steal_pointer (&tiles);
}

void
atl_tiles_free (AtlTiles *tiles)
{
  if (tiles == NULL)
    return;

  atl_floats_free (tiles->workspace);
  atl_plan_free (tiles->typical);
  atl_resampler_free (tiles->resampler);
  g_free (tiles);
}

int
atl_tiles_count (const AtlTiles *tiles)
{
  return tiles->columns * tiles->rows;
}

/* Tiles differ by a pixel at most, instead of a last one that is small. */
AtlRegion
atl_tiles_region (const AtlTiles *tiles, int index)
{
  const gint64 column = index % tiles->columns, row = index / tiles->columns;
  const int left = (int) (column * tiles->out_width / tiles->columns);
  const int right = (int) ((column + 1) * tiles->out_width / tiles->columns);
  const int top = (int) (row * tiles->out_height / tiles->rows);
  const int bottom = (int) ((row + 1) * tiles->out_height / tiles->rows);

  return (AtlRegion) { left, top, right - left, bottom - top };
}

/* The bytes for a tile of width x height pixels of the result. */
static size_t
tile_memory (const AtlPlan *typical, int width, int height)
{
  const AtlRegion in = atl_plan_input_region (typical);
  const size_t n_out = (size_t) width * height;
  const size_t n_pixels = MAX (n_out, (size_t) in.width * in.height) + n_out;

  /* Three planes each: two for orienting, the sum, the resampled one; four interleaved numbers. */
  return (atl_plan_workspace_size (typical) + n_pixels * (4 * 3 + 4)) * sizeof (float);
}

size_t
atl_tiles_memory (const AtlTiles *tiles)
{
  const AtlRegion tile = atl_tiles_region (tiles, 0);

  return tile_memory (tiles->typical, tile.width, tile.height);
}

AtlTilesCost
atl_tiles_cost (const AtlStage *stage, gboolean average, int width, int height)
{
  const int side = choose_side (stage, width, height), f = stage->factor;
  const int n_tiles = atl_divide_up (width, side) * atl_divide_up (height, side);
  g_autoptr (AtlPlan) typical = plan_new (stage, width, height, side);

  return (AtlTilesCost) {
    .multiply_adds = atl_plan_multiply_adds (typical) * n_tiles
                     * (average ? ATL_N_ORIENTATIONS : 1),
    .memory = tile_memory (typical, MIN (width, side) * f, MIN (height, side) * f),
  };
}

static gboolean
ensure_workspace (AtlTiles *tiles, size_t size, GError **error)
{
  if (size <= tiles->workspace_size)
    return TRUE;

  atl_floats_free (tiles->workspace);
  tiles->workspace = atl_floats_new (size, _ ("a tile of the picture"), error);
  tiles->workspace_size = tiles->workspace != NULL ? size : 0;
  return tiles->workspace != NULL;
}

static gboolean
check_finite (const float *values, size_t n, GError **error)
{
  for (size_t i = 0; i < n; i++)
    if (! isfinite (values[i]))
      {
        g_set_error (error, ATL_ERROR, ATL_ERROR_RESULT,
                     _ ("The network computed numbers that are not finite; its weight file is "
                        "damaged or made for something else"));
        return FALSE;
      }
  return TRUE;
}

/* Reads a part of the picture with its margins, whose corner is (0, 0). */
static gboolean
read_with_margins (const AtlTiles *tiles, float *colour, const AtlRegion *part, GError **error)
{
  const int x = part->x - tiles->margin_x, y = part->y - tiles->margin_y;
  const int last_x = atl_picture_width (tiles->picture) - 1;
  const int last_y = atl_picture_height (tiles->picture) - 1;
  const int left = CLAMP (x, 0, last_x), right = CLAMP (x + part->width - 1, 0, last_x);
  const int top = CLAMP (y, 0, last_y), bottom = CLAMP (y + part->height - 1, 0, last_y);
  const AtlRegion inside = { left, top, right - left + 1, bottom - top + 1 };

  if (inside.width == part->width && inside.height == part->height)
    return atl_picture_read (tiles->picture, colour, NULL, NULL, &inside, error);

  g_autoptr (AtlFloats) pixels = atl_floats_new (3 * (size_t) inside.width * inside.height,
                                                 _ ("a tile of the picture"), error);
  if (pixels == NULL || ! atl_picture_read (tiles->picture, pixels, NULL, NULL, &inside, error))
    return FALSE;

  for (int c = 0; c < 3; c++)
    for (int row = 0; row < part->height; row++)
      {
        const int from_row = CLAMP (y + row, top, bottom) - top;
        const float *from = pixels + ((size_t) c * inside.height + from_row) * inside.width;

        for (int column = 0; column < part->width; column++)
          *colour++ = from[CLAMP (x + column, left, right) - left];
      }
  return TRUE;
}

/* Adds the network's output for one orientation of the picture to output, 3 x H x W of the region. */
static gboolean
add_oriented (AtlTiles *tiles, float *output, const AtlRegion *region, int orientation,
              GError **error)
{
  const int w = atl_picture_width (tiles->picture) + 2 * tiles->margin_x;
  const int h = atl_picture_height (tiles->picture) + 2 * tiles->margin_y;
  const int f = tiles->stage->factor;
  const gboolean swapped = (orientation & 4) != 0;
  const AtlRegion moved = { region->x + f * tiles->margin_x, region->y + f * tiles->margin_y,
                            region->width, region->height };
  const AtlRegion out = atl_dihedral_region (&moved, w * f, h * f, orientation);
  const AtlDivision division = atl_plan_division (tiles->typical);
  g_autoptr (AtlPlan) plan = atl_plan_new_divided (tiles->stage->prepared, swapped ? h : w,
                                                   swapped ? w : h, &out, &division);
  const AtlRegion in = atl_plan_input_region (plan);
  const AtlRegion in_picture = atl_dihedral_region_back (&in, w, h, orientation);
  const size_t n_in = 3 * (size_t) in.width * in.height;
  const size_t n_out = 3 * (size_t) out.width * out.height;
  const size_t n = MAX (n_in, n_out);
  g_autoptr (AtlFloats) first = atl_floats_new (n, _ ("a tile of the picture"), error);
  g_autoptr (AtlFloats) second = atl_floats_new (n, _ ("a tile of the picture"), error);

  if (first == NULL || second == NULL
      || ! ensure_workspace (tiles, atl_plan_workspace_size (plan), error)
      || ! read_with_margins (tiles, first, &in_picture, error))
    return FALSE;

  atl_dihedral_planes (second, first, 3, in_picture.width, in_picture.height, orientation);
  atl_plan_infer (plan, tiles->workspace, first, second);
  if (! check_finite (first, n_out, error))
    return FALSE;

  atl_dihedral_planes_back (second, first, 3, region->width, region->height, orientation);
  for (size_t i = 0; i < n_out; i++)
    output[i] += second[i];
  return TRUE;
}

static void
clip_values (float *values, size_t n, float gain)
{
  for (size_t i = 0; i < n; i++)
    values[i] = CLAMP (values[i] * gain, 0.0f, 1.0f);
}

/* The network's output in 0..1: 3 x H x W of the region; owned by the caller. */
static float *
network_output (AtlTiles *tiles, const AtlRegion *region, const AtlProgress *progress,
                GError **error)
{
  const size_t n = 3 * (size_t) region->width * region->height;
  const int n_orientations = tiles->average ? ATL_N_ORIENTATIONS : 1;
  g_autoptr (AtlFloats) output = atl_floats_new (n, _ ("a tile of the picture"), error);

  if (output == NULL)
    return NULL;

  for (int o = 0; o < n_orientations; o++)
    if (! atl_progress_update (progress, (double) o / n_orientations, error)
        || ! add_oriented (tiles, output, region, o, error))
      return NULL;

  clip_values (output, n, 1.0f / n_orientations);
  return g_steal_pointer (&output);
}

/* The colours of a tile of the stage's result, in 0..1; owned by the caller. */
static float *
resampled_output (AtlTiles *tiles, const AtlRegion *tile, const AtlProgress *progress,
                  GError **error)
{
  if (tiles->resampler == NULL)
    return network_output (tiles, tile, progress, error);

  const AtlRegion from = atl_resampler_source_region (tiles->resampler, tile);
  g_autoptr (AtlFloats) output = network_output (tiles, &from, progress, error);
  if (output == NULL)
    return NULL;

  float *colour = atl_resampler_planes (tiles->resampler, tile, output, &from, 3, error);
  if (colour != NULL)
    clip_values (colour, 3 * (size_t) tile->width * tile->height, 1.0f);
  return colour;
}

static void
note_range (AtlTiles *tiles, const float *colour, const AtlRegion *tile)
{
  const size_t n = (size_t) tile->width * tile->height;

  for (int c = 0; c < 3; c++, colour += n)
    {
      float low = tiles->low[c], high = tiles->high[c];

      for (size_t i = 0; i < n; i++)
        {
          low = MIN (low, colour[i]);
          high = MAX (high, colour[i]);
        }
      tiles->low[c] = low;
      tiles->high[c] = high;
    }
}

float *
atl_tiles_colour (AtlTiles *tiles, const AtlRegion *tile, const AtlProgress *progress,
                  GError **error)
{
  float *colour = resampled_output (tiles, tile, progress, error);

  if (colour != NULL)
    note_range (tiles, colour, tile);
  return colour;
}

gboolean
atl_tiles_check_result (const AtlTiles *tiles, GError **error)
{
  const float before = atl_picture_contrast (tiles->picture);
  float after = 0.0f;

  for (int c = 0; c < 3; c++)
    after = fmaxf (after, tiles->high[c] - tiles->low[c]);

  if (before > CONTRAST_MIN && after < before * CONTRAST_LOST)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_RESULT,
                   _ ("The network made one single colour of the picture; its weight file is "
                      "damaged or made for something else"));
      return FALSE;
    }
  return TRUE;
}
