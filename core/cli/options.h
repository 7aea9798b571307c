/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of a command: parsed strictly, with --help.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What --help says of a command beside its options. */
typedef struct
{
  const char *command; /* "models" */
  const char
      *arguments;      /* what follows the options, marked by N_(): "IN... -o OUT"; NULL for none */
  const char *summary; /* a sentence or more, marked by N_() */
  const char *examples; /* lines of shell, each indented by two spaces */
} AtlUsage;

/* A context to which the command adds its entries or groups; freed by g_option_context_free (). */
GOptionContext *atl_options_new (const AtlUsage *usage);

/* Parses the options; what else there is goes to 'arguments', freed by g_strfreev (), never NULL. FALSE
 * if the command is to end now with 'status': help was asked for and printed, or the usage is wrong and
 * was said to be so. */
gboolean atl_options_parse (GOptionContext *context, const AtlUsage *usage, int argc, char **argv,
                            char ***arguments, int *status);

/* Sets the number of threads, as the option '--threads' has it. FALSE if there cannot be so many, which
 * was said: the command ends with ATL_EXIT_USAGE. */
gboolean atl_options_set_threads (const AtlUsage *usage, int n_threads);

G_END_DECLS
