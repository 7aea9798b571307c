/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The stack machine that reads pickles: its bytes, its stack, its values.
 */

#include "weights/pickle-machine.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"

gboolean
atl_pickle_fail (const AtlPickleMachine *machine, GError **error, const char *message)
{
  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("the pickle is damaged at byte %zu: %s"),
               (size_t) (machine->at - machine->begin), message);
  return FALSE;
}

/* Bytes and numbers of an instruction. */

const guint8 *
atl_pickle_take (AtlPickleMachine *machine, guint64 n, GError **error)
{
  const guint8 *bytes = machine->at;

  if (n > (guint64) (machine->end - machine->at))
    {
      atl_pickle_fail (machine, error, _ ("it ends too early"));
      return NULL;
    }
  machine->at += n;
  return bytes;
}

gboolean
atl_pickle_take_number (AtlPickleMachine *machine, int n, guint64 *number, GError **error)
{
  const guint8 *bytes = atl_pickle_take (machine, (guint64) n, error);

  *number = 0;
  for (int i = 0; bytes != NULL && i < n; i++)
    *number |= (guint64) bytes[i] << 8 * i;
  return bytes != NULL;
}

/* The stack. */

static gboolean
push (AtlPickleMachine *machine, AtlPickleValue *value, GError **error)
{
  if (machine->stack->len >= ATL_PICKLE_MAX_VALUES)
    return atl_pickle_fail (machine, error, _ ("too many values"));
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

AtlPickleValue *
atl_pickle_push_new (AtlPickleMachine *machine, AtlPickleKind kind, GError **error)
{
  if (machine->values->len >= ATL_PICKLE_MAX_VALUES)
    {
      atl_pickle_fail (machine, error, _ ("too many values"));
      return NULL;
    }

  AtlPickleValue *value = g_new0 (AtlPickleValue, 1);
  value->kind = kind;
  g_ptr_array_add (machine->values, value);
  return push (machine, value, error) ? value : NULL;
}

/* How many values lie above the last mark, or on the whole stack. */
static guint
n_above_mark (const AtlPickleMachine *machine)
{
  const GArray *marks = machine->marks;

  return machine->stack->len - (marks->len > 0 ? g_array_index (marks, guint, marks->len - 1) : 0);
}

AtlPickleValue *
atl_pickle_peek (AtlPickleMachine *machine, guint n, GError **error)
{
  if (n >= n_above_mark (machine))
    {
      atl_pickle_fail (machine, error, _ ("a value is missing"));
      return NULL;
    }
  return g_ptr_array_index (machine->stack, machine->stack->len - 1 - n);
}

void
atl_pickle_drop (AtlPickleMachine *machine, guint n)
{
  g_ptr_array_set_size (machine->stack, (int) (machine->stack->len - n));
}

/* Appends the uppermost n values of the stack to those of a value, and takes them off the stack. */
static void
move_items (AtlPickleMachine *machine, AtlPickleValue *value, guint n)
{
  const guint first = machine->stack->len - n;

  if (value->items == NULL && n > 0)
    value->items = g_ptr_array_new ();
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (value->items, g_ptr_array_index (machine->stack, first + i));
  atl_pickle_drop (machine, n);
}

static gboolean
pop_mark (AtlPickleMachine *machine, guint *n_above, GError **error)
{
  if (machine->marks->len == 0)
    return atl_pickle_fail (machine, error, _ ("a mark is missing"));
  *n_above = n_above_mark (machine);
  g_array_set_size (machine->marks, machine->marks->len - 1);
  return TRUE;
}

gboolean
atl_pickle_push_mark (AtlPickleMachine *machine, GError **error)
{
  if (machine->marks->len >= ATL_PICKLE_MAX_VALUES)
    return atl_pickle_fail (machine, error, _ ("too many values"));
  g_array_append_val (machine->marks, machine->stack->len);
  return TRUE;
}

gboolean
atl_pickle_pop (AtlPickleMachine *machine, GError **error)
{
  if (atl_pickle_peek (machine, 0, error) == NULL)
    return FALSE;
  atl_pickle_drop (machine, 1);
  return TRUE;
}

gboolean
atl_pickle_pop_to_mark (AtlPickleMachine *machine, GError **error)
{
  guint n;

  if (! pop_mark (machine, &n, error))
    return FALSE;
  atl_pickle_drop (machine, n);
  return TRUE;
}

/* Values. */

gboolean
atl_pickle_push_integer (AtlPickleMachine *machine, AtlPickleKind kind, gint64 integer,
                         GError **error)
{
  AtlPickleValue *value = atl_pickle_push_new (machine, kind, error);

  if (value != NULL)
    value->integer = integer;
  return value != NULL;
}

gboolean
atl_pickle_push_fixed_integer (AtlPickleMachine *machine, int n_bytes, GError **error)
{
  guint64 number;

  if (! atl_pickle_take_number (machine, n_bytes, &number, error))
    return FALSE;
  /* Only that of four bytes has a sign. */
  return atl_pickle_push_integer (
      machine, ATL_PICKLE_INTEGER,
      n_bytes == 4 ? (gint64) (gint32) (guint32) number : (gint64) number, error);
}

gboolean
atl_pickle_push_long (AtlPickleMachine *machine, GError **error)
{
  guint64 n;

  if (! atl_pickle_take_number (machine, 1, &n, error))
    return FALSE;

  const guint8 *bytes = atl_pickle_take (machine, n, error);
  if (bytes == NULL)
    return FALSE;
  if (n > 8)
    return atl_pickle_push_integer (machine, ATL_PICKLE_INTEGER, G_MININT64, error);

  guint64 number = n > 0 && (bytes[n - 1] & 0x80) != 0 ? G_MAXUINT64 : 0;
  for (guint64 i = n; i > 0; i--)
    number = number << 8 | bytes[i - 1];
  return atl_pickle_push_integer (machine, ATL_PICKLE_INTEGER, (gint64) number, error);
}

gboolean
atl_pickle_push_text (AtlPickleMachine *machine, int n_bytes, GError **error)
{
  guint64 n;

  if (! atl_pickle_take_number (machine, n_bytes, &n, error))
    return FALSE;

  const guint8 *bytes = atl_pickle_take (machine, n, error);
  if (bytes == NULL)
    return FALSE;
  if (memchr (bytes, '\0', n) != NULL)
    return atl_pickle_fail (machine, error, _ ("a text with a zero in it"));

  AtlPickleValue *value = atl_pickle_push_new (machine, ATL_PICKLE_STRING, error);
  if (value == NULL)
    return FALSE;
  value->text = g_strndup ((const char *) bytes, n);
  return TRUE;
}

gboolean
atl_pickle_push_items (AtlPickleMachine *machine, AtlPickleKind kind, guint n, GError **error)
{
  if (n > n_above_mark (machine))
    return atl_pickle_fail (machine, error, _ ("a value is missing"));

  AtlPickleValue *value = atl_pickle_push_new (machine, kind, error);
  if (value == NULL)
    return FALSE;
  atl_pickle_drop (machine, 1);
  move_items (machine, value, n);
  return push (machine, value, error);
}

gboolean
atl_pickle_push_items_above_mark (AtlPickleMachine *machine, AtlPickleKind kind, GError **error)
{
  guint n;

  return pop_mark (machine, &n, error) && atl_pickle_push_items (machine, kind, n, error);
}

gboolean
atl_pickle_add_items (AtlPickleMachine *machine, AtlPickleKind kind, guint n, GError **error)
{
  AtlPickleValue *value = atl_pickle_peek (machine, n, error);

  if (value == NULL)
    return FALSE;
  if (value->kind != kind || (kind == ATL_PICKLE_DICT && n % 2 != 0))
    return atl_pickle_fail (machine, error, _ ("values for what is no container of such"));
  move_items (machine, value, n);
  return TRUE;
}

gboolean
atl_pickle_add_items_above_mark (AtlPickleMachine *machine, AtlPickleKind kind, GError **error)
{
  guint n;

  return pop_mark (machine, &n, error) && atl_pickle_add_items (machine, kind, n, error);
}

/* The memo: values that are used again. */

gboolean
atl_pickle_memorize (AtlPickleMachine *machine, guint64 number, GError **error)
{
  AtlPickleValue *value = atl_pickle_peek (machine, 0, error);

  if (value == NULL)
    return FALSE;
  g_hash_table_insert (machine->memo, GUINT_TO_POINTER ((guint) number), value);
  return TRUE;
}

gboolean
atl_pickle_memorize_numbered (AtlPickleMachine *machine, int n_bytes, GError **error)
{
  guint64 number;

  return atl_pickle_take_number (machine, n_bytes, &number, error)
         && atl_pickle_memorize (machine, number, error);
}

gboolean
atl_pickle_recall (AtlPickleMachine *machine, int n_bytes, GError **error)
{
  guint64 number;

  if (! atl_pickle_take_number (machine, n_bytes, &number, error))
    return FALSE;

  AtlPickleValue *value = g_hash_table_lookup (machine->memo, GUINT_TO_POINTER ((guint) number));
  return value != NULL ? push (machine, value, error)
                       : atl_pickle_fail (machine, error, _ ("a value is missing"));
}
