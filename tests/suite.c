/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The frame of every test program.
 */

#include "suite.h"

#include <CUnit/TestRun.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum
{
  EXIT_ALL_SKIPPED = 77
};

static const char *skipped_why;
static const void *running_data;

const void *
atl_test_data (void)
{
  return running_data;
}

gboolean
atl_test_quick (void)
{
  return g_getenv ("ATELIER_TEST_QUICK") != NULL;
}

void
atl_test_skip (const char *why)
{
  skipped_why = why;
}

void
atl_test_error (GError **error, GQuark domain, int code, const char *text)
{
  CU_ASSERT_PTR_NOT_NULL_FATAL (*error);

  if (! g_error_matches (*error, domain, code)
      || (text != NULL && strstr ((*error)->message, text) == NULL))
    {
      printf ("  unexpected error (%s, %d): %s\n", g_quark_to_string ((*error)->domain),
              (*error)->code, (*error)->message);
      CU_FAIL ("another error was expected");
    }

  g_clear_error (error);
}

void
atl_test_no_error (const GError *error)
{
  if (error != NULL)
    {
      printf ("  error: %s\n", error->message);
      CU_FAIL ("no error was expected");
    }
}

/* Written with a comparison: of fmax () GCC 12 for arm64 fails to make vectors, and stops. */
double
atl_test_largest (const float *numbers, size_t n)
{
  double largest = 0.0;

  for (size_t i = 0; i < n; i++)
    {
      const double magnitude = fabs ((double) numbers[i]);

      if (isfinite (magnitude) && magnitude > largest)
        largest = magnitude;
    }
  return largest;
}

gboolean
atl_test_is_close (const char *what, const float *a, const float *b, size_t n, double tolerance)
{
  const double largest = atl_test_largest (b, n);
  double difference = 0.0;
  size_t where = 0;

  for (size_t i = 0; i < n; i++)
    {
      const double d = fabs ((double) a[i] - (double) b[i]);

      if (! isfinite (a[i]) || ! isfinite (b[i]))
        {
          printf ("  %s: number %zu of %zu is %g, expected %g\n", what, i, n, (double) a[i],
                  (double) b[i]);
          return FALSE;
        }
      if (d > difference)
        {
          difference = d;
          where = i;
        }
    }

  const double allowed = tolerance * (largest > 0.0 ? largest : 1.0);
  if (difference > allowed)
    printf ("  %s: number %zu of %zu is %g, expected %g; difference %g, allowed %g\n", what, where,
            n, (double) a[where], (double) b[where], difference, allowed);
  return difference <= allowed;
}

void
atl_test_close (const char *what, const float *a, const float *b, size_t n, double tolerance)
{
  if (! atl_test_is_close (what, a, b, n, tolerance))
    CU_FAIL ("numbers differ");
}

int
atl_suite_run (const char *suite, const AtlTest *tests, int n_tests)
{
  int n_passed = 0, n_failed = 0, n_skipped = 0;

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (CU_initialize_registry () != CUE_SUCCESS)
    return 1;

  CU_pSuite registered = CU_add_suite (suite, NULL, NULL);

  for (int i = 0; i < n_tests; i++)
    {
      CU_pTest test = CU_add_test (registered, tests[i].name, tests[i].run);

      skipped_why = NULL;
      running_data = tests[i].data;
      CU_run_test (registered, test);
      if (CU_get_number_of_failures () > 0)
        {
          printf ("FAILED %s/%s\n", suite, tests[i].name);
          for (CU_pFailureRecord f = CU_get_failure_list (); f != NULL; f = f->pNext)
            printf ("  %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
          n_failed++;
        }
      else if (skipped_why != NULL)
        {
          printf ("skipped %s/%s: %s\n", suite, tests[i].name, skipped_why);
          n_skipped++;
        }
      else
        {
          printf ("ok %s/%s\n", suite, tests[i].name);
          n_passed++;
        }
    }

  CU_cleanup_registry ();
  if (n_failed > 0)
    return 1;
  return n_passed > 0 ? 0 : EXIT_ALL_SKIPPED;
}
