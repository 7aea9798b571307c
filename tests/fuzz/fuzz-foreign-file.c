/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fuzzing of files of other programs: archives, pickles and tensors. By hand as fuzz-weight-file.c has it, with
 *
 *   tests/fuzz/make-foreign-seeds.py seeds
 *   build-fuzz/tests/fuzz/fuzz-foreign-file -dict=tests/fuzz/foreign-file.dict -max_total_time=300 seeds
 */

#include <stdint.h>

#include "weights/foreign-file.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlForeignFile) file = atl_foreign_file_open_memory ("fuzz", data, size, &error);

  /* A failure has a message, and only a failure. */
  if ((file == NULL) != (error != NULL && g_utf8_validate (error->message, -1, NULL)))
    __builtin_trap ();
  if (file == NULL)
    return 0;

  for (int i = 0; i < atl_foreign_file_n_tensors (file); i++)
    {
      const AtlTensorInfo *info = atl_foreign_file_tensor (file, i);

      if (atl_foreign_file_find (file, info->name) != info)
        __builtin_trap ();
      /* Numbers may be repeated, without end; whoever reads a tensor knows how large it must be. */
      if (info->size > size)
        continue;

      g_autofree float *values = g_new (float, info->size);
      atl_foreign_file_read (file, info, values, NULL);
    }
  return 0;
}
