/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folder of a training's log, pictures and checkpoint.
 */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/i18n.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

char *
atl_train_run_folder (const AtlTrainOptions *options)
{
  if (options->run != NULL)
    return g_strdup (options->run);

  g_autofree char *stem = g_strdup (options->output);
  if (g_str_has_suffix (stem, ".safetensors"))
    stem[strlen (stem) - strlen (".safetensors")] = '\0';
  return g_strconcat (stem, "-run", NULL);
}

char *
atl_train_run_file (const AtlTrainOptions *options, const char *name)
{
  g_autofree char *folder = atl_train_run_folder (options);

  return g_build_filename (folder, name, NULL);
}

char *
atl_train_checkpoint_path (const AtlTrainOptions *options)
{
  return atl_train_run_file (options, "checkpoint.safetensors");
}

static gboolean
check_checkpoint (const AtlTrainOptions *options, GError **error)
{
  g_autofree char *folder = atl_train_run_folder (options);
  g_autofree char *path = atl_train_checkpoint_path (options);
  g_autoptr (JsonObject) stored = NULL;
  gboolean finished = FALSE;

  if (! g_file_test (path, G_FILE_TEST_EXISTS))
    {
      if (! options->resume)
        return TRUE;
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("there is nothing to resume: the run folder '%s' holds no checkpoint"),
                   folder);
      return FALSE;
    }

  stored = atl_checkpoint_options (path, &finished, error);
  if (stored == NULL)
    return FALSE;

  /* The weights of a finished training can be written again. */
  if (options->resume && (! finished || ! g_file_test (options->output, G_FILE_TEST_EXISTS)))
    return TRUE;

  g_set_error (
      error, ATL_ERROR, ATL_ERROR_TRAINING,
      options->resume ? _ ("there is nothing to resume: the training in '%s' is finished")
      : finished ? _ ("'%s' holds a finished training: name another folder with '--run', or remove "
                      "this one")
                 : _ ("'%s' holds the checkpoint of a training that is not finished: go on with "
                      "'--resume', name another folder with '--run', or remove this one"),
      folder);
  return FALSE;
}

static gboolean
check_output (const AtlTrainOptions *options, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (options->output);

  if (! g_str_has_suffix (options->output, ".safetensors"))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'%s' is no name of a weight file: it must end in .safetensors"),
                   options->output);
      return FALSE;
    }

  if (g_access (parent, W_OK) != 0 || ! g_file_test (parent, G_FILE_TEST_IS_DIR)
      || g_file_test (options->output, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("'%s' cannot be written: its folder must exist and be writable"),
                   options->output);
      return FALSE;
    }
  return TRUE;
}

/* A finished training may be hours of work: it is not replaced without a word. */
static gboolean
check_replaced (const AtlTrainOptions *options, GError **error)
{
  if (! options->resume && g_file_test (options->output, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
                   _ ("'%s' is there already: name another file, or remove this one"),
                   options->output);
      return FALSE;
    }
  return TRUE;
}

/* The run folder, or what is there of the way to it, must be a folder to write to. */
static gboolean
check_run_folder (const AtlTrainOptions *options, GError **error)
{
  g_autofree char *folder = atl_train_run_folder (options);
  g_autofree char *there = g_strdup (folder);

  while (! g_file_test (there, G_FILE_TEST_EXISTS))
    {
      char *parent = g_path_get_dirname (there);

      g_free (there);
      there = parent;
    }

  if (g_file_test (there, G_FILE_TEST_IS_DIR) && g_access (there, W_OK) == 0)
    return TRUE;
  g_set_error (error, ATL_ERROR, ATL_ERROR_TRAINING,
               _ ("the run folder '%s' cannot be written: '%s' must be a folder that can"), folder,
               there);
  return FALSE;
}

gboolean
atl_train_check (const AtlTrainOptions *options, GError **error)
{
  return check_output (options, error) && check_run_folder (options, error)
         && check_checkpoint (options, error) && check_replaced (options, error);
}

gboolean
atl_train_make_run_folder (const AtlTrainOptions *options, GError **error)
{
  g_autofree char *folder = atl_train_run_folder (options);

  if (g_mkdir_with_parents (folder, 0777) == 0)
    return TRUE;

  const int code = errno;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
               _ ("the run folder '%s' cannot be made: %s"), folder, g_strerror (code));
  return FALSE;
}
