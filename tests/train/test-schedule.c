/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Learning rates at the corners of each schedule, and what is not a schedule.
 */

#include "suite.h"

#include "base/error.h"
#include "train/schedule.h"

typedef struct
{
  const char *text;
  double progress, rate; /* for a highest rate of 1 */
} Corner;

static const Corner corners[] = {
  { "constant", 0.0, 1.0 },
  { "constant", 1.0, 1.0 },
  { "constant:10", 0.05, 0.5 },
  { "constant:10", 0.1, 1.0 },
  { "cosine", 0.0, 1.0 },
  { "cosine", 0.5, 0.5 },
  { "cosine", 1.0, 0.0 },
  { "cosine:20", 0.1, 0.5 },
  { "cosine:20", 0.2, 1.0 },
  { "cosine:20", 0.6, 0.5 },
  { "cosine:20", 1.0, 0.0 },
  /* use_clr = (20, 10): up for a tenth, down for the rest */
  { "one-cycle:20,10", 0.0, 0.05 },
  { "one-cycle:20,10", 0.05, 0.525 },
  { "one-cycle:20,10", 0.1, 1.0 },
  { "one-cycle:20,10", 0.55, 0.525 },
  { "one-cycle:20,10", 1.0, 0.05 },
  /* use_clr_beta = (40, 10): up for 45 %, down for 45 %, and on down for 10 % */
  { "one-cycle-beta:40,10", 0.0, 0.025 },
  { "one-cycle-beta:40,10", 0.45, 1.0 },
  { "one-cycle-beta:40,10", 0.9, 0.025 },
  { "one-cycle-beta:40,10", 0.95, 0.012625 },
  { "one-cycle-beta:40,10", 1.0, 0.00025 },
  { "one-cycle-beta:40,0", 1.0, 0.025 },
};

static void
has_its_corners (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (corners); i++)
    {
      g_autoptr (GError) error = NULL;
      AtlSchedule schedule;

      CU_ASSERT_FATAL (atl_schedule_parse (&schedule, corners[i].text, &error));
      const double rate = atl_schedule_rate (&schedule, 0.01, corners[i].progress);
      if (ABS (rate - 0.01 * corners[i].rate) > 1e-12)
        {
          printf ("  %s at %g: %g, expected %g\n", corners[i].text, corners[i].progress,
                  100.0 * rate, corners[i].rate);
          CU_FAIL ("another rate was expected");
        }
    }
}

static void
refuses_others (void)
{
  static const char *const wrong[] = { "",
                                       "cosin",
                                       "cosine:",
                                       "cosine:x",
                                       "cosine:100",
                                       "cosine:-1",
                                       "cosine:1,2",
                                       "constant:1,",
                                       "one-cycle",
                                       "one-cycle:20",
                                       "one-cycle:20,1",
                                       "one-cycle:0.5,10",
                                       "one-cycle:nan,10",
                                       "one-cycle:20,10,3",
                                       "one-cycle-beta:40,100" };

  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      GError *error = NULL;
      AtlSchedule schedule;

      CU_ASSERT_FALSE (atl_schedule_parse (&schedule, wrong[i], &error));
      atl_test_error (&error, ATL_ERROR, ATL_ERROR_ARGUMENT, "'one-cycle:DIV,CUT'");
    }
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "has its corners", has_its_corners },
    { "refuses others", refuses_others },
  };

  return atl_suite_run ("schedule", tests, G_N_ELEMENTS (tests));
}
