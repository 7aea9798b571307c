/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Python's pickles, as far as they are data: the instructions, and what may be named and called.
 *
 * All values belong to the pickle, and are freed one by one: they may form rings, and nest as deep as their bytes
 * allow, so nothing here follows them.
 */

#include "weights/pickle.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "weights/pickle-machine.h"

struct AtlPickle
{
  GPtrArray *values; /* all, owned */
  AtlPickleValue *root;
};

static void
value_free (void *data)
{
  AtlPickleValue *value = data;

  g_free (value->text);
  if (value->items != NULL)
    g_ptr_array_unref (value->items);
  g_free (value);
}

static gboolean
fail_to_run (GError **error, const char *name)
{
  g_autofree char *shown = atl_text_shown (name);

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
               _ ("it wants to run '%s': such files can run programs, and only tensors and "
                  "containers of them are read"),
               shown);
  return FALSE;
}

/* What is named, and what would be run. */

static gboolean
push_global (AtlPickleMachine *machine, char *take_name, GError **error)
{
  g_autofree char *name = take_name;

  if (machine->use_of (name) == ATL_PICKLE_REFUSED)
    return fail_to_run (error, name);

  AtlPickleValue *value = atl_pickle_push_new (machine, ATL_PICKLE_GLOBAL, error);
  if (value == NULL)
    return FALSE;
  value->text = g_steal_pointer (&name);
  return TRUE;
}

/* A line without its end; NULL if there is none. */
static char *
take_line (AtlPickleMachine *machine, GError **error)
{
  const guint8 *line = machine->at;
  const guint8 *end = memchr (line, '\n', (size_t) (machine->end - line));

  if (end == NULL)
    {
      atl_pickle_fail (machine, error, _ ("it ends too early"));
      return NULL;
    }
  machine->at = end + 1;
  return g_strndup ((const char *) line, (size_t) (end - line));
}

/* A name in two lines, those of its module and its own. */
static char *
take_name (AtlPickleMachine *machine, GError **error)
{
  g_autofree char *module = take_line (machine, error);
  g_autofree char *name = module != NULL ? take_line (machine, error) : NULL;

  return name != NULL ? g_strconcat (module, ".", name, NULL) : NULL;
}

static gboolean
push_global_of_lines (AtlPickleMachine *machine, GError **error)
{
  char *name = take_name (machine, error);

  return name != NULL && push_global (machine, name, error);
}

/* An object of a class, which would be made at once. */
static gboolean
refuse_instance (AtlPickleMachine *machine, GError **error)
{
  g_autofree char *name = take_name (machine, error);

  return name != NULL && fail_to_run (error, name);
}

static gboolean
push_global_of_stack (AtlPickleMachine *machine, GError **error)
{
  const AtlPickleValue *name = atl_pickle_peek (machine, 0, error);
  const AtlPickleValue *module = name != NULL ? atl_pickle_peek (machine, 1, error) : NULL;

  if (module == NULL)
    return FALSE;
  if (module->kind != ATL_PICKLE_STRING || name->kind != ATL_PICKLE_STRING)
    return atl_pickle_fail (machine, error, _ ("a name is missing"));
  atl_pickle_drop (machine, 2);
  return push_global (machine, g_strconcat (module->text, ".", name->text, NULL), error);
}

static gboolean
reduce (AtlPickleMachine *machine, GError **error)
{
  const AtlPickleValue *arguments = atl_pickle_peek (machine, 0, error);
  const AtlPickleValue *function = arguments != NULL ? atl_pickle_peek (machine, 1, error) : NULL;

  if (function == NULL)
    return FALSE;
  if (function->kind != ATL_PICKLE_GLOBAL || arguments->kind != ATL_PICKLE_TUPLE)
    return atl_pickle_fail (machine, error, _ ("a call of what is no function"));

  const AtlPickleUse use = machine->use_of (function->text);
  if (use == ATL_PICKLE_NAMED || (use == ATL_PICKLE_MADE && arguments->items != NULL))
    return fail_to_run (error, function->text);

  atl_pickle_drop (machine, 2);
  if (use == ATL_PICKLE_MADE)
    return atl_pickle_push_new (machine, ATL_PICKLE_DICT, error) != NULL;

  AtlPickleValue *call = atl_pickle_push_new (machine, ATL_PICKLE_CALL, error);
  if (call == NULL)
    return FALSE;
  call->text = g_strdup (function->text);
  call->items = arguments->items != NULL ? g_ptr_array_ref (arguments->items) : NULL;
  return TRUE;
}

