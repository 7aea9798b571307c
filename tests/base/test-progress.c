/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Progress: parts fill their share of the whole, nobody has to listen, and cancelling is an error.
 */

#include "suite.h"

#include "base/progress.h"

typedef struct
{
  double fraction;
  int n_calls;
} Heard;

static void
hear (double fraction, void *data)
{
  Heard *heard = data;

  heard->fraction = fraction;
  heard->n_calls++;
}

/* Reports 'fraction' and returns what the host heard. */
static double
heard_from (const AtlProgress *progress, double fraction)
{
  Heard *heard = progress->data;
  g_autoptr (GError) error = NULL;

  heard->fraction = -1.0;
  CU_ASSERT_TRUE (atl_progress_update (progress, fraction, &error));
  atl_test_no_error (error);
  return heard->fraction;
}

static void
whole_work (void)
{
  Heard heard = { 0 };
  const AtlProgress progress = { .report = hear, .data = &heard };

  CU_ASSERT_DOUBLE_EQUAL (heard_from (&progress, 0.0), 0.0, 0.0);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&progress, 0.25), 0.25, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&progress, 1.0), 1.0, 0.0);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&progress, -0.5), 0.0, 0.0);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&progress, 1.5), 1.0, 0.0);
  CU_ASSERT_EQUAL (heard.n_calls, 5);
}

static void
parts_of_parts (void)
{
  Heard heard = { 0 };
  const AtlProgress whole = { .report = hear, .data = &heard };
  const AtlProgress second_half = atl_progress_part (&whole, 0.5, 1.0);
  const AtlProgress its_middle = atl_progress_part (&second_half, 0.2, 0.6);

  CU_ASSERT_DOUBLE_EQUAL (heard_from (&second_half, 0.0), 0.5, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&second_half, 0.5), 0.75, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&second_half, 1.0), 1.0, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&its_middle, 0.0), 0.6, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&its_middle, 0.5), 0.7, 1e-12);
  CU_ASSERT_DOUBLE_EQUAL (heard_from (&its_middle, 1.0), 0.8, 1e-12);
}

static void
nobody_listens (void)
{
  const AtlProgress silent = { 0 };
  const AtlProgress part_of_none = atl_progress_part (NULL, 0.2, 0.4);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (atl_progress_update (NULL, 0.5, &error));
  CU_ASSERT_TRUE (atl_progress_update (&silent, 0.5, &error));
  CU_ASSERT_TRUE (atl_progress_update (&part_of_none, 0.5, &error));
  atl_test_no_error (error);
}

static void
cancelled (void)
{
  Heard heard = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const AtlProgress whole = { .report = hear, .data = &heard, .cancellable = cancellable };
  const AtlProgress part = atl_progress_part (&whole, 0.0, 0.5);
  GError *error = NULL;

  CU_ASSERT_TRUE (atl_progress_update (&part, 0.5, &error));
  CU_ASSERT_EQUAL (heard.n_calls, 1);

  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (atl_progress_update (&part, 0.6, &error));
  atl_test_error (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  CU_ASSERT_FALSE (atl_progress_update (&whole, 0.6, NULL));
  CU_ASSERT_EQUAL (heard.n_calls, 1);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "whole work", whole_work },
    { "parts of parts", parts_of_parts },
    { "nobody listens", nobody_listens },
    { "cancelled", cancelled },
  };

  return atl_suite_run ("progress", tests, G_N_ELEMENTS (tests));
}
