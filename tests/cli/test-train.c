/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier train', killed, interrupted, resumed and misused.
 */

#include "suite.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "image/rgb-file.h"
#include "run.h"
#include "stripes.h"
#include "temporary.h"
#include "weights/weight-file.h"

/* A folder with a photo, and the paths that a training in it uses. */
typedef struct
{
  AtlTestFolder *folder;
  char *photo, *output, *checkpoint;
} Place;

static void
place_init (Place *place)
{
  place->folder = atl_test_folder_new ();
  place->photo = g_build_filename (place->folder, "photo.png", NULL);
  place->output = g_build_filename (place->folder, "w.safetensors", NULL);
  place->checkpoint = g_build_filename (place->folder, "w-run", "checkpoint.safetensors", NULL);
  atl_test_stripes_new (place->folder, "photo.png", 40, 32);
}

static void
place_clear (Place *place)
{
  g_free (place->photo);
  g_free (place->output);
  g_free (place->checkpoint);
  atl_test_folder_free (place->folder);
}

#define TINY "--width=4", "--blocks=1", "--crop=8", "--batch=2"

/* A training that lasts long enough to be caught in the middle: a checkpoint after every step. */
#define SLOW "--checkpoint=0", steps ()

static const char *
steps (void)
{
  return atl_test_quick () ? "--steps=200" : "--steps=1000";
}

/* Starts a training and sends it a signal when its first checkpoint is there. */
static GSubprocess *
train_and_signal_once (const Place *place, int number)
{
  g_autoptr (GError) error = NULL;
  const char *program = g_getenv ("ATELIER");
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, program,
                                           "train", "upscale", "--data", place->photo, "-o",
                                           place->output, TINY, SLOW, NULL);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (process);
  for (int i = 0; i < 60000 && ! g_file_test (place->checkpoint, G_FILE_TEST_EXISTS); i++)
    g_usleep (1000);
  g_usleep (20000); /* some steps more */
  g_subprocess_send_signal (process, number);
  g_subprocess_wait (process, NULL, NULL);
  return process;
}

/* The same, and again if the training was done before the signal came, which it may be on a busy machine.
 * Returns the process, which has ended. */
static GSubprocess *
train_and_signal (const Place *place, int number)
{
  g_autofree char *run = g_path_get_dirname (place->checkpoint);
  g_autofree char *log = g_build_filename (run, "log.csv", NULL);

  for (int i = 0; i < 5; i++)
    {
      g_autoptr (GSubprocess) process = train_and_signal_once (place, number);

      if (! g_subprocess_get_if_exited (process)
          || g_subprocess_get_exit_status (process) != ATL_EXIT_DONE)
        return g_steal_pointer (&process);
      g_remove (place->output);
      g_remove (place->checkpoint);
      g_remove (log);
    }
  CU_FAIL_FATAL ("the training was never caught");
  return NULL;
}

/* Asserts that two weight files hold the same numbers; their cards tell different times. */
static void
check_same_weights (const char *path_a, const char *path_b)
{
  g_autoptr (AtlWeightFile) a = atl_weight_file_open (path_a, NULL);
  g_autoptr (AtlWeightFile) b = atl_weight_file_open (path_b, NULL);

  CU_ASSERT_FATAL (a != NULL && b != NULL);
  CU_ASSERT_EQUAL_FATAL (atl_weight_file_n_tensors (a), atl_weight_file_n_tensors (b));
  CU_ASSERT (atl_weight_file_n_tensors (a) > 10);
  for (int i = 0; i < atl_weight_file_n_tensors (a); i++)
    {
      const AtlTensorInfo *info_a = atl_weight_file_tensor (a, i);
      const AtlTensorInfo *info_b = atl_weight_file_find (b, info_a->name);
      g_autofree float *values_a = g_new (float, info_a->size);
      g_autofree float *values_b = g_new (float, info_a->size);

      CU_ASSERT_FATAL (info_b != NULL && info_b->size == info_a->size);
      CU_ASSERT (atl_weight_file_read (a, info_a, values_a, NULL));
      CU_ASSERT (atl_weight_file_read (b, info_b, values_b, NULL));
      CU_ASSERT_EQUAL (memcmp (values_a, values_b, info_a->size * sizeof (float)), 0);
    }
}

static void
check_resumed (const Place *place)
{
  g_autofree char *whole = g_build_filename (place->folder, "whole.safetensors", NULL);

  atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                ATL_ARGUMENTS ("train", "upscale", "-o", place->output, "--resume", "-q"));
  atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                ATL_ARGUMENTS ("train", "upscale", "--data", place->photo, "-o", whole, "-q", TINY,
                               steps (), "--threads=1"));
  check_same_weights (place->output, whole);
}

