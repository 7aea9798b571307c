/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GIMPs that are installed here, where each looks for plug-ins, and what it remembers of them. All is read from
 * files as GIMP itself reads them; a GIMP is started once, for its version only.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *program; /* path: "/usr/bin/gimp-console-3.0" */
  char *
      windowed; /* that of the same GIMP with its windows, "/usr/bin/gimp-3.0", if it is there; else 'program' */
  char *answer;    /* the first line of what 'program' says to --version; NULL if it says nothing */
  char *version;   /* as in the names of programs and of the user's folder: "2.10", "3.0", "3.2" */
  int major;       /* all versions with one share their plug-ins: 2 or 3 */
  char *prefix;    /* where it was installed: "/usr" */
  char *directory; /* the user's folder of settings, ${gimp_dir}; need not exist */
  char *libraries; /* the system's folder that holds plug-ins/, ${gimp_plug_in_dir} */
  char *gimprc;    /* the file that sets the folders of plug-ins; NULL: none does */
  GPtrArray *folders; /* the folders that are searched for plug-ins (char *), the first first */
  char *problem;      /* why this GIMP can load no plug-ins, for people; NULL if it can */
} AtlGimp;

/* What a GIMP remembers of a plug-in from the last time that it looked for new ones. */
typedef enum
{
  ATL_MEMORY_NOTHING, /* it has not looked since the plug-in or its folders changed */
  ATL_MEMORY_REFUSED, /* it has looked since, and the plug-in did not register */
  ATL_MEMORY_LISTED   /* the plug-in is in its menu */
} AtlGimpMemory;

/* All versions found in PATH, sorted, as a GPtrArray of AtlGimp; never NULL. 'problems' becomes a GPtrArray of what
 * there is to say, for people, of programs that may be a GIMP. */
GPtrArray *atl_gimps_find (GPtrArray **problems);

/* All paths below a folder that match a pattern of glob (), as a NULL-ended list to be freed by g_strfreev (). The
 * folder's name is no pattern, whatever it has. */
char **atl_paths_below (const char *folder, const char *pattern);

/* 'plugin' is the path of a program in one of the folders. */
AtlGimpMemory atl_gimp_remembers (const AtlGimp *gimp, const char *plugin);

/* The file in which the GIMP remembers, to be freed by g_free (). */
char *atl_gimp_memory_file (const AtlGimp *gimp);

G_END_DECLS
