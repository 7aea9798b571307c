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

/* Decodes the files by worker threads, in the order of 'paths', until they fill 'max_bytes'; photos that
 * are smaller than 'min_side' in width or height are left out, those larger than 'max_side' shrunk. A
 * line for each photo that is left out is added to 'problems', a GPtrArray of char *. Fails only when
 * cancelled. */
gboolean atl_photos_load (AtlPhotos *photos, const GPtrArray *paths, int min_side, int max_side,
                          size_t max_bytes, GPtrArray *problems, const AtlProgress *progress,
                          GError **error);

G_END_DECLS
