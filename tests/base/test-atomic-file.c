/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that are there whole or not at all, also when the disk is full.
 */

#include "suite.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
write_text (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT (atl_atomic_file_write (file, text, strlen (text), &error));
  CU_ASSERT (atl_atomic_file_commit (file, &error));
  atl_test_no_error (error);
}

static int
mode_of (const char *path)
{
  GStatBuf about;

  CU_ASSERT_EQUAL_FATAL (g_lstat (path, &about), 0);
  return (int) about.st_mode;
}

static void
keeps_permissions (void)
{
  static const int modes[] = { 0600, 0640, 0444, 0777 };

  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
      g_autofree char *path = atl_test_file_new (folder, "a", "old", 3);

      CU_ASSERT_EQUAL_FATAL (g_chmod (path, modes[i]), 0);
      g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (file);
      /* Before it is complete nobody else can read more of it either. */
      CU_ASSERT_EQUAL (mode_of (atl_atomic_file_temporary (file)) & 077 & ~modes[i], 0);
      CU_ASSERT (atl_atomic_file_commit (file, NULL));
      CU_ASSERT_EQUAL (mode_of (path) & 07777, modes[i]);
    }
}

static void
follows_links (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *inner = g_build_filename (folder, "inner", NULL);
  g_autofree char *link = g_build_filename (folder, "link.png", NULL);
  g_autofree char *second = g_build_filename (folder, "inner", "second", NULL);
  g_autofree char *target = g_build_filename (folder, "inner", "target", NULL);

  /* To a relative link to an absolute one to a file that is not there yet. */
  CU_ASSERT_EQUAL_FATAL (g_mkdir (inner, 0777), 0);
  CU_ASSERT_EQUAL_FATAL (symlink ("inner/second", link), 0);
  CU_ASSERT_EQUAL_FATAL (symlink (target, second), 0);

  for (int i = 0; i < 2; i++)
    {
      write_text (link, i == 0 ? "new" : "newer");
      atl_test_file_holds (target, i == 0 ? "new" : "newer");
      CU_ASSERT (S_ISLNK (mode_of (link)));
      CU_ASSERT (S_ISLNK (mode_of (second)));
      CU_ASSERT (S_ISREG (mode_of (target)));
      atl_test_folder_holds (folder, "inner link.png");
      atl_test_folder_holds (inner, "second target");
    }

  /* The temporary file lies beside the target, and has the ending that was asked for. */
  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (link, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  g_autofree char *hidden = g_build_filename (inner, ".target.", NULL);
  CU_ASSERT (g_str_has_prefix (atl_atomic_file_temporary (file), hidden));
  CU_ASSERT (g_str_has_suffix (atl_atomic_file_temporary (file), ".png"));
}

static void
refuses_what_is_no_file (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *pipe = g_build_filename (folder, "pipe", NULL);
  g_autofree char *circle = g_build_filename (folder, "circle", NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_EQUAL_FATAL (mkfifo (pipe, 0600), 0);
  CU_ASSERT_PTR_NULL (atl_atomic_file_new (pipe, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                  "/pipe' cannot be written: it is a device or pipe, not a file");
  CU_ASSERT (S_ISFIFO (mode_of (pipe)));

  CU_ASSERT_EQUAL_FATAL (symlink ("/dev/null", circle), 0);
  CU_ASSERT_PTR_NULL (atl_atomic_file_new (circle, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "/circle' cannot be written");
  CU_ASSERT_EQUAL_FATAL (g_unlink (circle), 0);

  CU_ASSERT_EQUAL_FATAL (symlink ("circle", circle), 0);
  CU_ASSERT_PTR_NULL (atl_atomic_file_new (circle, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_LOOP, "/circle' cannot be written");

  CU_ASSERT_PTR_NULL (atl_atomic_file_new (folder, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "' cannot be written");
  atl_test_folder_holds (folder, "circle pipe");
}

/* As long as a file system allows, cut in the middle of a character. */
static void
long_names (void)
{
  g_autoptr (GString) name = g_string_new ("x");
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();

  while (name->len < 249)
    g_string_append (name, "ü");
  g_string_append (name, "xx.png");
  CU_ASSERT_EQUAL_FATAL (name->len, 255);

  g_autofree char *path = g_build_filename (folder, name->str, NULL);
  write_text (path, "new");
  atl_test_file_holds (path, "new");
  atl_test_folder_holds (folder, name->str);

  g_autoptr (AtlAtomicFile) file = atl_atomic_file_new (path, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT (g_utf8_validate (atl_atomic_file_temporary (file), -1, NULL));
  CU_ASSERT (g_str_has_suffix (atl_atomic_file_temporary (file), ".png"));

  name->str[1] = '.'; /* an ending of 254 bytes */
  name->str[2] = 'x';
  for (size_t i = 251; i < 255; i++)
    name->str[i] = 'x';
  g_autofree char *ending = g_build_filename (folder, name->str, NULL);
  write_text (ending, "new");
  atl_test_file_holds (ending, "new");
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
    { "keeps permissions", keeps_permissions },
    { "follows links", follows_links },
    { "refuses what is no file", refuses_what_is_no_file },
    { "long names", long_names },
    { "no folder", no_folder },
    { "full disk", full_disk },
  };

  return atl_suite_run ("atomic-file", tests, G_N_ELEMENTS (tests));
}
