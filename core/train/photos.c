/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The photos of some folders, decoded into memory.
 */

#include "train/photos.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/threads.h"
#include "image/rgb-file.h"

/* Files that are decoded before the order in which they are accepted is looked at: enough to keep the
 * threads busy, few enough to go little beyond the memory allowed. */
#define WINDOW 32

typedef struct
{
  GPtrArray *paths;
  GHashTable *visited; /* "device:inode" of folders: links may lead in circles */
} Search;

static gboolean
is_new_folder (Search *search, const GStatBuf *info)
{
  return g_hash_table_add (search->visited,
                           g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                            (guint64) info->st_dev, (guint64) info->st_ino));
}

static gboolean
search_folder (Search *search, const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      GStatBuf info;

      if (name[0] == '.' || g_stat (path, &info) != 0)
        continue;
      if (S_ISREG (info.st_mode) && atl_is_picture_name (name))
        g_ptr_array_add (search->paths, g_steal_pointer (&path));
      else if (S_ISDIR (info.st_mode) && is_new_folder (search, &info)
               && ! search_folder (search, path, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
search_place (Search *search, const char *place, GError **error)
{
  GStatBuf info;

  if (g_stat (place, &info) != 0)
    {
      const int code = errno;

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                   _ ("'%s' cannot be read: %s"), place, g_strerror (code));
      return FALSE;
    }
  if (S_ISDIR (info.st_mode))
    return ! is_new_folder (search, &info) || search_folder (search, place, error);

  g_ptr_array_add (search->paths, g_strdup (place));
  return TRUE;
}

static int
compare_paths (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
atl_photos_find (const char *const *places, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) visited = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Search search = { paths, visited };

  for (int i = 0; places[i] != NULL; i++)
    if (! search_place (&search, places[i], error))
      return NULL;

  g_ptr_array_sort (paths, compare_paths);
  for (guint i = paths->len; i-- > 1;)
    if (strcmp (g_ptr_array_index (paths, i), g_ptr_array_index (paths, i - 1)) == 0)
      g_ptr_array_remove_index (paths, i);

  if (paths->len == 0)
    {
      g_autofree char *names = g_strjoinv (_ ("', '"), (char **) places);

      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING, _ ("there are no photos in '%s'"), names);
      return NULL;
    }
  return g_steal_pointer (&paths);
}

void
atl_photos_clear (AtlPhotos *photos)
{
  for (int i = 0; i < photos->n; i++)
    atl_photo_clear (&photos->photos[i]);
  g_clear_pointer (&photos->photos, g_free);
  photos->n = 0;
}

typedef struct
{
  const char *path;
  AtlPhoto *photo;
  int max_side;
  GError *error;
} Decoding;

static void
decode (gpointer item, gpointer unused)
{
  Decoding *decoding = item;
  AtlPhoto *photo = decoding->photo;

  photo->rgb = atl_rgb_read (decoding->path, decoding->max_side, &photo->width, &photo->height,
                             &decoding->error);
}

static void
decode_window (Decoding *decodings, int n)
{
  GThreadPool *pool = g_thread_pool_new (decode, NULL, atl_threads_count (), FALSE, NULL);

  for (int i = 0; i < n; i++)
    g_thread_pool_push (pool, &decodings[i], NULL);
  g_thread_pool_free (pool, FALSE, TRUE); /* waits for all */
}

/* Why a decoded photo is not to be used; NULL if it is. */
static char *
problem_of (const Decoding *decoding, int min_side)
{
  const AtlPhoto *photo = decoding->photo;

  if (decoding->error != NULL)
    return g_strdup (decoding->error->message);
  if (MIN (photo->width, photo->height) < min_side)
    return g_strdup_printf (_ ("'%s' has %d x %d pixels, but at least %d x %d are needed"),
                            decoding->path, photo->width, photo->height, min_side, min_side);
  return NULL;
}

typedef struct
{
  AtlPhotos *photos;
  const GPtrArray *paths;
  const AtlPhotoLimits *limits;
  GPtrArray *problems;
  int n_used;
  size_t n_bytes;
} Loading;

/* Keeps what was decoded, or says why not. */
static void
accept_photo (Loading *loading, const Decoding *decoding)
{
  AtlPhoto *photo = decoding->photo;
  char *problem = problem_of (decoding, loading->limits->min_side);

  if (problem != NULL)
    g_ptr_array_add (loading->problems, problem);
  if (problem != NULL || loading->n_used == loading->limits->max_photos)
    {
      atl_photo_clear (photo);
      return;
    }

  loading->n_used++;
  loading->n_bytes += 3 * (size_t) photo->width * photo->height;
}

static void
load_window (Loading *loading, int first, int n)
{
  Decoding decodings[WINDOW] = { { 0 } };

  for (int i = 0; i < n; i++)
    decodings[i] = (Decoding) { g_ptr_array_index (loading->paths, first + i),
                                &loading->photos->photos[first + i], loading->limits->max_side,
                                NULL };
  decode_window (decodings, n);

  for (int i = 0; i < n; i++)
    {
      accept_photo (loading, &decodings[i]);
      g_clear_error (&decodings[i].error);
    }
}

gboolean
atl_photos_load (AtlPhotos *photos, const GPtrArray *paths, const AtlPhotoLimits *limits,
                 GPtrArray *problems, const AtlProgress *progress, GError **error)
{
  const int n = (int) paths->len;
  Loading loading = { photos, paths, limits, problems, 0, 0 };
  int first = 0;

  *photos = (AtlPhotos) { n, g_new0 (AtlPhoto, n) };
  for (; first < n && loading.n_used < limits->max_photos && loading.n_bytes < limits->max_bytes;
       first += WINDOW)
    {
      if (! atl_progress_update (progress, (double) first / n, error))
        {
          atl_photos_clear (photos);
          return FALSE;
        }
      load_window (&loading, first, MIN (WINDOW, n - first));
    }

  if (first < n && loading.n_used < limits->max_photos)
    g_ptr_array_add (problems,
                     g_strdup_printf (P_ ("%d photo does not fit into the %zu MiB of memory "
                                          "for photos and is not used",
                                          "%d photos do not fit into the %zu MiB of memory "
                                          "for photos and are not used",
                                          n - first),
                                      n - first, limits->max_bytes >> 20));
  return TRUE;
}
