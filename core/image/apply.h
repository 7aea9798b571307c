/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Networks applied to a whole picture of any size in bounded memory.
 *
 * The picture is cut into tiles, each computed with all the input it depends on, so that the result is
 * that of the whole picture. What a network must not see is handled beside it: values outside 0..1 are
 * resampled smoothly and added back, alpha is resampled on its own.
 *
 * Tiles are as large as a workspace of 256 MiB allows; the environment variable ATELIER_TILE sets their
 * side in pixels of the input, for tests.
 */

#pragma once

#include <gegl.h>

#include "base/progress.h"
#include "graph/plan.h"

G_BEGIN_DECLS

/* One application of a network with three input and three output channels. */
typedef struct
{
  const AtlPrepared *prepared;
  int factor; /* of the sides of its output to those of its input */
} AtlStage;

typedef struct
{
  const AtlStage *stages; /* one after the other; borrowed */
  int n_stages;           /* at least 1 */
  gboolean average;       /* each stage is the mean over the eight flips and rotations */
} AtlStages;

/* Applies the stages to a picture and brings the result to width x height, by antialiased bicubic
 * resampling if the stages do not end at that size. The result is a new buffer at (0, 0) in the format of
 * the input. Before work starts: ATL_ERROR_SHAPE for impossible sizes, ATL_ERROR_MEMORY if memory or disk
 * will not do; the latter also when GEGL could not swap a part of it to disk. ATL_ERROR_RESULT if a network
 * computes numbers that are not finite, or one colour from a picture of several. */
GeglBuffer *atl_apply_stages (const AtlStages *stages, GeglBuffer *input, int width, int height,
                              const AtlProgress *progress, GError **error);

/* The seconds that this takes for an input of width x height, from a short trial of each network on
 * this machine; negative and an error if memory is short. */
double atl_apply_seconds (const AtlStages *stages, int width, int height, GError **error);

/* The bytes that it takes at a time, beside the networks themselves and GEGL's buffers. */
size_t atl_apply_memory (const AtlStages *stages, int width, int height);

G_END_DECLS
