/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writing weight files: the same tensors and card give the same bytes. Tensors stand in the order of
 * their names, and the header is filled up with spaces to a multiple of 8 bytes, as the reference
 * implementation does.
 */

#include "weights/weight-file.h"

#include <math.h>
#include <string.h>

#include "base/atomic-file.h"
#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "weights/half.h"
#include "weights/header.h"

enum
{
  HEADER_ALIGNMENT = 8,
  BLOCK = 16384 /* numbers converted at a time */
};

static size_t
tensor_size (const AtlTensorToWrite *tensor)
{
  size_t size = 1;

  for (int i = 0; i < tensor->n_dims; i++)
    size *= (size_t) tensor->dims[i];
  return size;
}

/* The reader refuses such a shape too. */
static gboolean
check_shape (const AtlTensorToWrite *tensor, GError **error)
{
  for (int i = 0; i < tensor->n_dims; i++)
    if (tensor->dims[i] < 1)
      {
        g_autofree char *shown = atl_text_shown (tensor->name);

        g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("tensor '%s' has an impossible shape"),
                     shown);
        return FALSE;
      }
  return TRUE;
}

static int
compare_tensors (const void *a, const void *b)
{
  const AtlTensorToWrite *const *x = a, *const *y = b;

  return strcmp ((*x)->name, (*y)->name);
}

static void
append_string (GString *json, const char *string)
{
  g_string_append_c (json, '"');
  for (const char *c = string; *c != '\0'; c++)
    if (*c == '"' || *c == '\\')
      g_string_append_printf (json, "\\%c", *c);
    else if ((guchar) *c < 0x20)
      g_string_append_printf (json, "\\u%04x", (guint) *c);
    else
      g_string_append_c (json, *c);
  g_string_append_c (json, '"');
}

/* Puts a comma between the members of an object. */
static void
append_key (GString *json, const char *key)
{
  if (json->str[json->len - 1] != '{')
    g_string_append_c (json, ',');
  append_string (json, key);
  g_string_append_c (json, ':');
}

static void
append_card_member (const char *key, const char *value, void *json)
{
  append_key (json, key);
  append_string (json, value);
}

static void
append_tensor (GString *json, const AtlTensorToWrite *tensor, AtlDtype dtype, guint64 *offset)
{
  const guint64 begin = *offset;

  *offset += tensor_size (tensor) * atl_dtype_size (dtype);
  append_key (json, tensor->name);
  g_string_append_printf (json, "{\"dtype\":\"%s\",\"shape\":[",
                          dtype == ATL_DTYPE_F16 ? "F16" : "F32");
  for (int i = 0; i < tensor->n_dims; i++)
    g_string_append_printf (json, i == 0 ? "%d" : ",%d", tensor->dims[i]);
  g_string_append_printf (json, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
                          begin, *offset);
}

static GString *
header_to_json (const AtlCard *card, const AtlTensorToWrite *const *tensors, int n_tensors,
                AtlDtype dtype)
{
  GString *json = g_string_new ("{");
  guint64 offset = 0;

  append_key (json, "__metadata__");
  g_string_append_c (json, '{');
  atl_card_foreach (card, append_card_member, json);
  g_string_append_c (json, '}');

  for (int i = 0; i < n_tensors; i++)
    append_tensor (json, tensors[i], dtype, &offset);
  g_string_append_c (json, '}');

  while (json->len % HEADER_ALIGNMENT != 0)
    g_string_append_c (json, ' ');
  return json;
}

/* Converts to little-endian bytes. Returns how many numbers could be converted. */
static size_t
convert (guint8 *bytes, const float *values, size_t n, AtlDtype dtype)
{
  for (size_t i = 0; i < n; i++)
    if (dtype == ATL_DTYPE_F16)
      {
        guint16 half;

        if (! atl_half_from_float (&half, values[i]))
          return i;
        half = GUINT16_TO_LE (half);
        memcpy (bytes + i * sizeof half, &half, sizeof half);
      }
    else
      {
        guint32 bits;

        if (! isfinite (values[i]))
          return i;
        memcpy (&bits, &values[i], sizeof bits);
        bits = GUINT32_TO_LE (bits);
        memcpy (bytes + i * sizeof bits, &bits, sizeof bits);
      }
  return n;
}

static gboolean
write_tensor (AtlAtomicFile *file, const AtlTensorToWrite *tensor, AtlDtype dtype, GError **error)
{
  const size_t size = tensor_size (tensor);
  const size_t n_bytes = atl_dtype_size (dtype);
  g_autofree guint8 *bytes = g_malloc (BLOCK * n_bytes);

  for (size_t start = 0; start < size; start += BLOCK)
    {
      const size_t n = MIN (BLOCK, size - start);
      const size_t n_converted = convert (bytes, tensor->values + start, n, dtype);

      if (n_converted < n)
        {
          g_set_error (error, ATL_ERROR, ATL_ERROR_RESULT,
                       _ ("number %zu of %zu of tensor '%s' is %g and cannot be stored as %s"),
                       start + n_converted + 1, size, tensor->name,
                       (double) tensor->values[start + n_converted],
                       dtype == ATL_DTYPE_F16 ? "F16" : "F32");
          return FALSE;
        }
      if (! atl_atomic_file_write (file, bytes, n * n_bytes, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
write_all (AtlAtomicFile *file, const AtlCard *card, const AtlTensorToWrite *const *tensors,
           int n_tensors, AtlDtype dtype, GError **error)
{
  for (int i = 0; i < n_tensors; i++)
    if (! check_shape (tensors[i], error))
      return FALSE;

  g_autoptr (GString) json = header_to_json (card, tensors, n_tensors, dtype);
  if (json->len > ATL_HEADER_MAX_BYTES)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                   _ ("names and card have %zu bytes, at most %d are allowed"), json->len,
                   (int) ATL_HEADER_MAX_BYTES);
      return FALSE;
    }

  /* What is written must be readable again: names and texts pass the reader's own checks. */
  g_autoptr (AtlHeader) header = atl_header_parse (json->str, json->len, error);
  g_autoptr (AtlCard) checked = header != NULL ? atl_card_from_metadata (header->metadata, error)
                                               : NULL;
  if (checked == NULL)
    return FALSE;

  const guint64 length = GUINT64_TO_LE ((guint64) json->len);
  if (! atl_atomic_file_write (file, &length, sizeof length, error)
      || ! atl_atomic_file_write (file, json->str, json->len, error))
    return FALSE;

  for (int i = 0; i < n_tensors; i++)
    if (! write_tensor (file, tensors[i], dtype, error))
      return FALSE;
  return TRUE;
}

gboolean
atl_weight_file_write (const char *path, const AtlCard *card, const AtlTensorToWrite *tensors,
                       int n_tensors, AtlDtype dtype, GError **error)
{
  g_return_val_if_fail (dtype == ATL_DTYPE_F32 || dtype == ATL_DTYPE_F16, FALSE);

  g_autofree const AtlTensorToWrite **sorted = g_new (const AtlTensorToWrite *, n_tensors);
  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, error);

  if (file == NULL)
    return FALSE;

  for (int i = 0; i < n_tensors; i++)
    sorted[i] = &tensors[i];
  qsort (sorted, n_tensors, sizeof sorted[0], compare_tensors);

  if (! write_all (file, card, sorted, n_tensors, dtype, error)
      || ! atl_atomic_file_commit (file, error))
    {
      g_autofree char *shown = g_filename_display_name (path);

      if (error != NULL && (*error)->domain == ATL_ERROR)
        g_prefix_error (error, _ ("'%s': "), shown);
      return FALSE;
    }
  return TRUE;
}
