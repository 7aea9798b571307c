/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reasons that 'atelier doctor' finds for a plug-in that is not in GIMP's menu.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "doctor-home.h"
#include "run.h"

#define OWN "config/GIMP/2.10/plug-ins/"
#define PLUGIN OWN "atelier-upscale/atelier-upscale"
#define SYSTEM "usr/lib/gimp/2.0/plug-ins/"

/* Asserts the exit status, and that the output has each text, in which "~/" stands for the home; the list is
 * NULL-ended. */
static void
expect (const AtlTestFolder *home, int status, const char *const *texts)
{
  g_autofree char *output = NULL;

  atl_test_run (status, &output, NULL, ATL_ARGUMENTS ("doctor"));
  for (; *texts != NULL; texts++)
    {
      g_auto (GStrv) parts = g_strsplit (*texts, "~", -1);
      g_autofree char *text = g_strjoinv (home, parts);

      atl_test_contains (output, text);
    }
}

#define DONE(home, ...) expect (home, ATL_EXIT_DONE, ATL_ARGUMENTS (__VA_ARGS__))
#define FAILED(home, ...) expect (home, ATL_EXIT_FAILED, ATL_ARGUMENTS (__VA_ARGS__))

static void
all_is_well (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  DONE (home, "GIMP 2.10  gimp-console-2.10: Program of pictures version 2.10.99\n",
        "GIMP 2.10  ~/" PLUGIN ", version 0.1.0: in the menu from GIMP's next start\n");
}

static void
no_gimp (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
  DONE (home, "GIMP       not installed; the command line works without it\n");
}

static void
no_plugin (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, PLUGIN);
  FAILED (home, "GIMP 2.10  PROBLEM: the plug-in 'atelier-upscale' is not in ~/config/GIMP/2.10/"
                "plug-ins, ~/usr/lib/gimp/2.0/plug-ins: build Atelier with 'meson setup "
                "build-gimp2 -Dgimp=2'");
}

/* Who has it in one GIMP need not have it in all. */
static void
two_gimps (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_gimp (home, "usr/bin/gimp-console-3.0", "3.0.4");
  DONE (home, "GIMP 3.0   the plug-in 'atelier-upscale' is not in ");
  g_autofree char *plugin = g_build_filename (home, PLUGIN, NULL);
  g_chmod (plugin, 0644);
  FAILED (home, "GIMP 3.0   PROBLEM: the plug-in 'atelier-upscale' is not in ");
}

/* Folders of a GIMP newer than this test: the user's is named after its version, the system's is of 3.0. */
static void
newer_gimp (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
  atl_test_home_gimp (home, "usr/bin/gimp-3.4", "3.4.2");
  FAILED (home, "is not in ~/config/GIMP/3.4/plug-ins, ~/usr/lib/gimp/3.0/plug-ins");
  atl_test_home_plugin (home, "usr/lib/any/gimp/3.0/plug-ins/atelier-upscale/atelier-upscale",
                        "0.1.0", "3.0");
  DONE (home, "GIMP 3.4   ~/usr/lib/any/gimp/3.0/plug-ins/atelier-upscale/atelier-upscale, ");
}

static void
program_without_a_version (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
  atl_test_home_gimp (home, "usr/bin/gimp", "2.10.99");
  DONE (home, "GIMP 2.10  gimp: Program of pictures", "GIMP 2.10  ~/" PLUGIN ", ");
}

/* The number of lines of a file in the home. */
static int
count_lines (const AtlTestFolder *home, const char *path)
{
  g_autofree char *whole = g_build_filename (home, path, NULL);
  g_autofree char *text = NULL;
  int n = 0;

  CU_ASSERT_FATAL (g_file_get_contents (whole, &text, NULL, NULL));
  for (const char *at = text; (at = strchr (at, '\n')) != NULL; at++)
    n++;
  return n;
}

