/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels of the instruction set that this is compiled for.
 */

#include "backends/cpu/kernels.h"

const AtlCpuKernels ATL_CPU_KERNELS = {
  .conv2d_direct = &ATL_CPU_CONV2D_DIRECT,
  .conv2d_winograd = &ATL_CPU_CONV2D_WINOGRAD,
  .conv2d_narrow = &ATL_CPU_CONV2D_NARROW,
  .conv2d_weight = &ATL_CPU_CONV2D_WEIGHT,
  .conv2d_winograd_weight = &ATL_CPU_CONV2D_WINOGRAD_WEIGHT,
  .elementwise = &ATL_CPU_ELEMENTWISE,
  .batch_norm = &ATL_CPU_BATCH_NORM,
  .optimize = &ATL_CPU_OPTIMIZE,
};
