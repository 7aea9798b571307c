/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files for the command line, by libvips: it knows depth, profiles and EXIF, and it tells of a
 * disk that is full.
 */

#include "image/photo-file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic-file.h"
#include "base/error.h"
#include "base/i18n.h"
#include "image/vips.h"

/* Rows that are read or written at once; files are read and written in strips of about that. */
#define STRIP_ROWS 128

struct AtlPhotoFile
{
  VipsImage *image; /* as it was read: its header goes with every result */
  GeglBuffer *buffer;
  char *remark;
};

/* What a kind of file can hold. */
typedef struct
{
  const char *endings; /* with a blank before and behind each */
  gboolean alpha;
  int max_bits; /* of an integer; 32 stands for float too */
} Kind;

static const Kind kinds[] = {
  { " .png ", TRUE, 16 },
  { " .jpg .jpeg ", FALSE, 8 },
  { " .tif .tiff ", TRUE, 32 },
  { " .webp ", TRUE, 8 },
};

/* One number of a pixel. */
typedef struct
{
  VipsBandFormat vips;
  const char *babl;
  int bits;
} Sample;

static const Sample samples[] = {
  { VIPS_FORMAT_UCHAR, "u8", 8 },       { VIPS_FORMAT_USHORT, "u16", 16 },
  { VIPS_FORMAT_UINT, "u32", 32 },      { VIPS_FORMAT_FLOAT, "float", 32 },
  { VIPS_FORMAT_DOUBLE, "double", 32 },
};

/* Reading. */

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

  if (g_stat (path, &status) != 0)
    {
      const int code = errno;
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                   _ ("'%s' cannot be read: %s"), shown, g_strerror (code));
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

/* Brings other colour models to sRGB. Takes 'image'. */
static VipsImage *
convert_colour (AtlPhotoFile *file, VipsImage *image, const char *path, GError **error)
{
  VipsImage *rgb = NULL;

  if (is_grey_or_rgb (image))
    return image;

  file->remark = g_strdup_printf (_ ("the colours of '%s' were converted to sRGB"), path);
  const int status = vips_colourspace (image, &rgb, VIPS_INTERPRETATION_sRGB, NULL);
  g_object_unref (image);
  if (status != 0)
    {
      set_read_error (path, error);
      return NULL;
    }

  /* A header of its own, without the profile of the colours that were. */
  VipsImage *copy = NULL;
  if (vips_copy (rgb, &copy, NULL) == 0)
    vips_image_remove (copy, VIPS_META_ICC_NAME);
  else
    set_read_error (path, error);
  g_object_unref (rgb);
  return copy;
}

/* The space of the file's profile. Where there is none, or one that babl cannot follow, sRGB: the numbers
 * pass through the network as they are, and the profile stays with them. */
static const Babl *
image_space (VipsImage *image)
{
  const void *profile = NULL;
  size_t size = 0;
  const char *message = NULL;

  if (vips_image_get_typeof (image, VIPS_META_ICC_NAME) == 0
      || vips_image_get_blob (image, VIPS_META_ICC_NAME, &profile, &size) != 0)
    return NULL;

  return babl_space_from_icc (profile, (int) size, BABL_ICC_INTENT_RELATIVE_COLORIMETRIC, &message);
}

static const Sample *
find_sample (VipsBandFormat format)
{
  for (size_t i = 0; i < G_N_ELEMENTS (samples); i++)
    if (samples[i].vips == format)
      return &samples[i];
  return NULL;
}

/* The format of a buffer with the pixels of an image, or NULL. Only what libvips calls scRGB is linear. */
static const Babl *
buffer_format (VipsImage *image)
{
  static const char *const models[2][4] = { { "Y'", "Y'A", "R'G'B'", "R'G'B'A" },
                                            { "Y", "YA", "RGB", "RGBA" } };
  const Sample *sample = find_sample (image->BandFmt);
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

  file->image = image != NULL ? convert_colour (file, image, path, error) : NULL;
  if (file->image == NULL)
    return NULL;

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

  file->buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, file->image->Xsize, file->image->Ysize),
                                  format);
  return read_pixels (file, path, progress, error) ? g_steal_pointer (&file) : NULL;
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

