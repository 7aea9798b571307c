/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier upscale' when something goes wrong: pictures that are none, outputs that cannot be, a disk that
 * is full, signals. One message, the exit status 1, all files as they were, and nothing left behind.
 */

#include "suite.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "image/libraries.h"
#include "photos.h"
#include "run.h"
#include "temporary.h"

/* A folder with a picture and nothing else. */
typedef struct
{
  AtlTestFolder *folder;
  char *picture, *output;
} Place;

static void
place_init (Place *place)
{
  place->folder = atl_test_folder_new ();
  place->picture = atl_test_photo_path (place->folder, "in.png");
  place->output = atl_test_photo_path (place->folder, "out.png");
  atl_test_photo_save (atl_test_ramp_new (3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB, 255.0),
                       place->picture);
}

static void
place_clear (Place *place)
{
  g_free (place->picture);
  g_free (place->output);
  atl_test_folder_free (place->folder);
}

/* The program fails at this picture, whose name stands in the message. */
static void
check_unreadable (const Place *place, const char *picture, const char *text)
{
  g_autofree char *named = g_strdup_printf ("atelier upscale: '%s' cannot be read", picture);
  g_autofree char *output = NULL;
  g_autofree char *messages = NULL;

  atl_test_run (ATL_EXIT_FAILED, &output, &messages,
                ATL_ARGUMENTS ("upscale", picture, "-o", place->output));
  CU_ASSERT_STRING_EQUAL (output, "");
  atl_test_contains (messages, text);
  if (! g_str_has_prefix (messages, named))
    {
      printf ("  %s", messages);
      CU_FAIL ("the picture was not named");
    }
}

static void
unreadable_pictures_are_told (void)
{
  Place place;

  place_init (&place);
  g_autofree char *empty = atl_test_file_new (place.folder, "empty.jpg", "", 0);
  g_autofree char *text = atl_test_file_new (place.folder, "text.png", "no picture", 10);
  g_autofree char *missing = atl_test_photo_path (place.folder, "missing.png");
  g_autofree char *circle = atl_test_photo_path (place.folder, "circle.png");
  g_autofree char *pipe = atl_test_photo_path (place.folder, "pipe.png");
  g_autofree char *bytes = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (g_file_get_contents (place.picture, &bytes, &size, NULL));
  g_autofree char *half = atl_test_file_new (place.folder, "half.png", bytes, size / 2);
  CU_ASSERT_EQUAL_FATAL (symlink (circle, circle), 0);
  CU_ASSERT_EQUAL_FATAL (mkfifo (pipe, 0600), 0);

  check_unreadable (&place, missing, ": No such file or directory");
  check_unreadable (&place, circle, ": Too many levels of symbolic links");
  check_unreadable (&place, empty, " as a picture: ");
  check_unreadable (&place, text, " as a picture: ");
  check_unreadable (&place, half, " as a picture: ");
  check_unreadable (&place, place.folder, " as a picture: it is a folder");
  check_unreadable (&place, pipe, " as a picture: it is no file");
  atl_test_folder_holds (place.folder, "circle.png empty.jpg half.png in.png pipe.png text.png");
  atl_test_file_holds (text, "no picture");
  place_clear (&place);
}

/* For root: the program without the right to read and write everything. Returns its path, freed by
 * g_free (), or NULL if that cannot be had. */
static char *
bounded_program (const AtlTestFolder *folder)
{
  static const char script[] = "#!/bin/sh\n"
                               "exec setpriv --bounding-set=-dac_override,-dac_read_search -- "
                               "'%s' \"$@\"\n";
  g_autofree char *text = g_strdup_printf (script, g_getenv ("ATELIER"));
  char *path = atl_test_file_new (folder, "program", text, strlen (text));
  const char *const command[] = { path, "--version", NULL };
  int wait_status = 1;

  g_chmod (path, 0700);
  if (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                    NULL, &wait_status, NULL)
      && wait_status == 0)
    return path;
  g_free (path);
  return NULL;
}