/* As Debian has them, and with a second name for the folder in PATH. */
static void
links_to_one_program (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *link = g_build_filename (home, "usr/bin/gimp-console", NULL);
  g_autofree char *folder = g_build_filename (home, "bin", NULL);
  g_autofree char *path = g_strdup_printf ("%s/usr/bin:%s", home, folder);

  atl_test_home_script (home, "usr/bin/gimp-console-2.10",
                        "echo started >>\"${0%/usr/bin/*}/starts\"\n"
                        "echo Program of pictures version 2.10.99");
  CU_ASSERT_EQUAL (symlink ("gimp-console-2.10", link), 0);
  CU_ASSERT_EQUAL (symlink ("usr/bin", folder), 0);
  g_setenv ("PATH", path, TRUE);
  DONE (home, "GIMP 2.10  gimp-console-2.10: Program of pictures version 2.10.99\n");
  CU_ASSERT_EQUAL (count_lines (home, "starts"), 1);

  /* Alone, the link's own name does not tell the version. */
  g_autofree char *program = g_build_filename (home, "usr/bin/gimp-console-2.10", NULL);
  g_autofree char *other = g_build_filename (home, "usr/bin/program", NULL);
  CU_ASSERT_EQUAL (g_rename (program, other), 0);
  g_unlink (link);
  CU_ASSERT_EQUAL (symlink ("program", link), 0);
  DONE (home, "GIMP 2.10  gimp-console: Program of pictures version 2.10.99\n");
  CU_ASSERT_EQUAL (count_lines (home, "starts"), 2);
}

/* Each of them is waited for once. */
static void
programs_hang (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_script (home, PLUGIN, "exec /bin/sleep 600");
  atl_test_home_script (home, "usr/bin/gimp-3.0", "exec /bin/sleep 600");
  FAILED (home,
          "GIMP 2.10  ~/" PLUGIN ": PROBLEM: did not answer '--version' within 10 seconds and was "
          "stopped: install Atelier anew\n",
          "GIMP 3.0   gimp-3.0: PROBLEM: did not answer '--version' within 10 seconds and was "
          "stopped\n");

  /* It may be a GIMP or not: it is not said that there is none. */
  atl_test_home_remove (home, "usr/bin/gimp-3.0");
  atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
  atl_test_home_script (home, "usr/bin/gimp", "exec /bin/sleep 600");
  g_autofree char *output = NULL;
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  atl_test_contains (output, "/usr/bin/gimp: did not answer '--version' within 10 seconds");
  CU_ASSERT_PTR_NULL (strstr (output, "not installed"));
}

/* A name of a folder is no pattern. */
static void
folder_with_brackets (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *programs = g_build_filename (home, "my [g]imp*/bin", NULL);

  atl_test_home_gimp (home, "my [g]imp*/bin/gimp-console-2.10", "2.10.99");
  atl_test_home_remove (home, PLUGIN);
  atl_test_home_plugin (home,
                        "my [g]imp*/lib/any/gimp/2.0/plug-ins/atelier-upscale/atelier-upscale",
                        "0.1.0", "2.10");
  g_setenv ("PATH", programs, TRUE);
  DONE (home,
        "GIMP 2.10  ~/my [g]imp*/lib/any/gimp/2.0/plug-ins/atelier-upscale/atelier-upscale, ");
}

