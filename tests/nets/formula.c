/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parameters and pictures by a formula.
 */

#include "formula.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "suite.h"

double
atl_test_formula (const char *name, size_t i)
{
  guint32 seed = 2166136261u;

  for (const char *c = name; *c != '\0'; c++)
    seed = (seed ^ (guint8) *c) * 16777619u;

  guint32 x = (guint32) i * 0x9E3779B9u + seed;
  x = (x ^ x >> 16) * 0x85EBCA6Bu;
  x = (x ^ x >> 13) * 0xC2B2AE35u;
  x ^= x >> 16;
  return x / 4294967296.0 - 0.5;
}

float *
atl_test_formula_parameters (const AtlGraph *graph)
{
  float *parameters = atl_floats_new (atl_graph_parameters_size (graph), "a test", NULL);

  for (int k = 0; k < atl_graph_n_parameters (graph); k++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, k);
      const double spread = sqrt (24.0 / ((double) p->size / p->dims[0]));

      for (size_t i = 0; i < p->size; i++)
        {
          const double noise = atl_test_formula (p->name, i);
          double value = 0.2 * noise;

          if (p->role == ATL_PARAMETER_WEIGHT)
            value = spread * noise;
          if (p->role == ATL_PARAMETER_GAMMA || p->role == ATL_PARAMETER_RUNNING_VARIANCE)
            value = 1.0 + 0.5 * noise;
          parameters[p->offset + i] = (float) value;
        }
    }
  return parameters;
}

AtlTensorToWrite *
atl_test_tensors (const AtlGraph *graph, const float *parameters)
{
  const int n = atl_graph_n_parameters (graph);
  AtlTensorToWrite *tensors = g_new0 (AtlTensorToWrite, (gsize) n + 1);

  for (int i = 0; i < n; i++)
    {
      const AtlParameter *p = atl_graph_parameter (graph, i);

      tensors[i] = (AtlTensorToWrite) { .name = p->name,
                                        .n_dims = p->n_dims,
                                        .values = parameters + p->offset };
      memcpy (tensors[i].dims, p->dims, sizeof p->dims);
    }
  return tensors;
}

void
atl_test_formula_write (const char *path, const AtlGraph *graph)
{
  g_autoptr (AtlFloats) parameters = atl_test_formula_parameters (graph);
  g_autofree AtlTensorToWrite *tensors = atl_test_tensors (graph, parameters);
  g_autoptr (AtlCard) none = atl_card_new ();

  CU_ASSERT_FATAL (atl_weight_file_write (path, none, tensors, atl_graph_n_parameters (graph),
                                          ATL_DTYPE_F32, NULL));
}
