/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight files in the safetensors format: an 8-byte little-endian length, that many bytes of JSON
 * (name -> dtype, shape, data_offsets; __metadata__ -> strings), then the numbers, little-endian.
 *
 * A weight file is hostile input: sizes, offsets, overlaps, holes, dtypes, names, duplicate keys, JSON
 * depth and shapes are checked before anything is allocated for them, and every number is checked to be
 * finite when it is read. F32, F16, BF16 and F64 tensors are read as float; integer tensors are skipped.
 */

#pragma once

#include "weights/card.h"
#include "weights/dtype.h"

G_BEGIN_DECLS

typedef struct AtlWeightFile AtlWeightFile;

typedef struct
{
  const char *name;
  AtlDtype dtype;
  int n_dims;  /* 0 to 4 */
  int dims[4]; /* outermost first */
  size_t size; /* the product of dims */
} AtlTensorInfo;

/* Whether n of a tensor's numbers, from number 'start' on, are finite; values[0] is the tensor's first. ATL_ERROR_FORMAT
 * tells which is not. */
gboolean atl_tensor_check_finite (const AtlTensorInfo *info, const float *values, size_t start,
                                  size_t n, GError **error);

/* Opens and checks a file. ATL_ERROR_FORMAT says what is wrong with it; G_FILE_ERROR that it cannot be
 * read. A file without a card is opened, with a card whose members are all NULL: foreign files have
 * none. Messages begin with the file's name. */
AtlWeightFile *atl_weight_file_open (const char *path, GError **error);
void atl_weight_file_close (AtlWeightFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlWeightFile, atl_weight_file_close)

/* The same for a file that is in memory already, for tests and fuzzing; 'name' is used in messages.
 * 'data' is borrowed until the file is closed. */
AtlWeightFile *atl_weight_file_open_memory (const char *name, const void *data, size_t size,
                                            GError **error);

/* Puts the file's name before the message of an error about its contents, as the messages here have. */
void atl_weight_file_prefix_error (const AtlWeightFile *file, GError **error);

const char *atl_weight_file_path (const AtlWeightFile *file);
/* In bytes. */
size_t atl_weight_file_size (const AtlWeightFile *file);
/* The SHA-256 of the whole file in hexadecimal digits; owned by the caller. Errors as of reading. */
char *atl_weight_file_checksum (const AtlWeightFile *file, GError **error);
/* Borrowed, like all that follows, until the file is closed. */
const AtlCard *atl_weight_file_card (const AtlWeightFile *file);
int atl_weight_file_n_tensors (const AtlWeightFile *file);
/* In the order of the names. */
const AtlTensorInfo *atl_weight_file_tensor (const AtlWeightFile *file, int index);
/* NULL if there is none of this name. */
const AtlTensorInfo *atl_weight_file_find (const AtlWeightFile *file, const char *name);

/* Reads a tensor as info->size floats. ATL_ERROR_FORMAT if one is not finite, or if the file has become
 * shorter since it was opened; G_FILE_ERROR if it can no longer be read. */
gboolean atl_weight_file_read (const AtlWeightFile *file, const AtlTensorInfo *info, float *values,
                               GError **error);

/* One tensor to be written. */
typedef struct
{
  const char *name;
  int n_dims;
  int dims[4];
  const float *values;
} AtlTensorToWrite;

/* Writes a file: to a temporary one beside it, which is then renamed. 'dtype' is F32 or F16. Fails if a value is not
 * finite or too large for F16. */
gboolean atl_weight_file_write (const char *path, const AtlCard *card,
                                const AtlTensorToWrite *tensors, int n_tensors, AtlDtype dtype,
                                GError **error);

G_END_DECLS