/* Folders that the environment names stand before those that are built into GIMP. */
static void
environment_names_folders (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *libraries = g_build_filename (home, "libraries", NULL);
  g_autofree char *settings = g_build_filename (home, "settings", NULL);

  atl_test_home_remove (home, PLUGIN);
  atl_test_home_plugin (home, SYSTEM "atelier-upscale/atelier-upscale", "0.1.0", "2.10");
  g_setenv ("GIMP3_PLUGINDIR", libraries, TRUE);
  g_setenv ("GIMP3_SYSCONFDIR", settings, TRUE);
  DONE (home, "GIMP 2.10  ~/" SYSTEM "atelier-upscale/atelier-upscale, version 0.1.0: ");

  g_setenv ("GIMP2_PLUGINDIR", libraries, TRUE);
  FAILED (home, "is not in ~/config/GIMP/2.10/plug-ins, ~/libraries/plug-ins: ");
  atl_test_home_plugin (home, "libraries/plug-ins/atelier-upscale/atelier-upscale", "0.1.0",
                        "2.10");
  DONE (home, "GIMP 2.10  ~/libraries/plug-ins/atelier-upscale/atelier-upscale, version 0.1.0: ");

  /* From the user's home, as GIMP takes it. */
  g_setenv ("GIMP2_PLUGINDIR", "libraries", TRUE);
  DONE (home, "GIMP 2.10  ~/libraries/plug-ins/atelier-upscale/atelier-upscale, version 0.1.0: ");

  g_free (atl_test_home_file (home, "etc/gimp/2.0/gimprc", "(plug-in-path \"nowhere\")"));
  g_free (
      atl_test_home_file (home, "settings/gimprc", "(plug-in-path \"${gimp_sysconf_dir}/mine\")"));
  g_setenv ("GIMP2_SYSCONFDIR", settings, TRUE);
  FAILED (home, "remove the line 'plug-in-path' from ~/settings/gimprc");
  atl_test_home_plugin (home, "settings/mine/atelier-upscale/atelier-upscale", "0.1.0", "2.10");
  DONE (home, "GIMP 2.10  ~/settings/mine/atelier-upscale/atelier-upscale, version 0.1.0: ");
}

/* What a terminal would obey, in names of files and in what programs say. */
static void
control_characters (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *output = NULL;

  atl_test_home_remove (home, PLUGIN);
  atl_test_home_script (home, "usr/bin/gimp-console-2.10",
                        "printf 'Pro\\033[2Jgram \\302\\233 version 2.10.99\\n'");
  atl_test_home_plugin (home, OWN "a\x1b[7m\nb\xff/atelier-upscale", "0.1.0", "2.10");
  atl_test_run (ATL_EXIT_FAILED, &output, NULL, ATL_ARGUMENTS ("doctor"));
  for (const char *at = output; *at != '\0'; at = g_utf8_next_char (at))
    CU_ASSERT (*at == '\n' || ! g_unichar_iscntrl (g_utf8_get_char (at)));
  CU_ASSERT (g_utf8_validate (output, -1, NULL));
  atl_test_contains (output, "GIMP 2.10  gimp-console-2.10: Pro?[2Jgram ? version 2.10.99\n");
  atl_test_contains (output, OWN "a?[7m?b\ufffd/atelier-upscale: PROBLEM: ");

  /* The command that it gives moves the file all the same. */
  const char *command = strstr (output, "mkdir -p ");
  CU_ASSERT_PTR_NOT_NULL_FATAL (command);
  g_autofree char *line = g_strdup_printf ("PATH=/usr/bin:/bin; %.*s",
                                           (int) strcspn (command, "\n"), command);
  const char *const shell[] = { "/bin/bash", "-c", line, NULL };
  CU_ASSERT (g_spawn_sync (NULL, (char **) shell, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                           NULL, NULL));
  DONE (home, "GIMP 2.10  ~/" PLUGIN ", version 0.1.0: ");
}

static void
not_executable (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *plugin = g_build_filename (home, PLUGIN, NULL);

  g_chmod (plugin, 0644);
  FAILED (home, "PROBLEM: is not allowed to run; allow it by: chmod +x '~/");
}

static void
noexec (void)
{
  static const char script[] = "mkdir atelier-upscale; echo > atelier-upscale/atelier-upscale\n"
                               "chmod +x atelier-upscale/atelier-upscale; \"$ATELIER\" doctor";
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *folder = g_build_filename (home, OWN, NULL);
  g_autofree char *output = NULL, *messages = NULL;

  if (atl_test_run_on_disk (ATL_EXIT_FAILED, &output, &messages, folder, "noexec", script))
    atl_test_contains (output, "PROBLEM: lies on a disk from which no programs may be started");
}

