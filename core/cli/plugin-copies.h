/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The copies of one of our plug-ins that lie in folders of GIMP's, and what each of them says when it is started.
 */

#pragma once

#include "cli/gimps.h"

G_BEGIN_DECLS

/* Where a copy lies: GIMP looks for FOLDER/NAME/NAME, in folders of its own. */
typedef enum
{
  ATL_PLACE_RIGHT, /* GIMP finds it */
  ATL_PLACE_BARE,  /* FOLDER/NAME: GIMP 3 wants a folder of the plug-in's own */
  ATL_PLACE_NAMED, /* FOLDER/OTHER/NAME or deeper: the folder has another name than the plug-in */
  ATL_PLACE_ELSEWHERE /* in a folder of plug-ins where this GIMP does not look */
} AtlPlace;

typedef struct
{
  char *path;
  AtlPlace place;
  const char *folder; /* the GIMP's folder of plug-ins that it is in, borrowed; NULL elsewhere */
} AtlPluginCopy;

/* What became of starting a copy. */
typedef struct
{
  char *problem; /* why it cannot run in this GIMP and what to do, for people; NULL if it can */
  char *version; /* of Atelier; NULL if it does not tell */
  char *remark;  /* what is odd, but no problem; NULL for nothing */
} AtlPluginTrial;

/* All copies for a GIMP as a GPtrArray of AtlPluginCopy; never NULL. Those in the right place come first, in the order
 * in which GIMP looks. 'name': "atelier-upscale". */
GPtrArray *atl_plugin_copies_find (const AtlGimp *gimp, const char *name);

/* Whether GIMP would start it: if not, why and what to do, for people, freed by g_free (); else NULL. */
char *atl_plugin_copy_blocked (const AtlPluginCopy *copy);

/* Starts a copy with --version, as GIMP starts it to ask what it can do, so that the system's loader tells which
 * libraries are missing. The plug-in itself knows for which GIMP it was built. */
AtlPluginTrial atl_plugin_copy_try (const AtlPluginCopy *copy, const AtlGimp *gimp);
void atl_plugin_trial_clear (AtlPluginTrial *trial);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlPluginTrial, atl_plugin_trial_clear)

G_END_DECLS
