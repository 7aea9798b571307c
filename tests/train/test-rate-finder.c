/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The search for a rate: what it makes of losses, and that what it finds for a small problem is neither uselessly low nor
 * ruinously high. How near the best rate it comes is not tested.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "pictures.h"
#include "temporary.h"
#include "train/rate-finder.h"
#include "train/upscale.h"

static void
add_point (GArray *points, double rate, double smoothed)
{
  const AtlRatePoint point = { rate, smoothed, smoothed };

  g_array_append_val (points, point);
}

/* From 1 down to 0.5 and up: four fifths of the fall are at 0.6. */
static void
suggests_by_its_rule (void)
{
  static const double curve[] = { 1.0, 0.55, 0.99, 0.8, 0.61, 0.59, 0.52, 0.5, 0.7, 2.0 };
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (AtlRatePoint));

  CU_ASSERT_EQUAL (atl_rate_suggest (points), 0.0);
  add_point (points, 1e-6, 1.0);
  add_point (points, 1e-5, 1.2);
  CU_ASSERT_EQUAL (atl_rate_suggest (points), 0.0);

  g_array_set_size (points, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (curve); i++)
    add_point (points, (double) (i + 1), curve[i]);
  CU_ASSERT_EQUAL (atl_rate_suggest (points), 6.0); /* 0.55 before is chance, as 0.99 shows */
}

typedef struct
{
  AtlTestFolder *folder;
  AtlUpscaleOptions options;
  AtlModel *model;
  AtlUpscaleData *data;
  AtlRecipe recipe;
} Setup;

static void
setup_init (Setup *setup)
{
  AtlUpscaleOptions *o = &setup->options;
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  setup->folder = atl_test_folder_new ();
  atl_test_picture_new (setup->folder, "a", 60, 50, 1);
  atl_test_picture_new (setup->folder, "b", 40, 50, 2);
  atl_upscale_options_init (o, ATL_UPSCALE_RECIPE_DEFAULT, 2);
  o->start = ATL_START_RANDOM;
  o->width = 4;
  o->blocks = 1;
  o->crop = 8;
  o->common.batch = 2;
  o->common.data = g_new0 (char *, 2);
  o->common.data[0] = g_strdup (setup->folder);
  o->common.output = g_strdup ("unused");
  CU_ASSERT_FATAL (atl_upscale_options_complete (o, NULL));
  setup->model = atl_upscale_model_new (o, NULL);
  setup->data = atl_upscale_data_new (o, atl_backend_default (), problems, NULL, NULL);
  CU_ASSERT_FATAL (setup->model != NULL && setup->data != NULL);
  setup->recipe = atl_upscale_recipe (setup->data, setup->model);
}

static void
setup_clear (Setup *setup)
{
  atl_upscale_data_free (setup->data);
  atl_model_free (setup->model);
  atl_upscale_options_clear (&setup->options);
  atl_test_folder_free (setup->folder);
}

static GArray *
run_sweep (Setup *setup, const AtlRateSweep *sweep)
{
  g_autoptr (GError) error = NULL;
  GArray *points = atl_rate_sweep_run (sweep, setup->model, &setup->recipe, atl_backend_default (),
                                       NULL, &error);

  atl_test_no_error (error);
  CU_ASSERT_FATAL (points != NULL && points->len > 0);
  return points;
}

/* At rates that change nothing every batch is as hard as before; and the rates are a geometric series. */
static void
measures_against_the_start (void)
{
  const AtlRateSweep sweep = { 1e-12, 1e-10, 21 };
  Setup setup;

  setup_init (&setup);
  g_autoptr (GArray) points = run_sweep (&setup, &sweep);
  CU_ASSERT_EQUAL_FATAL (points->len, 21);
  for (guint i = 0; i < points->len; i++)
    {
      const AtlRatePoint *p = &g_array_index (points, AtlRatePoint, i);

      CU_ASSERT_DOUBLE_EQUAL (p->rate / (1e-12 * pow (10.0, i / 10.0)), 1.0, 1e-9);
      CU_ASSERT_DOUBLE_EQUAL (p->smoothed, 1.0, 1e-5);
      CU_ASSERT (p->loss > 0.0);
    }
  setup_clear (&setup);
}

/* It learns, then blows up, and ends there: before the last step, within what 4 times the least allows. */
static void
ends_when_it_diverges (void)
{
  const AtlRateSweep sweep = { 1e-5, 1e3, 100 };
  Setup setup;
  double least = INFINITY;

  setup_init (&setup);
  g_autoptr (GArray) points = run_sweep (&setup, &sweep);
  CU_ASSERT (points->len < 100);
  for (guint i = 0; i + 1 < points->len; i++)
    {
      least = fmin (least, g_array_index (points, AtlRatePoint, i).smoothed);
      CU_ASSERT (g_array_index (points, AtlRatePoint, i).smoothed <= 4.0 * least);
    }
  CU_ASSERT (least < 0.8);

  /* Adam moves each weight by about the rate: those of a few tenths are learned by steps of thousandths to hundredths. */
  const double rate = atl_rate_suggest (points);
  CU_ASSERT (rate > 1e-3 && rate < 1e-1);

  g_autofree char *path = g_build_filename (setup.folder, "plot.svg", NULL);
  g_autofree char *svg = NULL;
  CU_ASSERT_FATAL (atl_rate_plot_write (path, points, rate, NULL));
  CU_ASSERT_FATAL (g_file_get_contents (path, &svg, NULL, NULL));
  CU_ASSERT_PTR_NOT_NULL (strstr (svg, "class=\"mark\""));
  setup_clear (&setup);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "suggests by its rule", suggests_by_its_rule },
    { "measures against the start", measures_against_the_start },
    { "ends when it diverges", ends_when_it_diverges },
  };

  return atl_suite_run ("rate-finder", tests, G_N_ELEMENTS (tests));
}