static void
files_without_permission_are_told (void)
{
  Place place;
  g_autoptr (AtlTestFolder) other = atl_test_folder_new ();
  g_autofree char *before = g_strdup (g_getenv ("ATELIER"));
  g_autofree char *program = geteuid () == 0 ? bounded_program (other) : g_strdup (before);

  if (program == NULL)
    {
      atl_test_skip ("root may read everything here");
      return;
    }
  place_init (&place);
  g_setenv ("ATELIER", program, TRUE);
  CU_ASSERT_EQUAL (g_chmod (place.picture, 0), 0);
  check_unreadable (&place, place.picture, "Permission denied");
  CU_ASSERT_EQUAL (g_chmod (place.folder, 0500), 0);
  CU_ASSERT_EQUAL (g_chmod (place.picture, 0400), 0);
  atl_test_run_fails (ATL_EXIT_FAILED, "out.png' cannot be written: Permission denied",
                      ATL_ARGUMENTS ("upscale", place.picture, "-o", place.output));
  CU_ASSERT_EQUAL (g_chmod (place.folder, 0700), 0);
  atl_test_folder_holds (place.folder, "in.png");
  g_setenv ("ATELIER", before, TRUE);
  place_clear (&place);
}

static void
impossible_outputs_are_told (void)
{
  Place place;

  place_init (&place);
  g_autofree char *nowhere = atl_test_photo_path (place.folder, "nowhere/out.png");
  g_autofree char *below_file = atl_test_photo_path (place.folder, "in.png/out.png");
  g_autofree char *odd = atl_test_photo_path (place.folder, "out.gif");
  g_autofree char *bare = atl_test_photo_path (place.folder, "out");
  g_autofree char *link = atl_test_photo_path (place.folder, "link");
  g_autofree char *linked = atl_test_photo_path (place.folder, "link/in.png");
  g_autofree char *detour = atl_test_photo_path (place.folder, "./in.png");
  g_autofree char *before = NULL, *after = NULL;
  size_t size = 0, size_after = 0;

  CU_ASSERT_EQUAL_FATAL (symlink (".", link), 0);
  CU_ASSERT_FATAL (g_file_get_contents (place.picture, &before, &size, NULL));
#define FAILS(text, output)                                                                        \
  atl_test_run_fails (ATL_EXIT_FAILED, text, ATL_ARGUMENTS ("upscale", place.picture, "-o", output))
  FAILS ("nowhere/out.png' cannot be written: No such file or directory", nowhere);
  FAILS ("in.png/out.png' cannot be written: Not a directory", below_file);
  FAILS ("in.png' would be replaced by its own result; name another output", place.picture);
  FAILS ("in.png' would be replaced by its own result; name another output", place.folder);
  FAILS ("in.png' would be replaced by its own result; name another output", detour);
  FAILS ("in.png' would be replaced by its own result; name another output", linked);
  FAILS ("in.png' would be replaced by its own result; name another output", link);
#undef FAILS
  atl_test_run_fails (ATL_EXIT_USAGE,
                      "out.gif' cannot be written: its name must end in .png, .jpg, .tif or .webp",
                      ATL_ARGUMENTS ("upscale", place.picture, "-o", odd));
  atl_test_run_fails (ATL_EXIT_USAGE,
                      "out' cannot be written: its name must end in .png, .jpg, .tif or .webp",
                      ATL_ARGUMENTS ("upscale", place.picture, "-o", bare));

  atl_test_folder_holds (place.folder, "in.png link");
  CU_ASSERT_FATAL (g_file_get_contents (place.picture, &after, &size_after, NULL));
  CU_ASSERT (size == size_after && memcmp (before, after, size) == 0);
  place_clear (&place);
}

/* The program writes to a disk of 16 KiB; then what is on it is listed. */
static void
full_disks_are_told (void)
{
  static const char *const endings[] = { "png", "jpg", "tif", "webp" };
  Place place;

  place_init (&place);
  g_autofree char *disk = atl_test_photo_path (place.folder, "disk");
  g_mkdir (disk, 0700);
  for (size_t i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *script = g_strdup_printf ("output=$PWD/out.%s\n"
                                                 "printf before > \"$output\"\n"
                                                 "\"$ATELIER\" upscale ../in.png -o \"$output\"\n"
                                                 "status=$?\n"
                                                 "ls -A; cat \"$output\"; exit $status",
                                                 endings[i]);
      g_autofree char *expected = g_strdup_printf ("out.%s\nbefore", endings[i]);
      g_autofree char *named = g_strdup_printf ("/disk/out.%s' cannot be written: ", endings[i]);
      g_autofree char *output = NULL, *messages = NULL;

      if (! atl_test_run_on_disk (ATL_EXIT_FAILED, &output, &messages, disk,
                                  "size=16k,nr_inodes=20", script))
        break;
      CU_ASSERT_STRING_EQUAL (output, expected);
      atl_test_contains (messages, named);
      atl_test_contains (messages, g_strerror (ENOSPC));
    }
  place_clear (&place);
}

