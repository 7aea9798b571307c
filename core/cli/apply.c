/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Applying a filter to files.
 */

#include "cli/apply.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/filter-options.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "image/libraries.h"
#include "image/photo-file.h"
#include "image/swap.h"

/* The part of writing in the progress. */
#define WRITE_PART 0.1

typedef struct
{
  const AtlUsage *usage;
  AtlFilterOptions options; /* of the filter */
  char *output;
  int threads;
  gboolean quiet, verbose, json;
  AtlJob *job;
  JsonBuilder *report; /* with --json */
} Apply;

typedef struct
{
  const char *input;
  char *output;
  char *label; /* in messages: the input's name, and which it is of how many */
} File;

/* The name of a result in a folder: the input's, with the ending .png for kinds that are only read. */
static char *
result_name (const char *input)
{
  g_autofree char *name = g_path_get_basename (input);
  char *dot = strrchr (name, '.');

  if (atl_photo_file_is_writable (name))
    return g_steal_pointer (&name);
  if (dot != NULL && dot != name)
    *dot = '\0';
  return g_strconcat (name, ".png", NULL);
}

/* Where the result of a file goes: the output itself, or a file in that folder. */
static char *
output_path (const Apply *apply, const char *input)
{
  g_autofree char *name = result_name (input);

  if (g_file_test (apply->output, G_FILE_TEST_IS_DIR))
    return g_build_filename (apply->output, name, NULL);
  return g_strdup (apply->output);
}

/* Whether both names lead to one file that is there. */
static gboolean
is_same_file (const char *a, const char *b)
{
  GStatBuf of_a, of_b;

  return g_stat (a, &of_a) == 0 && g_stat (b, &of_b) == 0 && of_a.st_dev == of_b.st_dev
         && of_a.st_ino == of_b.st_ino;
}

static gboolean
check_output (const char *input, const char *output, GError **error)
{
  if (is_same_file (input, output))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'%s' would be replaced by its own result; name another output"), input);
      return FALSE;
    }
  return atl_photo_file_check_output (output, error);
}

/* Says what of the input does not reach the output. */
static void
tell_losses (const Apply *apply, const AtlPhotoFile *photo, const File *file)
{
  const char *remark = atl_photo_file_remark (photo);
  g_autofree char *loss = atl_photo_file_loss (photo, file->output);

  if (apply->quiet)
    return;
  if (remark != NULL)
    atl_say (apply->usage->command, "%s: %s", file->input, remark);
  if (loss != NULL)
    atl_say (apply->usage->command, "%s: %s", file->output, loss);
}

/* Says before long work how long it will take. */
static gboolean
announce (const Apply *apply, const File *file, GeglBuffer *buffer, GError **error)
{
  const int width = gegl_buffer_get_width (buffer), height = gegl_buffer_get_height (buffer);

  if (apply->quiet)
    return TRUE;

  const double seconds = atl_job_seconds (apply->job, width, height, error);
  if (seconds < 0.0)
    return FALSE;
  if (seconds >= ATL_LONG_SECONDS)
    {
      g_autofree char *duration = atl_duration_to_string (seconds);

      atl_say (apply->usage->command, _ ("%s: %d x %d pixels, about %s"), file->label, width,
               height, duration);
    }
  return TRUE;
}

static void
report_failure (const Apply *apply, const char *input, const GError *failure)
{
  if (apply->report == NULL)
    return;
  json_builder_begin_object (apply->report);
  atl_json_add_text (apply->report, "input", input);
  atl_json_add_text (apply->report, "error", failure->message);
  json_builder_end_object (apply->report);
}

static void
report_file (const Apply *apply, const File *file, GeglBuffer *result, double seconds)
{
  const int width = gegl_buffer_get_width (result), height = gegl_buffer_get_height (result);

  if (apply->verbose)
    {
      g_autofree char *how = atl_job_describe (apply->job);

      atl_say (apply->usage->command, _ ("%s: %d x %d pixels in %.1f s by %s"), file->output, width,
               height, seconds, how);
    }

  if (apply->report == NULL)
    return;
  json_builder_begin_object (apply->report);
  atl_json_add_text (apply->report, "input", file->input);
  atl_json_add_text (apply->report, "output", file->output);
  atl_json_add_integer (apply->report, "width", width);
  atl_json_add_integer (apply->report, "height", height);
  atl_json_add_number (apply->report, "seconds", seconds);
  json_builder_end_object (apply->report);
}

