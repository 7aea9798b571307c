/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fuzz target without a fuzzer: its seeds, and what small damage makes of them. A target that finds
 * something ends the process.
 */

#include "suite.h"

#include <stdint.h>
#include <string.h>

#include "temporary.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Cut anywhere, and with each byte replaced by some that mean something in JSON, in a pickle or in a size. */
static void
run_damaged (const char *seed, size_t size)
{
  static const char bytes[] = { '\0', '"', '[', '}', '9', '\xff', '(', 't', 'R', '\x7f' };
  const size_t stride = atl_test_quick () ? 37 : 1;
  g_autofree uint8_t *damaged = g_malloc (size);

  for (size_t n = 0; n < size; n += stride)
    {
      memcpy (damaged, seed, size);
      LLVMFuzzerTestOneInput (damaged, n);
      for (size_t i = 0; i < sizeof bytes; i++)
        {
          damaged[n] = (uint8_t) bytes[i];
          LLVMFuzzerTestOneInput (damaged, size);
        }
    }
}

static void
seeds_and_damaged_ones (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  const char *const command[] = { PYTHON, MAKE_SEEDS, folder, NULL };
  g_autoptr (GError) error = NULL;
  int wait_status = 1, n_seeds = 0;
  const char *name;

  CU_ASSERT (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                           &wait_status, &error));
  atl_test_no_error (error);
  CU_ASSERT_EQUAL_FATAL (wait_status, 0);

  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *seed = NULL;
      size_t size;

      CU_ASSERT_FATAL (g_file_get_contents (path, &seed, &size, NULL));
      LLVMFuzzerTestOneInput ((const uint8_t *) seed, size);
      run_damaged (seed, size);
      n_seeds++;
    }
  CU_ASSERT (n_seeds > 5);
}

int
main (void)
{
  static const AtlTest tests[] = { { "seeds and damaged ones", seeds_and_damaged_ones } };

  return atl_suite_run (SUITE, tests, G_N_ELEMENTS (tests));
}
