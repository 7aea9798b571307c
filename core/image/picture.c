/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A GeglBuffer as networks see it.
 */

#include "image/picture.h"

#include <math.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "image/fill.h"

struct AtlPicture
{
  GeglBuffer *buffer;
  int left, top, width, height; /* of the buffer's extent */
  gboolean grey, alpha, excess;
  /* Float of two or four components; 'stored' is what GEGL is asked for. They are one format, or a
   * fish converts each way. */
  const Babl *format, *stored, *from_stored, *to_stored;
  float contrast;
  AtlFill *fill; /* NULL if nothing has to be filled */
};

/* What the look at every pixel finds. */
typedef struct
{
  float low[3], high[3];
  gboolean transparent, excess;
} Survey;

/* Whether half of the full code means a fifth or so of the full light, as eyes want it: true for sRGB
 * and every usual profile, false for linear ones. */
static gboolean
space_is_perceptual (const Babl *space, gboolean grey)
{
  const float code[3] = { 0.5f, 0.5f, 0.5f };
  float light[3];

  babl_process (babl_fish (babl_format_with_space (grey ? "Y' float" : "R'G'B' float", space),
                           babl_format_with_space (grey ? "Y float" : "RGB float", space)),
                code, light, 1);
  return light[0] < 0.35f;
}

/* Chooses the perceptual float format nearest to the buffer's. Pixels encoded by their space's own curve
 * stay in it, and their conversion to float, in which the space plays no part, is done as if it were
 * sRGB: babl would go to linear light and back, and its approximation of other curves would cost a
 * 16-bit picture its last six bits. */
static void
choose_formats (AtlPicture *picture)
{
  const Babl *format = gegl_buffer_get_format (picture->buffer);
  const Babl *space = babl_format_get_space (format);
  const BablModelFlag flags = babl_get_model_flags (babl_format_get_model (format));

  picture->alpha = babl_format_has_alpha (format);
  picture->grey = (flags & BABL_MODEL_FLAG_GRAY) != 0;

  if ((flags & BABL_MODEL_FLAG_NONLINEAR) != 0 && space_is_perceptual (space, picture->grey))
    {
      const Babl *plain = babl_format (babl_format_get_encoding (format));

      picture->stored = format;
      picture->format = babl_format (picture->grey ? "Y'A float" : "R'G'B'A float");
      picture->from_stored = babl_fish (plain, picture->format);
      picture->to_stored = babl_fish (picture->format, plain);
    }
  else
    picture->stored = picture->format = babl_format_with_space (
        picture->grey ? "Y~A float" : "R~G~B~A float", space);
}

/* Pixels of a part in the picture's float format. */
static gboolean
read_pixels (const AtlPicture *picture, float *pixels, const AtlRegion *region, GError **error)
{
  const GeglRectangle from = { picture->left + region->x, picture->top + region->y, region->width,
                               region->height };
  const size_t n = (size_t) region->width * region->height;

  if (picture->from_stored == NULL)
    {
      gegl_buffer_get (picture->buffer, &from, 1.0, picture->format, pixels, GEGL_AUTO_ROWSTRIDE,
                       GEGL_ABYSS_NONE);
      return TRUE;
    }

  const size_t n_bytes = n * babl_format_get_bytes_per_pixel (picture->stored);
  g_autofree void *stored = g_try_malloc (n_bytes);
  if (stored == NULL)
    {
      atl_error_set_memory (error, _ ("a part of the picture"), n_bytes);
      return FALSE;
    }

  gegl_buffer_get (picture->buffer, &from, 1.0, picture->stored, stored, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_NONE);
  babl_process (picture->from_stored, stored, pixels, n);
  return TRUE;
}