/* GIMP 2.10 takes a plug-in without a folder of its own, GIMP 3 does not. */
static void
without_a_folder (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, PLUGIN);
  atl_test_home_plugin (home, SYSTEM "atelier-upscale", "0.1.0", "2.10");
  DONE (home, "GIMP 2.10  ~/" SYSTEM "atelier-upscale, version 0.1.0: ");

  atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
  atl_test_home_gimp (home, "usr/bin/gimp-console-3.0", "3.0.4");
  atl_test_home_plugin (home, "config/GIMP/3.0/plug-ins/atelier-upscale", "0.1.0", "3.0");
  FAILED (home, "PROBLEM: GIMP 3.0 wants every plug-in in a folder of its own name: mv '~/config/"
                "GIMP/3.0/plug-ins/atelier-upscale' '~/config/GIMP/3.0/plug-ins/"
                "atelier-upscale.new'; mkdir '~/config/GIMP/3.0/plug-ins/atelier-upscale'; mv ");
}

static void
folder_of_another_name (void)
{
  static const char *const folders[] = { OWN "atelier/", OWN "plug-ins/atelier-upscale/" };

  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autoptr (AtlTestFolder) home = atl_test_home_new ();
      g_autofree char *plugin = g_strconcat (folders[i], "atelier-upscale", NULL);
      g_autofree char *row = g_strdup_printf (
          "GIMP 2.10  ~/%s: PROBLEM: GIMP does not find it, since its "
          "folder must be called 'atelier-upscale' and lie in "
          "'plug-ins': mkdir -p '~/" OWN "atelier-upscale'; mv '~/%s' ",
          plugin, plugin);

      atl_test_home_remove (home, PLUGIN);
      atl_test_home_plugin (home, plugin, "0.1.0", "2.10");
      FAILED (home, row);
    }
}

/* What was GIMP 3.0's stays behind when GIMP 3.2 comes; GIMP 2.10's is no business of 3.2's. */
static void
folder_of_another_version (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
  atl_test_home_gimp (home, "usr/bin/gimp-console-3.2", "3.2.0");
  FAILED (home, "GIMP 3.2   PROBLEM: the plug-in 'atelier-upscale' is not in ");
  atl_test_home_plugin (home, "config/GIMP/3.0/plug-ins/atelier-upscale/atelier-upscale", "0.1.0",
                        "3.0");
  FAILED (home,
          "GIMP 3.2   ~/config/GIMP/3.0/plug-ins/atelier-upscale/atelier-upscale: PROBLEM: lies "
          "in the folder of another version of GIMP, where GIMP 3.2 does not look: mkdir -p "
          "'~/config/GIMP/3.2/plug-ins/atelier-upscale'; mv ");

  /* If GIMP 3.0 is still there, the plug-in is its own, and must stay. */
  atl_test_home_gimp (home, "usr/bin/gimp-console-3.0", "3.0.4");
  DONE (home,
        "GIMP 3.0   ~/config/GIMP/3.0/plug-ins/atelier-upscale/atelier-upscale, version 0.1.0: in "
        "the menu ",
        "GIMP 3.2   the plug-in 'atelier-upscale' is in the folder of GIMP 3.0, where GIMP 3.2 "
        "does not look; to have it in both: mkdir -p '~/config/GIMP/3.2/plug-ins/atelier-upscale'; "
        "cp '~/config/GIMP/3.0/plug-ins/atelier-upscale/atelier-upscale' '~/config/GIMP/3.2/"
        "plug-ins/atelier-upscale'/\n");

  /* It cannot be lent from where GIMP 3.0 does not find it either. */
  g_free (atl_test_home_file (home, "config/GIMP/3.0/gimprc", "(plug-in-path \"/nowhere\")"));
  FAILED (home, "GIMP 3.2   ~/config/GIMP/3.0/plug-ins/atelier-upscale/atelier-upscale: PROBLEM: "
                "lies in the folder of another version of GIMP");
}

static void
built_for_another_gimp (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_plugin (home, PLUGIN, "0.1.0", "3.0");
  FAILED (home,
          "~/" PLUGIN ": PROBLEM: was built for GIMP 3.0 and cannot work in 2.10: build Atelier "
          "with 'meson setup build-gimp2 -Dgimp=2'");
}

