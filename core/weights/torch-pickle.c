/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the pickle in a file of PyTorch says. It calls, see torch/_utils.py: _rebuild_tensor_v2 (storage, first, shape,
 * strides, ...), and around that, for a parameter of a module, _rebuild_parameter (tensor, ...). A storage is, see
 * torch/serialization.py: ('storage', TYPE, KEY, DEVICE, SIZE), in files of the old kind with a part of another
 * storage, or None, behind.
 */

#include "weights/torch-pickle.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "weights/header.h"
#include "weights/pickle.h"

#define TENSOR "torch._utils._rebuild_tensor_v2"
/* Of the first versions of PyTorch, with the same arguments as far as they are read. */
#define OLD_TENSOR "torch._utils._rebuild_tensor"
#define PARAMETER "torch._utils._rebuild_parameter"

typedef struct
{
  const char *name;
  guint8 n_bytes;
  gboolean
      is_read; /* FALSE for numbers that no network here computes with, and which are skipped */
  AtlDtype dtype;
} Type;

static const Type types[] = {
  { "torch.FloatStorage", 4, TRUE, ATL_DTYPE_F32 },
  { "torch.HalfStorage", 2, TRUE, ATL_DTYPE_F16 },
  { "torch.BFloat16Storage", 2, TRUE, ATL_DTYPE_BF16 },
  { "torch.DoubleStorage", 8, TRUE, ATL_DTYPE_F64 },
  { "torch.LongStorage", 8, FALSE },
  { "torch.IntStorage", 4, FALSE },
  { "torch.ShortStorage", 2, FALSE },
  { "torch.CharStorage", 1, FALSE },
  { "torch.ByteStorage", 1, FALSE },
  { "torch.BoolStorage", 1, FALSE },
};

static gboolean
is_kind (const AtlPickleValue *value, AtlPickleKind kind)
{
  return value != NULL && value->kind == kind;
}

static gboolean
is_call (const AtlPickleValue *value, const char *name)
{
  return is_kind (value, ATL_PICKLE_CALL) && strcmp (value->text, name) == 0;
}

/* Whether a value is a whole number that is not negative. */
static gboolean
read_size (guint64 *size, const AtlPickleValue *value)
{
  if (! is_kind (value, ATL_PICKLE_INTEGER) || value->integer < 0)
    return FALSE;
  *size = (guint64) value->integer;
  return TRUE;
}

static const Type *
find_type (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    if (strcmp (types[i].name, name) == 0)
      return &types[i];
  return NULL;
}

/* All that the pickle of a state dict names: what makes dicts and tensors, and the types. */
static AtlPickleUse
use_of (const char *name)
{
  if (strcmp (name, "collections.OrderedDict") == 0)
    return ATL_PICKLE_MADE;
  if (strcmp (name, TENSOR) == 0 || strcmp (name, OLD_TENSOR) == 0 || strcmp (name, PARAMETER) == 0)
    return ATL_PICKLE_CALLED;
  return find_type (name) != NULL ? ATL_PICKLE_NAMED : ATL_PICKLE_REFUSED;
}

static void
storage_free (void *data)
{
  AtlTorchStorage *storage = data;

  g_free (storage->key);
  g_free (storage);
}

/* The storage that a persistent value tells of, which may be known already; NULL if it cannot be. */
static AtlTorchStorage *
find_storage (AtlTorchPickle *result, const AtlPickleValue *persistent)
{
  const AtlPickleValue *id = is_kind (persistent, ATL_PICKLE_PERSISTENT)
                                 ? atl_pickle_item (persistent, 0)
                                 : NULL;
  const AtlPickleValue *name = atl_pickle_item (id, 1), *key = atl_pickle_item (id, 2);
  const AtlPickleValue *part = atl_pickle_item (id, 5);
  const Type *type = is_kind (name, ATL_PICKLE_GLOBAL) ? find_type (name->text) : NULL;
  guint64 size, n_bytes;

  if (! is_kind (id, ATL_PICKLE_TUPLE) || type == NULL || ! is_kind (key, ATL_PICKLE_STRING)
      || ! read_size (&size, atl_pickle_item (id, 4))
      || ! g_uint64_checked_mul (&n_bytes, size, type->n_bytes)
      || (part != NULL && part->kind != ATL_PICKLE_NONE))
    return NULL;

  AtlTorchStorage *storage = g_hash_table_lookup (result->storages, key->text);
  if (storage != NULL)
    return storage->size == size && storage->type == type->name ? storage : NULL;

  storage = g_new0 (AtlTorchStorage, 1);
  storage->key = g_strdup (key->text);
  storage->type = type->name;
  storage->size = size;
  storage->n_bytes = n_bytes;
  g_hash_table_insert (result->storages, storage->key, storage);
  return storage;
}