/* The opposite, into a result. */
static gboolean
write_pixels (const AtlPicture *picture, GeglBuffer *result, const float *pixels,
              const AtlRegion *region, GError **error)
{
  const GeglRectangle to = { region->x, region->y, region->width, region->height };
  const size_t n = (size_t) region->width * region->height;

  if (picture->to_stored == NULL)
    {
      gegl_buffer_set (result, &to, 0, picture->format, pixels, GEGL_AUTO_ROWSTRIDE);
      return TRUE;
    }

  const size_t n_bytes = n * babl_format_get_bytes_per_pixel (picture->stored);
  g_autofree void *stored = g_try_malloc (n_bytes);
  if (stored == NULL)
    {
      atl_error_set_memory (error, _ ("a part of the result"), n_bytes);
      return FALSE;
    }

  babl_process (picture->to_stored, pixels, stored, n);
  gegl_buffer_set (result, &to, 0, picture->stored, stored, GEGL_AUTO_ROWSTRIDE);
  return TRUE;
}

/* Interleaved R, G, B, alpha of a part, as they stand in the buffer; owned by the caller. */
static float *
read_rgba (const AtlPicture *picture, const AtlRegion *region, GError **error)
{
  const size_t n = (size_t) region->width * region->height;
  g_autoptr (AtlFloats) rgba = atl_floats_new (n * 4, _ ("a part of the picture"), error);

  if (rgba == NULL)
    return NULL;

  /* Grey comes as pairs, into the second half: none is overwritten before it is read. */
  float *read = picture->grey ? rgba + 2 * n : rgba;
  if (! read_pixels (picture, read, region, error))
    return NULL;

  if (picture->grey)
    for (size_t i = 0; i < n; i++)
      {
        const float y = read[2 * i], a = read[2 * i + 1];

        rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = y;
        rgba[4 * i + 3] = a;
      }

  return g_steal_pointer (&rgba);
}

static gboolean
survey_part (Survey *survey, const float *rgba, const AtlRegion *part, GError **error)
{
  const size_t n = (size_t) part->width * part->height;

  for (size_t i = 0; i < n; i++, rgba += 4)
    {
      if (! isfinite (rgba[0] + rgba[1] + rgba[2] + rgba[3]))
        {
          g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                       _ ("The pixel at %d, %d of the picture is not a finite number"),
                       part->x + (int) (i % part->width), part->y + (int) (i / part->width));
          return FALSE;
        }
      if (rgba[3] <= 0.0f)
        {
          survey->transparent = TRUE;
          continue;
        }
      for (int c = 0; c < 3; c++)
        {
          const float value = CLAMP (rgba[c], 0.0f, 1.0f);

          survey->excess |= value != rgba[c];
          survey->low[c] = MIN (survey->low[c], value);
          survey->high[c] = MAX (survey->high[c], value);
        }
    }

  return TRUE;
}

/* Looks at all pixels, and adds them to 'fill', which may be NULL. */
static gboolean
survey_picture (const AtlPicture *picture, Survey *survey, AtlFill *fill,
                const AtlProgress *progress, GError **error)
{
  *survey = (Survey) { { INFINITY, INFINITY, INFINITY }, { -INFINITY, -INFINITY, -INFINITY } };

  for (int y = 0; y < picture->height; y += ATL_FILL_PART)
    for (int x = 0; x < picture->width; x += ATL_FILL_PART)
      {
        const AtlRegion part = { x, y, MIN (ATL_FILL_PART, picture->width - x),
                                 MIN (ATL_FILL_PART, picture->height - y) };
        g_autoptr (AtlFloats) rgba = read_rgba (picture, &part, error);

        if (rgba == NULL || ! survey_part (survey, rgba, &part, error)
            || ! atl_progress_update (progress, (double) y / picture->height, error))
          return FALSE;
        if (fill != NULL)
          atl_fill_add (fill, rgba, &part);
      }

  return TRUE;
}

AtlPicture *
atl_picture_new (GeglBuffer *buffer, const AtlProgress *progress, GError **error)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);

  if (extent->width < 1 || extent->height < 1)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE, _ ("The picture has no pixels: %d x %d"),
                   extent->width, extent->height);
      return NULL;
    }

  g_autoptr (AtlPicture) picture = g_new0 (AtlPicture, 1);
  picture->buffer = g_object_ref (buffer);
  picture->left = extent->x;
  picture->top = extent->y;
  picture->width = extent->width;
  picture->height = extent->height;
  choose_formats (picture);

  Survey survey;
  g_autoptr (AtlFill) fill = NULL;
  gboolean any_visible = FALSE;

  if (picture->alpha)
    {
      fill = atl_fill_new (picture->width, picture->height, error);
      if (fill == NULL)
        return NULL;
    }
  if (! survey_picture (picture, &survey, fill, progress, error))
    return NULL;
  if (survey.transparent && ! atl_fill_finish (fill, &any_visible, error))
    return NULL;
  if (any_visible)
    picture->fill = g_steal_pointer (&fill);

  picture->excess = survey.excess;
  for (int c = 0; c < 3; c++)
    picture->contrast = fmaxf (picture->contrast, survey.high[c] - survey.low[c]);

  return g_steal_pointer (&picture);
}

