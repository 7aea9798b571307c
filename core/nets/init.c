/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parameters that a network begins its training with.
 */

#include <math.h>
#include <string.h>

#include "nets/network.h"

/* weight: O x I x K x K, normally distributed with variance 2 / (I K K), so that a layer with ReLU keeps
 * the variance of its input (He et al., section 2.2, formula 10).
 *
 * Where a pixel shuffle by a factor f follows, groups of f f output channels become neighbours in the
 * picture: they share one kernel, which makes the upsampling start as nearest neighbour and without a
 * checkerboard (ICNR; Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017). */
static void
init_weight (float *weight, const AtlParameter *parameter, AtlRandom *random)
{
  const size_t kernel_size = parameter->size / (size_t) parameter->dims[0]; /* I K K */
  const int group = parameter->shuffle * parameter->shuffle;
  const double deviation = sqrt (2.0 / (double) kernel_size);

  for (int o = 0; o < parameter->dims[0]; o++)
    {
      float *kernel = weight + (size_t) o * kernel_size;

      if (o % group != 0)
        memcpy (kernel, kernel - kernel_size, kernel_size * sizeof kernel[0]);
      else
        for (size_t i = 0; i < kernel_size; i++)
          kernel[i] = (float) (deviation * atl_random_normal (random));
    }
}

static void
init_parameter (float *values, const AtlParameter *parameter, AtlRandom *random)
{
  switch (parameter->role)
    {
    case ATL_PARAMETER_WEIGHT:
      init_weight (values, parameter, random);
      break;

    case ATL_PARAMETER_GAMMA:
    case ATL_PARAMETER_RUNNING_VARIANCE:
      for (size_t i = 0; i < parameter->size; i++)
        values[i] = 1.0f;
      break;

    case ATL_PARAMETER_BIAS:
    case ATL_PARAMETER_BETA:
    case ATL_PARAMETER_RUNNING_MEAN:
      memset (values, 0, parameter->size * sizeof values[0]);
      break;
    }
}

void
atl_network_init_parameters (const AtlGraph *graph, float *parameters, AtlRandom *random)
{
  for (int i = 0; i < atl_graph_n_parameters (graph); i++)
    {
      const AtlParameter *parameter = atl_graph_parameter (graph, i);

      init_parameter (parameters + parameter->offset, parameter, random);
    }
}
