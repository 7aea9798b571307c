/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The instruction set: ATELIER_CPU lowers it and never raises it, and a wrong value is told of once. The
 * level is found once in a process, so each case runs in a child: this program with the argument "level",
 * which prints its level.
 */

#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/cpu.h"

static char *this_program;

static AtlCpuLevel
level_from_name (const char *name)
{
  for (int level = ATL_CPU_BASELINE; level <= ATL_CPU_AVX512; level++)
    if (g_str_equal (name, atl_cpu_level_name ((AtlCpuLevel) level)))
      return (AtlCpuLevel) level;

  printf ("  '%s' is not a level\n", name);
  CU_FAIL ("a level was expected");
  return ATL_CPU_BASELINE;
}

/* The level of a child for which ATELIER_CPU is 'wanted' (NULL = unset); what it says on standard error
 * goes to *messages, if that is not NULL. */
static AtlCpuLevel
level_of_child (const char *wanted, char **messages)
{
  char *argv[] = { this_program, (char *) "level", NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autofree char *output = NULL, *errors = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  environment = g_environ_unsetenv (environment, "ATELIER_CPU");
  if (wanted != NULL)
    environment = g_environ_setenv (environment, "ATELIER_CPU", wanted, TRUE);

  g_spawn_sync (NULL, argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors, &status,
                &error);
  atl_test_no_error (error);
  CU_ASSERT_TRUE (error == NULL && g_spawn_check_wait_status (status, NULL));

  if (messages != NULL)
    *messages = g_steal_pointer (&errors);
  return output != NULL ? level_from_name (output) : ATL_CPU_BASELINE;
}

static void
lowered_never_raised (void)
{
  const AtlCpuLevel highest = level_of_child (NULL, NULL);

  for (int level = ATL_CPU_BASELINE; level <= ATL_CPU_AVX512; level++)
    CU_ASSERT_EQUAL (level_of_child (atl_cpu_level_name ((AtlCpuLevel) level), NULL),
                     MIN ((AtlCpuLevel) level, highest));
}

/* What the kernel says of the processor, where it says it. */
static void
processor_has_it (void)
{
  g_autofree char *cpuinfo = NULL;
  const AtlCpuLevel highest = level_of_child (NULL, NULL);

  if (! g_file_get_contents ("/proc/cpuinfo", &cpuinfo, NULL, NULL))
    {
      atl_test_skip ("there is no /proc/cpuinfo");
      return;
    }

  const gboolean has_avx2 = strstr (cpuinfo, " avx2 ") != NULL && strstr (cpuinfo, " fma ") != NULL;
  const gboolean has_avx512 = has_avx2 && strstr (cpuinfo, " avx512f ") != NULL
                              && strstr (cpuinfo, " avx512bw ") != NULL
                              && strstr (cpuinfo, " avx512dq ") != NULL
                              && strstr (cpuinfo, " avx512vl ") != NULL;

  CU_ASSERT_EQUAL (highest, has_avx512 ? ATL_CPU_AVX512
                            : has_avx2 ? ATL_CPU_AVX2
                                       : ATL_CPU_BASELINE);
}

static void
unknown_is_ignored (void)
{
  g_autofree char *messages = NULL, *none = NULL;
  const AtlCpuLevel highest = level_of_child ("", &none);

  CU_ASSERT_STRING_EQUAL (none, "");
  CU_ASSERT_EQUAL (level_of_child ("warp", &messages), highest);

  const char *found = strstr (messages, "'warp'");

  CU_ASSERT_PTR_NOT_NULL_FATAL (found);
  CU_ASSERT_PTR_NULL (strstr (found + 1, "'warp'"));
}

static void
has_a_title (void)
{
  CU_ASSERT_STRING_EQUAL (atl_cpu_level_title (ATL_CPU_BASELINE), "without AVX2");
  CU_ASSERT_STRING_EQUAL (atl_cpu_level_title (ATL_CPU_AVX2), "AVX2");
  CU_ASSERT_STRING_EQUAL (atl_cpu_level_title (ATL_CPU_AVX512), "AVX-512");
}

int
main (int argc, char **argv)
{
  static const AtlTest tests[] = {
    { "has a title", has_a_title },
    { "lowered, never raised", lowered_never_raised },
    { "processor has it", processor_has_it },
    { "unknown is ignored", unknown_is_ignored },
  };

  if (argc == 2 && g_str_equal (argv[1], "level"))
    {
      atl_cpu_level (); /* asked twice: it must not warn twice */
      printf ("%s", atl_cpu_level_name (atl_cpu_level ()));
      return 0;
    }

  this_program = argv[0];
  return atl_suite_run ("cpu", tests, G_N_ELEMENTS (tests));
}
