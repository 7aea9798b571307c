/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading weight files. Opening one reads its header, and asking for a tensor reads that tensor.
 *
 * Format: https://github.com/huggingface/safetensors. As there, the tensors' ranges must cover the data
 * without overlaps and holes.
 */

#include "weights/weight-file.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "weights/byte-source.h"
#include "weights/header.h"

enum
{
  LENGTH_BYTES = 8, /* of the number before the header */
  MAX_DIMS = 4,
  BLOCK_BYTES = 65536 /* read at a time; a multiple of every number's size */
};

typedef struct
{
  AtlTensorInfo info; /* first, so that the one is found from the other */
  guint64 offset;     /* of its numbers in the file, in bytes */
} Tensor;

struct AtlWeightFile
{
  char *path;
  AtlByteSource source;
  AtlHeader *header; /* owns the names */
  AtlCard *card;
  GArray *tensors; /* of Tensor, in the order of the names; those of floats only */
};

/* What the format calls its types. */
typedef struct
{
  const char *name;
  guint8 n_bytes;
  enum
  {
    FLOAT_READ, /* one of AtlDtype */
    SKIPPED     /* numbers that no network here computes with */
  } kind;
  AtlDtype dtype;
} Dtype;

/* Those that are not here are refused. */
static const Dtype dtypes[] = {
  { "F32", 4, FLOAT_READ, ATL_DTYPE_F32 },
  { "F16", 2, FLOAT_READ, ATL_DTYPE_F16 },
  { "BF16", 2, FLOAT_READ, ATL_DTYPE_BF16 },
  { "F64", 8, FLOAT_READ, ATL_DTYPE_F64 },
  { "I64", 8, SKIPPED },
  { "I32", 4, SKIPPED },
  { "I16", 2, SKIPPED },
  { "I8", 1, SKIPPED },
  { "U64", 8, SKIPPED },
  { "U32", 4, SKIPPED },
  { "U16", 2, SKIPPED },
  { "U8", 1, SKIPPED },
  { "BOOL", 1, SKIPPED },
};

static const Dtype *
find_dtype (const AtlHeaderTensor *tensor, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (strcmp (dtypes[i].name, tensor->dtype) == 0)
      return &dtypes[i];

  g_autofree char *shown = atl_text_shown (tensor->dtype);
  atl_error_set_format (error, _ ("tensor '%s' holds numbers of type '%s', which cannot be read"),
                        tensor->name, shown);
  return NULL;
}

/* Checks that shape, type and range agree, and that the range lies in the data. */
static gboolean
check_tensor (const AtlHeaderTensor *tensor, const Dtype *dtype, guint64 data_size, GError **error)
{
  guint64 n_bytes = dtype->n_bytes;

  for (int i = 0; i < tensor->n_dims; i++)
    if (tensor->dims[i] == 0 || tensor->dims[i] > G_MAXINT
        || ! g_uint64_checked_mul (&n_bytes, n_bytes, tensor->dims[i]))
      return atl_error_set_format (error, _ ("tensor '%s' has an impossible shape"), tensor->name);

  if (dtype->kind == FLOAT_READ && tensor->n_dims > MAX_DIMS)
    return atl_error_set_format (error,
                                 _ ("tensor '%s' has %d dimensions, but at most %d are possible"),
                                 tensor->name, tensor->n_dims, (int) MAX_DIMS);

  if (tensor->begin > tensor->end || tensor->end > data_size)
    return atl_error_set_format (error,
                                 _ ("tensor '%s' lies at bytes %" PRIu64 " to %" PRIu64
                                    ", but the file has %" PRIu64
                                    " bytes of numbers; it may be truncated"),
                                 tensor->name, tensor->begin, tensor->end, data_size);

  if (tensor->end - tensor->begin != n_bytes)
    return atl_error_set_format (
        error, _ ("tensor '%s' has %" PRIu64 " bytes, but its shape and type need %" PRIu64),
        tensor->name, tensor->end - tensor->begin, n_bytes);
  return TRUE;
}