static void
survives_kill (void)
{
  Place place;

  place_init (&place);
  g_autoptr (GSubprocess) process = train_and_signal (&place, SIGKILL);
  CU_ASSERT (g_subprocess_get_if_signaled (process));
  check_resumed (&place);
  place_clear (&place);
}

/* A length of another kind replaces the stored one. */
static void
resumes_for_another_time (void)
{
  Place place;

  place_init (&place);
  g_autoptr (GSubprocess) process = train_and_signal (&place, SIGINT);
  CU_ASSERT (g_subprocess_get_if_exited (process));
  atl_test_run (
      ATL_EXIT_DONE, NULL, NULL,
      ATL_ARGUMENTS ("train", "upscale", "-o", place.output, "--resume", "-q", "--minutes=0.01"));
  place_clear (&place);
}

static void
ends_cleanly (int number)
{
  Place place;

  place_init (&place);
  g_autoptr (GSubprocess) process = train_and_signal (&place, number);
  CU_ASSERT (g_subprocess_get_if_exited (process));
  CU_ASSERT_EQUAL (g_subprocess_get_exit_status (process), ATL_EXIT_FAILED);
  check_resumed (&place);
  place_clear (&place);
}

static void
ends_cleanly_at_signals (void)
{
  ends_cleanly (SIGINT);
  ends_cleanly (SIGTERM);
}

/* Runs a script of sh in a mount namespace of its own, with these arguments (NULL-ended). FALSE, and the
 * test is skipped, if nothing can be mounted here, for which the script ends with 99. */
static gboolean
run_mounting (int status, char **messages, const char *script, const char *const *arguments)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GError) error = NULL;

  g_strv_builder_add_many (builder, "unshare", geteuid () == 0 ? "-m" : "-rm", "sh", "-c", script,
                           "sh", g_getenv ("ATELIER"), NULL);
  g_strv_builder_addv (builder, (const char **) arguments);
  g_auto (GStrv) command = g_strv_builder_end (builder);
  g_autoptr (GSubprocess) process = g_subprocess_newv ((const char *const *) command,
                                                       G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (process);
  CU_ASSERT (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, messages, NULL));
  if (g_subprocess_get_exit_status (process) == 99 || g_str_has_prefix (*messages, "unshare:"))
    {
      atl_test_skip ("nothing can be mounted here");
      return FALSE;
    }
  if (g_subprocess_get_exit_status (process) != status)
    {
      printf ("  exit status %d: %s\n", g_subprocess_get_exit_status (process), *messages);
      CU_FAIL ("another exit status was expected");
    }
  return TRUE;
}

/* A disk of one page has no room for the weights, but the checkpoint is on another: when there is room, the
 * training is resumed and ends as if there had been enough. */
static void
survives_a_full_disk (void)
{
  static const char script[] =
      "mount -t tmpfs -o size=4k none \"$2\" || exit 99\n"
      "train () { \"$1\" train upscale -q -o \"$2/w.safetensors\" --run \"$3\" $5; }\n"
      "train \"$1\" \"$2\" \"$3\" 4 \"--data $4 --width=4 --blocks=1 --crop=8 --batch=2 "
      "--steps=5\" && exit 98\n"
      "ls -A \"$2\" | grep . && exit 97\n"
      "mount -o remount,size=1m \"$2\" || exit 96\n"
      "train \"$1\" \"$2\" \"$3\" 4 --resume && cp \"$2/w.safetensors\" \"$5\"";
  Place place;
  g_autofree char *messages = NULL;

  place_init (&place);
  g_autofree char *disk = g_build_filename (place.folder, "disk", NULL);
  g_autofree char *run = g_build_filename (place.folder, "run", NULL);
  g_autofree char *whole = g_build_filename (place.folder, "whole.safetensors", NULL);
  g_mkdir (disk, 0700);
  if (run_mounting (ATL_EXIT_DONE, &messages, script,
                    ATL_ARGUMENTS (disk, run, place.photo, place.output)))
    {
      atl_test_contains (messages, g_strerror (ENOSPC));
      atl_test_run (ATL_EXIT_DONE, NULL, NULL,
                    ATL_ARGUMENTS ("train", "upscale", "--data", place.photo, "-o", whole, "-q",
                                   TINY, "--steps=5"));
      check_same_weights (place.output, whole);
    }
  place_clear (&place);
}

