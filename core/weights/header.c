/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The JSON header of a safetensors file, read strictly.
 */

#include "weights/header.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/json-scanner.h"
#include "base/text.h"

typedef AtlJsonScanner Scanner;

/* 'format' has one %s for the name. */
static gboolean
fail_with_name (GError **error, const char *format, const char *name)
{
  g_autofree char *shown = atl_text_shown (name);

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, format, shown);
  return FALSE;
}

/* [1, 2, 3], at most 'max_numbers'. */
static gboolean
scan_numbers (Scanner *scanner, guint64 *numbers, int *n_numbers, int max_numbers, GError **error)
{
  *n_numbers = 0;
  if (! atl_json_scanner_expect (scanner, '[', error))
    return FALSE;
  if (atl_json_scanner_accept (scanner, ']'))
    return TRUE;

  do
    {
      if (*n_numbers == max_numbers)
        return atl_json_scanner_fail (scanner, error, _ ("too many numbers"));
      if (! atl_json_scanner_whole (scanner, &numbers[(*n_numbers)++], error))
        return FALSE;
    }
  while (atl_json_scanner_accept (scanner, ','));

  return atl_json_scanner_expect (scanner, ']', error);
}

static gboolean
scan_metadata_value (Scanner *scanner, char *take_name, void *data, GError **error)
{
  GHashTable *metadata = data;
  g_autofree char *name = take_name;
  g_autofree char *value = atl_json_scanner_string (scanner, error);

  if (value == NULL)
    return FALSE;
  if (g_hash_table_contains (metadata, name))
    return fail_with_name (error, _ ("the metadata hold '%s' twice"), name);
  if (g_hash_table_size (metadata) == ATL_HEADER_MAX_METADATA)
    return atl_json_scanner_fail (scanner, error, _ ("too much metadata"));
  if (! atl_text_is_shown (name, "") || ! atl_text_is_shown (value, "\t\r\n"))
    return fail_with_name (error, _ ("the metadata '%s' hold control characters"), name);

  g_hash_table_insert (metadata, g_steal_pointer (&name), g_steal_pointer (&value));
  return TRUE;
}

static gboolean
scan_tensor_member (Scanner *scanner, char *take_name, void *data, GError **error)
{
  AtlHeaderTensor *tensor = data;
  g_autofree char *name = take_name;
  guint64 offsets[2];
  int n_offsets;

  if (strcmp (name, "dtype") == 0 && tensor->dtype == NULL)
    return (tensor->dtype = atl_json_scanner_string (scanner, error)) != NULL;
  if (strcmp (name, "shape") == 0 && tensor->n_dims < 0)
    return scan_numbers (scanner, tensor->dims, &tensor->n_dims, ATL_HEADER_MAX_DIMS, error);
  if (strcmp (name, "data_offsets") != 0 || tensor->end != G_MAXUINT64)
    return fail_with_name (error, _ ("a tensor has an unknown or repeated member '%s'"), name);

  if (! scan_numbers (scanner, offsets, &n_offsets, 2, error))
    return FALSE;
  if (n_offsets != 2 || offsets[1] == G_MAXUINT64)
    return atl_json_scanner_fail (scanner, error, _ ("two offsets were expected"));
  tensor->begin = offsets[0];
  tensor->end = offsets[1];
  return TRUE;
}

static void
tensor_clear (void *tensor)
{
  g_free (((AtlHeaderTensor *) tensor)->name);
  g_free (((AtlHeaderTensor *) tensor)->dtype);
}

typedef struct
{
  AtlHeader *header;
  GHashTable *names; /* all that were read, borrowed from the tensors */
  gboolean has_metadata;
} Reading;

/* Adds a tensor that is filled in place, so that it is freed with the header whatever happens. */
static gboolean
scan_tensor (Scanner *scanner, char *take_name, Reading *reading, GError **error)
{
  GArray *tensors = reading->header->tensors;
  const AtlHeaderTensor unread = { .name = take_name, .n_dims = -1, .end = G_MAXUINT64 };

  g_array_append_val (tensors, unread);
  if (*take_name == '\0' || strlen (take_name) > ATL_HEADER_MAX_NAME
      || ! atl_text_is_shown (take_name, ""))
    return fail_with_name (error, _ ("'%s' cannot be the name of a tensor"), take_name);
  if (! g_hash_table_add (reading->names, take_name))
    return fail_with_name (error, _ ("there are two tensors '%s'"), take_name);
  if (tensors->len > ATL_HEADER_MAX_TENSORS)
    return atl_json_scanner_fail (scanner, error, _ ("too many tensors"));

  AtlHeaderTensor *tensor = &g_array_index (tensors, AtlHeaderTensor, tensors->len - 1);
  if (! atl_json_scanner_object (scanner, scan_tensor_member, tensor, error))
    return FALSE;
  if (tensor->dtype == NULL || tensor->n_dims < 0 || tensor->end == G_MAXUINT64)
    return fail_with_name (error, _ ("tensor '%s' lacks its dtype, shape or offsets"), take_name);
  return TRUE;
}

static gboolean
scan_entry (Scanner *scanner, char *take_name, void *data, GError **error)
{
  Reading *reading = data;

  if (strcmp (take_name, "__metadata__") != 0)
    return scan_tensor (scanner, take_name, reading, error);

  g_free (take_name);
  if (reading->has_metadata)
    return atl_json_scanner_fail (scanner, error, _ ("the metadata are there twice"));
  reading->has_metadata = TRUE;
  return atl_json_scanner_object (scanner, scan_metadata_value, reading->header->metadata, error);
}

AtlHeader *
atl_header_parse (const char *text, size_t size, GError **error)
{
  g_autoptr (AtlHeader) header = g_new0 (AtlHeader, 1);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  Reading reading = { .header = header, .names = names };
  Scanner scanner;

  header->tensors = g_array_new (FALSE, FALSE, sizeof (AtlHeaderTensor));
  g_array_set_clear_func (header->tensors, tensor_clear);
  header->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (! atl_json_scanner_init (&scanner, _ ("the header"), text, size, error)
      || ! atl_json_scanner_object (&scanner, scan_entry, &reading, error)
      || ! atl_json_scanner_expect_end (&scanner, error))
    return NULL;

  return g_steal_pointer (&header);
}

void
atl_header_free (AtlHeader *header)
{
  if (header == NULL)
    return;

  g_array_unref (header->tensors);
  g_hash_table_unref (header->metadata);
  g_free (header);
}
