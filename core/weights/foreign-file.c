/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight files of other programs.
 */

#include "weights/foreign-file.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "weights/byte-source.h"
#include "weights/torch-file.h"

#define PREFIX "module."

typedef struct
{
  AtlTensorInfo info; /* first, so that the one is found from the other; without the prefix */
  const AtlTensorInfo *stored; /* as the reader has it */
} Tensor;

struct AtlForeignFile
{
  char *path;
  AtlByteSource source;
  AtlTorchFile *torch;    /* one of the two */
  AtlWeightFile *weights; /* safetensors */
  GArray *tensors;        /* of Tensor, in the order of the names */
};

static void
append_tensor (AtlForeignFile *file, const AtlTensorInfo *stored)
{
  Tensor tensor = { .info = *stored, .stored = stored };

  while (g_str_has_prefix (tensor.info.name, PREFIX))
    tensor.info.name += strlen (PREFIX);
  g_array_append_val (file->tensors, tensor);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (((const Tensor *) a)->info.name, ((const Tensor *) b)->info.name);
}

/* Sorts the tensors; there may be two of one name now. */
static gboolean
sort_tensors (AtlForeignFile *file, GError **error)
{
  g_array_sort (file->tensors, compare_names);
  for (guint i = 1; i < file->tensors->len; i++)
    {
      const Tensor *tensor = &g_array_index (file->tensors, Tensor, i);

      if (compare_names (tensor - 1, tensor) == 0)
        {
          g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("there are two tensors '%s'"),
                       tensor->info.name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
read_torch (AtlForeignFile *file, GError **error)
{
  file->torch = atl_torch_file_new (&file->source, error);
  for (int i = 0; file->torch != NULL && i < atl_torch_file_n_tensors (file->torch); i++)
    append_tensor (file, atl_torch_file_tensor (file->torch, i));

  if (file->torch != NULL && sort_tensors (file, error))
    return TRUE;
  atl_foreign_file_prefix_error (file, error);
  return FALSE;
}

/* Takes a file that may be NULL; its errors have the name already. */
static gboolean
take_weights (AtlForeignFile *file, AtlWeightFile *take_weights, GError **error)
{
  file->weights = take_weights;
  if (file->weights == NULL)
    return FALSE;

  for (int i = 0; i < atl_weight_file_n_tensors (file->weights); i++)
    append_tensor (file, atl_weight_file_tensor (file->weights, i));
  if (sort_tensors (file, error))
    return TRUE;
  atl_foreign_file_prefix_error (file, error);
  return FALSE;
}

static AtlForeignFile *
foreign_file_new (const char *path)
{
  AtlForeignFile *file = g_new0 (AtlForeignFile, 1);

  file->path = g_strdup (path);
  file->source = ATL_BYTE_SOURCE_CLOSED;
  file->tensors = g_array_new (FALSE, FALSE, sizeof (Tensor));
  return file;
}

AtlForeignFile *
atl_foreign_file_open (const char *path, GError **error)
{
  g_autoptr (AtlForeignFile) file = foreign_file_new (path);

  if (! atl_byte_source_open (&file->source, path, error))
    {
      atl_foreign_file_prefix_error (file, error);
      return NULL;
    }

  const gboolean done = atl_torch_file_is_one (&file->source)
                            ? read_torch (file, error)
                            : take_weights (file, atl_weight_file_open (path, error), error);
  return done ? g_steal_pointer (&file) : NULL;
}

AtlForeignFile *
atl_foreign_file_open_memory (const char *name, const void *data, size_t size, GError **error)
{
  g_autoptr (AtlForeignFile) file = foreign_file_new (name);

  file->source.memory = data;
  file->source.size = size;

  const gboolean done = atl_torch_file_is_one (&file->source)
                            ? read_torch (file, error)
                            : take_weights (file,
                                            atl_weight_file_open_memory (name, data, size, error),
                                            error);
  return done ? g_steal_pointer (&file) : NULL;
}

void
atl_foreign_file_close (AtlForeignFile *file)
{
  if (file == NULL)
    return;

  g_array_unref (file->tensors);
  atl_torch_file_free (file->torch);
  atl_weight_file_close (file->weights);
  atl_byte_source_clear (&file->source);
  g_free (file->path);
  g_free (file);
}

void
atl_foreign_file_prefix_error (const AtlForeignFile *file, GError **error)
{
  g_autofree char *shown = g_filename_display_name (file->path);

  g_prefix_error (error, _ ("'%s': "), shown);
}

int
atl_foreign_file_n_tensors (const AtlForeignFile *file)
{
  return (int) file->tensors->len;
}

const AtlTensorInfo *
atl_foreign_file_tensor (const AtlForeignFile *file, int index)
{
  g_return_val_if_fail (index >= 0 && index < (int) file->tensors->len, NULL);

  return &g_array_index (file->tensors, Tensor, index).info;
}

const AtlTensorInfo *
atl_foreign_file_find (const AtlForeignFile *file, const char *name)
{
  const Tensor wanted = { .info = { .name = name } };
  guint index;

  if (! g_array_binary_search (file->tensors, &wanted, compare_names, &index))
    return NULL;
  return &g_array_index (file->tensors, Tensor, index).info;
}

gboolean
atl_foreign_file_read (const AtlForeignFile *file, const AtlTensorInfo *info, float *values,
                       GError **error)
{
  const AtlTensorInfo *stored = ((const Tensor *) info)->stored;

  if (file->weights != NULL)
    return atl_weight_file_read (file->weights, stored, values, error);
  if (atl_torch_file_read (file->torch, stored, values, error))
    return TRUE;
  atl_foreign_file_prefix_error (file, error);
  return FALSE;
}
