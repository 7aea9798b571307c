/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels of the instruction set that this is compiled for.
 */

#include "backends/cpu/kernels.h"

const AtlCpuKernels ATL_CPU_KERNELS = {
  .conv2d_direct = &ATL_CPU_CONV2D_DIRECT,
  .conv2d_winograd_4 = &ATL_CPU_CONV2D_WINOGRAD_4,
  .conv2d_winograd_6 = &ATL_CPU_CONV2D_WINOGRAD_6,
  .conv2d_narrow = &ATL_CPU_CONV2D_NARROW,
  .conv2d_weight = &ATL_CPU_CONV2D_WEIGHT,
  .conv2d_winograd_weight_4 = &ATL_CPU_CONV2D_WINOGRAD_WEIGHT_4,
  .conv2d_winograd_weight_6 = &ATL_CPU_CONV2D_WINOGRAD_WEIGHT_6,
  .elementwise = &ATL_CPU_ELEMENTWISE,
  .spatial = &ATL_CPU_SPATIAL,
  .batch_norm = &ATL_CPU_BATCH_NORM,
  .optimize = &ATL_CPU_OPTIMIZE,
  .limits = &ATL_CPU_LIMITS,
};
