/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of a command: parsed strictly, and kept, for --help, the manual page and the shells'
 * completion to be made of the same entries.
 *
 * The name of a value, GOptionEntry's 'arg_description', says what can be typed: words in lower case are
 * typed as they stand, words in capitals stand for something, a bar separates what is possible.
 * "normal|best", "N", "OUT|DIR". DIR is a folder; FILE, IN, OUT, DATA and WEIGHTS are files; MODEL is an
 * installed model or a file.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is said of a command beside its options. */
typedef struct
{
  const char *command; /* "models" */
  const char *blurb;   /* a few words for 'atelier --help', marked by N_() */
  /* What follows the options, marked by N_(); NULL for none. "[list | show MODEL]": separated by ' | ' what
   * is possible; of each, dots follow what can be repeated. */
  const char *arguments;
  const char *summary;  /* a sentence or more, marked by N_() */
  const char *examples; /* lines of shell, each indented by two spaces */
} AtlUsage;

typedef struct AtlOptions AtlOptions;

/* The options of a command that was called with 'argv', whose first word is the command's name; both are
 * borrowed. With NULL the options are only to be learned: the command adds them, and is not to run. */
AtlOptions *atl_options_new (const AtlUsage *usage, int argc, char **argv);
void atl_options_free (AtlOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlOptions, atl_options_free)

/* Adds entries, up to one without a name. Their texts are copied; what they point to for the values lives
 * until the options are parsed. */
void atl_options_add (AtlOptions *options, const GOptionEntry *entries);

/* What callbacks among the entries are given. */
void atl_options_set_data (AtlOptions *options, void *data);

/* Parses the command line; what is neither option nor value goes to 'arguments', freed by g_strfreev (),
 * never NULL. FALSE if the command is to end now with 'status': help was asked for and printed, or the
 * usage is wrong and was said to be so, or the options were only to be learned. */
gboolean atl_options_parse (AtlOptions *options, char ***arguments, int *status);

/* What was added, and --help; up to an entry without a name. */
const GOptionEntry *atl_options_entries (const AtlOptions *options);

/* Whether an entry wants a value. */
gboolean atl_option_has_value (const GOptionEntry *entry);

/* Sets the number of threads, as the option '--threads' has it. FALSE if there cannot be so many, which
 * was said: the command ends with ATL_EXIT_USAGE. */
gboolean atl_options_set_threads (const AtlUsage *usage, int n_threads);

G_END_DECLS
