/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writing picture files for the command line, by libvips: it knows depth, profiles and EXIF, and it tells
 * of a disk that is full.
 */

#include "image/photo-file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic-file.h"
#include "base/error.h"
#include "base/i18n.h"
#include "image/photo-file-private.h"
#include "image/swap.h"

/* Of JPEG and WebP. */
#define LOSSY_QUALITY 92

/* What the offsets of an ordinary TIFF reach is 4 GiB; compressed noise is larger than what it was. */
#define TIFF_BYTES_MAX (G_GUINT64_CONSTANT (2) << 30)

/* What a kind of file can hold. */
typedef struct
{
  const char *name;
  const char *endings; /* with a blank before and behind each */
  gboolean alpha, exif;
  int max_bits; /* of an integer; 32 stands for float too */
  int max_side; /* in pixels */
} Kind;

static const Kind kinds[] = {
  { "PNG", " .png ", TRUE, TRUE, 16, G_MAXINT },
  { "JPEG", " .jpg .jpeg ", FALSE, TRUE, 8, 65500 },
  { "TIFF", " .tif .tiff ", TRUE, FALSE, 32, G_MAXINT },
  { "WebP", " .webp ", TRUE, TRUE, 8, 16383 },
};

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
atl_photo_file_is_writable (const char *path)
{
  return find_kind (path) != NULL;
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
      int code = errno;

      /* To the system a file in the place of the folder is one that may not be searched. */
      if (g_file_test (folder, G_FILE_TEST_IS_REGULAR))
        code = ENOTDIR;

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                   _ ("'%s' cannot be written: %s"), shown, g_strerror (code));
      return FALSE;
    }
  return TRUE;
}

gboolean
atl_photo_file_check_size (const char *path, int width, int height, GError **error)
{
  const Kind *kind = find_kind (path);
  g_autofree char *shown = g_filename_display_name (path);

  if (kind == NULL || MAX (width, height) <= kind->max_side)
    return TRUE;

  g_set_error (
      error, ATL_ERROR, ATL_ERROR_ARGUMENT,
      _ ("'%s' cannot be written: it would have %d x %d pixels, but %s has at most %d on a "
         "side; .tif and .png hold it"),
      shown, width, height, kind->name, kind->max_side);
  return FALSE;
}

/* The deepest sample that a kind of file has room for. */
static const AtlSample *
sample_for_kind (const Kind *kind, VipsBandFormat format)
{
  const AtlSample *wanted = atl_sample_find (format);

  if (wanted->bits <= kind->max_bits)
    return wanted;
  return atl_sample_find (kind->max_bits == 16 ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR);
}

/* Whether a file's EXIF has more than what every such block has, and what other parts of a file tell as well:
 * libvips makes one of these fields for each picture that it writes. */
static gboolean
has_exif_of_its_own (VipsImage *image)
{
  static const char *const usual[] = {
    "exif-ifd0-Orientation",
    "exif-ifd0-XResolution",
    "exif-ifd0-YResolution",
    "exif-ifd0-ResolutionUnit",
    "exif-ifd0-YCbCrPositioning",
    "exif-ifd2-ExifVersion",
    "exif-ifd2-FlashpixVersion",
    "exif-ifd2-ColorSpace",
    "exif-ifd2-PixelXDimension",
    "exif-ifd2-PixelYDimension",
    "exif-ifd2-ComponentsConfiguration",
    NULL,
  };
  g_auto (GStrv) fields = vips_image_get_fields (image);

  for (char **field = fields; *field != NULL; field++)
    if (g_str_has_prefix (*field, "exif-ifd") && ! g_strv_contains (usual, *field))
      return TRUE;
  return FALSE;
}

char *
atl_photo_file_loss (const AtlPhotoFile *file, const char *path)
{
  const Kind *kind = find_kind (path);
  const AtlSample *sample = atl_sample_find (file->image->BandFmt);
  g_autoptr (GPtrArray) losses = g_ptr_array_new_with_free_func (g_free);

  if (kind == NULL)
    return NULL;

  if (! kind->alpha && babl_format_has_alpha (gegl_buffer_get_format (file->buffer)))
    g_ptr_array_add (losses,
                     g_strdup_printf (_ ("%s has no transparency: it becomes white"), kind->name));
  if (sample->bits > kind->max_bits)
    g_ptr_array_add (losses,
                     g_strdup_printf (_ ("%s has %d bits a channel: finer steps are rounded"),
                                      kind->name, kind->max_bits));
  if (! kind->exif && has_exif_of_its_own (file->image))
    g_ptr_array_add (losses, g_strdup_printf (_ ("%s files are written without EXIF"), kind->name));
  if (losses->len == 0)
    return NULL;

  g_ptr_array_add (losses, NULL);
  return g_strjoinv ("; ", (char **) losses->pdata);
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
image_of_result (const AtlPhotoFile *file, Source *source, const AtlSample *sample)
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
written_format (GeglBuffer *buffer, const Kind *kind, const AtlSample *sample)
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

/* LZW is eight times as fast as Deflate, and its files of 8 bits are less than a tenth larger; from more bits, whose
 * last ones are noise, it makes files larger than none would be. */
static VipsForeignTiffCompression
tiff_compression (const VipsImage *image)
{
  return vips_image_get_format (image) == VIPS_FORMAT_UCHAR ? VIPS_FOREIGN_TIFF_COMPRESSION_LZW
                                                            : VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE;
}

/* The savers are called by name, as the loaders are. */
static int
save_image (VipsImage *image, const char *path)
{
  const char *saver = vips_foreign_find_save (path);

  if (saver == NULL)
    return -1;
  if (strstr (saver, "Jpeg") != NULL || strstr (saver, "Webp") != NULL)
    return vips_call (saver, image, path, "Q", LOSSY_QUALITY, NULL);
  if (strstr (saver, "Tiff") != NULL)
    return vips_call (saver, image, path, "compression", tiff_compression (image), "bigtiff",
                      VIPS_IMAGE_SIZEOF_IMAGE (image) > TIFF_BYTES_MAX, NULL);
  /* With filters files are a quarter smaller than with libvips's own choice, which is none. */
  if (strstr (saver, "Png") != NULL)
    return vips_call (saver, image, path, "filter", VIPS_FOREIGN_PNG_FILTER_ALL, "compression", 4,
                      NULL);
  return vips_call (saver, image, path, NULL);
}

static gboolean
write_pixels (const AtlPhotoFile *file, Source *source, const AtlSample *sample, const char *path,
              GError **error)
{
  g_autoptr (AtlAtomicFile) output = atl_atomic_file_new (path, error);

  if (output == NULL)
    return FALSE;

  g_autoptr (AtlVipsImage) image = image_of_result (file, source, sample);
  if (image != NULL && save_image (image, atl_atomic_file_temporary (output)) == 0)
    return atl_swap_check (file->losses, error) && atl_atomic_file_commit (output, error);

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
  const AtlSample *sample = sample_for_kind (kind, file->image->BandFmt);
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
