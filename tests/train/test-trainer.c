/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The trainer: it learns, the same on any number of threads and after any interruption, and ends well.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "base/threads.h"
#include "image/rgb-file.h"
#include "pictures.h"
#include "train/checkpoint.h"
#include "train/upscale.h"
#include "train/warm-start.h"

typedef struct
{
  AtlTestFolder *folder;
  AtlUpscaleOptions options;
  guint64 cancel_at; /* the step after which the training is cancelled, 0 = never */
  GCancellable *cancellable;
} Setup;

static void
setup_init (Setup *setup)
{
  AtlUpscaleOptions *o = &setup->options;

  *setup = (Setup) { .folder = atl_test_folder_new (), .cancellable = g_cancellable_new () };
  g_autofree char *photos = g_build_filename (setup->folder, "photos", NULL);
  g_mkdir (photos, 0777);
  for (int i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("%d", i);
      atl_test_picture_new (photos, name, 50, 40, i);
    }

  atl_upscale_options_init (o, ATL_UPSCALE_RECIPE_DEFAULT, 2);
  o->width = 4;
  o->blocks = 1;
  o->crop = 8;
  o->common.batch = 3;
  o->common.steps = atl_test_quick () ? 10 : 60;
  o->common.data = g_new0 (char *, 2);
  o->common.data[0] = g_steal_pointer (&photos);
  o->common.output = g_build_filename (setup->folder, "w.safetensors", NULL);
  o->common.checkpoint = 1e6;
}

static void
setup_clear (Setup *setup)
{
  atl_upscale_options_clear (&setup->options);
  g_object_unref (setup->cancellable);
  atl_test_folder_free (setup->folder);
}

static void
on_step (const AtlTrainStatus *status, void *data)
{
  Setup *setup = data;

  /* Also of a step that ends a row of the log. */
  CU_ASSERT (status->loss > 0.0 && status->samples_per_second > 0.0);
  if (status->step == setup->cancel_at)
    g_cancellable_cancel (setup->cancellable);
}

static gboolean
train (Setup *setup, GError **error)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  const AtlTrainMonitor monitor = { .data = setup,
                                    .on_step = on_step,
                                    .cancellable = setup->cancellable };

  CU_ASSERT_FATAL (atl_upscale_options_complete (&setup->options, NULL));
  if (! atl_train_check (&setup->options.common, error))
    return FALSE;

  g_autoptr (AtlModel) model = atl_upscale_model_new (&setup->options, NULL);
  g_autoptr (AtlUpscaleData)
      data = atl_upscale_data_new (&setup->options, atl_backend_default (), problems, NULL, NULL);
  CU_ASSERT_FATAL (model != NULL && data != NULL);

  const AtlRecipe recipe = atl_upscale_recipe (data, model);
  return atl_train (model, &recipe, atl_backend_default (), &monitor, error);
}

static void
train_well (Setup *setup)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT (train (setup, &error));
  atl_test_no_error (error);
}

