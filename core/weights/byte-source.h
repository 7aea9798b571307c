/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of a plain file, or of memory, read at any place.
 *
 * A file is read, not mapped: one that is truncated meanwhile, on a network or by another program, would
 * end a process that touches its mapping.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const guint8 *memory; /* borrowed; NULL for a file */
  int descriptor;       /* of a file, else -1 */
  guint64 size;         /* in bytes, when it was opened */
} AtlByteSource;

/* Nothing: what a struct holds that is not open yet. */
#define ATL_BYTE_SOURCE_CLOSED ((AtlByteSource) { .descriptor = -1 })

/* G_FILE_ERROR if there is no such file, or if it is no plain one, which could keep us waiting for ever. */
gboolean atl_byte_source_open (AtlByteSource *source, const char *path, GError **error);
void atl_byte_source_clear (AtlByteSource *source);

/* Reads n_bytes from 'offset' on, all of them inside the size. Safe from several threads. G_FILE_ERROR, or
 * ATL_ERROR_FORMAT if the file has become shorter. */
gboolean atl_byte_source_read (const AtlByteSource *source, void *bytes, guint64 offset,
                               size_t n_bytes, GError **error);

G_END_DECLS
