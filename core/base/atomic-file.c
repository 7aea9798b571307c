/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that are there whole or not at all.
 */

#include "base/atomic-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"

struct AtlAtomicFile
{
  char *path;
  char *temporary; /* NULL once it is renamed */
  FILE *stream;    /* NULL once it is closed */
};

static gboolean
fail (const AtlAtomicFile *file, int code, GError **error)
{
  g_autofree char *shown = g_filename_display_name (file->path);

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
               _ ("'%s' cannot be written: %s"), shown, g_strerror (code));
  return FALSE;
}

AtlAtomicFile *
atl_atomic_file_new (const char *path, GError **error)
{
  g_autoptr (AtlAtomicFile) file = g_new0 (AtlAtomicFile, 1);
  g_autofree char *name = g_path_get_basename (path);
  const char *ending = strrchr (name, '.');
  g_autofree char *temporary = g_strconcat (path, ".XXXXXX", ending != NULL ? ending : "", NULL);

  file->path = g_strdup (path);
  const int descriptor = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0)
    {
      fail (file, errno, error);
      return NULL;
    }

  file->temporary = g_steal_pointer (&temporary);
  file->stream = fdopen (descriptor, "wb");
  if (file->stream == NULL)
    {
      fail (file, errno, error);
      close (descriptor);
      return NULL;
    }

  return g_steal_pointer (&file);
}

const char *
atl_atomic_file_temporary (const AtlAtomicFile *file)
{
  return file->temporary;
}

gboolean
atl_atomic_file_write (AtlAtomicFile *file, const void *data, size_t size, GError **error)
{
  g_return_val_if_fail (file->stream != NULL, FALSE);

  return fwrite (data, 1, size, file->stream) == size || fail (file, errno, error);
}

/* A renamed file is only safe from a crash when its folder is on the disk too. Some file systems
 * cannot sync a folder; the file is complete all the same. */
static void
sync_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  const int descriptor = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  if (descriptor < 0)
    return;
  fsync (descriptor);
  close (descriptor);
}

gboolean
atl_atomic_file_commit (AtlAtomicFile *file, GError **error)
{
  g_return_val_if_fail (file->stream != NULL, FALSE);

  if (fflush (file->stream) != 0 || fsync (fileno (file->stream)) != 0)
    return fail (file, errno, error);

  /* A full disk or network may be told of at the very end. */
  if (fclose (g_steal_pointer (&file->stream)) != 0)
    return fail (file, errno, error);

  if (g_rename (file->temporary, file->path) != 0)
    return fail (file, errno, error);

  g_clear_pointer (&file->temporary, g_free);
  sync_folder (file->path);
  return TRUE;
}

void
atl_atomic_file_free (AtlAtomicFile *file)
{
  if (file == NULL)
    return;

  if (file->stream != NULL)
    fclose (file->stream);
  if (file->temporary != NULL)
    g_unlink (file->temporary);
  g_free (file->temporary);
  g_free (file->path);
  g_free (file);
}
