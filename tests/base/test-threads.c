/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pool: every chunk once, on any number of threads, from several callers, with a host's runner.
 */

#include "suite.h"

#include <stdatomic.h>

#include "base/threads.h"

enum
{
  N_CHUNKS = 1000
};

typedef struct
{
  atomic_int times[N_CHUNKS];
  atomic_int busy[ATL_THREADS_MAX];
  atomic_int n_clashes;
} Tally;

static void
tally_chunk (int chunk, int worker, void *data)
{
  Tally *tally = data;

  if (worker < 0 || worker >= atl_threads_count ()
      || atomic_fetch_add (&tally->busy[worker], 1) != 0)
    atomic_fetch_add (&tally->n_clashes, 1);
  atomic_fetch_add (&tally->times[chunk], 1);
  atomic_fetch_sub (&tally->busy[worker], 1);
}

/* How many chunks ran never, twice, or at the same time as another one of their worker. Asserts nothing:
 * CUnit knows one thread only. */
static int
count_faults (int n_chunks)
{
  g_autofree Tally *tally = g_new0 (Tally, 1);

  atl_parallel_for (n_chunks, tally_chunk, tally);

  int n_faults = tally->n_clashes;
  for (int i = 0; i < N_CHUNKS; i++)
    n_faults += tally->times[i] != (i < n_chunks ? 1 : 0);
  return n_faults;
}

static void
every_chunk_once (void)
{
  const int n_threads_before = atl_threads_count ();
  static const int n_threads[] = { 1, 2, 3, 64, 2, 1 };

  for (size_t i = 0; i < G_N_ELEMENTS (n_threads); i++)
    {
      atl_threads_set_count (n_threads[i]);
      CU_ASSERT_EQUAL (atl_threads_count (), n_threads[i]);
      for (int n_chunks = 0; n_chunks <= N_CHUNKS; n_chunks = n_chunks * 3 + 1)
        CU_ASSERT_EQUAL (count_faults (n_chunks), 0);
    }
  atl_threads_set_count (n_threads_before);
}

static gpointer
call_often (gpointer data)
{
  atomic_int *n_faults = data;

  for (int i = 0; i < 50; i++)
    atomic_fetch_add (n_faults, count_faults (100));
  return NULL;
}

static void
several_callers (void)
{
  const int n_threads_before = atl_threads_count ();
  atomic_int n_faults = 0;

  atl_threads_set_count (3);
  GThread *other = g_thread_new ("caller", call_often, &n_faults);
  call_often (&n_faults);
  g_thread_join (other);
  CU_ASSERT_EQUAL (n_faults, 0);
  atl_threads_set_count (n_threads_before);
}

static int n_runner_calls;

static void
backwards_runner (int n_workers, void (*work) (int worker, void *data), void *data)
{
  n_runner_calls++;
  for (int worker = n_workers - 1; worker >= 0; worker--)
    work (worker, data);
}

static void
host_runner (void)
{
  const int n_threads_before = atl_threads_count ();

  atl_threads_set_count (4);
  atl_threads_set_runner (backwards_runner);
  CU_ASSERT_EQUAL (count_faults (100), 0);
  CU_ASSERT_EQUAL (n_runner_calls, 1);
  atl_threads_set_runner (NULL);
  CU_ASSERT_EQUAL (count_faults (100), 0);
  CU_ASSERT_EQUAL (n_runner_calls, 1);
  atl_threads_set_count (n_threads_before);
}

/* The linker leads the pool's calls of g_thread_try_new () to __wrap_. */
extern GThread *__real_g_thread_try_new (const char *name, GThreadFunc func, gpointer data,
                                         GError **error);
extern GThread *__wrap_g_thread_try_new (const char *name, GThreadFunc func, gpointer data,
                                         GError **error);
static int n_threads_left = G_MAXINT, n_threads_asked;

GThread *
__wrap_g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  n_threads_asked++;
  if (n_threads_left == 0)
    return NULL;

  n_threads_left--;
  return __real_g_thread_try_new (name, func, data, error);
}

/* A system that gives no more threads is not asked again by every call. */
static void
too_few_threads (void)
{
  const int n_threads_before = atl_threads_count ();

  atl_threads_set_count (2);
  CU_ASSERT_EQUAL (count_faults (100), 0); /* another pool than what follows */
  n_threads_asked = 0;
  n_threads_left = 2;
  atl_threads_set_count (6);
  for (int i = 0; i < 20; i++)
    CU_ASSERT_EQUAL (count_faults (100), 0);
  CU_ASSERT_EQUAL (n_threads_asked, 3);

  n_threads_left = G_MAXINT;
  atl_threads_set_count (4);
  CU_ASSERT_EQUAL (count_faults (100), 0);
  CU_ASSERT_EQUAL (n_threads_asked, 3 + 3);
  atl_threads_set_count (n_threads_before);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "every chunk once", every_chunk_once },
    { "several callers", several_callers },
    { "host's runner", host_runner },
    { "too few threads", too_few_threads },
  };

  return atl_suite_run ("threads", tests, G_N_ELEMENTS (tests));
}