/* 40 photos, of which those that are read before the first look at the memory, 32, fit into nothing. */
static char *
many_photos (const Place *place)
{
  char *folder = g_build_filename (place->folder, "photos", NULL);
  guint8 pixels[3 * 24 * 20];

  g_mkdir (folder, 0700);
  for (int i = 0; i < 40; i++)
    {
      g_autofree char *name = g_strdup_printf ("%d.png", i);
      g_autofree char *path = g_build_filename (folder, name, NULL);

      for (size_t k = 0; k < sizeof pixels; k++)
        pixels[k] = (guint8) (k * k * (size_t) (i + 1) % 251);
      CU_ASSERT_FATAL (atl_rgb_write_png (path, pixels, 24, 20, NULL));
    }
  return folder;
}

/* Trains for two steps, or writes what a finished training had learned, with nearly no memory or with as
 * much as there is. FALSE if that cannot be had. */
static gboolean
train_in_memory (const Place *place, gboolean is_little, const char *data, char **messages)
{
  static const char script[] = "mount --bind \"$2\" /proc/meminfo || exit 99\n"
                               "exec \"$1\" train upscale -o \"$3\" $4";
  static const char options[] = "--width=4 --blocks=1 --crop=8 --batch=2 --steps=2 --data ";
  const char *little = "MemTotal: 50 kB\nMemAvailable: 5 kB\n";
  g_autofree char *path = g_build_filename (place->folder, "meminfo", NULL);
  g_autofree char *rest = data != NULL ? g_strconcat (options, data, NULL) : g_strdup ("--resume");
  g_autofree char *much = NULL;

  CU_ASSERT_FATAL (g_file_get_contents ("/proc/meminfo", &much, NULL, NULL));
  CU_ASSERT_FATAL (g_file_set_contents (path, is_little ? little : much, -1, NULL));
  return run_mounting (ATL_EXIT_DONE, messages, script, ATL_ARGUMENTS (path, place->output, rest));
}

/* A resumed training has the photos of its first sitting, whatever memory is free. */
static void
photos_do_not_depend_on_memory (void)
{
  for (int is_little = 0; is_little < 2; is_little++)
    {
      Place place;
      g_autofree char *messages = NULL, *resumed = NULL;

      place_init (&place);
      g_autofree char *photos = many_photos (&place);
      if (train_in_memory (&place, is_little, photos, &messages))
        {
          g_autofree char *numbers = g_strdup_printf ("%d photos to train on, %d to validate on",
                                                      is_little ? 31 : 38, is_little ? 1 : 2);

          if (is_little)
            atl_test_contains (messages, "left out: 8 photos do not fit");
          atl_test_contains (messages, numbers);
          CU_ASSERT_EQUAL (g_remove (place.output), 0); /* so that there is something to do */
          CU_ASSERT (train_in_memory (&place, ! is_little, NULL, &resumed));
          atl_test_contains (resumed, numbers);
          CU_ASSERT (g_file_test (place.output, G_FILE_TEST_EXISTS));
        }
      place_clear (&place);
    }
}

/* What would make another training of it is told by name. */
static void
options_that_cannot_change_are_told (void)
{
  Place place;

  place_init (&place);
  g_autoptr (GSubprocess) process = train_and_signal (&place, SIGINT);
#define FAILS(text, option)                                                                        \
  atl_test_run_fails (ATL_EXIT_USAGE, text,                                                        \
                      ATL_ARGUMENTS ("train", "upscale", "-o", place.output, "--resume", option))
  FAILS ("'--seed' cannot change when a training is resumed: it is 1 there, not 2", "--seed=2");
  FAILS ("'--scale' cannot change", "--scale=4");
  FAILS ("'--width' cannot change", "--width=8");
  FAILS ("'--crop' cannot change", "--crop=4");
  FAILS ("'--validation' cannot change", "--validation=0.5");
  FAILS ("'--photos' cannot change", "--photos=7");
#undef FAILS
  place_clear (&place);
}

/* With a number of steps only the steps tell how long they will take. */
static void
length_is_announced (void)
{
  Place place;
  g_autoptr (GError) error = NULL;

  place_init (&place);
  g_autoptr (GSubprocess) process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, g_getenv ("ATELIER"), "train", "upscale", "--data",
      place.photo, "-o", place.output, TINY, "--steps=1000000", NULL);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (process);
  CU_ASSERT (atl_test_read_until (g_subprocess_get_stderr_pipe (process),
                                  "atelier train: the training will take about "));
  g_subprocess_send_signal (process, SIGINT);
  g_subprocess_communicate (process, NULL, NULL, NULL, NULL, NULL);
  place_clear (&place);
}

