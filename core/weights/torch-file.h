/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight files of PyTorch, what torch.save () writes of a state dict: .pth, .pt, .bin.
 *
 * Such a file holds a pickle, which may tell Python to run anything; see pickle.h for what is read of it. The numbers
 * lie beside it, and are read when they are asked for.
 */

#pragma once

#include "weights/byte-source.h"
#include "weights/weight-file.h"

G_BEGIN_DECLS

typedef struct AtlTorchFile AtlTorchFile;

/* Whether a file begins as one of these does. */
gboolean atl_torch_file_is_one (const AtlByteSource *source);

/* Reads what tensors there are: those of a dict, or of the dict that it has as 'state_dict' or 'model'. Values that are
 * no tensors, and tensors of integers, are skipped. 'source' is borrowed until the file is closed. ATL_ERROR_FORMAT if
 * it is damaged, too large, or more than data. */
AtlTorchFile *atl_torch_file_new (const AtlByteSource *source, GError **error);
void atl_torch_file_free (AtlTorchFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTorchFile, atl_torch_file_free)

int atl_torch_file_n_tensors (const AtlTorchFile *file);
/* In the order of the file; borrowed. */
const AtlTensorInfo *atl_torch_file_tensor (const AtlTorchFile *file, int index);

/* Reads a tensor as info->size floats, the last dimension running fastest, however they lie in the file. Errors as of
 * atl_weight_file_read (). */
gboolean atl_torch_file_read (const AtlTorchFile *file, const AtlTensorInfo *info, float *values,
                              GError **error);

G_END_DECLS
