/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A home for 'atelier doctor'.
 */

#include "doctor-home.h"

#include <CUnit/CUnit.h>
#include <glib/gstdio.h>
#include <string.h>

char *
atl_test_home_file (const AtlTestFolder *home, const char *path, const char *text)
{
  g_autofree char *whole = g_build_filename (home, path, NULL);
  g_autofree char *folder = g_path_get_dirname (whole);

  g_mkdir_with_parents (folder, 0755);
  return atl_test_file_new (home, path, text, strlen (text));
}

void
atl_test_home_script (const AtlTestFolder *home, const char *path, const char *text)
{
  g_autofree char *script = g_strconcat ("#!/bin/sh\n", text, "\n", NULL);
  g_autofree char *file = atl_test_home_file (home, path, script);

  g_chmod (file, 0755);
}

void
atl_test_home_gimp (const AtlTestFolder *home, const char *path, const char *version)
{
  /* GIMP writes the word large in German. */
  g_autofree char *script = g_strdup_printf ("[ $# = 1 ] && [ $1 = --version ] && word=Version && "
                                             "{ [ \"$LC_ALL\" != C ] || word=version; } "
                                             "&& echo Program of pictures $word %s && echo more",
                                             version);

  atl_test_home_script (home, path, script);
}

void
atl_test_home_plugin (const AtlTestFolder *home, const char *path, const char *version,
                      const char *gimp)
{
  g_autofree char *script = g_strdup_printf (
      "[ $# = 1 ] && [ $1 = --version ] && echo atelier-upscale %s for GIMP %s", version, gimp);

  atl_test_home_script (home, path, script);
}

void
atl_test_home_remove (const AtlTestFolder *home, const char *path)
{
  g_autofree char *whole = g_build_filename (home, path, NULL);

  CU_ASSERT_EQUAL (g_unlink (whole), 0);
}

AtlTestFolder *
atl_test_home_new (void)
{
  static const char *const variables[] = { "DIRECTORY", "PLUGINDIR", "SYSCONFDIR" };
  AtlTestFolder *home = atl_test_folder_new ();
  g_autofree char *programs = g_build_filename (home, "usr", "bin", NULL);
  g_autofree char *settings = g_build_filename (home, "config", NULL);
  g_autofree char *data = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (
      g_file_get_contents (MODELS_FOLDER "/sr-resnet-x2.safetensors", &data, &size, NULL));
  g_free (atl_test_file_new (home, "good.safetensors", data, size));
  atl_test_home_gimp (home, "usr/bin/gimp-console-2.10", "2.10.99");
  atl_test_home_plugin (home, "config/GIMP/2.10/plug-ins/atelier-upscale/atelier-upscale", "0.1.0",
                        "2.10");

  g_setenv ("ATELIER_MODEL_PATH", home, TRUE);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("XDG_CONFIG_HOME", settings, TRUE);
  g_setenv ("ATELIER_DOCTOR_ROOT", home, TRUE);
  g_setenv ("PATH", programs, TRUE);
  g_setenv ("HOME", home, TRUE);
  for (size_t i = 0; i < G_N_ELEMENTS (variables); i++)
    for (int major = 2; major <= 3; major++)
      {
        g_autofree char *name = g_strdup_printf ("GIMP%d_%s", major, variables[i]);

        g_unsetenv (name);
      }
  return home;
}
