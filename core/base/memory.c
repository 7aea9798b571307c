/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Large aligned blocks of floats.
 */

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

/* Asks for pages of 2 MiB where the system has them: a convolution reads so many places at once that the
 * processor forgets where the small ones lie. A system that does not know of it changes nothing. */
static void
ask_for_large_pages (guint8 *block, size_t n)
{
#ifdef MADV_HUGEPAGE
  const uintptr_t size = 2 << 20, begin = ((uintptr_t) block + size - 1) / size * size;
  const uintptr_t end = ((uintptr_t) block + n) / size * size;

  if (end > begin)
    (void) madvise ((void *) begin, end - begin, MADV_HUGEPAGE);
#endif
}

/* The block is inside a larger one of calloc (), whose address stands right before it. Large ones come fresh
 * from the system, which gives a page, and zeros it, when it is first touched: a workspace of which a tile
 * needs a part costs that part. */
float *
atl_floats_new (size_t n, const char *what, GError **error)
{
  if (n > (SIZE_MAX - ATL_ALIGNMENT) / sizeof (float))
    {
      atl_error_set_memory (error, what, SIZE_MAX);
      return NULL;
    }

  guint8 *whole = calloc (1, n * sizeof (float) + ATL_ALIGNMENT);
  if (whole == NULL)
    {
      atl_error_set_memory (error, what, n * sizeof (float));
      return NULL;
    }
  ask_for_large_pages (whole, n * sizeof (float) + ATL_ALIGNMENT);

  /* calloc () aligns to at least a pointer's size, so that one fits before the next line. */
  void **floats = (void **) (whole + ATL_ALIGNMENT - (uintptr_t) whole % ATL_ALIGNMENT);
  floats[-1] = whole;
  return (float *) floats;
}

void
atl_floats_free (float *floats)
{
  if (floats != NULL)
    free (((void **) floats)[-1]);
}

/* The number in the first line of a file of one number, or SIZE_MAX ("max", or no such file). */
static size_t
number_from_file (const char *path)
{
  g_autofree char *text = NULL;
  guint64 number = 0;

  if (! g_file_get_contents (path, &text, NULL, NULL))
    return SIZE_MAX;

  g_strchomp (text);
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL) ? number : SIZE_MAX;
}

/* The number behind a key at the beginning of a line, or 0. */
static size_t
number_of_key (const char *text, const char *key)
{
  for (const char *line = text; line != NULL; line = strchr (line, '\n'))
    {
      line += *line == '\n';
      if (g_str_has_prefix (line, key))
        return g_ascii_strtoull (line + strlen (key), NULL, 10);
    }
  return 0;
}

/* What a control group leaves: its limit without what is in use, in which the page cache is not counted, for
 * the kernel gives it up first. SIZE_MAX without a limit. */
static size_t
available_in_group (const char *folder)
{
  g_autofree char *max = g_build_filename (folder, "memory.max", NULL);
  g_autofree char *current = g_build_filename (folder, "memory.current", NULL);
  g_autofree char *stat = g_build_filename (folder, "memory.stat", NULL);
  g_autofree char *text = NULL;
  const size_t limit = number_from_file (max), used = number_from_file (current);

  if (limit == SIZE_MAX || used == SIZE_MAX)
    return SIZE_MAX;

  g_file_get_contents (stat, &text, NULL, NULL);
  const size_t cache = text != NULL ? number_of_key (text, "inactive_file ")
                                          + number_of_key (text, "active_file ")
                                    : 0;
  return limit - MIN (used - MIN (cache, used), limit);
}

/* The least of what the process's control group and those around it leave. */
static size_t
available_in_groups (const char *root)
{
  g_autofree char *list = g_build_filename (root, "proc/self/cgroup", NULL);
  g_autofree char *text = NULL;
  size_t available = SIZE_MAX;

  /* "0::/user.slice/...": the one line of the unified hierarchy, relative to what is mounted. */
  const char *line = g_file_get_contents (list, &text, NULL, NULL) ? strstr (text, "0::/") : NULL;
  g_autofree char *path = line != NULL ? g_strndup (line + 3, strcspn (line + 3, "\n"))
                                       : g_strdup ("/");
  for (char *end = path + strlen (path); end != NULL; end = strrchr (path, '/'))
    {
      *end = '\0';
      g_autofree char *folder = g_build_filename (root, "sys/fs/cgroup", path, NULL);

      available = MIN (available, available_in_group (folder));
    }
  return available;
}

size_t
atl_memory_available_under (const char *root)
{
  g_autofree char *path = g_build_filename (root, "proc/meminfo", NULL);
  g_autofree char *meminfo = NULL;

  if (! g_file_get_contents (path, &meminfo, NULL, NULL))
    return 0;

  /* Nothing left is not the same as unknown. */
  const size_t available = number_of_key (meminfo, "MemAvailable:") * 1024;
  return available > 0 ? MAX (MIN (available, available_in_groups (root)), 1) : 0;
}

size_t
atl_memory_available (void)
{
  return atl_memory_available_under ("/");
}