void
atl_picture_free (AtlPicture *picture)
{
  if (picture == NULL)
    return;

  atl_fill_free (picture->fill);
  g_object_unref (picture->buffer);
  g_free (picture);
}

int
atl_picture_width (const AtlPicture *picture)
{
  return picture->width;
}

int
atl_picture_height (const AtlPicture *picture)
{
  return picture->height;
}

gboolean
atl_picture_has_alpha (const AtlPicture *picture)
{
  return picture->alpha;
}

gboolean
atl_picture_has_excess (const AtlPicture *picture)
{
  return picture->excess;
}

float
atl_picture_contrast (const AtlPicture *picture)
{
  return picture->contrast;
}

/* Cuts 'region' out of the interleaved window, into planes. */
static void
split_planes (float *colour, float *excess, float *alpha, const AtlRegion *region,
              const float *rgba, const AtlRegion *window)
{
  const size_t plane = (size_t) region->width * region->height;
  size_t i = 0;

  for (int y = region->y; y < region->y + region->height; y++)
    {
      const float *pixel = rgba
                           + ((size_t) (y - window->y) * window->width + (region->x - window->x))
                                 * 4;

      for (int x = 0; x < region->width; x++, i++, pixel += 4)
        {
          for (int c = 0; c < 3; c++)
            {
              const float value = CLAMP (pixel[c], 0.0f, 1.0f);

              if (colour != NULL)
                colour[c * plane + i] = value;
              if (excess != NULL)
                excess[c * plane + i] = pixel[c] - value;
            }
          if (alpha != NULL)
            alpha[i] = CLAMP (pixel[3], 0.0f, 1.0f);
        }
    }
}

gboolean
atl_picture_read (const AtlPicture *picture, float *colour, float *excess, float *alpha,
                  const AtlRegion *region, GError **error)
{
  const AtlRegion window = picture->fill != NULL ? atl_fill_window (picture->fill, region)
                                                 : *region;
  g_autoptr (AtlFloats) rgba = read_rgba (picture, &window, error);

  if (rgba == NULL)
    return FALSE;
  if (picture->fill != NULL && ! atl_fill_apply (picture->fill, rgba, &window, error))
    return FALSE;

  split_planes (colour, excess, alpha, region, rgba, &window);
  return TRUE;
}

GeglBuffer *
atl_picture_new_result (const AtlPicture *picture, int width, int height)
{
  return gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height),
                          gegl_buffer_get_format (picture->buffer));
}

gboolean
atl_picture_write (const AtlPicture *picture, GeglBuffer *result, const float *colour,
                   const float *alpha, const AtlRegion *region, GError **error)
{
  const size_t n = (size_t) region->width * region->height;
  const float *r = colour, *g = colour + n, *b = colour + 2 * n;
  const int n_components = picture->grey ? 2 : 4;
  g_autoptr (AtlFloats)
      pixels = atl_floats_new (n * n_components, _ ("a part of the result"), error);

  if (pixels == NULL)
    return FALSE;

  for (size_t i = 0; i < n; i++)
    {
      float *pixel = pixels + i * n_components;

      if (picture->grey)
        /* BT.601, written so that equal values come out as they are. */
        pixel[0] = g[i] + 0.299f * (r[i] - g[i]) + 0.114f * (b[i] - g[i]);
      else
        {
          pixel[0] = r[i];
          pixel[1] = g[i];
          pixel[2] = b[i];
        }
      pixel[n_components - 1] = alpha != NULL ? alpha[i] : 1.0f;
    }

  return write_pixels (picture, result, pixels, region, error);
}
