/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Contact sheets: pictures in rows and columns, by which people see what a network is given and what it makes of it.
 */

#pragma once

#include "train/photo.h"

G_BEGIN_DECLS

/* The longest side of a picture on a sheet, in pixels: of larger ones the middle is shown. */
#define ATL_SHEET_CELL 384

/* Pictures row by row; a cell is as wide and high as the largest picture. */
typedef struct
{
  int n_columns;
  GArray *cells; /* of AtlPhoto, owned */
} AtlSheet;

void atl_sheet_init (AtlSheet *sheet, int n_columns);
void atl_sheet_clear (AtlSheet *sheet);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlSheet, atl_sheet_clear)

/* Adds a picture given as planes, 3 x side x side, of which 0..1 is shown; each pixel is repeated 'factor' times in both
 * directions. ATL_ERROR_MEMORY. */
gboolean atl_sheet_add (AtlSheet *sheet, const float *planes, int side, int factor, GError **error);

/* Writes a PNG, at once and only when it is complete; a sheet without pictures writes nothing. */
gboolean atl_sheet_write (const AtlSheet *sheet, const char *path, GError **error);

G_END_DECLS
