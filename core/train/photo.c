/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 8-bit photos in memory.
 */

#include "train/photo.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"

gboolean
atl_photo_init (AtlPhoto *photo, int width, int height, GError **error)
{
  g_return_val_if_fail (width > 0 && height > 0, FALSE);

  const size_t n_bytes = 3 * (size_t) width * (size_t) height;

  *photo = (AtlPhoto) { width, height, g_try_malloc (n_bytes) };
  if (photo->rgb == NULL)
    atl_error_set_memory (error, _ ("a photo"), n_bytes);
  return photo->rgb != NULL;
}

void
atl_photo_clear (AtlPhoto *photo)
{
  g_free (photo->rgb);
  *photo = (AtlPhoto) { 0 };
}

gboolean
atl_photo_init_part (AtlPhoto *part, const AtlPhoto *source, int left, int top, int width,
                     int height, GError **error)
{
  if (! atl_photo_init (part, width, height, error))
    return FALSE;

  for (int y = 0; y < height; y++)
    memcpy (part->rgb + 3 * (size_t) y * width,
            source->rgb + 3 * ((size_t) (top + y) * source->width + left), 3 * (size_t) width);
  return TRUE;
}

gboolean
atl_photo_init_resized (AtlPhoto *resized, const AtlPhoto *source, AtlKernel kernel, int width,
                        int height, GError **error)
{
  const AtlRegion from_region = { 0, 0, source->width, source->height };
  const AtlRegion to_region = { 0, 0, width, height };
  const size_t n_source = (size_t) source->width * source->height;
  const size_t n_resized = (size_t) width * height;
  g_autoptr (AtlResampler)
      resampler = atl_resampler_new (kernel, width, height, source->width, source->height, error);
  g_autoptr (AtlFloats) from = NULL;
  g_autoptr (AtlFloats) to = NULL;

  *resized = (AtlPhoto) { 0 };
  if (resampler == NULL || (from = atl_floats_new (n_source, _ ("resizing a photo"), error)) == NULL
      || (to = atl_floats_new (n_resized, _ ("resizing a photo"), error)) == NULL
      || ! atl_photo_init (resized, width, height, error))
    return FALSE;

  for (int c = 0; c < 3; c++)
    {
      for (size_t i = 0; i < n_source; i++)
        from[i] = source->rgb[3 * i + c];
      if (! atl_resampler_run (resampler, to, &to_region, from, &from_region, error))
        {
          atl_photo_clear (resized);
          return FALSE;
        }
      for (size_t i = 0; i < n_resized; i++)
        resized->rgb[3 * i + c] = atl_photo_byte (to[i]);
    }
  return TRUE;
}

void
atl_photo_to_planes (float *planes, const AtlPhoto *photo, int left, int top, int side)
{
  const size_t n = (size_t) side * side;

  for (int y = 0; y < side; y++)
    {
      const guint8 *row = photo->rgb + 3 * ((size_t) (top + y) * photo->width + left);

      for (int x = 0; x < side; x++)
        for (int c = 0; c < 3; c++)
          planes[c * n + (size_t) y * side + x] = row[3 * x + c] * (1.0f / 255.0f);
    }
}

void
atl_photo_from_planes (AtlPhoto *photo, const float *planes)
{
  const size_t n = (size_t) photo->width * photo->height;

  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++)
      photo->rgb[3 * i + c] = atl_photo_byte (255.0f * planes[c * n + i]);
}
