/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Folders and files that a test writes.
 */

#include "temporary.h"

#include <CUnit/CUnit.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

AtlTestFolder *
atl_test_folder_new (void)
{
  char *folder = g_dir_make_tmp ("atelier-test-XXXXXX", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (folder);
  return folder;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
list (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
remove_tree (const char *path)
{
  if (g_remove (path) == 0)
    return;

  g_autoptr (GPtrArray) names = list (path);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *inside = g_build_filename (path, g_ptr_array_index (names, i), NULL);
      remove_tree (inside);
    }
  g_rmdir (path);
}

void
atl_test_folder_free (AtlTestFolder *folder)
{
  if (folder != NULL)
    remove_tree (folder);
  g_free (folder);
}

void
atl_test_folder_holds (const AtlTestFolder *folder, const char *names)
{
  g_autoptr (GPtrArray) found = list (folder);

  g_ptr_array_add (found, NULL);
  g_autofree char *joined = g_strjoinv (" ", (char **) found->pdata);
  if (strcmp (joined, names) != 0)
    {
      printf ("  the folder holds '%s', expected '%s'\n", joined, names);
      CU_FAIL ("other files were expected");
    }
}

char *
atl_test_file_new (const AtlTestFolder *folder, const char *name, const void *data, size_t size)
{
  char *path = g_build_filename (folder, name, NULL);

  CU_ASSERT_FATAL (g_file_set_contents (path, data, (gssize) size, NULL));
  return path;
}

void
atl_test_file_holds (const char *path, const char *text)
{
  g_autofree char *found = NULL;

  CU_ASSERT_FATAL (g_file_get_contents (path, &found, NULL, NULL));
  CU_ASSERT_STRING_EQUAL (found, text);
}
