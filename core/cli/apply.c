/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Applying a filter to files.
 */

#include "cli/apply.h"

#include <glib/gstdio.h>
#include <math.h>

#include "base/i18n.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress-bar.h"
#include "filters/filter.h"
#include "image/libraries.h"
#include "image/photo-file.h"

/* Of tiles in memory: more gains nothing, since every tile is read and written once. */
#define TILE_CACHE_SIZE (G_GUINT64_CONSTANT (128) << 20)

/* Work shorter than this many seconds is not announced. */
#define LONG_SECONDS 10.0

/* The part of writing in the progress. */
#define WRITE_PART 0.1

typedef struct
{
  const AtlUsage *usage;
  const AtlFilter *filter;
  char **values; /* as typed, one for each of the filter's parameters; NULL where not given */
  char *output;
  int threads;
  gboolean quiet, verbose, json;
  AtlJob *job;
  JsonBuilder *report; /* with --json */
} Apply;

/* "How many times ... [2]": the parameter's sentence with its range or choices and its initial value. */
static char *
describe_param (const AtlParam *param)
{
  g_autoptr (GString) text = g_string_new (_ (param->blurb));

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      g_string_append_printf (text, _ (", %g to %g [%g]"), param->minimum, param->maximum,
                              param->initial);
      break;
    case ATL_PARAM_BOOLEAN:
      g_string_append (text, param->initial != 0.0 ? _ (" [yes]") : _ (" [no]"));
      break;
    case ATL_PARAM_CHOICE:
      for (int i = 0; i < param->n_choices; i++)
        g_string_append_printf (text, "%s%s", i == 0 ? ": " : ", ", param->choices[i].name);
      g_string_append_printf (text, " [%s]", param->choices[(int) param->initial].name);
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      break;
    }
  return g_strdup (text->str);
}

static const char *
value_name (const AtlParam *param)
{
  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      return N_ ("N");
    case ATL_PARAM_BOOLEAN:
      return N_ ("yes|no");
    case ATL_PARAM_CHOICE:
      return N_ ("CHOICE");
    case ATL_PARAM_MODEL:
      return N_ ("MODEL");
    case ATL_PARAM_FILE:
      return N_ ("FILE");
    }
  return NULL;
}

/* One option for each parameter that concerns files. GLib keeps the strings' addresses: they stay in
 * 'descriptions'. */
static void
add_filter_options (GOptionContext *context, Apply *apply, GPtrArray *descriptions)
{
  const AtlFilter *filter = apply->filter;
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  for (int i = 0; i < filter->n_params; i++)
    {
      const AtlParam *param = &filter->params[i];
      GOptionEntry entry = { .long_name = param->name,
                             .arg = G_OPTION_ARG_STRING,
                             .arg_data = &apply->values[i],
                             .arg_description = value_name (param) };

      if (param->of_layers)
        continue;
      g_ptr_array_add (descriptions, describe_param (param));
      entry.description = g_ptr_array_index (descriptions, descriptions->len - 1);
      g_array_append_val (entries, entry);
    }
  g_option_context_add_main_entries (context, (const GOptionEntry *) (void *) entries->data, NULL);
}

/* The settings that were typed; NULL and the usage error's message if one is not possible. */
static AtlSettings *
typed_settings (const Apply *apply, GError **error)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (apply->filter);

  for (int i = 0; i < apply->filter->n_params; i++)
    if (apply->values[i] != NULL
        && ! atl_settings_parse (settings, apply->filter->params[i].name, apply->values[i], error))
      return NULL;
  return g_steal_pointer (&settings);
}

