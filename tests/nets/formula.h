/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parameters and pictures by a formula, as formula.py makes them: a network's golden values then need no weight file.
 */

#pragma once

#include "weights/weight-file.h"
#include "graph/graph.h"

G_BEGIN_DECLS

/* Number i of what is called so, from -0.5 to 0.5. */
double atl_test_formula (const char *name, size_t i);

/* Weights of deviation sqrt (2 / inputs), other numbers near those of a fresh network; by the parameters' names. Freed
 * by atl_floats_free (). */
float *atl_test_formula_parameters (const AtlGraph *graph);

/* A graph's parameters as the tensors of a weight file, and room for one more; freed by g_free (). Both are borrowed. */
AtlTensorToWrite *atl_test_tensors (const AtlGraph *graph, const float *parameters);

/* Writes parameters by the formula as a weight file without a card, as other people's files are. */
void atl_test_formula_write (const char *path, const AtlGraph *graph);

G_END_DECLS
