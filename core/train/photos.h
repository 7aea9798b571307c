/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The photos of some folders, decoded into memory.
 */

#pragma once

#include "base/progress.h"
#include "train/photo.h"

G_BEGIN_DECLS

/* The picture files in these folders and all below them, and those named themselves: a GPtrArray of
 * char *, sorted, each once. Hidden files and folders are left out. ATL_ERROR_TRAINING if there is none,
 * G_FILE_ERROR for a folder that cannot be read. */
GPtrArray *atl_photos_find (const char *const *places, GError **error);

/* One photo for each path. A photo that cannot be read has width 0. */
typedef struct
{
  int n;
  AtlPhoto *photos; /* n */
} AtlPhotos;

void atl_photos_clear (AtlPhotos *photos);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlPhotos, atl_photos_clear)

/* Which photos are used, and how. */
typedef struct
{
  int min_side; /* those smaller in width or height are left out */
  int max_side; /* larger ones are shrunk */
  int max_photos;
  size_t max_bytes; /* no more are read when they fill so many; a few photos may go beyond */
} AtlPhotoLimits;

/* Decodes the files by worker threads, in the order of 'paths', up to the limits. A line for each photo
 * that is left out, or does not fit into the bytes, is added to 'problems', a GPtrArray of char *. Fails
 * only when cancelled. */
gboolean atl_photos_load (AtlPhotos *photos, const GPtrArray *paths, const AtlPhotoLimits *limits,
                          GPtrArray *problems, const AtlProgress *progress, GError **error);

G_END_DECLS
