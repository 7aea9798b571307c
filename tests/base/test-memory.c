/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blocks of floats: aligned, zero, of any size, and an error that says what could not be had.
 */

#include "suite.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "temporary.h"

static void
aligned_and_zero (void)
{
  static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, 1 << 20 };

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) error = NULL;
      float *floats = atl_floats_new (sizes[i], "a test", &error);

      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (floats);
      CU_ASSERT_EQUAL ((uintptr_t) floats % ATL_ALIGNMENT, 0);
      for (size_t k = 0; k < sizes[i]; k++)
        CU_ASSERT_EQUAL_FATAL (floats[k], 0.0f);

      /* The memory that the next block is likely to get is not zero. */
      memset (floats, 0xff, sizes[i] * sizeof (float));
      atl_floats_free (floats);
    }
}

/* Bytes of this process in memory. */
static size_t
resident (void)
{
  g_autofree char *statm = NULL;
  const char *pages = g_file_get_contents ("/proc/self/statm", &statm, NULL, NULL)
                          ? strchr (statm, ' ')
                          : NULL;

  return pages != NULL ? g_ascii_strtoull (pages + 1, NULL, 10) * (size_t) sysconf (_SC_PAGESIZE)
                       : 0;
}

static void
untouched_takes_no_memory (void)
{
  const size_t n_bytes = 256 << 20, before = resident ();

  if (before == 0 || atl_test_quick ())
    {
      atl_test_skip (before == 0 ? "no /proc/self/statm" : "valgrind touches what it zeros");
      return;
    }

  g_autoptr (AtlFloats) floats = atl_floats_new (n_bytes / sizeof (float), "a test", NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (floats);
  floats[12345678] = 1.0f;
  CU_ASSERT (resident () < before + n_bytes / 4);
}

static void
free_accepts_null (void)
{
  g_autoptr (AtlFloats) none = NULL;

  atl_floats_free (NULL);
  CU_ASSERT_PTR_NULL (none);
}

/* 4 EiB, and a size whose number of bytes overflows. */
static void
too_large (void)
{
  static const size_t sizes[] = { SIZE_MAX / 16, SIZE_MAX / 2, SIZE_MAX };

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      GError *error = NULL;

      CU_ASSERT_PTR_NULL (atl_floats_new (sizes[i], "the sky", &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_MEMORY, "the sky");
      CU_ASSERT_PTR_NULL (atl_floats_new (sizes[i], "the sky", NULL));
    }
}

static void
error_names_mebibytes (void)
{
  GError *error = NULL;

  atl_error_set_memory (&error, "the picture", (size_t) 1536 << 20);
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_MEMORY, "1536 MiB");
}

static void
available_is_plausible (void)
{
  g_autofree char *meminfo = NULL;
  const size_t available = atl_memory_available ();

  if (! g_file_get_contents ("/proc/meminfo", &meminfo, NULL, NULL))
    {
      CU_ASSERT_EQUAL (available, 0);
      return;
    }

  const char *total = strstr (meminfo, "MemTotal:");

  CU_ASSERT_PTR_NOT_NULL_FATAL (total);
  CU_ASSERT (available > 1024 * 1024);
  CU_ASSERT (available <= g_ascii_strtoull (total + strlen ("MemTotal:"), NULL, 10) * 1024);
}

/* A root with 8 GiB available and two control groups, one in the other. */
static void
plant_root (const AtlTestFolder *root)
{
  static const struct
  {
    const char *folder, *name, *text;
  } files[] = {
    { "proc", "meminfo", "MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable:  8388608 kB\n" },
    { "proc/self", "cgroup", "1:name=systemd:/x\n0::/outer/inner\n" },
    { "sys/fs/cgroup/outer", "memory.max", "3000000000\n" },
    { "sys/fs/cgroup/outer", "memory.current", "2500000000\n" },
    { "sys/fs/cgroup/outer", "memory.stat",
      "anon 1\nfile 5\ninactive_file 1500000000\nactive_file 200000000\n" },
    { "sys/fs/cgroup/outer/inner", "memory.max", "max\n" },
    { "sys/fs/cgroup/outer/inner", "memory.current", "400000000\n" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *folder = g_build_filename (root, files[i].folder, NULL);
      g_autofree char *path = g_build_filename (folder, files[i].name, NULL);

      CU_ASSERT_EQUAL_FATAL (g_mkdir_with_parents (folder, 0777), 0);
      CU_ASSERT_FATAL (g_file_set_contents (path, files[i].text, -1, NULL));
    }
}

static void
control_groups_limit (void)
{
  g_autoptr (AtlTestFolder) root = atl_test_folder_new ();
  g_autofree char *limit = g_build_filename (root, "sys/fs/cgroup/outer/inner/memory.max", NULL);

  CU_ASSERT_EQUAL (atl_memory_available_under (root), 0); /* unknown */

  /* The outer group's: its page cache counts as free. */
  plant_root (root);
  CU_ASSERT_EQUAL (atl_memory_available_under (root), 3000000000 - (2500000000 - 1700000000));

  CU_ASSERT_FATAL (g_file_set_contents (limit, "500000000\n", -1, NULL));
  CU_ASSERT_EQUAL (atl_memory_available_under (root), 100000000);

  /* Nothing left is not unknown. */
  CU_ASSERT_FATAL (g_file_set_contents (limit, "300000000\n", -1, NULL));
  CU_ASSERT_EQUAL (atl_memory_available_under (root), 1);

  g_autofree char *list = g_build_filename (root, "proc/self/cgroup", NULL);
  CU_ASSERT_FATAL (g_file_set_contents (list, "0::/\n", -1, NULL));
  CU_ASSERT_EQUAL (atl_memory_available_under (root), 8388608 * G_GUINT64_CONSTANT (1024));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "aligned and zero", aligned_and_zero },
    { "untouched takes no memory", untouched_takes_no_memory },
    { "free accepts NULL", free_accepts_null },
    { "too large", too_large },
    { "error names mebibytes", error_names_mebibytes },
    { "available is plausible", available_is_plausible },
    { "control groups limit", control_groups_limit },
  };

  return atl_suite_run ("memory", tests, G_N_ELEMENTS (tests));
}
