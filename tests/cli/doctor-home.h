/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A home for 'atelier doctor' in which all is well: programs that could be GIMPs and plug-ins are scripts.
 */

#pragma once

#include "temporary.h"

G_BEGIN_DECLS

/* A folder with a model, GIMP 2.10 in usr/bin, and its plug-in in config/GIMP/2.10/plug-ins; the environment leads
 * to them and to nothing else. */
AtlTestFolder *atl_test_home_new (void);

/* Writes a file below the folder, with all folders to it; returns its path, freed by g_free (). */
char *atl_test_home_file (const AtlTestFolder *home, const char *path, const char *text);

/* Writes a script of the shell that can be run. */
void atl_test_home_script (const AtlTestFolder *home, const char *path, const char *text);

/* Writes a program that says that it is GIMP of this version, and one that says that it is our plug-in of a version
 * of Atelier for a GIMP. */
void atl_test_home_gimp (const AtlTestFolder *home, const char *path, const char *version);
void atl_test_home_plugin (const AtlTestFolder *home, const char *path, const char *version,
                           const char *gimp);

/* Removes a file below the folder, asserting that it was there. */
void atl_test_home_remove (const AtlTestFolder *home, const char *path);

G_END_DECLS