/* 137 MiB of noise, which does not get smaller in the swap file. */
static void
make_large_noise (const char *path)
{
  VipsImage *noise = NULL, *scaled = NULL, *pixels = NULL;

  CU_ASSERT_EQUAL_FATAL (
      vips_gaussnoise (&noise, 12000, 3000, "mean", 0.5, "sigma", 0.1, "seed", 1, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_cast_float (noise, &scaled, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_bandfold (scaled, &pixels, "factor", 4, NULL), 0);
  pixels->Type = VIPS_INTERPRETATION_scRGB;
  atl_test_photo_save (pixels, path);
  g_object_unref (scaled);
  g_object_unref (noise);
}

/* As if the disk became full: the system tells of room, but no file may grow to more than 4 MiB. */
static void
full_swap_is_told (void)
{
  static const char script[] = "trap '' XFSZ; ulimit -f 8192\n"
                               "exec \"$1\" upscale \"$2\" -o \"$3\"";
  Place place;
  g_autoptr (AtlTestFolder) cache = atl_test_folder_new ();
  g_autofree char *messages = NULL;
  g_autoptr (GError) error = NULL;

  place_init (&place);
  g_autofree char *large = atl_test_photo_path (place.folder, "large.tif");
  make_large_noise (large);
  g_free (atl_test_file_new (place.folder, "out.png", "before", 6));
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_setenv (launcher, "XDG_CACHE_HOME", cache, TRUE);
  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawn (
      launcher, &error, "sh", "-c", script, "sh", g_getenv ("ATELIER"), large, place.output, NULL);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (process);
  CU_ASSERT (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &messages, NULL));
  CU_ASSERT (g_subprocess_get_if_exited (process));
  CU_ASSERT_EQUAL (g_subprocess_get_exit_status (process), ATL_EXIT_FAILED);
  atl_test_contains (messages, "GEGL could not keep it in its swap folder '");
  CU_ASSERT_PTR_NULL (strstr (messages, "tile data"));
  atl_test_folder_holds (place.folder, "in.png large.tif out.png");
  atl_test_file_holds (place.output, "before");
  place_clear (&place);
}

/* What the program is caught at. */
typedef enum
{
  WHILE_COMPUTING,
  WHILE_WRITING
} Moment;

static gboolean
has_temporary (const Place *place)
{
  g_autoptr (GDir) dir = g_dir_open (place->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, ".out.png."))
      return TRUE;
  return FALSE;
}

