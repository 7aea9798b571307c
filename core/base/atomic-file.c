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
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"

enum
{
  MAX_LINKS = 40, /* as the kernel follows */
  /* Bytes of the path's name and ending in that of the temporary file. With ".XXXXXX" it stays below the
   * 143 bytes that eCryptfs allows. */
  MAX_STEM = 100,
  MAX_ENDING = 16
};

struct AtlAtomicFile
{
  char *path;      /* as it was given, for messages */
  char *target;    /* what is replaced: the path without symbolic links at its end */
  char *temporary; /* NULL once it is renamed */
  FILE *stream;    /* NULL once it is closed */
  int mode;        /* permissions of the file that is replaced; -1 for a new one */
};

static gboolean
fail (const AtlAtomicFile *file, int code, GError **error)
{
  g_autofree char *shown = g_filename_display_name (file->path);

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
               _ ("'%s' cannot be written: %s"), shown, g_strerror (code));
  return FALSE;
}

/* Where a symbolic link leads in the end, which need not exist yet; any other path as it is. NULL and
 * errno if links lead in circles. */
static char *
follow_links (const char *path)
{
  g_autofree char *at = g_strdup (path);

  for (int i = 0; i < MAX_LINKS; i++)
    {
      g_autofree char *link = g_file_read_link (at, NULL);

      if (link == NULL)
        return g_steal_pointer (&at);

      g_autofree char *folder = g_path_get_dirname (at);
      g_free (at);
      at = g_path_is_absolute (link) ? g_steal_pointer (&link)
                                     : g_build_filename (folder, link, NULL);
    }

  errno = ELOOP;
  return NULL;
}

/* Finds out what is to be replaced. A device or pipe is not: it would be gone, and what was written to it
 * nowhere. */
static gboolean
find_target (AtlAtomicFile *file, GError **error)
{
  GStatBuf about;

  file->target = follow_links (file->path);
  if (file->target == NULL)
    return fail (file, errno, error);

  if (g_stat (file->target, &about) != 0)
    return TRUE; /* a new file, or making it will tell */
  if (S_ISDIR (about.st_mode))
    return fail (file, EISDIR, error);
  if (! S_ISREG (about.st_mode))
    {
      g_autofree char *shown = g_filename_display_name (file->path);

      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   _ ("'%s' cannot be written: it is a device or pipe, not a file"), shown);
      return FALSE;
    }

  file->mode = about.st_mode & 0777;
  return TRUE;
}

/* Beside the target, with the start of its name and the path's ending, and hidden: what is left by a power
 * cut is then not listed among models or photos. */
static char *
template_of_temporary (const AtlAtomicFile *file)
{
  g_autofree char *folder = g_path_get_dirname (file->target);
  g_autofree char *stem = g_path_get_basename (file->target);
  g_autofree char *name = g_path_get_basename (file->path);
  const char *ending = strrchr (name, '.');

  /* Some file systems want whole characters. */
  size_t length = strlen (stem);
  if (length > MAX_STEM)
    for (length = MAX_STEM; length > 0 && (stem[length] & 0xc0) == 0x80; length--)
      ;
  stem[length] = '\0';

  if (ending == NULL || strlen (ending) > MAX_ENDING)
    ending = "";
  g_autofree char *temporary = g_strconcat (".", stem, ".XXXXXX", ending, NULL);
  return g_build_filename (folder, temporary, NULL);
}

AtlAtomicFile *
atl_atomic_file_new (const char *path, GError **error)
{
  g_autoptr (AtlAtomicFile) file = g_new0 (AtlAtomicFile, 1);

  file->path = g_strdup (path);
  file->mode = -1;
  if (! find_target (file, error))
    return NULL;

  /* Nobody may read the new file who could not read the old one, but we must write it. */
  g_autofree char *temporary = template_of_temporary (file);
  const int descriptor = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC,
                                         file->mode < 0 ? 0666 : file->mode | 0600);
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

  /* Some file systems know no permissions, or fixed ones. */
  if (file->mode >= 0 && fchmod (fileno (file->stream), (mode_t) file->mode) != 0 && errno != EPERM
      && errno != ENOTSUP)
    return fail (file, errno, error);

  if (fflush (file->stream) != 0 || fsync (fileno (file->stream)) != 0)
    return fail (file, errno, error);

  /* A full disk or network may be told of at the very end. */
  if (fclose (g_steal_pointer (&file->stream)) != 0)
    return fail (file, errno, error);

  if (g_rename (file->temporary, file->target) != 0)
    return fail (file, errno, error);

  g_clear_pointer (&file->temporary, g_free);
  sync_folder (file->target);
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
  g_free (file->target);
  g_free (file->path);
  g_free (file);
}

gboolean
atl_atomic_file_save (const char *path, const void *data, size_t size, GError **error)
{
  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, error);

  return file != NULL && atl_atomic_file_write (file, data, size, error)
         && atl_atomic_file_commit (file, error);
}
