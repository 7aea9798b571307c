/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which instruction set the kernels use: found once, lowered by the environment variable ATELIER_CPU
 * (baseline, avx2, avx512), so that one computer tests every level it has.
 */

#pragma once

#include <glib.h>

#include "base/visibility.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_CPU_BASELINE, /* x86-64 with SSE2, or any other architecture */
  ATL_CPU_AVX2,     /* AVX2 and FMA */
  ATL_CPU_AVX512    /* AVX-512 F, BW, DQ and VL */
} AtlCpuLevel;

/* The level in use. It is only claimed when the processor has all its instructions and the system
 * saves their registers. An unknown ATELIER_CPU is reported once by g_warning () and ignored. */
ATL_PUBLIC AtlCpuLevel atl_cpu_level (void);

/* Whether the processor could do more, but ATELIER_CPU does not let it. */
ATL_PUBLIC gboolean atl_cpu_is_lowered (void);

/* "baseline", "avx2" or "avx512". */
ATL_PUBLIC const char *atl_cpu_level_name (AtlCpuLevel level);

/* For people: "without AVX2", "AVX2" or "AVX-512". */
ATL_PUBLIC const char *atl_cpu_level_title (AtlCpuLevel level);

G_END_DECLS
