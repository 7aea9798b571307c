/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Zip archives whose members are stored as they are. Sizes are those of the directory at the archive's end: PyTorch
 * leaves those before the members open.
 */

#include "weights/zip.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"

enum
{
  END_BYTES = 22, /* of the record at the end, without the comment that may follow */
  MAX_COMMENT = 65535,
  LOCATOR_64_BYTES = 20,
  END_64_BYTES = 56,
  ENTRY_BYTES = 46, /* of the directory, without name, extra fields and comment */
  LOCAL_BYTES = 30, /* before a member, without name and extra fields */
  MAX_DIRECTORY_BYTES = 16 * 1024 * 1024,
  MAX_MEMBERS = 50000,

  END_SIGNATURE = 0x06054b50,
  LOCATOR_64_SIGNATURE = 0x07064b50,
  END_64_SIGNATURE = 0x06064b50,
  ENTRY_SIGNATURE = 0x02014b50,
  LOCAL_SIGNATURE = 0x04034b50,

  FLAG_ENCRYPTED = 1,
  METHOD_STORED = 0,
  EXTRA_64 = 1
};

struct AtlZip
{
  GPtrArray *members;  /* of AtlZipMember, owned, in the order of the directory */
  GHashTable *by_name; /* borrowed */
};

static void
member_free (void *data)
{
  AtlZipMember *member = data;

  g_free (member->name);
  g_free (member);
}

static gboolean G_GNUC_PRINTF (2, 3) fail (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
               _ ("the zip archive is damaged or truncated: %s"), message);
  return FALSE;
}

/* A little-endian number of n bytes. */
static guint64
number (const guint8 *bytes, int n)
{
  guint64 value = 0;

  for (int i = 0; i < n; i++)
    value |= (guint64) bytes[i] << 8 * i;
  return value;
}

static gboolean
read_bytes (const AtlByteSource *source, guint8 *bytes, guint64 offset, size_t n, GError **error)
{
  if (offset > source->size || n > source->size - offset)
    return fail (error, _ ("it refers to what is outside of the file"));
  return atl_byte_source_read (source, bytes, offset, n, error);
}

/* Where the directory lies. */
typedef struct
{
  guint64 offset, size, n_members;
} Directory;

/* The record of large archives, if there is one before that at the end; PyTorch always writes it. */
static gboolean
find_directory_64 (const AtlByteSource *source, guint64 end, Directory *directory, GError **error)
{
  guint8 locator[LOCATOR_64_BYTES], record[END_64_BYTES];

  if (end < LOCATOR_64_BYTES)
    return TRUE;
  if (! read_bytes (source, locator, end - LOCATOR_64_BYTES, sizeof locator, error))
    return FALSE;
  if (number (locator, 4) != LOCATOR_64_SIGNATURE)
    return TRUE;

  if (! read_bytes (source, record, number (locator + 8, 8), sizeof record, error))
    return FALSE;
  if (number (record, 4) != END_64_SIGNATURE)
    return fail (error, _ ("the record of its end is missing"));
  directory->n_members = number (record + 32, 8);
  directory->size = number (record + 40, 8);
  directory->offset = number (record + 48, 8);
  return TRUE;
}

static gboolean
find_directory (const AtlByteSource *source, Directory *directory, GError **error)
{
  const size_t n_tail = MIN (source->size, (guint64) (END_BYTES + MAX_COMMENT));
  g_autofree guint8 *tail = g_malloc (n_tail + 1);

  if (! atl_byte_source_read (source, tail, source->size - n_tail, n_tail, error))
    return FALSE;

  for (size_t n = END_BYTES; n <= n_tail; n++)
    {
      const guint8 *record = tail + n_tail - n;

      if (number (record, 4) != END_SIGNATURE || number (record + 20, 2) != n - END_BYTES)
        continue;
      directory->n_members = number (record + 10, 2);
      directory->size = number (record + 12, 4);
      directory->offset = number (record + 16, 4);
      return find_directory_64 (source, source->size - n, directory, error);
    }
  return fail (error, _ ("the record of its end is missing"));
}

/* Of a directory's entry. */
typedef struct
{
  guint64 size, stored_size, local_offset;
} Places;

/* Replaces what does not fit into 32 bits by the numbers of an extra field, which holds only those. */
static gboolean
read_places_64 (Places *places, const guint8 *extra, size_t n_extra, GError **error)
{
  guint64 *const values[] = { &places->size, &places->stored_size, &places->local_offset };

  while (n_extra >= 4)
    {
      const guint64 id = number (extra, 2), n = number (extra + 2, 2);
      const guint8 *field = extra + 4, *end = field + n;

      if (n > n_extra - 4)
        break;
      for (size_t i = 0; id == EXTRA_64 && i < G_N_ELEMENTS (values); i++)
        if (*values[i] == G_MAXUINT32 && end - field >= 8)
          {
            *values[i] = number (field, 8);
            field += 8;
          }
      extra = end;
      n_extra -= 4 + n;
    }

  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    if (*values[i] == G_MAXUINT32)
      return fail (error, _ ("a size is missing"));
  return TRUE;
}

