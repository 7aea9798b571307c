/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One pool of threads for all kernels.
 *
 * Work is cut into chunks whose number and contents depend on the shape of the work alone, never on
 * the number of threads; a sum over chunks is taken in the order of the chunks. So every result is
 * the same bit for bit on any number of threads.
 */

#pragma once

#include <glib.h>

#include "base/visibility.h"

G_BEGIN_DECLS

/* Computes one chunk. 'worker' is from 0 to atl_threads_count () - 1; two chunks of one call
 * that run at the same time have different workers, so a worker may own scratch memory of that call. */
typedef void AtlChunkFunc (int chunk, int worker, void *data);

/* Runs work (worker, data) for each worker from 0 to n_workers - 1, in parallel if it can, and
 * returns when all are done. A host may inject its own, see atl_threads_set_runner (). */
typedef void AtlRunner (int n_workers, void (*work) (int worker, void *data), void *data);

/* Calls func for each chunk from 0 to n_chunks - 1, once, in any order, on all threads of the pool,
 * and returns when all are done. Calls from several threads wait for each other. Calls do not nest: a
 * chunk must not call it. */
void atl_parallel_for (int n_chunks, AtlChunkFunc *func, void *data);

/* How many workers atl_parallel_for () uses; at first the number of processors this process may use. */
ATL_PUBLIC int atl_threads_count (void);

/* Sets the number of workers, 1 to ATL_THREADS_MAX (values outside are cut to it). To be called while
 * nothing runs, and before plans are made, since scratch memory is planned for each worker. */
ATL_PUBLIC void atl_threads_set_count (int n_threads);

/* More than the processors of the computers we mean; each worker is a thread and has scratch memory in
 * every plan, so that a slip of the finger (--threads 20000) must not ask for all of them. */
#define ATL_THREADS_MAX 256

/* Replaces the pool by a runner of the host; NULL restores the pool. */
ATL_PUBLIC void atl_threads_set_runner (AtlRunner *runner);

G_END_DECLS