/* Writing. */

static const Kind *
find_kind (const char *path)
{
  const char *dot = strrchr (path, '.');
  g_autofree char *lower = g_ascii_strdown (dot != NULL ? dot : ".", -1);
  g_autofree char *ending = g_strdup_printf (" %s ", lower);

  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strstr (kinds[i].endings, ending) != NULL)
      return &kinds[i];
  return NULL;
}

gboolean
atl_photo_file_check_output (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *shown = g_filename_display_name (path);

  if (find_kind (path) == NULL)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'%s' cannot be written: its name must end in .png, .jpg, .tif or .webp"),
                   shown);
      return FALSE;
    }

  if (g_access (folder, W_OK | X_OK) != 0)
    {
      const int code = errno;

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                   _ ("'%s' cannot be written: %s"), shown, g_strerror (code));
      return FALSE;
    }
  return TRUE;
}

/* The deepest sample that a kind of file has room for. */
static const Sample *
sample_for_kind (const Kind *kind, VipsBandFormat format)
{
  const Sample *wanted = find_sample (format);

  if (wanted->bits <= kind->max_bits)
    return wanted;
  return kind->max_bits == 16 ? &samples[1] : &samples[0];
}

/* What the generator of a result needs; libvips calls it from several threads. */
typedef struct
{
  GeglBuffer *buffer;
  const Babl *format;
  const AtlProgress *progress;
  GMutex lock;
  int n_rows_done;
  GError *error;
} Source;

static int
generate (VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
  Source *source = a;
  const VipsRect *rect = &region->valid;

  g_mutex_lock (&source->lock);
  source->n_rows_done = MAX (source->n_rows_done, VIPS_RECT_BOTTOM (rect));
  if (source->error == NULL)
    atl_progress_update (source->progress, (double) source->n_rows_done / region->im->Ysize,
                         &source->error);
  const gboolean failed = source->error != NULL;
  g_mutex_unlock (&source->lock);
  if (failed)
    {
      *stop = TRUE;
      return -1;
    }

  gegl_buffer_get (source->buffer,
                   GEGL_RECTANGLE (rect->left, rect->top, rect->width, rect->height), 1.0,
                   source->format, VIPS_REGION_ADDR (region, rect->left, rect->top),
                   (int) VIPS_REGION_LSKIP (region), GEGL_ABYSS_NONE);
  return 0;
}

/* An image of the result's pixels with the header of the file that it was made of. */
static VipsImage *
image_of_result (const AtlPhotoFile *file, Source *source, const Sample *sample)
{
  VipsImage *image = vips_image_new ();
  const GeglRectangle *extent = gegl_buffer_get_extent (source->buffer);

  if (vips_image_pipelinev (image, VIPS_DEMAND_STYLE_THINSTRIP, file->image, NULL) != 0)
    {
      g_object_unref (image);
      return NULL;
    }

  image->Xsize = extent->width;
  image->Ysize = extent->height;
  image->BandFmt = sample->vips;
  image->Bands = babl_format_get_n_components (source->format);
  image->Type = image->Bands < 3
                    ? (sample->bits == 16 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W)
                : sample->bits == 8  ? VIPS_INTERPRETATION_sRGB
                : sample->bits == 16 ? VIPS_INTERPRETATION_RGB16
                                     : VIPS_INTERPRETATION_scRGB;
  if (vips_image_generate (image, NULL, generate, NULL, source, NULL) != 0)
    g_clear_object (&image);
  return image;
}

/* The format in which pixels are handed over: the buffer's own colour model and space. */
static const Babl *
written_format (GeglBuffer *buffer, const Kind *kind, const Sample *sample)
{
  const Babl *own = gegl_buffer_get_format (buffer);
  const gboolean grey = babl_format_get_n_components (own) < 3;
  const gboolean alpha = kind->alpha && babl_format_has_alpha (own);
  g_autofree char *model = g_strdup (babl_get_name (babl_format_get_model (own)));
  /* Integers of a linear model would be read as perceptual: only float files say that they are. */
  const gboolean linear = sample->bits == 32 && strchr (model, '\'') == NULL;
  g_autofree char *name = g_strdup_printf ("%s%s %s",
                                           grey     ? (linear ? "Y" : "Y'")
                                           : linear ? "RGB"
                                                    : "R'G'B'",
                                           alpha ? "A" : "", sample->babl);

  return babl_format_with_space (name, babl_format_get_space (own));
}