/* Shape and strides; the last number of the tensor must lie in its storage. */
static gboolean
read_shape (AtlTorchTensor *tensor, const AtlPickleValue *dims, const AtlPickleValue *strides)
{
  guint64 last = tensor->first, size = 1;

  if (! is_kind (dims, ATL_PICKLE_TUPLE) || ! is_kind (strides, ATL_PICKLE_TUPLE)
      || atl_pickle_n_items (dims) > G_N_ELEMENTS (tensor->strides)
      || atl_pickle_n_items (strides) != atl_pickle_n_items (dims))
    return FALSE;

  tensor->info.n_dims = (int) atl_pickle_n_items (dims);
  for (int i = 0; i < tensor->info.n_dims; i++)
    {
      guint64 dim, reach;

      if (! read_size (&dim, atl_pickle_item (dims, (guint) i)) || dim == 0 || dim > G_MAXINT
          || ! read_size (&tensor->strides[i], atl_pickle_item (strides, (guint) i))
          || ! g_uint64_checked_mul (&size, size, dim)
          || ! g_uint64_checked_mul (&reach, tensor->strides[i], dim - 1)
          || ! g_uint64_checked_add (&last, last, reach))
        return FALSE;
      tensor->info.dims[i] = (int) dim;
    }

  tensor->info.size = size;
  return size <= G_MAXSSIZE / sizeof (float) && last < tensor->storage->size;
}

/* Appends the tensor that a call would make; one of integers is skipped. */
static gboolean
append_tensor (AtlTorchPickle *result, const char *name, const AtlPickleValue *call, GError **error)
{
  AtlTorchTensor tensor = { .storage = find_storage (result, atl_pickle_item (call, 0)) };

  if (tensor.storage != NULL && ! find_type (tensor.storage->type)->is_read)
    return TRUE;
  if (tensor.storage == NULL || ! read_size (&tensor.first, atl_pickle_item (call, 1))
      || ! read_shape (&tensor, atl_pickle_item (call, 2), atl_pickle_item (call, 3)))
    return atl_error_set_format (error, _ ("tensor '%s' has an impossible shape"), name);
  if (result->tensors->len == ATL_HEADER_MAX_TENSORS)
    return atl_error_set_format (error, _ ("too many tensors"));

  tensor.name = g_strdup (name);
  tensor.info.name = tensor.name;
  tensor.info.dtype = find_type (tensor.storage->type)->dtype;
  g_array_append_val (result->tensors, tensor);
  return TRUE;
}

static gboolean
check_name (GHashTable *names, char *name, GError **error)
{
  g_autofree char *shown = atl_text_shown (name);

  if (*name == '\0' || strlen (name) > ATL_HEADER_MAX_NAME || ! atl_text_is_shown (name, ""))
    return atl_error_set_format (error, _ ("'%s' cannot be the name of a tensor"), shown);
  if (! g_hash_table_add (names, name))
    return atl_error_set_format (error, _ ("there are two tensors '%s'"), shown);
  return TRUE;
}

static gboolean
read_state_dict (AtlTorchPickle *result, const AtlPickleValue *dict, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i + 1 < atl_pickle_n_items (dict); i += 2)
    {
      const AtlPickleValue *key = atl_pickle_item (dict, i), *value = atl_pickle_item (dict, i + 1);

      if (is_call (value, PARAMETER))
        value = atl_pickle_item (value, 0);
      if (! (is_call (value, TENSOR) || is_call (value, OLD_TENSOR))
          || key->kind != ATL_PICKLE_STRING)
        continue;
      if (! check_name (names, key->text, error)
          || ! append_tensor (result, key->text, value, error))
        return FALSE;
    }

  if (result->tensors->len == 0)
    return atl_error_set_format (error, _ ("there are no tensors with names in it"));
  return TRUE;
}

/* The dict of the tensors: what was saved, or what trainers wrap it in; NULL if there is none. */
static const AtlPickleValue *
find_state_dict (const AtlPickle *pickle)
{
  static const char *const wraps[] = { "state_dict", "model" };
  const AtlPickleValue *root = atl_pickle_root (pickle);

  for (size_t i = 0; i < G_N_ELEMENTS (wraps); i++)
    {
      const AtlPickleValue *inner = atl_pickle_lookup (root, wraps[i]);

      if (is_kind (inner, ATL_PICKLE_DICT))
        return inner;
    }
  return is_kind (root, ATL_PICKLE_DICT) ? root : NULL;
}

static void
tensor_clear (void *tensor)
{
  g_free (((AtlTorchTensor *) tensor)->name);
}

AtlTorchPickle *
atl_torch_pickle_parse (const guint8 *bytes, size_t size, size_t *n_read, GError **error)
{
  g_autoptr (AtlTorchPickle) result = g_new0 (AtlTorchPickle, 1);

  result->tensors = g_array_new (FALSE, FALSE, sizeof (AtlTorchTensor));
  g_array_set_clear_func (result->tensors, tensor_clear);
  result->storages = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, storage_free);

  g_autoptr (AtlPickle) pickle = atl_pickle_parse (bytes, size, use_of, n_read, error);
  if (pickle == NULL)
    return NULL;

  /* Those that are no tensor's too: a file without an archive has one after the other. */
  for (guint i = 0; atl_pickle_value (pickle, i) != NULL; i++)
    find_storage (result, atl_pickle_value (pickle, i));

  const AtlPickleValue *dict = find_state_dict (pickle);
  if (dict == NULL)
    {
      atl_error_set_format (error, _ ("there are no tensors with names in it"));
      return NULL;
    }
  return read_state_dict (result, dict, error) ? g_steal_pointer (&result) : NULL;
}

void
atl_torch_pickle_free (AtlTorchPickle *pickle)
{
  if (pickle == NULL)
    return;

  g_array_unref (pickle->tensors);
  g_hash_table_unref (pickle->storages);
  g_free (pickle);
}