/* Trains until cancelled after a number of steps. */
static void
train_until (Setup *setup, guint64 step)
{
  GError *error = NULL;

  setup->cancel_at = step;
  CU_ASSERT_FALSE (train (setup, &error));
  atl_test_error (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  setup->cancel_at = 0;
  g_cancellable_reset (setup->cancellable);
}

static AtlModel *
load_result (const Setup *setup)
{
  g_autoptr (GError) error = NULL;
  AtlModel *model = atl_model_load (setup->options.common.output, "upscale", &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model);
  return model;
}

static gboolean
results_equal (const Setup *a, const Setup *b)
{
  g_autoptr (AtlModel) model_a = load_result (a), model_b = load_result (b);
  const size_t n = atl_graph_parameters_size (model_a->graph);

  return atl_graph_parameters_size (model_b->graph) == n
         && memcmp (model_a->parameters, model_b->parameters, n * sizeof (float)) == 0;
}

static void
same_on_any_threads (void)
{
  const int n_threads_before = atl_threads_count ();
  Setup one, three, seed;

  setup_init (&one);
  setup_init (&three);
  setup_init (&seed);
  atl_threads_set_count (1);
  train_well (&one);
  atl_threads_set_count (3);
  train_well (&three);
  atl_threads_set_count (n_threads_before);
  seed.options.common.seed = 2;
  train_well (&seed);

  CU_ASSERT (results_equal (&one, &three));
  CU_ASSERT_FALSE (results_equal (&one, &seed));
  setup_clear (&one);
  setup_clear (&three);
  setup_clear (&seed);
}

/* The columns of the log that do not depend on the clock. */
static char *
timeless_log (const Setup *setup)
{
  g_autofree char *folder = atl_train_run_folder (&setup->options.common);
  g_autofree char *path = g_build_filename (folder, "log.csv", NULL);
  g_autofree char *text = NULL;
  GString *rows = g_string_new (NULL);

  CU_ASSERT_FATAL (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (int i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      g_auto (GStrv) cells = g_strsplit (lines[i], ",", -1);

      CU_ASSERT_EQUAL_FATAL (g_strv_length (cells), 8);
      for (int c = 0; c < 6; c++)
        g_string_append_printf (rows, "%s,", cells[c]);
      g_string_append_c (rows, '\n');
    }
  return g_string_free (rows, FALSE);
}

/* With the rows of the log and validations on both sides of each interruption. */
static void
resumes_bit_for_bit (void)
{
  Setup whole, parts;

  setup_init (&whole);
  setup_init (&parts);
  const gboolean quick = atl_test_quick ();
  whole.options.common.steps = parts.options.common.steps = quick ? 30 : 420;
  train_well (&whole);

  train_until (&parts, 7);
  parts.options.common.resume = TRUE;
  train_until (&parts, quick ? 20 : 215);
  train_until (&parts, quick ? 21 : 216);
  train_well (&parts);

  CU_ASSERT (results_equal (&whole, &parts));
  g_autofree char *log = timeless_log (&whole);
  g_autofree char *other = timeless_log (&parts);
  CU_ASSERT_STRING_EQUAL (log, other);
  setup_clear (&whole);
  setup_clear (&parts);
}

/* A checkpoint that is older than the log: what was logged after it is logged anew. */
static void
log_goes_back_with_the_checkpoint (void)
{
  Setup whole, parts;
  g_autofree char *old = NULL;
  gsize size;

  setup_init (&whole);
  setup_init (&parts);
  whole.options.common.steps = parts.options.common.steps = 104;
  train_well (&whole);

  train_until (&parts, 50);
  g_autofree char *path = atl_train_checkpoint_path (&parts.options.common);
  CU_ASSERT_FATAL (g_file_get_contents (path, &old, &size, NULL));
  parts.options.common.resume = TRUE;
  train_until (&parts, 102);
  CU_ASSERT_FATAL (g_file_set_contents (path, old, (gssize) size, NULL));
  train_well (&parts);

  CU_ASSERT (results_equal (&whole, &parts));
  g_autofree char *log = timeless_log (&whole);
  g_autofree char *other = timeless_log (&parts);
  CU_ASSERT_STRING_EQUAL (log, other);
  setup_clear (&whole);
  setup_clear (&parts);
}

/* The loss in the row of the log with this number, from 1. */
static double
logged_loss (const char *log, int row)
{
  g_auto (GStrv) lines = g_strsplit (log, "\n", -1);
  g_auto (GStrv) cells = g_strsplit (lines[row], ",", -1);

  return g_ascii_strtod (cells[3], NULL);
}

static void
learns (void)
{
  Setup setup;

  setup_init (&setup);
  setup.options.common.steps = 110;
  setup.options.common.rate = 5e-3;
  setup.options.start = ATL_START_RANDOM;
  train_well (&setup);
  g_autofree char *log = timeless_log (&setup);
  CU_ASSERT (logged_loss (log, 2) < 0.7 * logged_loss (log, 1));

  /* The card tells how it was made. */
  g_autoptr (AtlModel) model = load_result (&setup);
  g_autoptr (JsonNode) node = json_from_string (model->card->recipe, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (node);
  JsonObject *recipe = json_node_get_object (node);
  JsonObject *options = json_object_get_object_member (recipe, "options");
  CU_ASSERT_EQUAL (json_object_get_int_member (options, "batch"), 3);
  CU_ASSERT_EQUAL (json_object_get_int_member (options, "crop"), 8);
  CU_ASSERT_STRING_EQUAL (json_object_get_string_member (options, "loss"), "l1");
  JsonArray *data = json_object_get_array_member (options, "data");
  CU_ASSERT_STRING_EQUAL (json_array_get_string_element (data, 0), "photos"); /* no path */
  CU_ASSERT (json_object_get_double_member (recipe, "psnr") > 5.0);
  CU_ASSERT_EQUAL (json_object_get_int_member (recipe, "steps"), 110);
  CU_ASSERT_EQUAL (json_object_get_int_member (recipe, "best-step"), 110);
  CU_ASSERT_EQUAL (json_object_get_int_member (options, "photos"), 4);
  CU_ASSERT_STRING_EQUAL (model->card->trained_on, "photos");
  setup_clear (&setup);
}

static char *
run_file (const Setup *setup, const char *name)
{
  return atl_train_run_file (&setup->options.common, name);
}

/* How a sheet's pixels at the middle of its cells differ, on the average: of two columns of a row. */
static double
columns_differ (const char *path, int column_a, int column_b, int n_columns, int n_rows)
{
  g_autoptr (GError) error = NULL;
  int width, height;
  double sum = 0.0;
  g_autofree guint8 *rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &width, &height, &error);

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (rgb);

  const int cell = (width - 4) / n_columns - 4;
  CU_ASSERT_EQUAL_FATAL (width, 4 + n_columns * (cell + 4));
  CU_ASSERT_EQUAL_FATAL (height, 4 + n_rows * (cell + 4));
  for (int y = 4; y < 4 + cell; y++)
    for (int x = 4; x < 4 + cell; x++)
      for (int c = 0; c < 3; c++)
        {
          const guint8 *row = rgb + 3 * (size_t) y * width + c;

          sum += ABS (row[3 * (x + column_a * (cell + 4))] - row[3 * (x + column_b * (cell + 4))]);
        }
  return sum / (3.0 * cell * cell);
}

/* The run folder shows what is trained on before the first step, and what came of it. */
static void
pictures_are_drawn (void)
{
  Setup setup;
  g_autoptr (GError) error = NULL;

  setup_init (&setup);
  g_autofree char *samples = run_file (&setup, "samples.png"),
                  *best = run_file (&setup, "best.png");
  g_autofree char *curves = run_file (&setup, "curves.svg");
  g_autofree char *recipe = run_file (&setup, "recipe.json"), *log = run_file (&setup, "log.csv");
  train_until (&setup, 1);
  CU_ASSERT (columns_differ (samples, 0, 1, 2, 3) > 1.0);
  CU_ASSERT_FALSE (g_file_test (best, G_FILE_TEST_EXISTS));

  g_remove (samples);
  setup.options.common.resume = TRUE;
  setup.options.common.steps = 250; /* a validation within, and one at the end */
  train_well (&setup);
  CU_ASSERT_FALSE (g_file_test (samples, G_FILE_TEST_EXISTS)); /* there was a first step */
  CU_ASSERT (columns_differ (best, 0, 2, 3, 1) > columns_differ (best, 1, 2, 3, 1));

  g_autoptr (GArray) rows = atl_log_read (log, &error);
  atl_test_no_error (error);
  int n_validations = 0;
  for (guint i = 0; i < rows->len; i++)
    n_validations += g_array_index (rows, AtlLogRow, i).has_validation;
  CU_ASSERT_EQUAL (n_validations, 2);
  CU_ASSERT_EQUAL (g_array_index (rows, AtlLogRow, rows->len - 1).step, 250);

  g_autofree char *svg = NULL, *text = NULL;
  CU_ASSERT_FATAL (g_file_get_contents (curves, &svg, NULL, NULL));
  g_autofree char *validation = g_strdup ("<path stroke=\"#d62728\" class=\"curve\" d=\"M");
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, validation));
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, ">psnr<"));

  g_autoptr (AtlModel) model = load_result (&setup);
  CU_ASSERT_FATAL (g_file_get_contents (recipe, &text, NULL, NULL));
  CU_ASSERT_STRING_EQUAL (g_strchomp (text), model->card->recipe);
  setup_clear (&setup);
}