/* A program that writes 'message' and ends with the status of the system's loader. */
static void
loader_fails (const AtlTestFolder *home, const char *library)
{
  g_autofree char *script = g_strdup_printf ("echo \"$0: error while loading shared libraries: %s: "
                                             "cannot open shared object file: No such "
                                             "file or directory\" >&2; exit 127",
                                             library);

  atl_test_home_script (home, PLUGIN, script);
}

static void
missing_libraries (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  loader_fails (home, "libatelier.so.0");
  FAILED (home, "PROBLEM: does not find Atelier's own library 'libatelier.so.0': install ");
  loader_fails (home, "libvips.so.42");
  FAILED (home, "PROBLEM: needs the library 'libvips.so.42', which is not installed: ");
  loader_fails (home, "libgimpui-3.0.so.0");
  FAILED (home, "PROBLEM: was built for GIMP 3.0 and cannot work in 2.10: ");
  loader_fails (home, "libgimpui-2.0.so.0");
  FAILED (home, "PROBLEM: needs the library 'libgimpui-2.0.so.0', which is not installed: ");
}

static void
does_not_start (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_script (home, PLUGIN, "kill -SEGV $$");
  FAILED (home, "PROBLEM: crashes when it is started (");
  atl_test_home_script (home, PLUGIN, "echo no good >&2; echo more >&2; exit 3");
  FAILED (home, "PROBLEM: does not start ('no good'): ");
}

static void
cannot_be_started (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *plugin = g_build_filename (home, PLUGIN, NULL);

  if (g_getenv ("ATELIER_TEST_WRAPPER") != NULL)
    {
      atl_test_skip ("valgrind starts programs itself, and what it cannot start ends");
      return;
    }
  g_free (atl_test_home_file (home, PLUGIN, "#!/nowhere\n"));
  g_chmod (plugin, 0755);
  FAILED (home, "PROBLEM: cannot be started (");
}

/* Before it knew --version. */
static void
old_plugin (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_script (home, PLUGIN,
                        "echo $0 is a GIMP plug-in and must be run by GIMP to be used >&2; exit 1");
  DONE (home, "~/" PLUGIN ", of an old Atelier, which does not tell its version: in the menu ");
}

static void
settings_leave_the_folder_out (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  g_free (atl_test_home_file (home, "config/GIMP/2.10/gimprc",
                              "# (plug-in-path \"nowhere\")\n(a (b \"(plug-in-path\") 1.5)\n"
                              "(plug-in-path \"nowhere\")\n(c yes)\n"
                              "(plug-in-path \"${gimp_plug_in_dir}/plug-ins\")\n"));
  FAILED (home,
          "~/" PLUGIN ": PROBLEM: GIMP does not look in this folder: add its 'plug-ins' folder in "
          "GIMP's Preferences > Folders > Plug-ins, or remove the line 'plug-in-path' from "
          "~/config/GIMP/2.10/gimprc");
  atl_test_home_remove (home, PLUGIN);
  FAILED (home, "PROBLEM: the plug-in 'atelier-upscale' is not in ~/usr/lib/gimp/2.0/plug-ins: ");
}

static void
settings_name_other_folders (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_remove (home, PLUGIN);
  atl_test_home_plugin (home, "mine/atelier-upscale/atelier-upscale", "0.1.0", "2.10");
  g_setenv ("ATELIER_TEST_FOLDER", home, TRUE);
  static const char *const paths[] = { "~/mine", "${HOME}/nowhere:${ATELIER_TEST_FOLDER}/mine/",
                                       "${gimp_dir}/../../../mine",
                                       "${gimp_installation_dir}/../mine",
                                       "${gimp_data_dir}/../../../../mine" };
  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *setting = g_strdup_printf ("(plug-in-path \"%s\")\n", paths[i]);

      g_free (atl_test_home_file (home, "config/GIMP/2.10/gimprc", setting));
      DONE (home, "GIMP 2.10  ~/mine/atelier-upscale/atelier-upscale, version 0.1.0: ");
    }

  /* The system's settings count where the user has none. */
  g_free (atl_test_home_file (home, "etc/gimp/2.0/gimprc", "(plug-in-path \"~/mine\")"));
  g_free (atl_test_home_file (home, "config/GIMP/2.10/gimprc", "(other 1)"));
  DONE (home, "GIMP 2.10  ~/mine/atelier-upscale/atelier-upscale, version 0.1.0: ");
}

