/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The filter Upscale: which models it takes for which scale, and what it says if there is none.
 */

#include "suite.h"

#include <string.h>

#include "filters/filter.h"
#include "models.h"

static AtlJob *
job_new (const char *scale, const char *model, const char *quality, GError **error)
{
  const AtlFilter *filter = atl_filter_find ("upscale");
  g_autoptr (AtlSettings) settings = atl_settings_new (filter);

  CU_ASSERT_TRUE (atl_settings_parse (settings, "scale", scale, NULL));
  CU_ASSERT_TRUE (atl_settings_parse (settings, "model", model, NULL));
  CU_ASSERT_TRUE (atl_settings_parse (settings, "quality", quality, NULL));
  return atl_job_new (filter, settings, error);
}

static GeglBuffer *
noise_new (int width, int height)
{
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height),
                                        babl_format ("R'G'B'A u8"));
  g_autofree guchar *pixels = g_malloc ((gsize) width * height * 4);
  AtlRandom random;

  atl_random_init (&random, 3, 0);
  for (int i = 0; i < width * height * 4; i++)
    pixels[i] = (guchar) atl_random_below (&random, 256);
  gegl_buffer_set (buffer, NULL, 0, babl_format ("R'G'B'A u8"), pixels, GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

/* The factors of the models are in their names. */
static void
models_fit_the_scale (void)
{
  static const struct
  {
    const char *scale, *models;
  } cases[] = {
    { "2", "'upscale-x2'" },
    { "4", "'upscale-x4'" },
    { "3", "'upscale-x4'" },
    { "1.5", "'upscale-x2'" },
    { "2.0000001", "'upscale-x2'" },
    { "8", "'upscale-x4', 'upscale-x2'" },
    { "5", "'upscale-x4', 'upscale-x2'" },
    { "1", "'clean'" },
  };
  g_autoptr (AtlTestFolder) folder = atl_test_models_folder_new ();

  atl_test_model_write (folder, "upscale-x2", "upscale", 2, 1.0f);
  atl_test_model_write (folder, "another-x2", "upscale", 2, 1.0f);
  atl_test_model_write (folder, "upscale-x4", "upscale", 4, 1.0f);
  atl_test_model_write (folder, "clean", "upscale", 1, 1.0f);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlJob) job = job_new (cases[i].scale, "", "normal", &error);

      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (job);
      CU_ASSERT_EQUAL (atl_job_scale (job), g_ascii_strtod (cases[i].scale, NULL));
      g_autofree char *description = atl_job_describe (job);
      g_autofree char *expected = g_strconcat (cases[i].models, " on ", NULL);
      if (! g_str_has_prefix (description, expected))
        {
          printf ("  scale %s: %s\n", cases[i].scale, description);
          CU_FAIL ("another model was expected");
        }
    }
}

/* A model that is asked for is used as often as needed; the size is what the host wants. */
static void
one_model_reaches_any_size (void)
{
  static const struct
  {
    const char *scale, *quality;
    int width, height;
  } cases[] = {
    { "2", "normal", 26, 18 }, { "4", "normal", 52, 36 },   { "8", "normal", 104, 72 },
    { "1.5", "best", 20, 14 }, { "3.3", "normal", 43, 30 },
  };
  g_autoptr (AtlTestFolder) folder = atl_test_models_folder_new ();
  g_autofree char *path = g_build_filename (folder, "mine.safetensors", NULL);
  g_autoptr (GeglBuffer) input = noise_new (13, 9);

  atl_test_model_write (folder, "mine", "upscale", 2, 1.0f);
  atl_test_model_write (folder, "upscale-x4", "upscale", 4, 1.0f);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlJob)
          job = job_new (cases[i].scale, i % 2 == 0 ? "mine" : path, cases[i].quality, &error);
      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (job);

      g_autoptr (GeglBuffer)
          result = atl_job_run (job, input, cases[i].width, cases[i].height, NULL, &error);
      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (result);
      CU_ASSERT_EQUAL (gegl_buffer_get_width (result), cases[i].width);
      CU_ASSERT_EQUAL (gegl_buffer_get_height (result), cases[i].height);
      CU_ASSERT (atl_job_seconds (job, 13, 9, NULL) > 0.0);
      CU_ASSERT (atl_job_memory (job, 13, 9) > 13 * 9 * sizeof (float));
    }
}