static void
usage_is_checked (void)
{
  Place place;

  place_init (&place);
#define FAILS(text, ...)                                                                           \
  atl_test_run_fails (ATL_EXIT_USAGE, text, ATL_ARGUMENTS ("train", __VA_ARGS__))
  FAILS ("'upscale'", "--steps=5");
  FAILS ("'paint' cannot be trained", "paint");
  FAILS ("'--data' is missing", "upscale", "-o", place.output);
  FAILS ("'--output' is missing", "upscale", "--data", place.photo);
  FAILS ("'--output' is missing", "upscale", "--resume");
  FAILS ("'--output' is missing", "upscale", "--resume", "--run", place.folder);
  FAILS ("must end in .safetensors", "upscale", "-o", "photo.png", "--data", place.photo);
  FAILS ("must end in .safetensors", "upscale", "-o", "photo.png", "--resume");
  FAILS ("'--data' is 'photos-\357\277\275', but goes into the card", "upscale", "-o", place.output,
         "--data=photos-\351");
  FAILS ("'--name' is 'a?b', but goes into the card", "upscale", "-o", place.output, "--data",
         place.photo, "--name=a\033b");
  FAILS ("--nonsense", "upscale", "--nonsense");
  FAILS ("'--batch' is '0'", "upscale", "--batch=0");
  FAILS ("'--batch' is '1.5'", "upscale", "--batch=1.5");
  FAILS ("'--lr' is 'nan'", "upscale", "--lr=nan");
  FAILS ("'--lr' is '1x'", "upscale", "--lr=1x");
  FAILS ("'l1', 'mse'", "upscale", "--loss=l2");
  FAILS ("'default', 'lesson'", "upscale", "--recipe=none");
  FAILS ("2, 4 or 8", "upscale", "--data", place.photo, "-o", place.output, "--scale=3");
  FAILS ("only one of", "upscale", "--data", place.photo, "-o", place.output, "--steps=1",
         "--minutes=1");
  FAILS ("the schedule 'up'", "upscale", "--data", place.photo, "-o", place.output,
         "--schedule=up");
#undef FAILS
  atl_test_folder_holds (place.folder, "photo.png");
  place_clear (&place);
}

static void
bad_data_is_told (void)
{
  Place place;

  place_init (&place);
#define FAILS(text, ...)                                                                           \
  atl_test_run_fails (                                                                             \
      ATL_EXIT_FAILED, text,                                                                       \
      ATL_ARGUMENTS ("train", "upscale", "--steps=1", TINY, "-o", place.output, __VA_ARGS__))
  FAILS ("'/nowhere' cannot be read", "--data=/nowhere");
  FAILS ("at least 80 x 80", "--data", place.photo, "--crop=40");
  FAILS ("from-nowhere", "--data", place.photo, "--from=/from-nowhere");
  FAILS ("'/nowhere' cannot be read", "--data", place.photo, "--validation=/nowhere");
  FAILS ("photo.png' must be a folder", "--data", place.photo, "--run", place.photo);
#undef FAILS
  atl_test_folder_holds (place.folder, "photo.png");
  atl_test_run_fails (
      ATL_EXIT_FAILED, "'/nowhere/w.safetensors'",
      ATL_ARGUMENTS ("train", "upscale", "--data", place.photo, "-o", "/nowhere/w.safetensors"));
  place_clear (&place);
}

static void
options_reach_the_card (void)
{
  Place place;
  g_autofree char *output = NULL, *json = NULL, *lesson = NULL;

  place_init (&place);
  atl_test_run (ATL_EXIT_DONE, &output, NULL,
                ATL_ARGUMENTS ("train", "upscale", "--recipe=lesson", "--width=4", "--crop=8",
                               "--batch=2", "--data", place.photo, "-o", place.output, "--epochs=2",
                               "--name=Tiny", "--license=CC0", "--precision=f16", "--json", "-q"));
  atl_test_contains (output, "\"training-loss\": ");
  atl_test_run (ATL_EXIT_DONE, &json, NULL,
                ATL_ARGUMENTS ("models", "show", place.output, "--json"));
  atl_test_contains (json, "\"Tiny\"");
  atl_test_contains (json, "\"CC0\"");
  atl_test_contains (json, "\"one-cycle-beta:40,10\"");
  atl_test_contains (json, "\"recipe\" : \"lesson\"");
  atl_test_contains (json, "\"norm\" : \"batch\"");
  place_clear (&place);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "survives kill", survives_kill },
    { "ends cleanly at signals", ends_cleanly_at_signals },
    { "survives a full disk", survives_a_full_disk },
    { "photos do not depend on memory", photos_do_not_depend_on_memory },
    { "options that cannot change are told", options_that_cannot_change_are_told },
    { "length is announced", length_is_announced },
    { "usage is checked", usage_is_checked },
    { "bad data is told", bad_data_is_told },
    { "options reach the card", options_reach_the_card },
    { "resumes for another time", resumes_for_another_time },
  };

  return atl_suite_run ("train", tests, G_N_ELEMENTS (tests));
}
