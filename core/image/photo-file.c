/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading picture files for the command line.
 */

#include "image/photo-file.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "base/error.h"
#include "base/i18n.h"
#include "image/photo-file-private.h"
#include "image/room.h"
#include "image/swap.h"

/* Rows that are read at once. */
#define STRIP_ROWS 128

static const AtlSample samples[] = {
  { VIPS_FORMAT_UCHAR, "u8", 8 },       { VIPS_FORMAT_USHORT, "u16", 16 },
  { VIPS_FORMAT_UINT, "u32", 32 },      { VIPS_FORMAT_FLOAT, "float", 32 },
  { VIPS_FORMAT_DOUBLE, "double", 32 },
};

const AtlSample *
atl_sample_find (VipsBandFormat format)
{
  for (size_t i = 0; i < G_N_ELEMENTS (samples); i++)
    if (samples[i].vips == format)
      return &samples[i];
  return NULL;
}

static gboolean
set_read_error (const char *path, GError **error)
{
  g_autofree char *shown = g_filename_display_name (path);
  g_autofree char *message = atl_vips_take_message (_ ("unknown reason"));

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("'%s' cannot be read as a picture: %s"),
               shown, message);
  return FALSE;
}

/* The file as libvips sees it, its rows to be read once from top to bottom. The loader is called by name,
 * since a file's name may hold brackets, which are options elsewhere. */
static VipsImage *
open_image (const char *path, GError **error)
{
  VipsImage *image = NULL;
  GStatBuf status;

  if (g_stat (path, &status) != 0 || g_access (path, R_OK) != 0)
    {
      const int code = errno;
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                   _ ("'%s' cannot be read: %s"), shown, g_strerror (code));
      return NULL;
    }

  /* A pipe could make everybody wait. */
  if (! S_ISREG (status.st_mode))
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                   S_ISDIR (status.st_mode) ? _ ("'%s' cannot be read as a picture: it is a folder")
                                            : _ ("'%s' cannot be read as a picture: it is no file"),
                   shown);
      return NULL;
    }

  const char *loader = vips_foreign_find_load (path);
  if (loader == NULL
      || vips_call (loader, path, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                    VIPS_FAIL_ON_TRUNCATED, NULL)
             != 0)
    {
      set_read_error (path, error);
      return NULL;
    }
  return image;
}

