/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The stack machine that reads pickles. Each function that may fail does so with ATL_ERROR_FORMAT: since the bytes end,
 * since the stack has not what it should, or since there are too many values.
 */

#pragma once

#include "weights/pickle.h"

G_BEGIN_DECLS

typedef struct
{
  const guint8 *at, *begin, *end;
  AtlPickleUseFunc *use_of;
  GPtrArray *values; /* all that were made, owned */
  GPtrArray *stack;  /* of AtlPickleValue, borrowed like all below */
  GArray *marks;     /* of guint: lengths that the stack had */
  GHashTable *memo;  /* number -> value that is used again */
  AtlPickleValue *result;
} AtlPickleMachine;

/* Sets an error that tells the place, and returns FALSE. */
gboolean atl_pickle_fail (const AtlPickleMachine *machine, GError **error, const char *message);

/* The next n bytes, which are skipped; NULL if there are less. */
const guint8 *atl_pickle_take (AtlPickleMachine *machine, guint64 n, GError **error);
/* A little-endian number of n bytes. */
gboolean atl_pickle_take_number (AtlPickleMachine *machine, int n, guint64 *number, GError **error);

/* A new value, on the stack. */
AtlPickleValue *atl_pickle_push_new (AtlPickleMachine *machine, AtlPickleKind kind, GError **error);
/* The value under n others, which must lie above the last mark. */
AtlPickleValue *atl_pickle_peek (AtlPickleMachine *machine, guint n, GError **error);
/* Takes off n values that are there. */
void atl_pickle_drop (AtlPickleMachine *machine, guint n);
gboolean atl_pickle_pop (AtlPickleMachine *machine, GError **error);
gboolean atl_pickle_push_mark (AtlPickleMachine *machine, GError **error);
gboolean atl_pickle_pop_to_mark (AtlPickleMachine *machine, GError **error);

gboolean atl_pickle_push_integer (AtlPickleMachine *machine, AtlPickleKind kind, gint64 integer,
                                  GError **error);
/* An integer of 1, 2 or 4 bytes. */
gboolean atl_pickle_push_fixed_integer (AtlPickleMachine *machine, int n_bytes, GError **error);
/* As many bytes, in two's complement, as the byte before them says. */
gboolean atl_pickle_push_long (AtlPickleMachine *machine, GError **error);
/* A text after its length, a number of so many bytes. */
gboolean atl_pickle_push_text (AtlPickleMachine *machine, int n_bytes, GError **error);

/* Makes one value of the uppermost n, or of those above the last mark. */
gboolean atl_pickle_push_items (AtlPickleMachine *machine, AtlPickleKind kind, guint n,
                                GError **error);
gboolean atl_pickle_push_items_above_mark (AtlPickleMachine *machine, AtlPickleKind kind,
                                           GError **error);
/* Adds them to the list or dict below them. */
gboolean atl_pickle_add_items (AtlPickleMachine *machine, AtlPickleKind kind, guint n,
                               GError **error);
gboolean atl_pickle_add_items_above_mark (AtlPickleMachine *machine, AtlPickleKind kind,
                                          GError **error);

/* Remembers the uppermost value, under a number, or one that follows in n bytes. */
gboolean atl_pickle_memorize (AtlPickleMachine *machine, guint64 number, GError **error);
gboolean atl_pickle_memorize_numbered (AtlPickleMachine *machine, int n_bytes, GError **error);
/* Puts the value on the stack whose number follows in n bytes. */
gboolean atl_pickle_recall (AtlPickleMachine *machine, int n_bytes, GError **error);

G_END_DECLS
