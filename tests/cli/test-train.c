/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier train', killed, interrupted, resumed and misused.
 */

#include "suite.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "cli/command.h"
#include "image/rgb-file.h"
#include "run.h"
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
  guint8 pixels[3 * 40 * 32];

  place->folder = atl_test_folder_new ();
  place->photo = g_build_filename (place->folder, "photo.png", NULL);
  place->output = g_build_filename (place->folder, "w.safetensors", NULL);
  place->checkpoint = g_build_filename (place->folder, "w-run", "checkpoint.safetensors", NULL);
  for (size_t i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * i % 251);
  CU_ASSERT_FATAL (atl_rgb_write_png (place->photo, pixels, 40, 32, NULL));
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
#define SLOW "--checkpoint=0", "--steps=1000"

/* Starts a training and sends it a signal when its first checkpoint is there. Returns the process, which
 * has ended. */
static GSubprocess *
train_and_signal (const Place *place, int number)
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
                               "--steps=1000", "--threads=1"));
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
#undef FAILS
  CU_ASSERT_FALSE (g_file_test (place.output, G_FILE_TEST_EXISTS));
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
    { "usage is checked", usage_is_checked },
    { "bad data is told", bad_data_is_told },
    { "options reach the card", options_reach_the_card },
    { "resumes for another time", resumes_for_another_time },
  };

  return atl_suite_run ("train", tests, G_N_ELEMENTS (tests));
}
