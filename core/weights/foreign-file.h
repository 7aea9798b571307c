/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight files of other programs, of any kind that is known: safetensors, and those of PyTorch.
 *
 * Names are as in the file without "module." before them, which PyTorch puts there when several devices train.
 */

#pragma once

#include "weights/weight-file.h"

G_BEGIN_DECLS

typedef struct AtlForeignFile AtlForeignFile;

/* Opens and checks a file; what kind it is, its contents tell. Errors as of atl_weight_file_open (). */
AtlForeignFile *atl_foreign_file_open (const char *path, GError **error);

/* The same for a file that is in memory, which is borrowed until the file is closed; 'name' is used in messages. */
AtlForeignFile *atl_foreign_file_open_memory (const char *name, const void *data, size_t size,
                                              GError **error);

void atl_foreign_file_close (AtlForeignFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlForeignFile, atl_foreign_file_close)

/* Puts the file's name before the message of an error about its contents, as the messages here have. */
void atl_foreign_file_prefix_error (const AtlForeignFile *file, GError **error);

/* Tensors of floats; those of integers are skipped. */
int atl_foreign_file_n_tensors (const AtlForeignFile *file);
/* In the order of the names; borrowed, like what follows. */
const AtlTensorInfo *atl_foreign_file_tensor (const AtlForeignFile *file, int index);
/* NULL if there is none of this name. */
const AtlTensorInfo *atl_foreign_file_find (const AtlForeignFile *file, const char *name);

/* Reads a tensor as atl_weight_file_read () does. */
gboolean atl_foreign_file_read (const AtlForeignFile *file, const AtlTensorInfo *info,
                                float *values, GError **error);

G_END_DECLS
