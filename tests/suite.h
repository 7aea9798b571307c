/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The frame of every test program: a table of tests run by CUnit, a line for each, and an exit status.
 */

#pragma once

#include <CUnit/CUnit.h>
#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  void (*run) (void);
  const void *data; /* for atl_test_data (); may be left out */
} AtlTest;

/* Runs the tests of a suite; to be returned from main (). Prints 'ok NAME', 'FAILED NAME' or
 * 'skipped NAME: why' for each, then what CUnit says of the failed assertions. Exit status 0 only if
 * at least one test ran and none failed; 77 if all were skipped. */
int atl_suite_run (const char *suite, const AtlTest *tests, int n_tests);

/* The data of the running test: one function may be run on the rows of a table. */
const void *atl_test_data (void);

/* Whether a test is to try only a part of its cases: ATELIER_TEST_QUICK is set, as it is under valgrind,
 * where everything takes a hundred times as long. */
gboolean atl_test_quick (void);

/* Marks the running test as skipped; to be followed by return. */
void atl_test_skip (const char *why);

/* Asserts that the error is set, of this domain and code, and that its message contains 'text'
 * (NULL = any); then clears it. */
void atl_test_error (GError **error, GQuark domain, int code, const char *text);

/* Asserts that there is no error; prints its message if there is one. */
void atl_test_no_error (const GError *error);

/* The largest magnitude of n numbers, of those that are finite. */
double atl_test_largest (const float *numbers, size_t n);

/* Whether max |a - b| <= tolerance * max |b| (or <= tolerance, where b is all zero); prints the figures if
 * not. Never true if a number of either is not finite. */
gboolean atl_test_is_close (const char *what, const float *a, const float *b, size_t n,
                            double tolerance);

/* Asserts the same. */
void atl_test_close (const char *what, const float *a, const float *b, size_t n, double tolerance);

G_END_DECLS
