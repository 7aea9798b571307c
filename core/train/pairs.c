/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Photos with their smaller selves.
 */

#include "train/pairs.h"

#include "base/error.h"
#include "base/i18n.h"
#include "base/threads.h"

gboolean
atl_pair_init (AtlPair *pair, const AtlPhoto *photo, int scale, GError **error)
{
  const int width = photo->width / scale, height = photo->height / scale;

  *pair = (AtlPair) { 0 };
  if (width == 0 || height == 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_SHAPE,
                   _ ("a picture of %d x %d pixels cannot be made %d times smaller"), photo->width,
                   photo->height, scale);
      return FALSE;
    }

  if (atl_photo_init_part (&pair->large, photo, 0, 0, width * scale, height * scale, error)
      && atl_photo_init_resized (&pair->small, &pair->large, ATL_KERNEL_BICUBIC, width, height,
                                 error))
    return TRUE;

  atl_pair_clear (pair);
  return FALSE;
}

void
atl_pair_clear (AtlPair *pair)
{
  atl_photo_clear (&pair->large);
  atl_photo_clear (&pair->small);
}

/* Microseconds between two looks at the workers: a bar moves smoothly, and Ctrl-C is obeyed at once. */
#define POLL_INTERVAL 20000

typedef struct
{
  AtlPhoto *photo;
  AtlPair *pair;
  int scale;
  GError *error;
} PairWork;

static void
make_pair (gpointer item, gpointer unused)
{
  PairWork *work = item;

  atl_pair_init (work->pair, work->photo, work->scale, &work->error);
  atl_photo_clear (work->photo);
}

/* Runs the works on several threads. Returns why they were cut short, or NULL. */
static GError *
make_pairs (PairWork *works, int n, const AtlProgress *progress)
{
  GThreadPool *pool = g_thread_pool_new (make_pair, NULL, atl_threads_count (), FALSE, NULL);
  GError *failure = NULL;

  for (int i = 0; i < n; i++)
    g_thread_pool_push (pool, &works[i], NULL);
  while (failure == NULL && g_thread_pool_unprocessed (pool) > 0)
    {
      g_usleep (POLL_INTERVAL);
      atl_progress_update (progress, 1.0 - (double) g_thread_pool_unprocessed (pool) / n, &failure);
    }
  g_thread_pool_free (pool, failure != NULL, TRUE);
  return failure;
}

GArray *
atl_pairs_new (AtlPhotos *take_photos, int scale, const AtlProgress *progress, GError **error)
{
  g_autoptr (GArray) pairs = g_array_new (FALSE, TRUE, sizeof (AtlPair));
  g_autofree PairWork *works = g_new0 (PairWork, take_photos->n + 1);
  int n = 0;

  g_array_set_clear_func (pairs, (GDestroyNotify) atl_pair_clear);
  g_array_set_size (pairs, take_photos->n);
  for (int i = 0; i < take_photos->n; i++)
    if (take_photos->photos[i].width > 0)
      {
        works[n] = (PairWork) { &take_photos->photos[i], &g_array_index (pairs, AtlPair, n), scale,
                                NULL };
        n++;
      }

  GError *failure = make_pairs (works, n, progress);
  for (int i = 0; i < n; i++)
    {
      if (failure == NULL)
        failure = g_steal_pointer (&works[i].error);
      g_clear_error (&works[i].error);
    }
  atl_photos_clear (take_photos);
  g_array_set_size (pairs, n);

  if (failure == NULL)
    return g_steal_pointer (&pairs);
  g_propagate_error (error, failure);
  return NULL;
}
