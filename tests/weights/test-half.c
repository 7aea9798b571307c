/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of 16 bits: every one of them, and the rounding between any two.
 */

#include "suite.h"

#include <math.h>

#include "weights/half.h"

enum
{
  LARGEST = 0x7bff,
  SIGN = 0x8000
};

static void
known_numbers (void)
{
  CU_ASSERT_EQUAL (atl_half_to_float (0x3c00), 1.0f);
  CU_ASSERT_EQUAL (atl_half_to_float (0xc100), -2.5f);
  CU_ASSERT_EQUAL (atl_half_to_float (0x3555), 0.333251953125f);
  CU_ASSERT_EQUAL (atl_half_to_float (0x0001), 0x1p-24f);
  CU_ASSERT_EQUAL (atl_half_to_float (0x03ff), 0x3ffp-24f);
  CU_ASSERT_EQUAL (atl_half_to_float (0x0400), 0x1p-14f);
  CU_ASSERT_EQUAL (atl_half_to_float (LARGEST), 65504.0f);
  CU_ASSERT_EQUAL (atl_half_to_float (0x7c00), INFINITY);
  CU_ASSERT_EQUAL (atl_half_to_float (0xfc00), -INFINITY);
  CU_ASSERT (isnan (atl_half_to_float (0x7c01)));
  CU_ASSERT (signbit (atl_half_to_float (SIGN)));
}

static void
there_and_back (void)
{
  int n_wrong = 0;

  for (int half = 0; half <= LARGEST; half++)
    for (int sign = 0; sign <= SIGN; sign += SIGN)
      {
        guint16 back = 0;

        if (! atl_half_from_float (&back, atl_half_to_float ((guint16) (half | sign)))
            || back != (half | sign))
          n_wrong++;
      }
  CU_ASSERT_EQUAL (n_wrong, 0);
}

static int
rounded (float value)
{
  guint16 half = 0;

  return atl_half_from_float (&half, value) ? half : -1;
}

static void
rounds_to_nearest_even (void)
{
  int n_wrong = 0;

  for (int half = 0; half < LARGEST; half++)
    {
      const float middle = (atl_half_to_float ((guint16) half)
                            + atl_half_to_float ((guint16) (half + 1)))
                           / 2.0f;

      n_wrong += rounded (nextafterf (middle, 0.0f)) != half;
      n_wrong += rounded (middle) != half + (half & 1);
      n_wrong += rounded (nextafterf (middle, 1e6f)) != half + 1;
      n_wrong += rounded (-middle) != (half + (half & 1)) + SIGN;
    }
  CU_ASSERT_EQUAL (n_wrong, 0);
}

static void
too_large (void)
{
  CU_ASSERT_EQUAL (rounded (nextafterf (65520.0f, 0.0f)), LARGEST);
  CU_ASSERT_EQUAL (rounded (65520.0f), -1);
  CU_ASSERT_EQUAL (rounded (-65520.0f), -1);
  CU_ASSERT_EQUAL (rounded (1e30f), -1);
  CU_ASSERT_EQUAL (rounded (INFINITY), -1);
  CU_ASSERT_EQUAL (rounded (NAN), -1);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "known numbers", known_numbers },
    { "there and back", there_and_back },
    { "rounds to nearest even", rounds_to_nearest_even },
    { "too large", too_large },
  };

  return atl_suite_run ("half", tests, G_N_ELEMENTS (tests));
}
