/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Python's pickles, as far as they are data: containers, texts, numbers, and calls that are only noted down.
 *
 * A pickle is a program for a small stack machine, and one of its instructions calls any function of Python. Here
 * nothing is ever called: a pickle may name the functions and classes alone that the caller allows, and one that names
 * another is refused. Format: Lib/pickletools.py of CPython; protocols 2 to 5 without bytes, sets and objects.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum
{
  ATL_PICKLE_MAX_BYTES = 16 * 1024 * 1024, /* 932 tensors of a ResNet-152 take 0.1 MiB */
  /* A tensor takes about 25, and there may be ATL_HEADER_MAX_TENSORS. */
  ATL_PICKLE_MAX_VALUES = 300000
};

typedef enum
{
  ATL_PICKLE_NONE,
  ATL_PICKLE_BOOLEAN,
  ATL_PICKLE_INTEGER,
  ATL_PICKLE_FLOAT,
  ATL_PICKLE_STRING,
  ATL_PICKLE_TUPLE,
  ATL_PICKLE_LIST,
  ATL_PICKLE_DICT,
  ATL_PICKLE_GLOBAL,    /* a function or class by its name */
  ATL_PICKLE_CALL,      /* of a function that is not called */
  ATL_PICKLE_PERSISTENT /* something outside of the pickle */
} AtlPickleKind;

/* Values may contain themselves: who walks through them counts the steps. */
typedef struct AtlPickleValue
{
  AtlPickleKind kind;
  gint64 integer; /* of a boolean and an integer; what has more than 64 bits is G_MININT64 */
  char *
      text; /* of a string without zeros; the name of a global or of what is called: "collections.OrderedDict" */
  /* The elements of a tuple or list, the arguments of a call, a dict's keys and values in turn, and the one that tells
   * what a persistent value is; of AtlPickleValue, NULL for none. */
  GPtrArray *items;
} AtlPickleValue;

typedef struct AtlPickle AtlPickle;

/* What a pickle may do with a name. */
typedef enum
{
  ATL_PICKLE_REFUSED, /* nothing */
  ATL_PICKLE_NAMED,   /* only name it */
  ATL_PICKLE_CALLED,  /* call it, which gives a call */
  ATL_PICKLE_MADE     /* call it without arguments, which gives an empty dict */
} AtlPickleUse;

/* For a name such as "torch._utils._rebuild_tensor_v2". */
typedef AtlPickleUse AtlPickleUseFunc (const char *name);

/* Reads the pickle at the start of 'bytes', which may be followed by others: 'n_read' (NULL if not wanted) becomes the
 * number of its bytes. ATL_ERROR_FORMAT for anything but the above, naming what was to be run. */
AtlPickle *atl_pickle_parse (const guint8 *bytes, size_t size, AtlPickleUseFunc *use_of,
                             size_t *n_read, GError **error);
void atl_pickle_free (AtlPickle *pickle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPickle, atl_pickle_free)

/* The value that it holds; borrowed, like all in it. */
const AtlPickleValue *atl_pickle_root (const AtlPickle *pickle);

/* All values that were made, in it or not, numbered from 0; NULL after the last. */
const AtlPickleValue *atl_pickle_value (const AtlPickle *pickle, guint index);

guint atl_pickle_n_items (const AtlPickleValue *value);
/* NULL if there is none of this number, or 'value' is NULL. */
const AtlPickleValue *atl_pickle_item (const AtlPickleValue *value, guint index);
/* The last value of a text key in a dict, as in Python; NULL if there is none, or 'value' is no dict. */
const AtlPickleValue *atl_pickle_lookup (const AtlPickleValue *value, const char *key);

G_END_DECLS
