/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The JSON header of a safetensors file, read strictly:
 *
 *   {"__metadata__": {"key": "value", ...},
 *    "name": {"dtype": "F32", "shape": [64, 3, 3, 3], "data_offsets": [0, 6912]}, ...}
 *
 * A general reader would recurse without limit. Anything but the above is an error: other members, repeated names, negative or broken numbers.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum
{
  ATL_HEADER_MAX_BYTES = 16 * 1024 * 1024, /* a VGG needs 3 KiB; the rest is for long recipes */
  /* torchvision's ResNet-152 has 932. A header of 16 MiB could hold 300000, at 150 bytes of memory each. */
  ATL_HEADER_MAX_TENSORS = 10000,
  /* A card has 10 members, and other programs add some of their own. */
  ATL_HEADER_MAX_METADATA = 1000,
  /* Bytes. Ours have about 25 ("features.11.running_mean"), those of deeply nested networks twice as many. */
  ATL_HEADER_MAX_NAME = 256,
  /* Floats may have 4 (AtlTensorInfo); integers, which are skipped, also more. */
  ATL_HEADER_MAX_DIMS = 8
};

typedef struct
{
  char *name;  /* printable, not empty */
  char *dtype; /* as it stands there, known or not */
  int n_dims;
  guint64 dims[ATL_HEADER_MAX_DIMS]; /* outermost first */
  guint64 begin, end;                /* bytes in the data, as they stand there */
} AtlHeaderTensor;

typedef struct
{
  GArray *tensors;      /* of AtlHeaderTensor, in the order of the file */
  GHashTable *metadata; /* char * -> char * */
} AtlHeader;

/* ATL_ERROR_FORMAT says where in the header what was expected. */
AtlHeader *atl_header_parse (const char *text, size_t size, GError **error);
void atl_header_free (AtlHeader *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlHeader, atl_header_free)

G_END_DECLS
