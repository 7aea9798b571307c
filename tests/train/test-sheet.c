/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Contact sheets: every picture in its place, pixels repeated, the middle of large ones.
 */

#include "suite.h"

#include <string.h>

#include "base/error.h"
#include "image/rgb-file.h"
#include "temporary.h"
#include "train/sheet.h"

typedef struct
{
  int width, height;
  guint8 *rgb;
} Page;

static Page
write_and_read (const AtlSheet *sheet)
{
  AtlTestFolder *folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "sheet.png", NULL);
  g_autoptr (GError) error = NULL;
  Page page = { 0 };

  CU_ASSERT (atl_sheet_write (sheet, path, &error));
  atl_test_no_error (error);
  page.rgb = atl_rgb_read (path, ATL_RGB_NO_LIMIT, &page.width, &page.height, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (page.rgb);
  atl_test_folder_free (folder);
  return page;
}

static int
red (const Page *page, int x, int y)
{
  return page->rgb[3 * ((size_t) y * page->width + x)];
}

static void
places_pictures (void)
{
  /* Red planes are 0, 51, 102, 153 of 255; the rest 0 and 1. */
  static const float small[] = { 0.0f, 0.2f, 0.4f, 0.6f, 0, 0, 0, 0, 1, 1, 1, 1 };
  static const float large[3 * 16] = { 1.0f, -7.0f, 7.0f };
  g_auto (AtlSheet) sheet;

  atl_sheet_init (&sheet, 2);
  CU_ASSERT (atl_sheet_add (&sheet, small, 2, 2, NULL));
  CU_ASSERT (atl_sheet_add (&sheet, large, 4, 1, NULL));
  CU_ASSERT (atl_sheet_add (&sheet, small, 2, 1, NULL));
  Page page = write_and_read (&sheet);

  CU_ASSERT_EQUAL_FATAL (page.width, 4 + 2 * 8);
  CU_ASSERT_EQUAL_FATAL (page.height, 4 + 2 * 8);
  for (int y = 0; y < 4; y++)
    for (int x = 0; x < 4; x++)
      CU_ASSERT_EQUAL (red (&page, 4 + x, 4 + y), 51 * (y / 2 * 2 + x / 2));
  CU_ASSERT_EQUAL (red (&page, 12, 4), 255);
  CU_ASSERT_EQUAL (red (&page, 13, 4), 0); /* clipped */
  CU_ASSERT_EQUAL (red (&page, 14, 4), 255);
  CU_ASSERT_EQUAL (red (&page, 5, 13), 153);
  CU_ASSERT_EQUAL (red (&page, 3, 3), 128);
  CU_ASSERT_EQUAL (red (&page, 6, 12), 128); /* smaller than its cell */
  CU_ASSERT_EQUAL (red (&page, 12, 12), 128);
  g_free (page.rgb);
}

/* Enlarged to 500 pixels, of which those from 58 on are shown. */
static void
cuts_out_the_middle (void)
{
  static float planes[3 * 100 * 100];
  g_auto (AtlSheet) sheet;

  for (int i = 0; i < 3 * 100 * 100; i++)
    planes[i] = (float) (i % 100) / 255.0f;
  atl_sheet_init (&sheet, 1);
  CU_ASSERT (atl_sheet_add (&sheet, planes, 100, 5, NULL));
  Page page = write_and_read (&sheet);

  CU_ASSERT_EQUAL_FATAL (page.width, ATL_SHEET_CELL + 8);
  for (int x = 0; x < ATL_SHEET_CELL; x++)
    CU_ASSERT_EQUAL (red (&page, 4 + x, 10), (58 + x) / 5);
  g_free (page.rgb);
}

static void
failures_are_told (void)
{
  static const float planes[3] = { 0.0f };
  GError *error = NULL;
  g_auto (AtlSheet) sheet;

  atl_sheet_init (&sheet, 1);
  CU_ASSERT (atl_sheet_write (&sheet, "/nowhere/a.png", NULL)); /* nothing to write */
  CU_ASSERT (atl_sheet_add (&sheet, planes, 1, 1, NULL));
  CU_ASSERT_FALSE (atl_sheet_write (&sheet, "/nowhere/a.png", &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "/nowhere/a.png");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "places pictures", places_pictures },
    { "cuts out the middle", cuts_out_the_middle },
    { "failures are told", failures_are_told },
  };

  return atl_suite_run ("sheet", tests, G_N_ELEMENTS (tests));
}