/* Attributes of an object: a state dict has some of PyTorch's versions, which nobody needs. */
static gboolean
build (AtlPickleMachine *machine, GError **error)
{
  const AtlPickleValue *state = atl_pickle_peek (machine, 0, error);
  const AtlPickleValue *object = state != NULL ? atl_pickle_peek (machine, 1, error) : NULL;

  if (object == NULL)
    return FALSE;
  if (object->kind != ATL_PICKLE_DICT)
    return atl_pickle_fail (machine, error, _ ("attributes for what has none"));
  atl_pickle_drop (machine, 1);
  return TRUE;
}

static gboolean
stop (AtlPickleMachine *machine, GError **error)
{
  machine->result = atl_pickle_peek (machine, 0, error);
  return machine->result != NULL;
}

/* Protocols 0 and 1 would need instructions that are not here, and those after 5 are not written yet. */
static gboolean
check_protocol (AtlPickleMachine *machine, GError **error)
{
  guint64 protocol;

  if (! atl_pickle_take_number (machine, 1, &protocol, error))
    return FALSE;
  if (protocol < 2 || protocol > 5)
    return atl_pickle_fail (machine, error, _ ("an unknown protocol"));
  return TRUE;
}

static gboolean
fail_at_unknown (AtlPickleMachine *machine, guint8 code, GError **error)
{
  g_autofree char *message = g_strdup_printf (_ ("the instruction 0x%02x is not known here"), code);

  return atl_pickle_fail (machine, error, message);
}

/* The names of the instructions are those of pickletools.py. */
static gboolean
step (AtlPickleMachine *machine, GError **error)
{
  const guint8 *code = atl_pickle_take (machine, 1, error);

  if (code == NULL)
    return FALSE;

  switch (*code)
    {
    case 0x80: /* PROTO */
      return check_protocol (machine, error);
    case 0x95: /* FRAME: how many bytes follow, which a reader of streams wants to know */
      return atl_pickle_take (machine, 8, error) != NULL;
    case '.': /* STOP */
      return stop (machine, error);

    case '(': /* MARK */
      return atl_pickle_push_mark (machine, error);
    case '0': /* POP */
      return atl_pickle_pop (machine, error);
    case '1': /* POP_MARK */
      return atl_pickle_pop_to_mark (machine, error);

    case 'N': /* NONE */
      return atl_pickle_push_new (machine, ATL_PICKLE_NONE, error) != NULL;
    case 0x88: /* NEWTRUE */
      return atl_pickle_push_integer (machine, ATL_PICKLE_BOOLEAN, TRUE, error);
    case 0x89: /* NEWFALSE */
      return atl_pickle_push_integer (machine, ATL_PICKLE_BOOLEAN, FALSE, error);
    case 'K': /* BININT1 */
      return atl_pickle_push_fixed_integer (machine, 1, error);
    case 'M': /* BININT2 */
      return atl_pickle_push_fixed_integer (machine, 2, error);
    case 'J': /* BININT */
      return atl_pickle_push_fixed_integer (machine, 4, error);
    case 0x8a: /* LONG1 */
      return atl_pickle_push_long (machine, error);
    case 'G': /* BINFLOAT: no tensor depends on one */
      return atl_pickle_take (machine, 8, error) != NULL
             && atl_pickle_push_new (machine, ATL_PICKLE_FLOAT, error) != NULL;
    case 'U':  /* SHORT_BINSTRING, Python 2's */
    case 0x8c: /* SHORT_BINUNICODE */
      return atl_pickle_push_text (machine, 1, error);
    case 'T': /* BINSTRING */
    case 'X': /* BINUNICODE */
      return atl_pickle_push_text (machine, 4, error);
    case 0x8d: /* BINUNICODE8 */
      return atl_pickle_push_text (machine, 8, error);

    case ')': /* EMPTY_TUPLE */
      return atl_pickle_push_new (machine, ATL_PICKLE_TUPLE, error) != NULL;
    case 0x85: /* TUPLE1, TUPLE2, TUPLE3 */
    case 0x86:
    case 0x87:
      return atl_pickle_push_items (machine, ATL_PICKLE_TUPLE, *code - 0x84u, error);
    case 't': /* TUPLE */
      return atl_pickle_push_items_above_mark (machine, ATL_PICKLE_TUPLE, error);
    case ']': /* EMPTY_LIST */
      return atl_pickle_push_new (machine, ATL_PICKLE_LIST, error) != NULL;
    case 'a': /* APPEND */
      return atl_pickle_add_items (machine, ATL_PICKLE_LIST, 1, error);
    case 'e': /* APPENDS */
      return atl_pickle_add_items_above_mark (machine, ATL_PICKLE_LIST, error);
    case '}': /* EMPTY_DICT */
      return atl_pickle_push_new (machine, ATL_PICKLE_DICT, error) != NULL;
    case 's': /* SETITEM */
      return atl_pickle_add_items (machine, ATL_PICKLE_DICT, 2, error);
    case 'u': /* SETITEMS */
      return atl_pickle_add_items_above_mark (machine, ATL_PICKLE_DICT, error);

    case 'q': /* BINPUT */
      return atl_pickle_memorize_numbered (machine, 1, error);
    case 'r': /* LONG_BINPUT */
      return atl_pickle_memorize_numbered (machine, 4, error);
    case 0x94: /* MEMOIZE */
      return atl_pickle_memorize (machine, g_hash_table_size (machine->memo), error);
    case 'h': /* BINGET */
      return atl_pickle_recall (machine, 1, error);
    case 'j': /* LONG_BINGET */
      return atl_pickle_recall (machine, 4, error);

    case 'c': /* GLOBAL */
      return push_global_of_lines (machine, error);
    case 'i': /* INST */
      return refuse_instance (machine, error);
    case 0x93: /* STACK_GLOBAL */
      return push_global_of_stack (machine, error);
    case 'R': /* REDUCE */
      return reduce (machine, error);
    case 'b': /* BUILD */
      return build (machine, error);
    case 'Q': /* BINPERSID */
      return atl_pickle_push_items (machine, ATL_PICKLE_PERSISTENT, 1, error);
    }
  return fail_at_unknown (machine, *code, error);
}

