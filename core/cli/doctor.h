/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of 'atelier doctor' share: the list of what was found.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A row: what it is about, what was found (or NULL), and what is wrong with it and what to do (or NULL). */
typedef struct
{
  char *what, *found, *problem;
} AtlFinding;

/* A GArray of AtlFinding. */
typedef GArray AtlFindings;

/* Takes 'take_found' and 'take_problem'; any of them may be NULL. */
void atl_findings_add (AtlFindings *findings, const char *what, char *take_found,
                       char *take_problem);

/* The folder that stands for the system's root: "/", or what ATELIER_DOCTOR_ROOT names, for tests. Borrowed. */
const char *atl_doctor_root (void);

/* Adds what there is to say of each GIMP and of our plug-ins in it. */
void atl_doctor_examine_gimps (AtlFindings *findings);

G_END_DECLS
