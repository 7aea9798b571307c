/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The instruction set in use.
 */

#include "base/cpu.h"

#include "base/i18n.h"

static const char *const level_names[] = {
  [ATL_CPU_BASELINE] = "baseline",
  [ATL_CPU_AVX2] = "avx2",
  [ATL_CPU_AVX512] = "avx512",
};

static const char *const level_titles[] = {
  [ATL_CPU_BASELINE] = N_ ("without AVX2"),
  [ATL_CPU_AVX2] = "AVX2",
  [ATL_CPU_AVX512] = "AVX-512",
};

/* __builtin_cpu_supports () also asks XGETBV whether the system saves the wide registers. */
static AtlCpuLevel
level_of_processor (void)
{
#if defined(__x86_64__)
  __builtin_cpu_init ();

  if (! (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma")))
    return ATL_CPU_BASELINE;

  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl"))
    return ATL_CPU_AVX512;

  return ATL_CPU_AVX2;
#else
  return ATL_CPU_BASELINE;
#endif
}

static AtlCpuLevel
level_allowed (void)
{
  const char *wanted = g_getenv ("ATELIER_CPU");

  if (wanted == NULL || *wanted == '\0')
    return ATL_CPU_AVX512;

  for (size_t i = 0; i < G_N_ELEMENTS (level_names); i++)
    if (g_str_equal (wanted, level_names[i]))
      return (AtlCpuLevel) i;

  g_warning ("ATELIER_CPU is '%s', but only baseline, avx2 and avx512 are known; ignored", wanted);
  return ATL_CPU_AVX512;
}

AtlCpuLevel
atl_cpu_level (void)
{
  static size_t level_plus_one = 0;

  if (g_once_init_enter (&level_plus_one))
    {
      const AtlCpuLevel has = level_of_processor (), allowed = level_allowed ();
      const AtlCpuLevel level = MIN (has, allowed); /* evaluates its arguments twice */

      g_once_init_leave (&level_plus_one, (size_t) level + 1);
    }

  return (AtlCpuLevel) (level_plus_one - 1);
}

gboolean
atl_cpu_is_lowered (void)
{
  return atl_cpu_level () < level_of_processor ();
}

const char *
atl_cpu_level_name (AtlCpuLevel level)
{
  return level_names[level];
}

const char *
atl_cpu_level_title (AtlCpuLevel level)
{
  return _ (level_titles[level]);
}
