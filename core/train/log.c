/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log of a training.
 */

#include "train/log.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "base/i18n.h"

static gboolean
set_file_error (GError **error, const char *path)
{
  const int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
               _ ("the log '%s' cannot be written: %s"), path, g_strerror (code));
  return FALSE;
}

/* The heading and the rows up to 'step' of an earlier log. */
static char *
old_rows (const char *path, guint64 step)
{
  g_autofree char *text = NULL;

  if (! g_file_get_contents (path, &text, NULL, NULL))
    return NULL;

  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *kept = g_string_new (NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    if (lines[i][0] != '\0' && (i == 0 || g_ascii_strtoull (lines[i], NULL, 10) <= step))
      g_string_append_printf (kept, "%s\n", lines[i]);
  return g_string_free (kept, FALSE);
}

FILE *
atl_log_open (const char *path, const char *score_name, gboolean keep, guint64 step, GError **error)
{
  g_autofree char *rows = keep ? old_rows (path, step) : NULL;
  FILE *log = g_fopen (path, "w");

  if (log == NULL)
    {
      set_file_error (error, path);
      return NULL;
    }

  const int n = rows != NULL ? fputs (rows, log)
                             : fprintf (log,
                                        "step,epoch,learning_rate,training_loss,validation_loss,%s,"
                                        "images_per_second,seconds\n",
                                        score_name);
  if (n < 0 || fflush (log) != 0)
    {
      set_file_error (error, path);
      fclose (log);
      return NULL;
    }
  return log;
}

/* Numbers are written by GLib: a decimal point in every language. */
static void
append_number (GString *line, const char *format, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_c (line, ',');
  g_string_append (line, g_ascii_formatd (text, sizeof text, format, value));
}

gboolean
atl_log_write (FILE *log, const char *path, const AtlLogRow *row, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  g_string_append_printf (line, "%" G_GUINT64_FORMAT, row->step);
  append_number (line, "%.3f", row->epoch);
  append_number (line, "%.6g", row->rate);
  append_number (line, "%.9g", row->training_loss);
  if (row->has_validation)
    {
      append_number (line, "%.9g", row->validation_loss);
      append_number (line, "%.4f", row->score);
    }
  else
    g_string_append (line, ",,");
  append_number (line, "%.3f", row->samples_per_second);
  append_number (line, "%.1f", row->seconds);

  if (fprintf (log, "%s\n", line->str) < 0 || fflush (log) != 0)
    return set_file_error (error, path);
  return TRUE;
}

/* A row as it was written; FALSE for the heading and for what is none. */
static gboolean
parse_row (AtlLogRow *row, const char *line)
{
  g_auto (GStrv) cells = g_strsplit (line, ",", 8);
  char *end;

  if (g_strv_length (cells) != 8)
    return FALSE;

  *row = (AtlLogRow) { .step = g_ascii_strtoull (cells[0], &end, 10),
                       .epoch = g_ascii_strtod (cells[1], NULL),
                       .rate = g_ascii_strtod (cells[2], NULL),
                       .training_loss = g_ascii_strtod (cells[3], NULL),
                       .has_validation = cells[4][0] != '\0',
                       .validation_loss = g_ascii_strtod (cells[4], NULL),
                       .score = g_ascii_strtod (cells[5], NULL),
                       .samples_per_second = g_ascii_strtod (cells[6], NULL),
                       .seconds = g_ascii_strtod (cells[7], NULL) };
  return end != cells[0] && *end == '\0';
}

GArray *
atl_log_read (const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (! g_file_get_contents (path, &text, NULL, error))
    return NULL;

  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (AtlLogRow));
  AtlLogRow row;

  for (guint i = 0; lines[i] != NULL; i++)
    if (parse_row (&row, lines[i]))
      g_array_append_val (rows, row);
  return rows;
}