/* A log that is none, or only the half of one. */
static void
logs_are_read_with_care (void)
{
  static const char text[] =
      "step,epoch,learning_rate,training_loss,validation_loss,psnr,images,s\n"
      "100,1.5,0.01,0.25,,,10,20\n"
      "x,1,2,3,4,5,6,7\n"
      ",,,,,,,\n"
      "200,2,0.02,nan,0.5,30,10,40\n"
      "300,3,0.0";
  AtlTestFolder *folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "log.csv", NULL);
  GError *error = NULL;

  CU_ASSERT_FATAL (g_file_set_contents (path, text, -1, NULL));
  g_autoptr (GArray) rows = atl_log_read (path, NULL);
  CU_ASSERT_FATAL (rows != NULL && rows->len == 2);
  const AtlLogRow *row = &g_array_index (rows, AtlLogRow, 0);
  CU_ASSERT (row->step == 100 && row->rate == 0.01 && row->training_loss == 0.25);
  CU_ASSERT (! row->has_validation && row->seconds == 20.0);
  row = &g_array_index (rows, AtlLogRow, 1);
  CU_ASSERT (row->has_validation && row->validation_loss == 0.5 && row->score == 30.0);

  CU_ASSERT_EQUAL (g_remove (path), 0);
  CU_ASSERT_PTR_NULL (atl_log_read (path, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "log.csv");
  atl_test_folder_free (folder);
}

