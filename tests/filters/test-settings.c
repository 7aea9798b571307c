/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings: initial values, and what may be set.
 */

#include "suite.h"

#include <math.h>

#include "filters/filter.h"

static const AtlChoice choices[] = { { "soft", "Soft" }, { "hard", "Hard" } };

static const AtlParam params[] = {
  { .name = "size", .kind = ATL_PARAM_NUMBER, .minimum = 0.5, .maximum = 8.0, .initial = 2.0 },
  { .name = "count", .kind = ATL_PARAM_INTEGER, .minimum = -1.0, .maximum = 5.0, .initial = 3.0 },
  { .name = "invert", .kind = ATL_PARAM_BOOLEAN, .initial = 1.0 },
  { .name = "edge", .kind = ATL_PARAM_CHOICE, .choices = choices, .n_choices = 2, .initial = 1.0 },
  { .name = "model", .kind = ATL_PARAM_MODEL },
  { .name = "picture", .kind = ATL_PARAM_FILE },
};

static const AtlFilter filter = { .name = "test", .params = params, .n_params = 6 };

static void
start_at_their_initial_values (void)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (&filter);

  CU_ASSERT_EQUAL (atl_settings_number (settings, "size"), 2.0);
  CU_ASSERT_EQUAL (atl_settings_number (settings, "edge"), 1.0);
  CU_ASSERT_STRING_EQUAL (atl_settings_string (settings, "model"), "");
}

static void
good_values_are_set (void)
{
  static const struct
  {
    const char *name, *text;
    double value;
  } cases[] = {
    { "size", "0.5", 0.5 },  { "size", "8", 8.0 },    { "size", "1e0", 1.0 },
    { "count", "-1", -1.0 }, { "invert", "no", 0.0 }, { "invert", "true", 1.0 },
    { "edge", "soft", 0.0 }, { "edge", "hard", 1.0 },
  };
  g_autoptr (AtlSettings) settings = atl_settings_new (&filter);
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CU_ASSERT_TRUE (atl_settings_parse (settings, cases[i].name, cases[i].text, &error));
      atl_test_no_error (error);
      CU_ASSERT_EQUAL (atl_settings_number (settings, cases[i].name), cases[i].value);
    }

  CU_ASSERT_TRUE (atl_settings_parse (settings, "model", "x4", &error));
  CU_ASSERT_STRING_EQUAL (atl_settings_string (settings, "model"), "x4");
  CU_ASSERT_TRUE (atl_settings_set_string (settings, "picture", "/a b", &error));
  CU_ASSERT_STRING_EQUAL (atl_settings_string (settings, "picture"), "/a b");
  CU_ASSERT_TRUE (atl_settings_set_number (settings, "edge", 0.0, &error));
}

static void
bad_texts_are_refused (void)
{
  static const struct
  {
    const char *name, *text, *message;
  } cases[] = {
    { "size", "0.4", "from 0.5 to 8" },
    { "size", "8.1", "'8.1'" },
    { "size", "nan", "number" },
    { "size", "", "number" },
    { "size", "2x", "'2x'" },
    { "size", "inf", "number" },
    { "count", "1.5", "whole number" },
    { "invert", "maybe", "'yes' or 'no'" },
    { "edge", "sharp", "'soft', 'hard'" },
    { "edge", "0", "'soft', 'hard'" },
    { "colour", "red", "'colour'" },
  };
  g_autoptr (AtlSettings) settings = atl_settings_new (&filter);

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (atl_settings_parse (settings, cases[i].name, cases[i].text, &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, cases[i].message);
    }
  CU_ASSERT_EQUAL (atl_settings_number (settings, "size"), 2.0);
}

static void
bad_values_are_refused (void)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (&filter);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (atl_settings_set_number (settings, "edge", 2.0, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "'soft', 'hard'");
  CU_ASSERT_FALSE (atl_settings_set_number (settings, "size", NAN, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "from 0.5 to 8");
  CU_ASSERT_FALSE (atl_settings_set_number (settings, "model", 1.0, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "'model'");
  CU_ASSERT_FALSE (atl_settings_set_string (settings, "size", "1", &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "'size'");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "start at their initial values", start_at_their_initial_values },
    { "good values are set", good_values_are_set },
    { "bad texts are refused", bad_texts_are_refused },
    { "bad values are refused", bad_values_are_refused },
  };

  return atl_suite_run ("settings", tests, G_N_ELEMENTS (tests));
}
