/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The subcommands of the program 'atelier', one a file.
 */

#pragma once

#include <glib.h>

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
  const char *name;  /* "upscale" */
  const char *blurb; /* one line for 'atelier --help', marked by N_() */
  /* Runs with argv[0] being the command's name; returns the exit status. Messages for people go to
   * stderr, results to stdout. */
  int (*run) (int argc, char **argv);
} AtlCommand;

extern const AtlCommand atl_command_upscale;
extern const AtlCommand atl_command_train;
extern const AtlCommand atl_command_evaluate;
extern const AtlCommand atl_command_models;
extern const AtlCommand atl_command_bench;
extern const AtlCommand atl_command_doctor;

G_END_DECLS
