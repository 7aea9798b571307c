/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of a training, described once: the command line reads them by these tables, a checkpoint
 * stores them, and the recipe in a weight file's card lists them.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  ATL_OPTION_FLAG,    /* gboolean */
  ATL_OPTION_INTEGER, /* int */
  ATL_OPTION_NUMBER,  /* double */
  ATL_OPTION_CHOICE,  /* int, the index of a choice */
  ATL_OPTION_STRING,  /* char *, owned, NULL when not given */
  ATL_OPTION_STRINGS  /* char **, owned, NULL-ended, NULL when not given; each setting adds one */
} AtlOptionKind;

typedef struct
{
  const char *name; /* as typed after '--' */
  char letter;      /* as typed after '-', or 0 */
  AtlOptionKind kind;
  size_t offset;              /* of its value in the struct of options */
  gboolean of_this_run;       /* where and how, not what is computed: not recorded */
  double minimum, maximum;    /* of integers and numbers */
  const char *const *choices; /* NULL-ended */
  gboolean is_path;           /* a string or strings that may be paths */
  const char *argument;       /* what --help calls its value, marked by N_(); not of choices */
  const char *blurb;          /* marked by N_() */
  gboolean is_fixed;          /* a resumed training keeps it */
  gboolean is_course; /* how a training goes on, ends and is kept: not of a search for a rate */
} AtlOption;

typedef struct
{
  const AtlOption *options;
  int n_options;
} AtlOptionTable;

/* Sets an option from its text. ATL_ERROR_ARGUMENT says what is possible. */
gboolean atl_option_set (const AtlOption *option, void *values, const char *text, GError **error);

/* The value of an integer, number, choice or string as text; NULL if it has none, and for other kinds. */
char *atl_option_text (const AtlOption *option, const void *values);

/* Adds a member for each recorded option that has a value. With 'names_only' the last part of a path
 * stands for it: where somebody keeps photos is nobody's business. */
void atl_options_to_json (const AtlOptionTable *table, const void *values, gboolean names_only,
                          JsonObject *object);

/* Sets the recorded options that 'object' has; ATL_ERROR_FORMAT if one cannot be. */
gboolean atl_options_from_json (const AtlOptionTable *table, void *values, JsonObject *object,
                                GError **error);

/* Whether all recorded texts can stand in a card, which is UTF-8 without control characters.
 * ATL_ERROR_ARGUMENT names the option whose text cannot. */
gboolean atl_options_check_texts (const AtlOptionTable *table, const void *values, GError **error);

/* Whether the options that a resumed training keeps are those that 'stored' has. ATL_ERROR_ARGUMENT names
 * one that is not. */
gboolean atl_options_check_fixed (const AtlOptionTable *table, const void *values,
                                  JsonObject *stored, GError **error);

/* Frees the strings. */
void atl_options_clear (const AtlOptionTable *table, void *values);

/* What every task's training has. Zero means 'not given' for steps, epochs and minutes, of which one is
 * given in the end. */
typedef struct
{
  char **data;
  char *output;
  char *from;
  char *run;
  gboolean resume;
  int batch;
  double rate;
  char *schedule;
  double weight_decay;
  double average;
  int norm; /* AtlNorm */
  int steps;
  int epochs;
  double minutes;
  int seed;
  int photos; /* used at most, 0 = as many as fit into memory */
  char *validation;
  int threads;
  double checkpoint; /* seconds */
  int precision;     /* AtlDtype */
  char *name, *description, *license, *trained_on;
} AtlTrainOptions;

/* What batch normalisation does in training. */
typedef enum
{
  ATL_NORM_FROZEN, /* statistics, gamma and beta stay as they are at the start */
  ATL_NORM_BATCH   /* the statistics of each batch, as in the lesson */
} AtlNorm;

/* The table for AtlTrainOptions; a task has one of its own beside it, for a struct that begins with
 * AtlTrainOptions. */
extern const AtlOptionTable atl_train_options;

G_END_DECLS