static GeglRectangle
result_size (const Apply *apply, GeglBuffer *buffer)
{
  const double scale = atl_job_scale (apply->job);

  return (GeglRectangle) { .width = (int) lround (gegl_buffer_get_width (buffer) * scale),
                           .height = (int) lround (gegl_buffer_get_height (buffer) * scale) };
}

/* Reads a file, with a bar of its own, and says what is to be known before work starts. */
static AtlPhotoFile *
open_file (const Apply *apply, const File *file, GError **error)
{
  const char *command = apply->usage->command;
  g_autoptr (AtlProgressBar) bar = atl_progress_bar_new (command, file->label, apply->quiet);
  g_autoptr (AtlPhotoFile)
      photo = atl_photo_file_open (file->input, atl_progress_bar_progress (bar), error);

  g_clear_pointer (&bar, atl_progress_bar_free);
  if (photo == NULL)
    return NULL;

  const GeglRectangle size = result_size (apply, atl_photo_file_buffer (photo));
  if (! atl_photo_file_check_size (file->output, size.width, size.height, error))
    return NULL;

  tell_losses (apply, photo, file);
  if (! announce (apply, file, atl_photo_file_buffer (photo), error))
    return NULL;
  return g_steal_pointer (&photo);
}

/* Computes the result of a file and writes it. */
static GeglBuffer *
compute_and_write (const Apply *apply, const AtlPhotoFile *photo, const File *file, GError **error)
{
  g_autoptr (AtlProgressBar)
      bar = atl_progress_bar_new (apply->usage->command, file->label, apply->quiet);
  const AtlProgress *whole = atl_progress_bar_progress (bar);
  const AtlProgress computing = atl_progress_part (whole, 0.0, 1.0 - WRITE_PART);
  const AtlProgress writing = atl_progress_part (whole, 1.0 - WRITE_PART, 1.0);
  GeglBuffer *buffer = atl_photo_file_buffer (photo);
  const GeglRectangle size = result_size (apply, buffer);
  g_autoptr (GeglBuffer)
      result = atl_job_run (apply->job, buffer, size.width, size.height, &computing, error);

  if (result == NULL)
    {
      g_prefix_error (error, "%s: ", file->input);
      return NULL;
    }
  return atl_photo_file_write (photo, result, file->output, &writing, error)
             ? g_steal_pointer (&result)
             : NULL;
}

static gboolean
apply_to_file (const Apply *apply, const File *file, GError **error)
{
  const gint64 begin = g_get_monotonic_time ();

  if (! check_output (file->input, file->output, error))
    return FALSE;

  g_autoptr (AtlPhotoFile) photo = open_file (apply, file, error);
  if (photo == NULL)
    return FALSE;

  g_autoptr (GeglBuffer) result = compute_and_write (apply, photo, file, error);
  if (result == NULL)
    return FALSE;

  report_file (apply, file, result, (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC);
  return TRUE;
}

/* Goes on after a file that failed, but not after a signal. */
static int
apply_to_files (Apply *apply, char **inputs)
{
  int status = ATL_EXIT_DONE;

  if (apply->json)
    {
      apply->report = json_builder_new ();
      json_builder_begin_array (apply->report);
    }

  const int n = (int) g_strv_length (inputs);
  for (int i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *output = output_path (apply, inputs[i]);
      g_autofree char *label = n == 1 ? g_strdup (inputs[i])
                                      : g_strdup_printf (_ ("%s (%d of %d)"), inputs[i], i + 1, n);
      const File file = { inputs[i], output, label };

      if (apply_to_file (apply, &file, &error))
        continue;
      status = atl_say_failure (apply->usage->command, error);
      report_failure (apply, inputs[i], error);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        break;
    }

  if (apply->report != NULL)
    {
      json_builder_end_array (apply->report);
      atl_print_json (apply->report);
      g_clear_object (&apply->report);
    }
  return status;
}

/* The name that two of the files would have in the output folder, or NULL. */
static char *
find_clash (char **inputs)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (; *inputs != NULL; inputs++)
    {
      g_autofree char *name = result_name (*inputs);

      if (g_hash_table_contains (names, name))
        return g_steal_pointer (&name);
      g_hash_table_add (names, g_steal_pointer (&name));
    }
  return NULL;
}

