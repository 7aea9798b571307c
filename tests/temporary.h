/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Folders and files that a test writes.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The path of a new, empty folder. */
typedef char AtlTestFolder;
AtlTestFolder *atl_test_folder_new (void);

/* Removes the folder with all that is in it, and frees the path. Accepts NULL. */
void atl_test_folder_free (AtlTestFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTestFolder, atl_test_folder_free)

/* Asserts that the folder holds files of these names and no others: sorted, with a space between. */
void atl_test_folder_holds (const AtlTestFolder *folder, const char *names);

/* Writes a file, asserting that it could be. Returns its path, freed by g_free (). */
char *atl_test_file_new (const AtlTestFolder *folder, const char *name, const void *data,
                         size_t size);

/* Asserts that a file holds this text. */
void atl_test_file_holds (const char *path, const char *text);

G_END_DECLS
