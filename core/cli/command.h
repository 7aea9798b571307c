/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The subcommands of the program 'atelier', one a file.
 */

#pragma once

#include "cli/options.h"

G_BEGIN_DECLS

/* Exit statuses. */
enum
{
  ATL_EXIT_DONE = 0,
  ATL_EXIT_FAILED = 1,
  ATL_EXIT_USAGE = 2
};

typedef struct
{
  const AtlUsage *usage;
  /* Adds its entries to 'options', has them parse the command line, and runs; returns the exit status.
   * Messages for people go to stderr, results to stdout. */
  int (*run) (AtlOptions *options);
} AtlCommand;

extern const AtlCommand atl_command_upscale;
extern const AtlCommand atl_command_train;
extern const AtlCommand atl_command_find_lr;
extern const AtlCommand atl_command_evaluate;
extern const AtlCommand atl_command_models;
extern const AtlCommand atl_command_bench;
extern const AtlCommand atl_command_doctor;

/* The program itself, whose arguments are the commands. */
extern const AtlUsage atl_program_usage;
AtlOptions *atl_program_options (void);

/* The commands: a NULL-ended list. */
const AtlCommand *const *atl_commands (void);

/* NULL if there is none of this name. */
const AtlCommand *atl_command_find (const char *name);

/* The options that a command has, learned without running it; freed by atl_options_free (). */
AtlOptions *atl_command_options (const AtlCommand *command);

G_END_DECLS
