/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that are there whole or not at all: written under another name in the same folder, synced to the
 * disk, then renamed.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct AtlAtomicFile AtlAtomicFile;

/* Begins a file. A symbolic link stays one, and what it leads to is written; a file that is there keeps its
 * permissions; folders, devices and pipes are refused. Errors are of G_FILE_ERROR and name 'path'. */
AtlAtomicFile *atl_atomic_file_new (const char *path, GError **error);

/* Appends bytes. */
gboolean atl_atomic_file_write (AtlAtomicFile *file, const void *data, size_t size, GError **error);

/* The file that is to be renamed, with the same ending as 'path', for a library that writes it by itself
 * instead of atl_atomic_file_write (). Borrowed until the file is committed. */
const char *atl_atomic_file_temporary (const AtlAtomicFile *file);

/* Ends the file: it replaces the one at its path, or, on failure, leaves that as it was. Nothing may be
 * written afterwards. */
gboolean atl_atomic_file_commit (AtlAtomicFile *file, GError **error);

/* All of these in one: a file of 'size' bytes. */
gboolean atl_atomic_file_save (const char *path, const void *data, size_t size, GError **error);

/* Frees, and removes what was written if it was not committed. Accepts NULL. */
void atl_atomic_file_free (AtlAtomicFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlAtomicFile, atl_atomic_file_free)

G_END_DECLS
