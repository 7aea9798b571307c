/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Contact sheets.
 */

#include "train/sheet.h"

#include <string.h>

#include "image/rgb-file.h"

enum
{
  GAP = 4,          /* pixels between two pictures, and around all */
  BACKGROUND = 0x80 /* grey, of which neither dark nor light pictures are like */
};

void
atl_sheet_init (AtlSheet *sheet, int n_columns)
{
  *sheet = (AtlSheet) { n_columns, g_array_new (FALSE, TRUE, sizeof (AtlPhoto)) };
  g_array_set_clear_func (sheet->cells, (GDestroyNotify) atl_photo_clear);
}

void
atl_sheet_clear (AtlSheet *sheet)
{
  g_clear_pointer (&sheet->cells, g_array_unref);
}

gboolean
atl_sheet_add (AtlSheet *sheet, const float *planes, int side, int factor, GError **error)
{
  const int large = side * factor, shown = MIN (large, ATL_SHEET_CELL);
  const int first = (large - shown) / 2;
  g_auto (AtlPhoto) photo = { 0 };
  AtlPhoto cell;

  if (! atl_photo_init (&photo, side, side, error) || ! atl_photo_init (&cell, shown, shown, error))
    return FALSE;

  atl_photo_from_planes (&photo, planes);
  for (int y = 0; y < shown; y++)
    for (int x = 0; x < shown; x++)
      {
        const size_t from = (size_t) ((first + y) / factor) * side + (first + x) / factor;

        memcpy (cell.rgb + 3 * ((size_t) y * shown + x), photo.rgb + 3 * from, 3);
      }
  g_array_append_val (sheet->cells, cell);
  return TRUE;
}

static void
paste (AtlPhoto *page, const AtlPhoto *cell, int left, int top)
{
  for (int y = 0; y < cell->height; y++)
    memcpy (page->rgb + 3 * ((size_t) (top + y) * page->width + left),
            cell->rgb + 3 * (size_t) y * cell->width, 3 * (size_t) cell->width);
}

gboolean
atl_sheet_write (const AtlSheet *sheet, const char *path, GError **error)
{
  const int n = (int) sheet->cells->len, n_columns = sheet->n_columns;
  const int n_rows = (n + n_columns - 1) / n_columns;
  g_auto (AtlPhoto) page = { 0 };
  int side = 0;

  for (int i = 0; i < n; i++)
    side = MAX (side, g_array_index (sheet->cells, AtlPhoto, i).width);
  if (n == 0)
    return TRUE;
  if (! atl_photo_init (&page, GAP + n_columns * (side + GAP), GAP + n_rows * (side + GAP), error))
    return FALSE;

  memset (page.rgb, BACKGROUND, 3 * (size_t) page.width * page.height);
  for (int i = 0; i < n; i++)
    paste (&page, &g_array_index (sheet->cells, AtlPhoto, i), GAP + i % n_columns * (side + GAP),
           GAP + i / n_columns * (side + GAP));
  return atl_rgb_write_png (path, page.rgb, page.width, page.height, error);
}