AtlPickle *
atl_pickle_parse (const guint8 *bytes, size_t size, AtlPickleUseFunc *use_of, size_t *n_read,
                  GError **error)
{
  g_autoptr (AtlPickle) pickle = g_new0 (AtlPickle, 1);
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  g_autoptr (GArray) marks = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GHashTable) memo = g_hash_table_new (NULL, NULL);

  pickle->values = g_ptr_array_new_with_free_func (value_free);
  AtlPickleMachine machine = { .at = bytes,
                               .begin = bytes,
                               .end = bytes + size,
                               .use_of = use_of,
                               .values = pickle->values,
                               .stack = stack,
                               .marks = marks,
                               .memo = memo };

  while (machine.result == NULL)
    if (! step (&machine, error))
      return NULL;

  pickle->root = machine.result;
  if (n_read != NULL)
    *n_read = (size_t) (machine.at - bytes);
  return g_steal_pointer (&pickle);
}

void
atl_pickle_free (AtlPickle *pickle)
{
  if (pickle == NULL)
    return;

  g_ptr_array_unref (pickle->values);
  g_free (pickle);
}

const AtlPickleValue *
atl_pickle_root (const AtlPickle *pickle)
{
  return pickle->root;
}

const AtlPickleValue *
atl_pickle_value (const AtlPickle *pickle, guint index)
{
  return index < pickle->values->len ? g_ptr_array_index (pickle->values, index) : NULL;
}

guint
atl_pickle_n_items (const AtlPickleValue *value)
{
  return value->items != NULL ? value->items->len : 0;
}

const AtlPickleValue *
atl_pickle_item (const AtlPickleValue *value, guint index)
{
  return value != NULL && index < atl_pickle_n_items (value)
             ? g_ptr_array_index (value->items, index)
             : NULL;
}

const AtlPickleValue *
atl_pickle_lookup (const AtlPickleValue *value, const char *key)
{
  if (value == NULL || value->kind != ATL_PICKLE_DICT)
    return NULL;

  for (guint i = atl_pickle_n_items (value); i >= 2; i -= 2)
    {
      const AtlPickleValue *found = atl_pickle_item (value, i - 2);

      if (found->kind == ATL_PICKLE_STRING && strcmp (found->text, key) == 0)
        return atl_pickle_item (value, i - 1);
    }
  return NULL;
}
