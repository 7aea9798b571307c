/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of a plain file, or of memory.
 */

#include "weights/byte-source.h"

#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/i18n.h"

static gboolean
fail (GError **error, int code)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), _ ("cannot be read: %s"),
               g_strerror (code));
  return FALSE;
}

gboolean
atl_byte_source_open (AtlByteSource *source, const char *path, GError **error)
{
  struct stat about;

  *source = ATL_BYTE_SOURCE_CLOSED;
  source->descriptor = g_open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  if (source->descriptor < 0 || fstat (source->descriptor, &about) != 0)
    return fail (error, errno);
  if (! S_ISREG (about.st_mode))
    return fail (error, S_ISDIR (about.st_mode) ? EISDIR : EINVAL);

  source->size = (guint64) about.st_size;
  return TRUE;
}

void
atl_byte_source_clear (AtlByteSource *source)
{
  if (source->descriptor >= 0)
    close (source->descriptor);
  *source = ATL_BYTE_SOURCE_CLOSED;
}

gboolean
atl_byte_source_read (const AtlByteSource *source, void *bytes, guint64 offset, size_t n_bytes,
                      GError **error)
{
  g_return_val_if_fail (offset <= source->size && n_bytes <= source->size - offset, FALSE);

  if (source->memory != NULL)
    {
      memcpy (bytes, source->memory + offset, n_bytes);
      return TRUE;
    }

  for (size_t n_done = 0; n_done < n_bytes;)
    {
      const ssize_t n = pread (source->descriptor, (guint8 *) bytes + n_done, n_bytes - n_done,
                               (off_t) (offset + n_done));

      if (n < 0 && errno != EINTR)
        return fail (error, errno);
      if (n == 0)
        {
          g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                       _ ("the file has become shorter than the %" PRIu64
                          " bytes that it had when it was opened"),
                       source->size);
          return FALSE;
        }
      n_done += n > 0 ? (size_t) n : 0;
    }
  return TRUE;
}