/* A new buffer with white behind the pixels, in linear light: c + (1 - a), where a is in c already. */
static GeglBuffer *
flatten_on_white (GeglBuffer *buffer)
{
  const Babl *own = gegl_buffer_get_format (buffer);
  const Babl *format = babl_format_with_space ("RaGaBaA float", babl_format_get_space (own));
  GeglBuffer *flat = gegl_buffer_new (gegl_buffer_get_extent (buffer), own);
  GeglBufferIterator *iterator = gegl_buffer_iterator_new (flat, NULL, 0, format, GEGL_ACCESS_WRITE,
                                                           GEGL_ABYSS_NONE, 2);

  gegl_buffer_iterator_add (iterator, buffer, NULL, 0, format, GEGL_ACCESS_READ, GEGL_ABYSS_NONE);
  while (gegl_buffer_iterator_next (iterator))
    {
      float *y = iterator->items[0].data;
      const float *x = iterator->items[1].data;

      for (int i = 0; i < iterator->length; i++, x += 4, y += 4)
        {
          for (int c = 0; c < 3; c++)
            y[c] = x[c] + 1.0f - x[3];
          y[3] = 1.0f;
        }
    }
  return flat;
}

/* The savers are called by name, as the loaders are. */
static int
save_image (VipsImage *image, const char *path)
{
  const char *saver = vips_foreign_find_save (path);

  if (saver == NULL)
    return -1;
  if (strstr (saver, "Jpeg") != NULL)
    return vips_call (saver, image, path, "Q", 92, NULL);
  if (strstr (saver, "Webp") != NULL)
    return vips_call (saver, image, path, "Q", 92, NULL);
  if (strstr (saver, "Tiff") != NULL)
    return vips_call (saver, image, path, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
                      "bigtiff", VIPS_IMAGE_SIZEOF_IMAGE (image) > G_GUINT64_CONSTANT (2) << 30,
                      NULL);
  return vips_call (saver, image, path, NULL);
}

static gboolean
write_pixels (const AtlPhotoFile *file, Source *source, const Sample *sample, const char *path,
              GError **error)
{
  g_autoptr (AtlAtomicFile) output = atl_atomic_file_new (path, error);

  if (output == NULL)
    return FALSE;

  g_autoptr (AtlVipsImage) image = image_of_result (file, source, sample);
  if (image != NULL && save_image (image, atl_atomic_file_temporary (output)) == 0)
    return atl_atomic_file_commit (output, error);

  if (source->error != NULL)
    {
      vips_error_clear ();
      g_propagate_error (error, g_steal_pointer (&source->error));
      return FALSE;
    }

  g_autofree char *shown = g_filename_display_name (path);
  g_autofree char *message = atl_vips_take_message (_ ("unknown reason"));
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, _ ("'%s' cannot be written: %s"), shown,
               message);
  return FALSE;
}

gboolean
atl_photo_file_write (const AtlPhotoFile *file, GeglBuffer *result, const char *path,
                      const AtlProgress *progress, GError **error)
{
  if (! atl_photo_file_check_output (path, error))
    return FALSE;

  const Kind *kind = find_kind (path);
  const Sample *sample = sample_for_kind (kind, file->image->BandFmt);
  const gboolean flatten = ! kind->alpha && babl_format_has_alpha (gegl_buffer_get_format (result));
  g_autoptr (GeglBuffer) flat = flatten ? flatten_on_white (result) : g_object_ref (result);
  Source source = { .buffer = flat,
                    .format = written_format (flat, kind, sample),
                    .progress = progress };

  g_mutex_init (&source.lock);
  const gboolean ok = write_pixels (file, &source, sample, path, error);
  g_clear_error (&source.error);
  g_mutex_clear (&source.lock);
  return ok;
}
