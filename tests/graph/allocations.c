/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts what a test program asks memory for: by functions that stand before those of the C library, or
 * by AddressSanitizer's hook.
 */

#include "allocations.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_bool is_counting;
static atomic_int n_allocations;

static void
count (void)
{
  if (atomic_load (&is_counting))
    atomic_fetch_add (&n_allocations, 1);
}

static gboolean
start (void)
{
  atomic_store (&n_allocations, 0);
  atomic_store (&is_counting, TRUE);
  return TRUE;
}

int
atl_test_allocations_stop (void)
{
  atomic_store (&is_counting, FALSE);
  return atomic_load (&n_allocations);
}

#if defined(__SANITIZE_ADDRESS__)

/* Of sanitizer/allocator_interface.h, which Debian has for clang alone. */
extern int __sanitizer_install_malloc_and_free_hooks (
    void (*on_malloc) (const volatile void *memory, size_t size),
    void (*on_free) (const volatile void *memory));

static void
count_malloc (const volatile void *unused, size_t size)
{
  count ();
}

static void
ignore_free (const volatile void *unused)
{
}

gboolean
atl_test_allocations_start (const char **why)
{
  static gboolean is_installed;

  if (! is_installed && ! __sanitizer_install_malloc_and_free_hooks (count_malloc, ignore_free))
    {
      *why = "AddressSanitizer has no place for a hook";
      return FALSE;
    }
  is_installed = TRUE;
  return start ();
}

#elif defined(__GLIBC__)

/* Under these names the C library keeps its own. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);

#define SHOWN __attribute__ ((visibility ("default")))

SHOWN void *
malloc (size_t size)
{
  count ();
  return __libc_malloc (size);
}

SHOWN void *
calloc (size_t n, size_t size)
{
  count ();
  return __libc_calloc (n, size);
}

SHOWN void *
realloc (void *memory, size_t size)
{
  count ();
  return __libc_realloc (memory, size);
}

SHOWN void *
aligned_alloc (size_t alignment, size_t size)
{
  count ();
  return __libc_memalign (alignment, size);
}

SHOWN int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  count ();
  *memory = __libc_memalign (alignment, size);
  return *memory != NULL ? 0 : ENOMEM;
}

/* Under valgrind its own functions stand before these. */
gboolean
atl_test_allocations_start (const char **why)
{
  void *(*volatile allocate) (size_t) = malloc;

  start ();
  free (allocate (1));
  if (atl_test_allocations_stop () == 0)
    {
      *why = "something else has taken the place of malloc ()";
      return FALSE;
    }
  return start ();
}

#else

gboolean
atl_test_allocations_start (const char **why)
{
  *why = "allocations cannot be counted with this C library";
  return FALSE;
}

#endif
