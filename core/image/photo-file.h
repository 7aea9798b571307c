/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files for the command line: read into a GeglBuffer, and results written with all that the
 * file held beside its pixels: profile, EXIF, orientation, resolution.
 *
 * Pixels stay as they are stored: upright or not, 8 or 16 bits or float, grey or RGB, with alpha or
 * without. Other colour models (CMYK, Lab) are converted to sRGB.
 */

#pragma once

#include <gegl.h>

#include "base/progress.h"

G_BEGIN_DECLS

typedef struct AtlPhotoFile AtlPhotoFile;

/* Reads a whole file of any kind that libvips knows. ATL_ERROR_FORMAT, with the file's name, if it is no
 * picture, damaged or of an odd number of channels; G_FILE_ERROR if it cannot be opened. */
AtlPhotoFile *atl_photo_file_open (const char *path, const AtlProgress *progress, GError **error);
void atl_photo_file_free (AtlPhotoFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPhotoFile, atl_photo_file_free)

/* The pixels; borrowed. */
GeglBuffer *atl_photo_file_buffer (const AtlPhotoFile *file);

/* What was lost in reading, for people, or NULL; borrowed. */
const char *atl_photo_file_remark (const AtlPhotoFile *file);

/* Whether the ending of a name tells a kind that is written, not only read. */
gboolean atl_photo_file_is_writable (const char *path);

/* Whether a file of this name could be written: its ending is known, and its folder is there and may be
 * written to. ATL_ERROR_ARGUMENT or G_FILE_ERROR. */
gboolean atl_photo_file_check_output (const char *path, GError **error);

/* Whether a file of this name can hold a picture of this size. ATL_ERROR_ARGUMENT. */
gboolean atl_photo_file_check_size (const char *path, int width, int height, GError **error);

/* What a file of this name cannot hold of the picture, for people, or NULL; owned by the caller. */
char *atl_photo_file_loss (const AtlPhotoFile *file, const char *path);

/* Writes a result of 'file' in the kind that the ending of 'path' tells, at once and only when it is
 * complete. A kind that has no such depth gets the deepest it has, one without alpha white behind it.
 * ATL_ERROR_MEMORY if GEGL has lost pixels of the file or of the result. */
gboolean atl_photo_file_write (const AtlPhotoFile *file, GeglBuffer *result, const char *path,
                               const AtlProgress *progress, GError **error);

G_END_DECLS