/* Finds a member's bytes, behind what is said of it there too. */
static gboolean
find_bytes (const AtlByteSource *source, AtlZipMember *member, const Places *places, GError **error)
{
  guint8 local[LOCAL_BYTES];

  if (! read_bytes (source, local, places->local_offset, sizeof local, error))
    return FALSE;
  if (number (local, 4) != LOCAL_SIGNATURE)
    return fail (error, _ ("a member is not where it should be"));

  member->offset = places->local_offset + LOCAL_BYTES + number (local + 26, 2)
                   + number (local + 28, 2);
  member->size = places->size;
  if (member->offset > source->size || member->size > source->size - member->offset)
    return fail (error, _ ("a member of %" PRIu64 " bytes is larger than the file"), member->size);
  return TRUE;
}

static gboolean
check_kind (const guint8 *entry, const char *name, const Places *places, GError **error)
{
  g_autofree char *shown = atl_text_shown (name);

  if (number (entry + 10, 2) != METHOD_STORED || places->stored_size != places->size
      || (number (entry + 8, 2) & FLAG_ENCRYPTED) != 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                   _ ("'%s' in it is compressed or encrypted, which PyTorch's files are not"),
                   shown);
      return FALSE;
    }
  return TRUE;
}

/* Adds the member that the entry at the start of 'bytes' tells of; *n_read becomes the entry's size. */
static gboolean
read_entry (AtlZip *zip, const AtlByteSource *source, const guint8 *bytes, size_t n_bytes,
            size_t *n_read, GError **error)
{
  if (n_bytes < ENTRY_BYTES || number (bytes, 4) != ENTRY_SIGNATURE)
    return fail (error, _ ("its directory is too short"));

  const size_t n_name = number (bytes + 28, 2), n_extra = number (bytes + 30, 2);
  *n_read = ENTRY_BYTES + n_name + n_extra + number (bytes + 32, 2);
  if (*n_read > n_bytes)
    return fail (error, _ ("its directory is too short"));

  AtlZipMember *member = g_new0 (AtlZipMember, 1);
  Places places = { .size = number (bytes + 24, 4),
                    .stored_size = number (bytes + 20, 4),
                    .local_offset = number (bytes + 42, 4) };

  member->name = g_strndup ((const char *) bytes + ENTRY_BYTES, n_name);
  g_ptr_array_add (zip->members, member);
  if (! read_places_64 (&places, bytes + ENTRY_BYTES + n_name, n_extra, error)
      || ! check_kind (bytes, member->name, &places, error)
      || ! find_bytes (source, member, &places, error))
    return FALSE;
  if (! g_hash_table_insert (zip->by_name, member->name, member))
    return fail (error, _ ("a member is there twice"));
  return TRUE;
}

static gboolean
read_directory (AtlZip *zip, const AtlByteSource *source, GError **error)
{
  Directory directory = { 0 };

  if (! find_directory (source, &directory, error))
    return FALSE;
  if (directory.size > MAX_DIRECTORY_BYTES || directory.n_members > MAX_MEMBERS)
    return fail (error, _ ("its directory is too large"));

  g_autofree guint8 *bytes = g_malloc (directory.size + 1);
  if (! read_bytes (source, bytes, directory.offset, directory.size, error))
    return FALSE;

  size_t done = 0;
  for (guint64 i = 0; i < directory.n_members; i++)
    {
      size_t n_read = 0;

      if (! read_entry (zip, source, bytes + done, directory.size - done, &n_read, error))
        return FALSE;
      done += n_read;
    }
  return TRUE;
}

AtlZip *
atl_zip_new (const AtlByteSource *source, GError **error)
{
  g_autoptr (AtlZip) zip = g_new0 (AtlZip, 1);

  zip->members = g_ptr_array_new_with_free_func (member_free);
  zip->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  return read_directory (zip, source, error) ? g_steal_pointer (&zip) : NULL;
}

void
atl_zip_free (AtlZip *zip)
{
  if (zip == NULL)
    return;

  g_hash_table_unref (zip->by_name);
  g_ptr_array_unref (zip->members);
  g_free (zip);
}

const AtlZipMember *
atl_zip_find (const AtlZip *zip, const char *name)
{
  return g_hash_table_lookup (zip->by_name, name);
}

const AtlZipMember *
atl_zip_find_suffix (const AtlZip *zip, const char *suffix)
{
  for (guint i = 0; i < zip->members->len; i++)
    {
      const AtlZipMember *member = g_ptr_array_index (zip->members, i);

      if (g_str_has_suffix (member->name, suffix))
        return member;
    }
  return NULL;
}
