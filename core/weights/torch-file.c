/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight files of PyTorch: the archive or the row of pickles that they are, and the numbers. Layout:
 * torch/serialization.py.
 */

#include "weights/torch-file.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "weights/pickle.h"
#include "weights/torch-pickle.h"
#include "weights/zip.h"

enum
{
  BLOCK_BYTES = 65536 /* read at a time; a multiple of every number's size */
};

struct AtlTorchFile
{
  const AtlByteSource *source; /* borrowed */
  AtlTorchPickle *pickle;
};

/* The first bytes of a pickle with the number by which PyTorch knew its files before they became archives. */
static const guint8 old_begin[] = { 0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                    0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };
static const guint8 archive_begin[] = { 'P', 'K', 3, 4 };

/* Reads bytes that are there. */
static guint8 *
read_bytes (const AtlByteSource *source, guint64 offset, guint64 size, GError **error)
{
  g_autofree guint8 *bytes = NULL;

  if (size > ATL_PICKLE_MAX_BYTES)
    {
      atl_error_set_format (error, _ ("a pickle of %" PRIu64 " bytes, at most %d are allowed"),
                            size, (int) ATL_PICKLE_MAX_BYTES);
      return NULL;
    }
  bytes = g_try_malloc (size + 1);
  if (bytes == NULL)
    {
      atl_error_set_memory (error, _ ("the pickle"), size);
      return NULL;
    }
  bytes[size] = '\0';
  return atl_byte_source_read (source, bytes, offset, size, error) ? g_steal_pointer (&bytes)
                                                                   : NULL;
}

/* Archives: "archive/data.pkl", "archive/data/KEY", "archive/byteorder". */

/* Old archives do not say that they are little-endian, which they are where they come from a usual machine. */
static gboolean
check_byte_order (const AtlTorchFile *file, const AtlZip *zip, const char *folder, GError **error)
{
  g_autofree char *name = g_strconcat (folder, "byteorder", NULL);
  const AtlZipMember *member = atl_zip_find (zip, name);

  if (member == NULL)
    return TRUE;

  g_autofree guint8 *order = read_bytes (file->source, member->offset, member->size, error);
  if (order == NULL)
    return FALSE;
  if (strcmp ((const char *) order, "little") != 0)
    return atl_error_set_format (
        error, _ ("its numbers are not little-endian, and only such can be read"));
  return TRUE;
}

static void
place_members (AtlTorchFile *file, const AtlZip *zip, const char *folder)
{
  GHashTableIter iter;
  void *value;

  g_hash_table_iter_init (&iter, file->pickle->storages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      AtlTorchStorage *storage = value;
      g_autofree char *name = g_strconcat (folder, "data/", storage->key, NULL);
      const AtlZipMember *member = atl_zip_find (zip, name);

      storage->is_placed = member != NULL && storage->n_bytes <= member->size;
      storage->offset = storage->is_placed ? member->offset : 0;
    }
}

static gboolean
read_archive (AtlTorchFile *file, GError **error)
{
  g_autoptr (AtlZip) zip = atl_zip_new (file->source, error);
  if (zip == NULL)
    return FALSE;

  const AtlZipMember *member = atl_zip_find_suffix (zip, "/data.pkl");
  if (member == NULL)
    return atl_error_set_format (error, _ ("a zip archive, but none that PyTorch wrote"));

  g_autofree char *folder = g_strndup (member->name, strlen (member->name) - strlen ("data.pkl"));
  if (! check_byte_order (file, zip, folder, error))
    return FALSE;

  g_autofree guint8 *bytes = read_bytes (file->source, member->offset, member->size, error);
  if (bytes == NULL)
    return FALSE;
  file->pickle = atl_torch_pickle_parse (bytes, member->size, NULL, error);
  if (file->pickle == NULL)
    return FALSE;
  place_members (file, zip, folder);
  return TRUE;
}

/* Files as before PyTorch 1.6, of which there are many: five pickles, of the number above, of the format's version, of
 * the machine, of what was saved, and of a list of the storages' keys; then of each storage how many numbers it has, in
 * 8 bytes, and these. */

static AtlPickleUse
use_of_nothing (const char *name)
{
  return ATL_PICKLE_REFUSED;
}

/* A pickle of plain data at the start of bytes that are then skipped. */
static AtlPickle *
next_pickle (const guint8 **bytes, size_t *size, GError **error)
{
  size_t n_read = 0;
  AtlPickle *pickle = atl_pickle_parse (*bytes, *size, use_of_nothing, &n_read, error);

  *bytes += n_read;
  *size -= n_read;
  return pickle;
}

static gboolean
check_machine (const guint8 **bytes, size_t *size, GError **error)
{
  g_autoptr (AtlPickle) version = next_pickle (bytes, size, error);
  g_autoptr (AtlPickle) machine = version != NULL ? next_pickle (bytes, size, error) : NULL;

  if (machine == NULL)
    return FALSE;

  const AtlPickleValue *little = atl_pickle_lookup (atl_pickle_root (machine), "little_endian");
  if (little == NULL || little->kind != ATL_PICKLE_BOOLEAN || ! little->integer)
    return atl_error_set_format (
        error, _ ("its numbers are not little-endian, and only such can be read"));
  return TRUE;
}

static gboolean
fail_to_place (GError **error)
{
  return atl_error_set_format (error, _ ("numbers lie outside of the file; it may be truncated"));
}

