/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What 'atelier bench' times: cases, made one after the other, for each needs much memory.
 */

#pragma once

#include "backends/backend.h"

G_BEGIN_DECLS

/* One thing to be timed. */
typedef struct
{
  char *name;     /* "conv3x3-64-64-512 forward" */
  AtlConv2d conv; /* of a convolution; kernel 0 for other kernels */
  double
      operations; /* of a run: two for each multiply-add of a direct convolution; 0 if it has none */
  double bytes;   /* what a run has to read and write at least; 0 if operations count */
  size_t memory;  /* bytes of all that a run touches */
  size_t
      loaded; /* of them, what an engine has in memory before its first run: parameters, input and target */
  void (*run) (void *data);
  void (*free) (void *data); /* frees data */
  void *data;
} AtlBenchCase;

/* The cases of a list by their number; NULL with an error if memory is short. */
typedef AtlBenchCase *AtlBenchCaseFunc (int index, GError **error);

int atl_bench_n_kernels (void);
/* The name of a kernel's case without making it; owned by the caller. */
char *atl_bench_kernel_name (int index);
AtlBenchCaseFunc atl_bench_kernel_new;

int atl_bench_n_networks (void);
char *atl_bench_network_name (int index);
AtlBenchCaseFunc atl_bench_network_new;

void atl_bench_case_free (AtlBenchCase *bench_case);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlBenchCase, atl_bench_case_free)

G_END_DECLS