static void
expect_no_job (const char *scale, const char *model, int code, const char *text)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (job_new (scale, model, "normal", &error));
  atl_test_error (&error, ATL_ERROR, code, text);
}

static void
missing_models_are_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_models_folder_new ();

  expect_no_job ("2", "", ATL_ERROR_MODEL, folder);
  expect_no_job ("1", "", ATL_ERROR_MODEL, "cleans");
  expect_no_job ("2", "none", ATL_ERROR_MODEL, "'none'");

  atl_test_model_write (folder, "clean", "upscale", 1, 1.0f);
  expect_no_job ("2", "", ATL_ERROR_MODEL, folder);
  expect_no_job ("2", "clean", ATL_ERROR_MODEL, "only cleans");

  atl_test_model_write (folder, "x2", "upscale", 2, 1.0f);
  expect_no_job ("1", "x2", ATL_ERROR_MODEL, "enlarges");
}

/* Not even one whose card says that it enlarges. */
static void
loss_networks_are_not_chosen (void)
{
  static const struct
  {
    const char *task, *message;
  } cases[] = { { "loss", "There is no model that enlarges" }, { "upscale", "'loss'" } };
  g_autoptr (AtlTestFolder) folder = atl_test_models_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a.safetensors", NULL);
  const AtlNetworkConfig config = { 0 };
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlModel)
          model = atl_model_new (cases[i].task, "vgg19-16x", &config, &random, &error);

      atl_test_no_error (error);
      CU_ASSERT_TRUE_FATAL (atl_model_save (model, path, ATL_DTYPE_F32, &error));
      expect_no_job ("2", "", ATL_ERROR_MODEL, cases[i].message);
      expect_no_job ("2", path, ATL_ERROR_MODEL, "'loss'");
    }
}

static void
wrong_models_are_told (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_models_folder_new ();
  g_autofree char *text = atl_test_file_new (folder, "text.safetensors", "hello", 5);

  atl_test_model_write (folder, "style", "stylize", 2, 1.0f);
  g_autofree char *style = g_build_filename (folder, "style.safetensors", NULL);
  expect_no_job ("2", style, ATL_ERROR_MODEL, "'stylize'");
  expect_no_job ("2", text, ATL_ERROR_FORMAT, "text.safetensors");
}

static void
bad_results_name_the_model (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_models_folder_new ();
  g_autoptr (GeglBuffer) input = noise_new (13, 9);
  static const float gains[] = { 0.0f, 1e30f };

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      atl_test_model_write (folder, "broken", "upscale", 2, gains[i]);
      g_autoptr (AtlJob) job = job_new ("2", "", "normal", &error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (job);
      CU_ASSERT_PTR_NULL (atl_job_run (job, input, 26, 18, NULL, &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_RESULT, "'broken': ");
    }
}

int
main (int argc, char **argv)
{
  static const AtlTest tests[] = {
    { "models fit the scale", models_fit_the_scale },
    { "one model reaches any size", one_model_reaches_any_size },
    { "missing models are told", missing_models_are_told },
    { "loss networks are not chosen", loss_networks_are_not_chosen },
    { "wrong models are told", wrong_models_are_told },
    { "bad results name the model", bad_results_name_the_model },
  };

  g_setenv ("XDG_DATA_HOME", "/nonexistent", TRUE);
  gegl_init (&argc, &argv);
  const int status = atl_suite_run ("upscale", tests, G_N_ELEMENTS (tests));
  gegl_exit ();
  return status;
}