/* Places the storages of the list in their order, from a place in the file on. */
static gboolean
place_row (AtlTorchFile *file, const AtlPickleValue *keys, guint64 offset, GError **error)
{
  for (guint i = 0; i < atl_pickle_n_items (keys); i++)
    {
      const AtlPickleValue *key = atl_pickle_item (keys, i);
      AtlTorchStorage *storage = key->kind == ATL_PICKLE_STRING
                                     ? g_hash_table_lookup (file->pickle->storages, key->text)
                                     : NULL;
      guint64 size;

      if (storage == NULL || storage->is_placed)
        return atl_error_set_format (error, _ ("a storage of unknown size"));
      if (sizeof size > file->source->size - offset)
        return fail_to_place (error);
      if (! atl_byte_source_read (file->source, &size, offset, sizeof size, error))
        return FALSE;
      offset += sizeof size;
      if (GUINT64_FROM_LE (size) != storage->size || storage->n_bytes > file->source->size - offset)
        return fail_to_place (error);

      storage->is_placed = TRUE;
      storage->offset = offset;
      offset += storage->n_bytes;
    }
  return TRUE;
}

static gboolean
read_row (AtlTorchFile *file, GError **error)
{
  size_t size = MIN (file->source->size, (guint64) ATL_PICKLE_MAX_BYTES), n_read = 0;
  const size_t n_head = size;
  g_autofree guint8 *head = read_bytes (file->source, 0, size, error);

  if (head == NULL)
    return FALSE;

  const guint8 *bytes = head + sizeof old_begin;
  size -= sizeof old_begin;
  if (! check_machine (&bytes, &size, error))
    return FALSE;

  file->pickle = atl_torch_pickle_parse (bytes, size, &n_read, error);
  if (file->pickle == NULL)
    return FALSE;
  bytes += n_read;
  size -= n_read;

  g_autoptr (AtlPickle) keys = next_pickle (&bytes, &size, error);
  return keys != NULL && place_row (file, atl_pickle_root (keys), n_head - size, error);
}

/* Both. */

static gboolean
begins_with (const AtlByteSource *source, const guint8 *begin, size_t n)
{
  guint8 found[sizeof old_begin];

  return source->size >= n && atl_byte_source_read (source, found, 0, n, NULL)
         && memcmp (found, begin, n) == 0;
}

static gboolean
is_archive (const AtlByteSource *source)
{
  return begins_with (source, archive_begin, sizeof archive_begin);
}

gboolean
atl_torch_file_is_one (const AtlByteSource *source)
{
  return is_archive (source) || begins_with (source, old_begin, sizeof old_begin);
}

static gboolean
check_places (const AtlTorchFile *file, GError **error)
{
  for (int i = 0; i < atl_torch_file_n_tensors (file); i++)
    {
      const AtlTorchTensor *tensor = &g_array_index (file->pickle->tensors, AtlTorchTensor, i);

      if (! tensor->storage->is_placed)
        return atl_error_set_format (
            error, _ ("tensor '%s' lies outside of the file; it may be truncated"), tensor->name);
    }
  return TRUE;
}

AtlTorchFile *
atl_torch_file_new (const AtlByteSource *source, GError **error)
{
  g_autoptr (AtlTorchFile) file = g_new0 (AtlTorchFile, 1);

  file->source = source;
  if (! (is_archive (source) ? read_archive (file, error) : read_row (file, error))
      || ! check_places (file, error))
    return NULL;
  return g_steal_pointer (&file);
}

void
atl_torch_file_free (AtlTorchFile *file)
{
  if (file == NULL)
    return;

  atl_torch_pickle_free (file->pickle);
  g_free (file);
}

int
atl_torch_file_n_tensors (const AtlTorchFile *file)
{
  return (int) file->pickle->tensors->len;
}

const AtlTensorInfo *
atl_torch_file_tensor (const AtlTorchFile *file, int index)
{
  g_return_val_if_fail (index >= 0 && index < atl_torch_file_n_tensors (file), NULL);

  return &g_array_index (file->pickle->tensors, AtlTorchTensor, index).info;
}

/* Numbers. */

/* A part of a storage as floats. */
typedef struct
{
  float values[BLOCK_BYTES / 2]; /* the smallest numbers have two bytes */
  guint8 bytes[BLOCK_BYTES];
  guint64 first; /* of the storage's numbers */
  size_t n;
} Block;

/* Reads a block from number 'first' of a tensor's storage on. */
static gboolean
read_block (const AtlTorchFile *file, const AtlTorchTensor *tensor, Block *block, guint64 first,
            GError **error)
{
  const size_t n_bytes = atl_dtype_size (tensor->info.dtype);

  block->first = first;
  block->n = MIN (BLOCK_BYTES / n_bytes, tensor->storage->size - first);
  if (! atl_byte_source_read (file->source, block->bytes, tensor->storage->offset + first * n_bytes,
                              block->n * n_bytes, error))
    return FALSE;
  atl_dtype_to_floats (block->values, block->bytes, block->n, tensor->info.dtype);
  return TRUE;
}

/* The place in the storage of number i of a tensor. */
static guint64
place_of (const AtlTorchTensor *tensor, size_t i)
{
  guint64 place = tensor->first;

  for (int d = tensor->info.n_dims - 1; d >= 0; d--)
    {
      place += i % (size_t) tensor->info.dims[d] * tensor->strides[d];
      i /= (size_t) tensor->info.dims[d];
    }
  return place;
}

gboolean
atl_torch_file_read (const AtlTorchFile *file, const AtlTensorInfo *info, float *values,
                     GError **error)
{
  const AtlTorchTensor *tensor = (const AtlTorchTensor *) info;
  g_autofree Block *block = g_new (Block, 1);

  block->n = 0;
  for (size_t i = 0; i < info->size; i++)
    {
      const guint64 place = place_of (tensor, i);

      if ((block->n == 0 || place < block->first || place - block->first >= block->n)
          && ! read_block (file, tensor, block, place, error))
        return FALSE;
      values[i] = block->values[place - block->first];
    }

  return atl_tensor_check_finite (info, values, 0, info->size, error);
}
