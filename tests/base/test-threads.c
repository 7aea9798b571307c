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

static void
check_tally (int n_chunks)
{
  g_autofree Tally *tally = g_new0 (Tally, 1);

  atl_parallel_for (n_chunks, tally_chunk, tally);
  CU_ASSERT_EQUAL (tally->n_clashes, 0);
  for (int i = 0; i < N_CHUNKS; i++)
    CU_ASSERT_EQUAL (tally->times[i], i < n_chunks ? 1 : 0);
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
        check_tally (n_chunks);
    }
  atl_threads_set_count (n_threads_before);
}

static gpointer
call_often (gpointer unused)
{
  for (int i = 0; i < 50; i++)
    check_tally (100);
  return NULL;
}

static void
several_callers (void)
{
  const int n_threads_before = atl_threads_count ();

  atl_threads_set_count (3);
  GThread *other = g_thread_new ("caller", call_often, NULL);
  call_often (NULL);
  g_thread_join (other);
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
  check_tally (100);
  CU_ASSERT_EQUAL (n_runner_calls, 1);
  atl_threads_set_runner (NULL);
  check_tally (100);
  CU_ASSERT_EQUAL (n_runner_calls, 1);
  atl_threads_set_count (n_threads_before);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "every chunk once", every_chunk_once },
    { "several callers", several_callers },
    { "host's runner", host_runner },
  };

  return atl_suite_run ("threads", tests, G_N_ELEMENTS (tests));
}
