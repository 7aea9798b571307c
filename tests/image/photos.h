/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Picture files for tests, made by libvips. Whatever fails is a failed assertion.
 */

#pragma once

#include <babl/babl.h>
#include <vips/vips.h>

#include "image/photo-file.h"
#include "temporary.h"

G_BEGIN_DECLS

enum
{
  ATL_TEST_RAMP_WIDTH = 37,
  ATL_TEST_RAMP_HEIGHT = 300 /* more than two strips */
};

/* The ICC profile that babl makes of a space; belongs to babl. babl leaves the bytes between its tags as the
 * stack had them: valgrind is told that they may be written and compared. */
const char *atl_test_space_profile (const Babl *space, int *size);

/* The path of a file in a folder; freed by g_free (). */
char *atl_test_photo_path (const AtlTestFolder *folder, const char *name);

/* A ramp with some texture, in the range of the format; 'peak' is the number for white. */
VipsImage *atl_test_ramp_new (int bands, VipsBandFormat format, VipsInterpretation interpretation,
                              double peak);

/* Writes a file in the kind that its ending tells, and frees the image. */
void atl_test_photo_save (VipsImage *take_image, const char *path);

/* Reads a file; freed by atl_photo_file_free (). */
AtlPhotoFile *atl_test_photo_open (const char *path);

/* Reads a file and writes its own pixels as the result. */
void atl_test_photo_copy (const char *from, const char *to);

/* The largest difference of two files, which must have the same size, depth and number of bands. */
double atl_test_photo_difference (const char *a, const char *b);

G_END_DECLS