/* Whether the output is meant as a folder, and nothing is there. */
static gboolean
is_missing_folder (const Apply *apply, char **inputs)
{
  const gboolean is_meant = inputs[1] != NULL ? ! atl_photo_file_is_writable (apply->output)
                                              : g_str_has_suffix (apply->output, G_DIR_SEPARATOR_S);

  return is_meant && ! g_file_test (apply->output, G_FILE_TEST_EXISTS);
}

/* A name for the one output that no picture could have. Other reasons why it cannot be written are a failure
 * of this picture, told when it is its turn. */
static int
check_ending (const Apply *apply)
{
  g_autoptr (GError) error = NULL;

  if (! g_file_test (apply->output, G_FILE_TEST_IS_DIR)
      && ! atl_photo_file_check_output (apply->output, &error)
      && g_error_matches (error, ATL_ERROR, ATL_ERROR_ARGUMENT))
    return atl_say_error (apply->usage->command, error);
  return ATL_EXIT_DONE;
}

static int
check_arguments (const Apply *apply, char **inputs)
{
  const char *command = apply->usage->command;

  if (inputs[0] == NULL)
    return atl_say_usage (command, _ ("the pictures are missing"));
  if (apply->output == NULL)
    return atl_say_usage (command, _ ("'-o' is missing: the file or folder to write to"));
  if (is_missing_folder (apply, inputs))
    {
      atl_say (command, _ ("the folder '%s' does not exist: make it first"), apply->output);
      return ATL_EXIT_FAILED;
    }
  if (inputs[1] != NULL && ! g_file_test (apply->output, G_FILE_TEST_IS_DIR))
    return atl_say_usage (command, _ ("several pictures need a folder to go to, but '%s' is none"),
                          apply->output);

  g_autofree char *clash = find_clash (inputs);
  if (clash != NULL)
    return atl_say_usage (command, _ ("two of the pictures would both become '%s'"), clash);

  return check_ending (apply);
}

static int
run_checked (Apply *apply, char **inputs)
{
  g_autoptr (GError) error = NULL;
  const int status = check_arguments (apply, inputs);

  if (status != ATL_EXIT_DONE)
    return status;

  g_autoptr (AtlSettings) settings = atl_filter_options_settings (&apply->options, &error);
  if (settings == NULL)
    return atl_say_usage (apply->usage->command, "%s", error->message);

  if (! atl_options_set_threads (apply->usage, apply->threads))
    return ATL_EXIT_USAGE;

  apply->job = atl_job_new (apply->options.filter, settings, &error);
  if (apply->job == NULL)
    return atl_say_failure (apply->usage->command, error);

  int result;
  if (! atl_image_libraries_start (ATL_TILE_CACHE_SIZE, &error))
    result = atl_say_failure (apply->usage->command, error);
  else
    {
      result = apply_to_files (apply, inputs);
      atl_image_libraries_stop ();
    }
  atl_job_free (apply->job);
  return result;
}

int
atl_apply_run (const char *filter, const AtlUsage *usage, AtlOptions *command_line)
{
  Apply apply = { .usage = usage, .threads = atl_threads_count () };
  const GOptionEntry entries[] = {
    { "output", 'o', G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &apply.output,
      N_ ("File to write, or folder for files of the same names"), N_ ("OUT|DIR") },
    { "threads", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &apply.threads,
      N_ ("Threads to compute with [all processors]"), N_ ("N") },
    { "verbose", 'v', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &apply.verbose,
      N_ ("Tell of each file how it was made, and in what time"), NULL },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &apply.json,
      N_ ("Print what was done as JSON, for programs"), NULL },
    { "quiet", 'q', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &apply.quiet,
      N_ ("Say nothing but errors"), NULL },
    { NULL },
  };
  g_auto (GStrv) inputs = NULL;
  int status;

  atl_filter_options_init (&apply.options, atl_filter_find (filter));
  atl_filter_options_add (&apply.options, NULL, command_line);
  atl_options_add (command_line, entries);

  if (atl_options_parse (command_line, &inputs, &status))
    status = run_checked (&apply, inputs);

  atl_filter_options_clear (&apply.options);
  g_free (apply.output);
  return status;
}