static int
compare_begins (const void *a, const void *b)
{
  const AtlHeaderTensor *x = a, *y = b;

  return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Checks that the ranges, sorted here, follow each other from the first byte to the last. */
static gboolean
check_ranges (GArray *tensors, guint64 data_size, GError **error)
{
  guint64 end = 0;

  g_array_sort (tensors, compare_begins);
  for (guint i = 0; i < tensors->len; i++)
    {
      const AtlHeaderTensor *tensor = &g_array_index (tensors, AtlHeaderTensor, i);

      if (tensor->begin < end)
        return atl_error_set_format (error, _ ("tensors '%s' and '%s' overlap"), (tensor - 1)->name,
                                     tensor->name);
      if (tensor->begin > end)
        return atl_error_set_format (error, _ ("%" PRIu64 " unused bytes before tensor '%s'"),
                                     tensor->begin - end, tensor->name);
      end = tensor->end;
    }

  if (end != data_size)
    return atl_error_set_format (error, _ ("%" PRIu64 " bytes after the last tensor"),
                                 data_size - end);
  return TRUE;
}

static void
append_tensor (GArray *tensors, const AtlHeaderTensor *found, AtlDtype dtype, guint64 data_offset)
{
  Tensor tensor = {
    .info = { .name = found->name, .dtype = dtype, .n_dims = found->n_dims, .size = 1 },
    .offset = data_offset + found->begin
  };

  for (int i = 0; i < found->n_dims; i++)
    {
      tensor.info.dims[i] = (int) found->dims[i];
      tensor.info.size *= (size_t) found->dims[i];
    }
  g_array_append_val (tensors, tensor);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (((const Tensor *) a)->info.name, ((const Tensor *) b)->info.name);
}

static gboolean
check_tensors (AtlWeightFile *file, guint64 data_offset, GError **error)
{
  const guint64 data_size = file->source.size - data_offset;

  for (guint i = 0; i < file->header->tensors->len; i++)
    {
      const AtlHeaderTensor *tensor = &g_array_index (file->header->tensors, AtlHeaderTensor, i);
      const Dtype *dtype = find_dtype (tensor, error);

      if (dtype == NULL || ! check_tensor (tensor, dtype, data_size, error))
        return FALSE;
      if (dtype->kind == FLOAT_READ)
        append_tensor (file->tensors, tensor, dtype->dtype, data_offset);
    }

  g_array_sort (file->tensors, compare_names);
  return check_ranges (file->header->tensors, data_size, error);
}

static gboolean
read_header (AtlWeightFile *file, guint64 length, GError **error)
{
  const guint64 n_left = file->source.size - LENGTH_BYTES;

  if (length > ATL_HEADER_MAX_BYTES)
    return atl_error_set_format (error,
                                 _ ("not a weight file (safetensors): a header of %" PRIu64
                                    " bytes, at most %d are allowed"),
                                 length, (int) ATL_HEADER_MAX_BYTES);
  if (length > n_left)
    return atl_error_set_format (error,
                                 _ ("a header of %" PRIu64 " bytes, but the file ends after "
                                    "%" PRIu64 "; it may be truncated"),
                                 length, n_left);

  g_autofree char *text = g_try_malloc (length + 1);
  if (text == NULL)
    {
      atl_error_set_memory (error, _ ("the header"), length);
      return FALSE;
    }
  if (! atl_byte_source_read (&file->source, text, LENGTH_BYTES, length, error))
    return FALSE;

  file->header = atl_header_parse (text, length, error);
  if (file->header == NULL)
    return FALSE;

  file->card = atl_card_from_metadata (file->header->metadata, error);
  return file->card != NULL && check_tensors (file, LENGTH_BYTES + length, error);
}

static gboolean
read_source (AtlWeightFile *file, GError **error)
{
  guint64 length;

  if (file->source.size < LENGTH_BYTES)
    return atl_error_set_format (
        error, _ ("%" PRIu64 " bytes are too few for a weight file (safetensors)"),
        file->source.size);

  return atl_byte_source_read (&file->source, &length, 0, sizeof length, error)
         && read_header (file, GUINT64_FROM_LE (length), error);
}

void
atl_weight_file_prefix_error (const AtlWeightFile *file, GError **error)
{
  g_autofree char *shown = g_filename_display_name (file->path);

  g_prefix_error (error, _ ("'%s': "), shown);
}

static AtlWeightFile *
weight_file_new (const char *path)
{
  AtlWeightFile *file = g_new0 (AtlWeightFile, 1);

  file->path = g_strdup (path);
  file->source = ATL_BYTE_SOURCE_CLOSED;
  file->tensors = g_array_new (FALSE, FALSE, sizeof (Tensor));
  return file;
}

AtlWeightFile *
atl_weight_file_open_memory (const char *name, const void *data, size_t size, GError **error)
{
  g_autoptr (AtlWeightFile) file = weight_file_new (name);

  file->source.memory = data;
  file->source.size = size;
  if (! read_source (file, error))
    {
      atl_weight_file_prefix_error (file, error);
      return NULL;
    }
  return g_steal_pointer (&file);
}

AtlWeightFile *
atl_weight_file_open (const char *path, GError **error)
{
  g_autoptr (AtlWeightFile) file = weight_file_new (path);

  if (! atl_byte_source_open (&file->source, path, error) || ! read_source (file, error))
    {
      atl_weight_file_prefix_error (file, error);
      return NULL;
    }
  return g_steal_pointer (&file);
}

void
atl_weight_file_close (AtlWeightFile *file)
{
  if (file == NULL)
    return;

  g_array_unref (file->tensors);
  atl_card_free (file->card);
  atl_header_free (file->header);
  atl_byte_source_clear (&file->source);
  g_free (file->path);
  g_free (file);
}

const char *
atl_weight_file_path (const AtlWeightFile *file)
{
  return file->path;
}

size_t
atl_weight_file_size (const AtlWeightFile *file)
{
  return file->source.size;
}

char *
atl_weight_file_checksum (const AtlWeightFile *file, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *bytes = g_malloc (BLOCK_BYTES);
  const guint64 size = file->source.size;

  for (guint64 offset = 0; offset < size; offset += BLOCK_BYTES)
    {
      const size_t n = MIN (BLOCK_BYTES, size - offset);

      if (! atl_byte_source_read (&file->source, bytes, offset, n, error))
        {
          atl_weight_file_prefix_error (file, error);
          return NULL;
        }
      g_checksum_update (checksum, bytes, (gssize) n);
    }
  return g_strdup (g_checksum_get_string (checksum));
}

const AtlCard *
atl_weight_file_card (const AtlWeightFile *file)
{
  return file->card;
}

int
atl_weight_file_n_tensors (const AtlWeightFile *file)
{
  return (int) file->tensors->len;
}

const AtlTensorInfo *
atl_weight_file_tensor (const AtlWeightFile *file, int index)
{
  g_return_val_if_fail (index >= 0 && index < (int) file->tensors->len, NULL);

  return &g_array_index (file->tensors, Tensor, index).info;
}

const AtlTensorInfo *
atl_weight_file_find (const AtlWeightFile *file, const char *name)
{
  const Tensor wanted = { .info = { .name = name } };
  guint index;

  if (! g_array_binary_search (file->tensors, &wanted, compare_names, &index))
    return NULL;
  return &g_array_index (file->tensors, Tensor, index).info;
}

gboolean
atl_tensor_check_finite (const AtlTensorInfo *info, const float *values, size_t start, size_t n,
                         GError **error)
{
  for (size_t i = start; i < start + n; i++)
    if (! isfinite (values[i]))
      return atl_error_set_format (error, _ ("number %zu of %zu of tensor '%s' is not finite"),
                                   i + 1, info->size, info->name);
  return TRUE;
}

static gboolean
read_tensor (const AtlWeightFile *file, const Tensor *tensor, float *values, GError **error)
{
  const AtlTensorInfo *info = &tensor->info;
  const size_t n_bytes = atl_dtype_size (info->dtype);
  const size_t n_block = BLOCK_BYTES / n_bytes;
  g_autofree guint8 *bytes = g_malloc (BLOCK_BYTES);

  for (size_t start = 0; start < info->size; start += n_block)
    {
      const size_t n = MIN (n_block, info->size - start);

      if (! atl_byte_source_read (&file->source, bytes, tensor->offset + start * n_bytes,
                                  n * n_bytes, error))
        return FALSE;

      atl_dtype_to_floats (values + start, bytes, n, info->dtype);
      if (! atl_tensor_check_finite (info, values, start, n, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
atl_weight_file_read (const AtlWeightFile *file, const AtlTensorInfo *info, float *values,
                      GError **error)
{
  if (read_tensor (file, (const Tensor *) info, values, error))
    return TRUE;

  atl_weight_file_prefix_error (file, error);
  return FALSE;
}