/* Where the result of a file goes: the output itself, or a file of the same name in that folder. */
static char *
output_path (const Apply *apply, const char *input)
{
  g_autofree char *name = g_path_get_basename (input);

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
tell_losses (const Apply *apply, const AtlPhotoFile *file, const char *input, const char *output)
{
  const char *remark = atl_photo_file_remark (file);
  g_autofree char *loss = atl_photo_file_loss (file, output);

  if (apply->quiet)
    return;
  if (remark != NULL)
    atl_say (apply->usage->command, "%s: %s", input, remark);
  if (loss != NULL)
    atl_say (apply->usage->command, "%s: %s", output, loss);
}

/* Says before long work how long it will take. */
static gboolean
announce (const Apply *apply, const char *input, GeglBuffer *buffer, GError **error)
{
  const int width = gegl_buffer_get_width (buffer), height = gegl_buffer_get_height (buffer);

  if (apply->quiet)
    return TRUE;

  const double seconds = atl_job_seconds (apply->job, width, height, error);
  if (seconds < 0.0)
    return FALSE;
  if (seconds >= LONG_SECONDS)
    {
      g_autofree char *duration = atl_duration_to_string (seconds);

      atl_say (apply->usage->command, _ ("%s: %d x %d pixels, about %s"), input, width, height,
               duration);
    }
  return TRUE;
}

static void
report_file (const Apply *apply, const char *input, const char *output, GeglBuffer *result,
             double seconds)
{
  const int width = gegl_buffer_get_width (result), height = gegl_buffer_get_height (result);

  if (apply->verbose)
    {
      g_autofree char *how = atl_job_describe (apply->job);

      atl_say (apply->usage->command, _ ("%s: %d x %d pixels in %.1f s by %s"), output, width,
               height, seconds, how);
    }

  if (apply->report == NULL)
    return;
  json_builder_begin_object (apply->report);
  json_builder_set_member_name (apply->report, "input");
  json_builder_add_string_value (apply->report, input);
  json_builder_set_member_name (apply->report, "output");
  json_builder_add_string_value (apply->report, output);
  json_builder_set_member_name (apply->report, "width");
  json_builder_add_int_value (apply->report, width);
  json_builder_set_member_name (apply->report, "height");
  json_builder_add_int_value (apply->report, height);
  json_builder_set_member_name (apply->report, "seconds");
  json_builder_add_double_value (apply->report, seconds);
  json_builder_end_object (apply->report);
}

/* Reads a file, with a bar of its own, and says what is to be known before work starts. */
static AtlPhotoFile *
open_file (const Apply *apply, const char *input, const char *output, GError **error)
{
  const char *command = apply->usage->command;
  g_autoptr (AtlProgressBar) bar = atl_progress_bar_new (command, input, apply->quiet);
  g_autoptr (AtlPhotoFile)
      file = atl_photo_file_open (input, atl_progress_bar_progress (bar), error);

  g_clear_pointer (&bar, atl_progress_bar_free);
  if (file == NULL)
    return NULL;

  tell_losses (apply, file, input, output);
  if (! announce (apply, input, atl_photo_file_buffer (file), error))
    return NULL;
  return g_steal_pointer (&file);
}

/* Computes the result of a file and writes it. */
static GeglBuffer *
compute_and_write (const Apply *apply, const AtlPhotoFile *file, const char *input,
                   const char *output, GError **error)
{
  g_autoptr (AtlProgressBar)
      bar = atl_progress_bar_new (apply->usage->command, input, apply->quiet);
  const AtlProgress *whole = atl_progress_bar_progress (bar);
  const AtlProgress computing = atl_progress_part (whole, 0.0, 1.0 - WRITE_PART);
  const AtlProgress writing = atl_progress_part (whole, 1.0 - WRITE_PART, 1.0);
  GeglBuffer *buffer = atl_photo_file_buffer (file);
  const double scale = atl_job_scale (apply->job);
  g_autoptr (GeglBuffer) result = atl_job_run (
      apply->job, buffer, (int) lround (gegl_buffer_get_width (buffer) * scale),
      (int) lround (gegl_buffer_get_height (buffer) * scale), &computing, error);

  if (result == NULL)
    {
      g_prefix_error (error, "%s: ", input);
      return NULL;
    }
  return atl_photo_file_write (file, result, output, &writing, error) ? g_steal_pointer (&result)
                                                                      : NULL;
}

static gboolean
apply_to_file (const Apply *apply, const char *input, GError **error)
{
  g_autofree char *output = output_path (apply, input);
  const gint64 begin = g_get_monotonic_time ();

  if (! check_output (input, output, error))
    return FALSE;

  g_autoptr (AtlPhotoFile) file = open_file (apply, input, output, error);
  if (file == NULL)
    return FALSE;

  g_autoptr (GeglBuffer) result = compute_and_write (apply, file, input, output, error);
  if (result == NULL)
    return FALSE;

  report_file (apply, input, output, result,
               (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC);
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

  for (; *inputs != NULL; inputs++)
    {
      g_autoptr (GError) error = NULL;

      if (apply_to_file (apply, *inputs, &error))
        continue;
      status = atl_say_failure (apply->usage->command, error);
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
      g_autofree char *name = g_path_get_basename (*inputs);

      if (g_hash_table_contains (names, name))
        return g_steal_pointer (&name);
      g_hash_table_add (names, g_steal_pointer (&name));
    }
  return NULL;
}

static int
check_arguments (const Apply *apply, char **inputs)
{
  const char *command = apply->usage->command;

  if (inputs[0] == NULL)
    return atl_say_usage (command, _ ("the pictures are missing"));
  if (apply->output == NULL)
    return atl_say_usage (command, _ ("'-o' is missing: the file or folder to write to"));
  if (inputs[1] != NULL && ! g_file_test (apply->output, G_FILE_TEST_IS_DIR))
    return atl_say_usage (command, _ ("several pictures need a folder to go to, but '%s' is none"),
                          apply->output);

  g_autofree char *clash = find_clash (inputs);
  if (clash != NULL)
    return atl_say_usage (command, _ ("two of the pictures would both become '%s'"), clash);

  if (apply->threads < 1 || apply->threads > ATL_THREADS_MAX)
    return atl_say_usage (command, _ ("'--threads' is %d, but must be from 1 to %d"),
                          apply->threads, ATL_THREADS_MAX);
  return ATL_EXIT_DONE;
}

static int
run_checked (Apply *apply, char **inputs)
{
  g_autoptr (GError) error = NULL;
  const int status = check_arguments (apply, inputs);

  if (status != ATL_EXIT_DONE)
    return status;

  g_autoptr (AtlSettings) settings = typed_settings (apply, &error);
  if (settings == NULL)
    return atl_say_usage (apply->usage->command, "%s", error->message);

  atl_threads_set_count (apply->threads);

  apply->job = atl_job_new (apply->filter, settings, &error);
  if (apply->job == NULL)
    return atl_say_failure (apply->usage->command, error);

  int result;
  if (! atl_image_libraries_start (TILE_CACHE_SIZE, &error))
    result = atl_say_failure (apply->usage->command, error);
  else
    {
      result = apply_to_files (apply, inputs);
      atl_image_libraries_stop ();
    }
  atl_job_free (apply->job);
  return result;
}

static void
apply_clear (Apply *apply)
{
  for (int i = 0; i < apply->filter->n_params; i++)
    g_free (apply->values[i]);
  g_free (apply->values);
  g_free (apply->output);
}

int
atl_apply_run (const char *filter, const AtlUsage *usage, int argc, char **argv)
{
  Apply apply = { .usage = usage,
                  .filter = atl_filter_find (filter),
                  .threads = atl_threads_count () };
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
  g_autoptr (GOptionContext) context = atl_options_new (usage);
  g_autoptr (GPtrArray) descriptions = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) inputs = NULL;
  int status;

  apply.values = g_new0 (char *, (gsize) apply.filter->n_params);
  add_filter_options (context, &apply, descriptions);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);

  if (atl_options_parse (context, usage, argc, argv, &inputs, &status))
    status = run_checked (&apply, inputs);

  apply_clear (&apply);
  return status;
}
