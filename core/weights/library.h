/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where weight files are found: the folders of ATELIER_MODEL_PATH (colon-separated), then atelier/models
 * in the user's data folder, then the installed data folder; the first file of a name wins.
 */

#pragma once

#include "weights/card.h"

G_BEGIN_DECLS

typedef struct
{
  char *name; /* the file's name without .safetensors; printable UTF-8 */
  char *path;
  size_t size; /* of the file, in bytes */
  AtlCard *card;
} AtlLibraryEntry;

/* The weight files for a task (NULL = all), as a GPtrArray of AtlLibraryEntry, sorted by name; never
 * NULL. Files that cannot be read or listed are left out; if 'problems' is not NULL, it is set to a GPtrArray of
 * messages (char *), one for each of them. */
ATL_PUBLIC GPtrArray *atl_library_list (const char *task, GPtrArray **problems);

/* The path of a model given by name, or by a path (anything with a slash or ending in .safetensors).
 * ATL_ERROR_MODEL names the folders that were searched, and the models there are. */
char *atl_library_find (const char *name_or_path, const char *task, GError **error);

/* The folders searched, in order, existing or not; a NULL-ended list, freed by g_strfreev (). */
char **atl_library_folders (void);

G_END_DECLS