static gboolean
is_grey_or_rgb (const VipsImage *image)
{
  switch (image->Type)
    {
    case VIPS_INTERPRETATION_MULTIBAND:
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_scRGB:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
add_remark (AtlPhotoFile *file, char *take_remark)
{
  g_autofree char *before = file->remark;

  file->remark = before != NULL ? g_strconcat (before, "; ", take_remark, NULL)
                                : g_strdup (take_remark);
  g_free (take_remark);
}

/* CMYK by the file's own profile, or by one that libvips has for those without; the rest by formula. */
static int
transform_to_srgb (VipsImage *image, VipsImage **rgb)
{
  if (image->Type == VIPS_INTERPRETATION_CMYK)
    return vips_icc_transform (image, rgb, "srgb", "embedded", TRUE, "input_profile", "cmyk",
                               "depth", image->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8, NULL);
  return vips_colourspace (image, rgb, VIPS_INTERPRETATION_sRGB, NULL);
}

/* Brings packed pixels to plain ones, and other colour models to sRGB, with a header of its own that has
 * not the profile of the colours that were. Takes 'image'. */
static VipsImage *
convert_colour (AtlPhotoFile *file, VipsImage *image)
{
  g_autoptr (AtlVipsImage) packed = image, other = NULL, rgb = NULL;
  VipsImage *copy = NULL;

  if (vips_image_decode (packed, &other) != 0)
    return NULL;
  if (is_grey_or_rgb (other))
    return g_steal_pointer (&other);

  add_remark (file, g_strdup (_ ("its colours were converted to sRGB")));
  if (transform_to_srgb (other, &rgb) != 0 || vips_copy (rgb, &copy, NULL) != 0)
    return NULL;
  vips_image_remove (copy, VIPS_META_ICC_NAME);
  return copy;
}

static void
note_pages (AtlPhotoFile *file, VipsImage *image)
{
  int n_pages = 1;

  if (vips_image_get_typeof (image, VIPS_META_N_PAGES) != 0
      && vips_image_get_int (image, VIPS_META_N_PAGES, &n_pages) == 0 && n_pages > 1)
    add_remark (file, g_strdup_printf (P_ ("the first of its %d page was taken",
                                           "the first of its %d pages was taken", n_pages),
                                       n_pages));
}

/* The space of the file's profile. Where there is none, or one that babl cannot follow or that is of
 * another colour model, NULL for sRGB: the numbers pass through the network as they are, and the profile
 * stays with them. */
static const Babl *
image_space (VipsImage *image)
{
  const void *profile = NULL;
  size_t size = 0;
  const char *message = NULL;

  if (vips_image_get_typeof (image, VIPS_META_ICC_NAME) == 0
      || vips_image_get_blob (image, VIPS_META_ICC_NAME, &profile, &size) != 0)
    return NULL;

  const Babl *space = babl_space_from_icc (profile, (int) size,
                                           BABL_ICC_INTENT_RELATIVE_COLORIMETRIC, &message);
  return space != NULL && ! babl_space_is_cmyk (space)
                 && ! (babl_space_is_gray (space) && image->Bands > 2)
             ? space
             : NULL;
}

/* The format of a buffer with the pixels of an image, or NULL. Only what libvips calls scRGB is linear. */
static const Babl *
buffer_format (VipsImage *image)
{
  static const char *const models[2][4] = { { "Y'", "Y'A", "R'G'B'", "R'G'B'A" },
                                            { "Y", "YA", "RGB", "RGBA" } };
  const AtlSample *sample = atl_sample_find (image->BandFmt);
  const gboolean linear = image->Type == VIPS_INTERPRETATION_scRGB
                          && vips_image_get_typeof (image, VIPS_META_ICC_NAME) == 0;

  if (sample == NULL || image->Bands > 4)
    return NULL;

  g_autofree char *name = g_strdup_printf ("%s %s", models[linear][image->Bands - 1], sample->babl);
  return babl_format_with_space (name, image_space (image));
}

/* Copies all rows, in strips. */
static gboolean
read_pixels (AtlPhotoFile *file, const char *path, const AtlProgress *progress, GError **error)
{
  VipsImage *image = file->image;
  VipsRegion *region = vips_region_new (image);
  gboolean ok = TRUE;

  for (int y = 0; y < image->Ysize && ok; y += STRIP_ROWS)
    {
      const VipsRect rect = { 0, y, image->Xsize, MIN (STRIP_ROWS, image->Ysize - y) };

      ok = atl_progress_update (progress, (double) y / image->Ysize, error);
      if (ok && vips_region_prepare (region, &rect) != 0)
        ok = set_read_error (path, error);
      if (ok)
        gegl_buffer_set (file->buffer, GEGL_RECTANGLE (0, y, rect.width, rect.height), 0,
                         gegl_buffer_get_format (file->buffer), VIPS_REGION_ADDR (region, 0, y),
                         (int) VIPS_REGION_LSKIP (region));
    }

  g_object_unref (region);
  return ok;
}

AtlPhotoFile *
atl_photo_file_open (const char *path, const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlPhotoFile) file = g_new0 (AtlPhotoFile, 1);
  VipsImage *image = open_image (path, error);

  if (image == NULL)
    return NULL;

  file->losses = atl_swap_losses ();
  note_pages (file, image);
  file->image = convert_colour (file, image);
  if (file->image == NULL)
    {
      set_read_error (path, error);
      return NULL;
    }

  const Babl *format = buffer_format (file->image);
  if (format == NULL)
    {
      g_set_error (
          error, ATL_ERROR, ATL_ERROR_FORMAT,
          _ ("'%s' has %d channels of the kind '%s', but only grey and RGB with or without "
             "alpha can be worked on"),
          path, file->image->Bands, vips_enum_nick (VIPS_TYPE_BAND_FORMAT, file->image->BandFmt));
      return NULL;
    }

  if (! atl_room_check (0, VIPS_IMAGE_SIZEOF_IMAGE (file->image), error))
    {
      g_prefix_error (error, _ ("'%s': "), path);
      return NULL;
    }

  file->buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, file->image->Xsize, file->image->Ysize),
                                  format);
  if (! read_pixels (file, path, progress, error))
    return NULL;
  if (! atl_swap_check (file->losses, error))
    {
      g_prefix_error (error, _ ("'%s': "), path);
      return NULL;
    }
  return g_steal_pointer (&file);
}

void
atl_photo_file_free (AtlPhotoFile *file)
{
  if (file == NULL)
    return;

  g_clear_object (&file->image);
  g_clear_object (&file->buffer);
  g_free (file->remark);
  g_free (file);
}

GeglBuffer *
atl_photo_file_buffer (const AtlPhotoFile *file)
{
  return file->buffer;
}

const char *
atl_photo_file_remark (const AtlPhotoFile *file)
{
  return file->remark;
}
