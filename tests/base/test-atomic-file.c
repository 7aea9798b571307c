/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that are there whole or not at all, also when the disk is full.
 */

#include "suite.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/atomic-file.h"
#include "temporary.h"

static void
commits (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT (atl_atomic_file_write (file, "one ", 4, &error));
  CU_ASSERT (atl_atomic_file_write (file, "two", 3, &error));
  CU_ASSERT_FALSE (g_file_test (path, G_FILE_TEST_EXISTS));
  CU_ASSERT (atl_atomic_file_commit (file, &error));
  atl_test_no_error (error);
  atl_test_folder_holds (folder, "a");
  atl_test_file_holds (path, "one two");
}

static void
replaces_only_when_committed (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);

  CU_ASSERT_FATAL (g_file_set_contents (path, "old", -1, NULL));
  AtlAtomicFile *file = atl_atomic_file_new (path, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT (atl_atomic_file_write (file, "new", 3, NULL));
  atl_atomic_file_free (file);
  atl_test_folder_holds (folder, "a");
  atl_test_file_holds (path, "old");

  file = atl_atomic_file_new (path, NULL);
  CU_ASSERT (atl_atomic_file_write (file, "new", 3, NULL));
  CU_ASSERT (atl_atomic_file_commit (file, NULL));
  atl_atomic_file_free (file);
  atl_test_folder_holds (folder, "a");
  atl_test_file_holds (path, "new");
}

static void
has_the_usual_permissions (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, NULL);
  GStatBuf about;

  CU_ASSERT_FATAL (atl_atomic_file_commit (file, NULL));
  CU_ASSERT_EQUAL (g_stat (path, &about), 0);
  CU_ASSERT_EQUAL (about.st_mode & 0400, 0400);
  const int mask = umask (0);
  umask (mask);
  CU_ASSERT_EQUAL (about.st_mode & 0777, 0666 & ~mask);
}

static void
no_folder (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "none", "a", NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (atl_atomic_file_new (path, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "none/a' cannot be written");
}

/* A limit on the size of files acts as a full disk does: some writes fail, others only when the last
 * buffer is flushed. */
static void
full_disk (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autofree char *data = g_malloc0 (100000);
  struct rlimit unlimited, limit;

  CU_ASSERT_FATAL (g_file_set_contents (path, "old", -1, NULL));
  CU_ASSERT_EQUAL_FATAL (getrlimit (RLIMIT_FSIZE, &unlimited), 0);
  limit = unlimited;
  limit.rlim_cur = 1000;
  signal (SIGXFSZ, SIG_IGN);
  for (int size = 2000; size <= 100000; size *= 50)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, &error);

      CU_ASSERT_EQUAL_FATAL (setrlimit (RLIMIT_FSIZE, &limit), 0);
      CU_ASSERT_FALSE (atl_atomic_file_write (file, data, size, &error)
                       && atl_atomic_file_commit (file, &error));
      CU_ASSERT_EQUAL_FATAL (setrlimit (RLIMIT_FSIZE, &unlimited), 0);
      atl_test_error (&error, G_FILE_ERROR, g_file_error_from_errno (EFBIG),
                      "/a' cannot be written");
    }
  atl_test_folder_holds (folder, "a");
  atl_test_file_holds (path, "old");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "commits", commits },
    { "replaces only when committed", replaces_only_when_committed },
    { "has the usual permissions", has_the_usual_permissions },
    { "no folder", no_folder },
    { "full disk", full_disk },
  };

  return atl_suite_run ("atomic-file", tests, G_N_ELEMENTS (tests));
}