static void
divergence_is_told (void)
{
  GError *error = NULL;
  Setup setup;

  setup_init (&setup);
  setup.options.common.rate = 10.0;
  setup.options.common.steps = 3000;
  setup.options.common.batch = 1;
  setup.options.blocks = 8;
  g_free (setup.options.common.schedule);
  setup.options.common.schedule = g_strdup ("constant");
  setup.options.loss = ATL_LOSS_MSE;
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "try a lower '--lr' than 10");
  setup_clear (&setup);
}

static void
unfinished_work_is_kept (void)
{
  GError *error = NULL;
  Setup setup;

  setup_init (&setup);
  setup.options.common.resume = TRUE;
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "nothing to resume");

  setup.options.common.resume = FALSE;
  train_until (&setup, 5);
  g_autoptr (AtlModel) model = load_result (&setup); /* usable, though not finished */
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "'--resume'");

  setup.options.common.resume = TRUE;
  train_well (&setup);
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "is finished");
  setup.options.common.resume = FALSE;
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "finished training");
  setup.options.common.run = g_build_filename (setup.folder, "other-run", NULL);
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "is there already");
  CU_ASSERT_EQUAL_FATAL (g_remove (setup.options.common.output), 0);
  train_well (&setup);
  setup_clear (&setup);
}

/* Cancelled before its first step a training leaves no file. */
static void
nothing_learned_is_not_kept (void)
{
  g_autoptr (GError) error = NULL;
  Setup setup;

  setup_init (&setup);
  g_cancellable_cancel (setup.cancellable);
  CU_ASSERT_FALSE (train (&setup, &error));
  CU_ASSERT (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  CU_ASSERT_FALSE (g_file_test (setup.options.common.output, G_FILE_TEST_EXISTS));
  setup_clear (&setup);
}

/* With other photos the rest of a training would be another. */
static void
other_photos_are_noticed (void)
{
  GError *error = NULL;
  Setup setup;

  setup_init (&setup);
  train_until (&setup, 5);
  g_autofree char *photo = g_build_filename (setup.options.common.data[0], "9.png", NULL);
  atl_test_picture_new (setup.options.common.data[0], "9", 50, 40, 9);
  setup.options.common.resume = TRUE;
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "the photos are not those");
  CU_ASSERT_EQUAL_FATAL (g_remove (photo), 0);
  train_well (&setup);

  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_free (setup.options.common.validation);
  setup.options.common.validation = g_build_filename (setup.folder, "empty", NULL);
  g_mkdir (setup.options.common.validation, 0777);
  atl_test_picture_new (setup.options.common.validation, "tiny", 5, 5, 1);
  CU_ASSERT_PTR_NULL (
      atl_upscale_data_new (&setup.options, atl_backend_default (), problems, NULL, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_TRAINING, "can be validated on");
  setup_clear (&setup);
}

/* Files that are no checkpoints, though their names say so. */
static void
hostile_checkpoints_are_told (void)
{
  const AtlDtype f32 = ATL_DTYPE_F32;
  g_autofree char *deep = g_strnfill (400000, '[');
  const char *const recipes[] = { deep, "{\"step\": 3}", "{\"step\": 3, \"options\": 7}", "[1]" };
  Setup setup;

  setup_init (&setup);
  g_autofree char *path = atl_train_checkpoint_path (&setup.options.common);
  g_autofree char *folder = g_path_get_dirname (path);
  g_mkdir (folder, 0777);
  setup.options.common.resume = TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS (recipes); i++)
    {
      const float number = 1.0f;
      const AtlTensorToWrite tensor = {
        .name = "parameters", .n_dims = 1, .dims = { 1 }, .values = &number
      };
      g_autoptr (AtlModel) model = atl_upscale_model_new (&setup.options, NULL);
      g_autoptr (AtlCard) card = atl_card_copy (model->card);
      GError *error = NULL;

      g_free (card->recipe);
      card->recipe = g_strdup (recipes[i]);
      CU_ASSERT_FATAL (atl_weight_file_write (path, card, &tensor, 1, f32, NULL));
      CU_ASSERT_FALSE (train (&setup, &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "is not a checkpoint");
    }
  setup_clear (&setup);
}

static void
outputs_are_weight_files (void)
{
  GError *error = NULL;
  Setup setup;

  setup_init (&setup);
  g_free (setup.options.common.output);
  setup.options.common.output = g_build_filename (setup.folder, "photo.png", NULL);
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "must end in .safetensors");
  setup_clear (&setup);
}

