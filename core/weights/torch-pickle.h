/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the pickle in a file of PyTorch says: which tensors there are, and in what order the numbers of each lie in its
 * storage. Where a storage lies in the file, other parts of the file say.
 */

#pragma once

#include "weights/weight-file.h"

G_BEGIN_DECLS

/* A row of numbers, which tensors may share. */
typedef struct
{
  char *key;        /* its name in the file */
  const char *type; /* "torch.FloatStorage" */
  guint64 size;     /* in numbers */
  guint64 n_bytes;  /* of all of them; checked not to overflow */
  guint64 offset;   /* in the file, in bytes; to be set, as is the following */
  gboolean is_placed;
} AtlTorchStorage;

typedef struct
{
  AtlTensorInfo info; /* first, so that the one is found from the other */
  char *name;
  AtlTorchStorage *storage;
  guint64 first;      /* of its numbers in the storage */
  guint64 strides[4]; /* in numbers; the last number lies in the storage too */
} AtlTorchTensor;

typedef struct
{
  GArray *tensors;      /* of AtlTorchTensor, those of floats */
  GHashTable *storages; /* key -> AtlTorchStorage, those of integers too; owned */
} AtlTorchPickle;

/* Reads a pickle of a dict of tensors, or of a dict that has one as 'state_dict' or 'model'; see atl_pickle_parse () for
 * what it may be followed by. ATL_ERROR_FORMAT if it is damaged, or more than data. */
AtlTorchPickle *atl_torch_pickle_parse (const guint8 *bytes, size_t size, size_t *n_read,
                                        GError **error);
void atl_torch_pickle_free (AtlTorchPickle *pickle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTorchPickle, atl_torch_pickle_free)

G_END_DECLS
