/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fuzzing of weight files: header, card, tensors and the network's config. By hand:
 *
 *   CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz tests/fuzz/fuzz-weight-file
 *   tests/fuzz/make-seeds.py seeds
 *   build-fuzz/tests/fuzz/fuzz-weight-file -dict=tests/fuzz/weight-file.dict -max_total_time=300 seeds
 */

#include <stdint.h>

#include "nets/network.h"
#include "weights/weight-file.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlWeightFile) file = atl_weight_file_open_memory ("fuzz", data, size, &error);
  AtlNetworkConfig config;

  /* A failure has a message, and only a failure. */
  if ((file == NULL) != (error != NULL && g_utf8_validate (error->message, -1, NULL)))
    __builtin_trap ();
  if (file == NULL)
    return 0;

  for (int i = 0; i < atl_weight_file_n_tensors (file); i++)
    {
      const AtlTensorInfo *info = atl_weight_file_tensor (file, i);
      g_autofree float *values = g_new (float, info->size);

      if (atl_weight_file_find (file, info->name) != info)
        __builtin_trap ();
      atl_weight_file_read (file, info, values, NULL);
    }

  const AtlCard *card = atl_weight_file_card (file);
  if (card->task != NULL)
    atl_network_config_parse (&config, card->arch, card->config, NULL);
  return 0;
}
