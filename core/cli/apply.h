/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands that apply a filter to files have in common: options from the filter's table, one
 * file after the other, progress, messages.
 */

#pragma once

#include "cli/options.h"

G_BEGIN_DECLS

/* Runs the filter of this name as the command 'usage' describes; returns the exit status. */
int atl_apply_run (const char *filter, const AtlUsage *usage, AtlOptions *command_line);

G_END_DECLS
