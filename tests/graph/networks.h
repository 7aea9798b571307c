/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small networks that use every operator in every way that the plans treat apart.
 */

#pragma once

#include "base/random.h"
#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  AtlGraph *(*build) (void);
  int multiple;         /* of which the sides of a picture must be one; 0 for any */
  gboolean by_winograd; /* some of its convolutions, with his larger errors */
} AtlTestNetwork;

/* A side of at least 'side' pixels that the network takes. */
int atl_test_side (const AtlTestNetwork *network, int side);

extern const AtlTestNetwork atl_test_networks[];
extern const int atl_n_test_networks;

/* Random parameters (variances positive) as atl_graph_parameters_size () floats. */
float *atl_test_parameters (const AtlGraph *graph, AtlRandom *random);

/* n random numbers of the normal distribution. */
float *atl_test_numbers (size_t n, AtlRandom *random);

G_END_DECLS