static void
settings_cannot_be_understood (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  g_free (atl_test_home_file (home, "config/GIMP/2.10/gimprc",
                              "(plug-in-path \"~/a:${gimp_folder}/plug-ins\")"));
  FAILED (home,
          "gimp-console-2.10: Program of pictures version 2.10.99: PROBLEM: 'plug-in-path' in "
          "~/config/GIMP/2.10/gimprc has ${gimp_folder}, which GIMP does not know");
  g_free (atl_test_home_file (home, "config/GIMP/2.10/gimprc", "(plug-in-path \"\")"));
  FAILED (home, "PROBLEM: GIMP looks for plug-ins in no folder: ");
}

/* Writes what GIMP remembers: a plug-in that has nothing to do with us, and ours as of a time. */
static void
write_memory (const AtlTestFolder *home, const char *plugin, gint64 time)
{
  g_autofree char *text = g_strdup_printf (
      "# GIMP pluginrc\n\n(protocol-version 26)\n(plug-in-def \"/other/blinds\" 1\n"
      "    (proc-def \"plug-in-blinds\" 1\n \"(plug-in-def\" (icon icon-name -1 \"\") 0 0))\n"
      "(plug-in-def \"%s\" %" G_GINT64_FORMAT "\n    (proc-def \"plug-in-atelier-upscale\" 1))\n",
      plugin, time);

  g_free (atl_test_home_file (home, "config/GIMP/2.10/pluginrc", text));
}

static void
gimp_remembers (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();
  g_autofree char *plugin = g_build_filename (home, PLUGIN, NULL);
  GStatBuf info;

  CU_ASSERT_EQUAL_FATAL (g_stat (plugin, &info), 0);
  write_memory (home, "${gimp_dir}/plug-ins/atelier-upscale/atelier-upscale", info.st_mtime);
  DONE (home, ", version 0.1.0: in the menu Filters > Atelier\n");

  /* The same folder in other words. */
  g_autofree char *folder = g_build_filename (home, "config/GIMP/../GIMP/2.10/", NULL);
  g_setenv ("GIMP2_DIRECTORY", folder, TRUE);
  DONE (home, ", version 0.1.0: in the menu Filters > Atelier\n");
  g_unsetenv ("GIMP2_DIRECTORY");

  /* Its query has failed: GIMP has looked since it was installed, and does not list it. */
  g_usleep (20000);
  write_memory (home, "${gimp_dir}/plug-ins/other/other", info.st_mtime);
  FAILED (
      home,
      "GIMP 2.10  ~/" PLUGIN ": PROBLEM: GIMP has been started since this was installed, and "
      "did not take it: start it anew; if that does not help, remove the file '~/config/GIMP/2.10/"
      "pluginrc', start it from a terminal by '~/usr/bin/gimp-console-2.10' --verbose ");
  atl_test_home_gimp (home, "usr/bin/gimp-2.10", "2.10.99");
  FAILED (home, ", start it from a terminal by '~/usr/bin/gimp-2.10' --verbose ");

  /* What was changed since then, it will look at again. */
  g_usleep (20000);
  write_memory (home, "${gimp_dir}/plug-ins/atelier-upscale/atelier-upscale", info.st_mtime - 1);
  g_usleep (20000);
  atl_test_home_plugin (home, PLUGIN, "0.1.0", "2.10");
  DONE (home, ", version 0.1.0: in the menu from GIMP's next start\n");
}

