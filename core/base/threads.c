/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small pool: sleeping threads, one job at a time, chunks taken from an atomic counter.
 */

#include "base/threads.h"

#include <stdatomic.h>

typedef struct
{
  AtlChunkFunc *func;
  void *data;
  int n_chunks;
  atomic_int next_chunk;
} Job;

typedef struct
{
  GMutex lock;
  GCond work_ready;
  GCond work_done;
  GPtrArray *threads; /* of GThread; workers 1 and up: the caller is worker 0 */
  int n_wanted;       /* workers that were asked for; there may be fewer */
  void (*work) (int worker, void *data);
  void *data;
  guint64 generation; /* counts the jobs given out */
  int n_running;
  gboolean quit;
} Pool;

static Pool pool;
static GMutex job_lock; /* one job at a time */
static atomic_int n_threads_wanted;
static AtlRunner *host_runner;
static _Thread_local gboolean inside_chunk;

typedef struct
{
  int worker;
  guint64 generation; /* of the last job given out before the thread was made */
} ThreadStart;

static gpointer
thread_main (gpointer data)
{
  g_autofree ThreadStart *start = data;
  const int worker = start->worker;
  guint64 seen = start->generation;

  g_mutex_lock (&pool.lock);
  for (;;)
    {
      while (pool.generation == seen && ! pool.quit)
        g_cond_wait (&pool.work_ready, &pool.lock);
      if (pool.quit)
        break;

      seen = pool.generation;
      g_mutex_unlock (&pool.lock);
      pool.work (worker, pool.data);
      g_mutex_lock (&pool.lock);

      if (--pool.n_running == 0)
        g_cond_signal (&pool.work_done);
    }
  g_mutex_unlock (&pool.lock);

  return NULL;
}

static void
pool_stop (void)
{
  if (pool.threads == NULL)
    return;

  g_mutex_lock (&pool.lock);
  pool.quit = TRUE;
  g_cond_broadcast (&pool.work_ready);
  g_mutex_unlock (&pool.lock);

  for (guint i = 0; i < pool.threads->len; i++)
    g_thread_join (g_ptr_array_index (pool.threads, i));

  g_clear_pointer (&pool.threads, g_ptr_array_unref);
  pool.quit = FALSE;
}

/* Threads that could not be made are simply missing: the chunks are taken by those there are, until
 * another number is asked for. */
static void
pool_start (int n_threads)
{
  pool.n_wanted = n_threads;
  pool.threads = g_ptr_array_new ();
  for (int worker = 1; worker < n_threads; worker++)
    {
      ThreadStart *start = g_new (ThreadStart, 1);

      *start = (ThreadStart) { .worker = worker, .generation = pool.generation };
      GThread *thread = g_thread_try_new ("atelier", thread_main, start, NULL);
      if (thread == NULL)
        {
          g_free (start);
          break;
        }
      g_ptr_array_add (pool.threads, thread);
    }
}

static void
pool_run (int n_workers, void (*work) (int worker, void *data), void *data)
{
  if (pool.threads == NULL || pool.n_wanted != n_workers)
    {
      pool_stop ();
      pool_start (n_workers);
    }

  g_mutex_lock (&pool.lock);
  pool.work = work;
  pool.data = data;
  pool.n_running = (int) pool.threads->len;
  pool.generation++;
  g_cond_broadcast (&pool.work_ready);
  g_mutex_unlock (&pool.lock);

  work (0, data);

  g_mutex_lock (&pool.lock);
  while (pool.n_running > 0)
    g_cond_wait (&pool.work_done, &pool.lock);
  g_mutex_unlock (&pool.lock);
}

static void
take_chunks (int worker, void *data)
{
  Job *job = data;
  int chunk;

  inside_chunk = TRUE;
  while ((chunk = atomic_fetch_add (&job->next_chunk, 1)) < job->n_chunks)
    job->func (chunk, worker, job->data);
  inside_chunk = FALSE;
}

void
atl_parallel_for (int n_chunks, AtlChunkFunc *func, void *data)
{
  g_return_if_fail (! inside_chunk);

  if (n_chunks <= 0)
    return;

  Job job = { .func = func, .data = data, .n_chunks = n_chunks };
  const int n_workers = atl_threads_count ();

  if (n_chunks == 1 || n_workers == 1)
    {
      take_chunks (0, &job);
      return;
    }

  g_mutex_lock (&job_lock);
  (host_runner != NULL ? host_runner : pool_run) (n_workers, take_chunks, &job);
  g_mutex_unlock (&job_lock);
}

int
atl_threads_count (void)
{
  int n_threads = atomic_load (&n_threads_wanted);

  if (n_threads == 0)
    {
      n_threads = CLAMP ((int) g_get_num_processors (), 1, ATL_THREADS_MAX);
      atomic_store (&n_threads_wanted, n_threads);
    }

  return n_threads;
}

void
atl_threads_set_count (int n_threads)
{
  atomic_store (&n_threads_wanted, CLAMP (n_threads, 1, ATL_THREADS_MAX));
}

void
atl_threads_set_runner (AtlRunner *runner)
{
  host_runner = runner;
}
