/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures and small networks for the tests of this folder.
 */

#pragma once

#include <gegl.h>

#include "graph/plan.h"
#include "image/apply.h"

G_BEGIN_DECLS

/* A network of three channels to three, made ready on the cpu backend. */
typedef struct
{
  AtlGraph *graph;
  AtlPrepared *prepared;
} AtlTestModel;

/* Random weights around a mean output of 1/2; every operator of SrResnet, some 20 pixels of halo.
 * factor: 1, 2 or 4. */
void atl_test_model_init (AtlTestModel *model, int factor);
/* Copies each pixel to factor x factor ones, plus 'bias', exactly; with gain 0 all pixels are 'bias'. */
void atl_test_model_init_copy (AtlTestModel *model, int factor, float gain, float bias);
void atl_test_model_clear (AtlTestModel *model);

/* A picture at (0, 0) with smooth colours, edges and noise in 0..1, alpha in 0..1 with holes. */
GeglBuffer *atl_test_picture (const Babl *format, int width, int height);

/* The numbers of a buffer in a float format of the space it has; freed by g_free (). */
float *atl_test_pixels (GeglBuffer *buffer, const char *format, size_t *n);

/* The largest difference of two buffers of equal extent, as 'R~G~B~A float'. */
double atl_test_difference (GeglBuffer *a, GeglBuffer *b);

G_END_DECLS