static void
two_copies (void)
{
  g_autoptr (AtlTestFolder) home = atl_test_home_new ();

  atl_test_home_plugin (home, SYSTEM "atelier-upscale/atelier-upscale", "0.1.0", "2.10");
  DONE (home, "GIMP 2.10  ~/" PLUGIN ", version 0.1.0: in the menu ",
        "GIMP 2.10  ~/" SYSTEM
        "atelier-upscale/atelier-upscale, version 0.1.0: a second copy, which "
        "GIMP leaves aside\n");

  atl_test_home_plugin (home, SYSTEM "atelier-upscale/atelier-upscale", "0.2.0", "2.10");
  FAILED (home,
          "~/" SYSTEM "atelier-upscale/atelier-upscale, version 0.2.0: PROBLEM: GIMP does not use "
          "this copy but ~/" PLUGIN ", version 0.1.0: remove ");

  /* GIMP goes on to the second if the first may not run, but not if it runs and fails. */
  g_autofree char *plugin = g_build_filename (home, PLUGIN, NULL);
  g_chmod (plugin, 0644);
  FAILED (home, "~/" PLUGIN ": PROBLEM: is not allowed to run",
          "~/" SYSTEM "atelier-upscale/atelier-upscale, version 0.2.0: in the menu ");
  loader_fails (home, "libatelier.so.0");
  FAILED (home, "~/" PLUGIN ": PROBLEM: does not find Atelier's own library",
          "~/" SYSTEM
          "atelier-upscale/atelier-upscale, version 0.2.0: PROBLEM: GIMP does not use this "
          "copy but ~/" PLUGIN ": ");
}

static void
gimp_in_a_box (void)
{
  static const struct
  {
    const char *row, *folder;
  } boxes[] = { { "Flatpak", "var/lib/flatpak/app/org.gimp.GIMP" },
                { "Flatpak", "flatpak/app/org.gimp.GIMP" },
                { "Snap", "snap/gimp" } };

  for (size_t i = 0; i < G_N_ELEMENTS (boxes); i++)
    {
      g_autoptr (AtlTestFolder) home = atl_test_home_new ();
      g_autofree char *file = g_build_filename (boxes[i].folder, "file", NULL);
      g_autofree char *aside = g_strdup_printf (
          "%-10s ~/%s: this GIMP cannot load Atelier; start the other\n", boxes[i].row,
          boxes[i].folder);
      g_autofree char *alone = g_strdup_printf (
          "%-10s ~/%s: PROBLEM: this GIMP is shut off from the system", boxes[i].row,
          boxes[i].folder);

      g_free (atl_test_home_file (home, file, ""));
      DONE (home, aside);
      atl_test_home_remove (home, "usr/bin/gimp-console-2.10");
      FAILED (home, alone);
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "all is well", all_is_well },
    { "no GIMP", no_gimp },
    { "no plug-in", no_plugin },
    { "two GIMPs", two_gimps },
    { "newer GIMP", newer_gimp },
    { "program without a version", program_without_a_version },
    { "links to one program", links_to_one_program },
    { "programs hang", programs_hang },
    { "folder with brackets", folder_with_brackets },
    { "environment names folders", environment_names_folders },
    { "control characters", control_characters },
    { "not executable", not_executable },
    { "noexec", noexec },
    { "without a folder", without_a_folder },
    { "folder of another name", folder_of_another_name },
    { "folder of another version", folder_of_another_version },
    { "built for another GIMP", built_for_another_gimp },
    { "missing libraries", missing_libraries },
    { "does not start", does_not_start },
    { "cannot be started", cannot_be_started },
    { "old plug-in", old_plugin },
    { "settings leave the folder out", settings_leave_the_folder_out },
    { "settings name other folders", settings_name_other_folders },
    { "settings cannot be understood", settings_cannot_be_understood },
    { "GIMP remembers", gimp_remembers },
    { "two copies", two_copies },
    { "GIMP in a box", gimp_in_a_box },
  };

  return atl_suite_run ("cli doctor GIMP", tests, G_N_ELEMENTS (tests));
}