/* Deep noise, which takes its time to be packed. */
static void
make_noisy (const char *path)
{
  VipsImage *noise = NULL, *deep = NULL, *grey = NULL;

  CU_ASSERT_EQUAL_FATAL (vips_gaussnoise (&noise, 480, 400, "mean", 32768.0, "sigma", 9000.0, NULL),
                         0);
  CU_ASSERT_EQUAL_FATAL (vips_cast (noise, &deep, VIPS_FORMAT_USHORT, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (
      vips_copy (deep, &grey, "interpretation", VIPS_INTERPRETATION_GREY16, NULL), 0);
  atl_test_photo_save (grey, path);
  g_object_unref (noise);
  g_object_unref (deep);
}

/* 137 MiB of pixels: more than GEGL keeps in memory, so that there is a swap file. */
static void
make_large (const char *path)
{
  VipsImage *image = NULL;

  CU_ASSERT_EQUAL_FATAL (vips_black (&image, 8000, 6000, "bands", 3, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (vips_pngsave (image, path, "compression", 1, NULL), 0);
  g_object_unref (image);
}

static char *
swap_folder (const char *cache)
{
  return g_build_filename (cache, "gegl-0.4", "swap", NULL);
}

static gboolean
has_swap (const char *cache)
{
  g_autofree char *swap = swap_folder (cache);
  g_autoptr (GDir) dir = g_dir_open (swap, 0, NULL);

  return dir != NULL && g_dir_read_name (dir) != NULL;
}

/* Waits, at most for two minutes, until the program is there: before it computes it has read the picture,
 * for which it needs the swap file, and before it writes it makes a file. It may also have come to its end
 * unnoticed. */
static gboolean
wait_for_moment (const Place *place, Moment moment, const char *cache, GSubprocess *process)
{
  for (int i = 0; i < 120000; i++, g_usleep (1000))
    if ((moment == WHILE_COMPUTING ? has_swap (cache) : has_temporary (place))
        || g_subprocess_get_identifier (process) == NULL)
      {
        /* The swap file comes when most of the picture was read, which takes half a second. */
        if (moment == WHILE_COMPUTING)
          g_usleep (G_USEC_PER_SEC);
        return TRUE;
      }
  return FALSE;
}

/* Runs the program, sends it the signal, and returns whether it was still at work then. If not, its file is
 * whole. */
static gboolean
check_signal (int number, Moment moment)
{
  const char *const slow[] = { "--quality=best", "--threads=1", NULL };
  Place place;
  g_autoptr (AtlTestFolder) cache = atl_test_folder_new ();
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) messages = NULL;

  place_init (&place);
  g_free (atl_test_file_new (place.folder, "out.png", "before", 6));
  g_strv_builder_add_many (builder, g_getenv ("ATELIER"), "upscale", place.picture, "-o",
                           place.output, NULL);
  if (moment == WHILE_COMPUTING)
    {
      g_strv_builder_addv (builder, (const char **) slow);
      make_large (place.picture);
    }
  else
    make_noisy (place.picture);
  g_auto (GStrv) command = g_strv_builder_end (builder);

  g_subprocess_launcher_setenv (launcher, "XDG_CACHE_HOME", cache, TRUE);
  g_autoptr (GSubprocess)
      process = g_subprocess_launcher_spawnv (launcher, (const char *const *) command, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (process);
  CU_ASSERT (wait_for_moment (&place, moment, cache, process));
  const gboolean had_swap = has_swap (cache);
  g_subprocess_send_signal (process, number);
  CU_ASSERT (g_subprocess_communicate (process, NULL, NULL, NULL, &messages, NULL));

  CU_ASSERT (g_subprocess_get_if_exited (process));
  const gboolean caught = g_subprocess_get_exit_status (process) != ATL_EXIT_DONE;
  atl_test_folder_holds (place.folder, "in.png out.png");
  CU_ASSERT_FALSE (has_swap (cache));
  if (caught)
    {
      g_autofree char *text = g_strndup (g_bytes_get_data (messages, NULL),
                                         g_bytes_get_size (messages));

      CU_ASSERT (moment == WHILE_WRITING || had_swap);
      CU_ASSERT_EQUAL (g_subprocess_get_exit_status (process), ATL_EXIT_FAILED);
      CU_ASSERT (text != NULL && g_str_has_suffix (text, "atelier upscale: interrupted\n"));
      atl_test_file_holds (place.output, "before");
    }
  place_clear (&place);
  return caught;
}

/* On a busy machine the program may be done before the signal comes. */
static void
check_caught (int number, Moment moment)
{
  for (int i = 0; i < 5; i++)
    if (check_signal (number, moment))
      return;
  CU_FAIL ("the program was never caught");
}

static void
signals_end_computing (void)
{
  check_caught (SIGINT, WHILE_COMPUTING);
  check_caught (SIGTERM, WHILE_COMPUTING);
}

static void
signals_end_writing (void)
{
  check_caught (SIGINT, WHILE_WRITING);
  check_caught (SIGTERM, WHILE_WRITING);
}

/* A result that cannot be told to anyone is no success. */
static void
unwritten_json_is_told (void)
{
  Place place;

  place_init (&place);
  g_autofree char *line = g_strdup_printf ("\"%s\" upscale '%s' -o '%s' --json > /dev/full",
                                           g_getenv ("ATELIER"), place.picture, place.output);
  g_autofree char *messages = NULL;
  int wait_status = 0;
  const char *const command[] = { "sh", "-c", line, NULL };

  CU_ASSERT (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                           &messages, &wait_status, NULL));
  CU_ASSERT_EQUAL (WEXITSTATUS (wait_status), ATL_EXIT_FAILED);
  atl_test_contains (messages, "atelier: the output could not be written");
  place_clear (&place);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "unreadable pictures are told", unreadable_pictures_are_told },
    { "files without permission are told", files_without_permission_are_told },
    { "impossible outputs are told", impossible_outputs_are_told },
    { "full disks are told", full_disks_are_told },
    { "a full swap disk is told", full_swap_is_told },
    { "signals end computing", signals_end_computing },
    { "signals end writing", signals_end_writing },
    { "unwritten JSON is told", unwritten_json_is_told },
  };

  g_setenv ("ATELIER_MODEL_PATH", MODELS_FOLDER, TRUE);
  if (! atl_image_libraries_start (0, NULL))
    return 1;
  const int status = atl_suite_run ("cli-upscale-failures", tests, G_N_ELEMENTS (tests));
  atl_image_libraries_stop ();
  vips_shutdown ();
  return status;
}
