/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files as plain 8-bit RGB, by libvips.
 */

#include "image/rgb-file.h"

#include <string.h>

#include "base/atomic-file.h"
#include "base/error.h"
#include "base/i18n.h"
#include "image/vips.h"

static guint8 *
set_vips_error (GError **error, const char *path)
{
  g_autofree char *text = atl_vips_take_message (_ ("unknown format"));

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("'%s' cannot be read as a picture: %s"), path,
               text);
  return NULL;
}

static gboolean
flatten_on_white (VipsImage *image, VipsImage **opaque)
{
  VipsArrayDouble *white = vips_array_double_newv (1, 255.0);
  const int status = vips_flatten (image, opaque, "background", white, NULL);

  vips_area_unref (VIPS_AREA (white));
  return status == 0;
}

/* A new reference to 'image' without alpha and in three bands. */
static VipsImage *
to_rgb (VipsImage *image)
{
  g_autoptr (AtlVipsImage) opaque = NULL;
  VipsImage *rgb = NULL;

  if (! vips_image_hasalpha (image))
    opaque = g_object_ref (image);
  else if (! flatten_on_white (image, &opaque))
    return NULL;

  if (vips_colourspace (opaque, &rgb, VIPS_INTERPRETATION_sRGB, NULL) != 0)
    return NULL;
  return rgb;
}

guint8 *
atl_rgb_read (const char *path, int max_side, int *width, int *height, GError **error)
{
  g_autoptr (AtlVipsImage) image = NULL, rgb = NULL, bytes = NULL;
  size_t size;

  if (! atl_vips_start ())
    return set_vips_error (error, path);

  /* Turns the photo upright and decodes no more pixels than needed. */
  if (vips_thumbnail (path, &image, max_side, "height", max_side, "size", VIPS_SIZE_DOWN, "fail-on",
                      VIPS_FAIL_ON_TRUNCATED, NULL)
      != 0)
    return set_vips_error (error, path);

  rgb = to_rgb (image);
  if (rgb == NULL || vips_cast_uchar (rgb, &bytes, NULL) != 0 || bytes->Bands != 3)
    return set_vips_error (error, path);

  guint8 *pixels = vips_image_write_to_memory (bytes, &size);
  if (pixels == NULL)
    return set_vips_error (error, path);

  *width = bytes->Xsize;
  *height = bytes->Ysize;
  return pixels;
}

/* Borrows the pixels. NULL if libvips has no memory. */
static VipsImage *
image_of_pixels (const guint8 *pixels, int width, int height)
{
  if (! atl_vips_start ())
    return NULL;
  return vips_image_new_from_memory (pixels, 3 * (size_t) width * (size_t) height, width, height, 3,
                                     VIPS_FORMAT_UCHAR);
}

gboolean
atl_rgb_write_png (const char *path, const guint8 *pixels, int width, int height, GError **error)
{
  g_autofree void *png = NULL;
  g_autoptr (AtlVipsImage) image = image_of_pixels (pixels, width, height);
  size_t size = 0;

  if (image == NULL || vips_pngsave_buffer (image, &png, &size, NULL) != 0)
    {
      g_autofree char *text = atl_vips_take_message (_ ("unknown reason"));

      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("'%s' cannot be made a PNG: %s"), path,
                   text);
      return FALSE;
    }

  return atl_atomic_file_save (path, png, size, error);
}

gboolean
atl_rgb_recompress (guint8 *pixels, int width, int height, int quality, gboolean halved,
                    GError **error)
{
  const size_t n_bytes = 3 * (size_t) width * (size_t) height;
  g_autofree void *jpeg = NULL, *decoded = NULL;
  g_autoptr (AtlVipsImage) image = image_of_pixels (pixels, width, height);
  g_autoptr (AtlVipsImage) read = NULL; /* reads 'jpeg' while it lives */
  size_t size = 0;

  if (image != NULL
      && vips_jpegsave_buffer (image, &jpeg, &size, "Q", quality, "subsample-mode",
                               halved ? VIPS_FOREIGN_SUBSAMPLE_ON : VIPS_FOREIGN_SUBSAMPLE_OFF,
                               NULL)
             == 0
      && vips_jpegload_buffer (jpeg, size, &read, NULL) == 0)
    decoded = vips_image_write_to_memory (read, &size);
  if (decoded == NULL || size != n_bytes)
    {
      g_autofree char *text = atl_vips_take_message (_ ("unknown reason"));

      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("a photo cannot be made a JPEG: %s"),
                   text);
      return FALSE;
    }

  memcpy (pixels, decoded, n_bytes);
  return TRUE;
}

GeglBuffer *
atl_rgb_to_buffer (const guint8 *pixels, int width, int height)
{
  const Babl *format = babl_format ("R'G'B' u8");
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height), format);

  gegl_buffer_set (buffer, NULL, 0, format, pixels, GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

void
atl_rgb_from_buffer (guint8 *pixels, GeglBuffer *buffer)
{
  gegl_buffer_get (buffer, NULL, 1.0, babl_format ("R'G'B' u8"), pixels, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_NONE);
}

gboolean
atl_is_picture_name (const char *name)
{
  static const char *const endings[] = { ".jpg",  ".jpeg", ".png",  ".tif", ".tiff", ".webp",
                                         ".heic", ".heif", ".avif", ".jxl", ".jp2",  ".bmp",
                                         ".gif",  ".ppm",  ".pgm",  ".pnm" };
  const char *dot = strrchr (name, '.');

  for (size_t i = 0; dot != NULL && i < G_N_ELEMENTS (endings); i++)
    if (g_ascii_strcasecmp (dot, endings[i]) == 0)
      return TRUE;
  return FALSE;
}
