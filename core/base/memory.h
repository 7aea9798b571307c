/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Large aligned blocks of floats: tensors, weights, scratch. Small things use g_new ().
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes; a cache line, and the widest vector register. */
#define ATL_ALIGNMENT 64

/* A number of floats rounded up, so that what follows them in one block is aligned too. */
static inline size_t
atl_floats_aligned (size_t n)
{
  const size_t line = ATL_ALIGNMENT / sizeof (float);

  return (n + line - 1) / line * line;
}

/* n floats set to zero, aligned to ATL_ALIGNMENT, or NULL with ATL_ERROR_MEMORY naming 'what'.
 * Freed by atl_floats_free (). n may be 0. What is never touched of a large block takes no memory. */
float *atl_floats_new (size_t n, const char *what, GError **error);

/* Accepts NULL. */
void atl_floats_free (float *floats);

/* Bytes that can still be used without swapping, as the system estimates them (MemAvailable),
 * cut to the limits of the control groups (version 2) that the process is in; 0 when unknown. */
size_t atl_memory_available (void);

/* The same with the system's files under another root, for tests. */
size_t atl_memory_available_under (const char *root);

typedef float AtlFloats; /* names the type for g_autoptr (AtlFloats) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlFloats, atl_floats_free)

G_END_DECLS