static void
checkpoints_fit_the_network (void)
{
  GError *error = NULL;
  Setup setup;

  setup_init (&setup);
  train_until (&setup, 5);
  setup.options.common.resume = TRUE;
  setup.options.width = 6; /* the command line does not let it change */
  CU_ASSERT_FALSE (train (&setup, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_SHAPE, "the network's has");
  setup_clear (&setup);
}

/* A x4 network takes all but its second doubling from a x2 network. */
static void
starts_from_another_scale (void)
{
  Setup setup;
  AtlWarmStart result;

  setup_init (&setup);
  setup.options.common.steps = 2;
  train_well (&setup);
  g_autoptr (AtlModel) small = load_result (&setup);

  setup.options.scale = 4;
  g_autoptr (AtlModel) large = atl_upscale_model_new (&setup.options, NULL);
  CU_ASSERT_FATAL (atl_warm_start (large, setup.options.common.output, &result, NULL));
  CU_ASSERT_EQUAL (result.n_loaded, atl_graph_n_parameters (small->graph));
  CU_ASSERT_EQUAL (result.n_new, 2);
  CU_ASSERT_EQUAL (result.n_left_out, 0);
  CU_ASSERT_EQUAL (memcmp (large->parameters, small->parameters, 4 * 27 * sizeof (float)), 0);

  setup.options.width = 5;
  GError *error = NULL;
  g_autoptr (AtlModel) other = atl_upscale_model_new (&setup.options, NULL);
  CU_ASSERT (atl_warm_start (other, setup.options.common.output, &result, &error));
  atl_test_no_error (error);
  CU_ASSERT_EQUAL (result.n_loaded, 1); /* the bias of the last convolution, 3 */
  setup_clear (&setup);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "same on any threads", same_on_any_threads },
    { "resumes bit for bit", resumes_bit_for_bit },
    { "log goes back with the checkpoint", log_goes_back_with_the_checkpoint },
    { "learns", learns },
    { "pictures are drawn", pictures_are_drawn },
    { "logs are read with care", logs_are_read_with_care },
    { "divergence is told", divergence_is_told },
    { "unfinished work is kept", unfinished_work_is_kept },
    { "nothing learned is not kept", nothing_learned_is_not_kept },
    { "other photos are noticed", other_photos_are_noticed },
    { "hostile checkpoints are told", hostile_checkpoints_are_told },
    { "outputs are weight files", outputs_are_weight_files },
    { "checkpoints fit the network", checkpoints_fit_the_network },
    { "starts from another scale", starts_from_another_scale },
  };

  return atl_suite_run ("trainer", tests, G_N_ELEMENTS (tests));
}
