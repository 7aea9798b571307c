/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Zip archives whose members are stored as they are, as PyTorch writes them: where each member lies in the file.
 *
 * An archive is hostile input: places and sizes are checked against the file, and a member that is compressed,
 * encrypted or there twice is an error. Format: PKWARE's APPNOTE.TXT, sections 4.3 to 4.5.
 */

#pragma once

#include "weights/byte-source.h"

G_BEGIN_DECLS

typedef struct AtlZip AtlZip;

typedef struct
{
  char *name;
  guint64 offset; /* of its bytes in the file */
  guint64 size;   /* in bytes; offset + size lies inside the file */
} AtlZipMember;

/* Reads the directory of an archive; 'source' is not kept. ATL_ERROR_FORMAT, or what reading gives. */
AtlZip *atl_zip_new (const AtlByteSource *source, GError **error);
void atl_zip_free (AtlZip *zip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlZip, atl_zip_free)

/* A member by its whole name; borrowed, NULL if there is none. */
const AtlZipMember *atl_zip_find (const AtlZip *zip, const char *name);

/* The first member whose name ends so; borrowed, NULL if there is none. */
const AtlZipMember *atl_zip_find_suffix (const AtlZip *zip, const char *suffix);

G_END_DECLS
