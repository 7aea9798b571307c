/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Large aligned blocks of floats.
 */

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

float *
atl_floats_new (size_t n, const char *what, GError **error)
{
  if (n > (SIZE_MAX - ATL_ALIGNMENT) / sizeof (float))
    {
      atl_error_set_memory (error, what, SIZE_MAX);
      return NULL;
    }

  /* aligned_alloc () wants a multiple of the alignment, and never returns NULL for lack of size. */
  const size_t n_bytes = (MAX (n, 1) * sizeof (float) + ATL_ALIGNMENT - 1)
                         & ~(size_t) (ATL_ALIGNMENT - 1);
  float *floats = aligned_alloc (ATL_ALIGNMENT, n_bytes);

  if (floats == NULL)
    {
      atl_error_set_memory (error, what, n_bytes);
      return NULL;
    }

  memset (floats, 0, n_bytes);
  return floats;
}

void
atl_floats_free (float *floats)
{
  free (floats);
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

size_t
atl_memory_available (void)
{
  g_autofree char *meminfo = NULL;
  size_t available = 0;

  if (! g_file_get_contents ("/proc/meminfo", &meminfo, NULL, NULL))
    return 0;

  const char *line = strstr (meminfo, "MemAvailable:");
  if (line != NULL)
    available = g_ascii_strtoull (line + strlen ("MemAvailable:"), NULL, 10) * 1024;

  const size_t limit = number_from_file ("/sys/fs/cgroup/memory.max");
  const size_t used = number_from_file ("/sys/fs/cgroup/memory.current");
  if (limit != SIZE_MAX && used != SIZE_MAX)
    available = MIN (available, limit - MIN (used, limit));

  return available;
}
