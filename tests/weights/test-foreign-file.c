/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files of other programs: every tensor is what PyTorch says it is, and a file that wants more than to be read is
 * refused. Hostile archives and pickles are made here, since no program writes them.
 */

#include "suite.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "temporary.h"
#include "weights/foreign-file.h"

/* Reads a tensor that must be there; freed by g_free (). */
static float *
read_tensor (const AtlForeignFile *file, const AtlTensorInfo *info)
{
  float *values = g_new (float, info->size);
  g_autoptr (GError) error = NULL;

  CU_ASSERT (atl_foreign_file_read (file, info, values, &error));
  atl_test_no_error (error);
  return values;
}

/* The file has the tensors of state.safetensors, of these shapes, and to the last bit. */
static void
reads_what_pytorch_wrote (void)
{
  const char *path = atl_test_data ();
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlForeignFile) file = atl_foreign_file_open (path, &error);
  g_autoptr (AtlForeignFile)
      expected = atl_foreign_file_open (TEST_FOLDER "/state.safetensors", NULL);

  atl_test_no_error (error);
  CU_ASSERT_FATAL (file != NULL && expected != NULL);
  CU_ASSERT_EQUAL (atl_foreign_file_n_tensors (file), 15);
  CU_ASSERT_EQUAL_FATAL (atl_foreign_file_n_tensors (file), atl_foreign_file_n_tensors (expected));

  for (int i = 0; i < atl_foreign_file_n_tensors (expected); i++)
    {
      const AtlTensorInfo *wanted = atl_foreign_file_tensor (expected, i);
      const AtlTensorInfo *found = atl_foreign_file_find (file, wanted->name);

      CU_ASSERT_PTR_NOT_NULL_FATAL (found);
      CU_ASSERT_PTR_EQUAL (found, atl_foreign_file_tensor (file, i));
      CU_ASSERT_FATAL (found->size == wanted->size && found->n_dims == wanted->n_dims);
      CU_ASSERT (memcmp (found->dims, wanted->dims, sizeof wanted->dims) == 0);

      g_autofree float *a = read_tensor (file, found), *b = read_tensor (expected, wanted);
      if (memcmp (a, b, found->size * sizeof a[0]) != 0)
        printf ("  '%s' has other numbers\n", wanted->name);
      CU_ASSERT (memcmp (a, b, found->size * sizeof a[0]) == 0);
    }
  CU_ASSERT_PTR_NULL (atl_foreign_file_find (file, "norm.num_batches_tracked"));
  CU_ASSERT_PTR_NULL (atl_foreign_file_find (file, "kind.integers"));
  CU_ASSERT_PTR_NULL (atl_foreign_file_find (file, "module.conv.weight"));
}

/* Of safetensors, the kinds of floats that we do not write. */
static void
reads_kinds_of_floats (void)
{
  static const float bfloat16[] = { 1.0f, -2.5f, 0x1.c4p+127f, 0x1p-133f, 0.333984375f };
  static const float float64[] = { 1.0f, -2.5f, 1e30f, 0x1.65p-140f, 1.0f / 3.0f };
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlForeignFile)
      file = atl_foreign_file_open (TEST_FOLDER "/kinds.safetensors", &error);

  atl_test_no_error (error);
  CU_ASSERT_FATAL (file != NULL && atl_foreign_file_n_tensors (file) == 3);
  const AtlTensorInfo *a = atl_foreign_file_find (file, "kind.bfloat16");
  const AtlTensorInfo *b = atl_foreign_file_find (file, "kind.double");
  CU_ASSERT_FATAL (a != NULL && a->size == 5 && b != NULL && b->size == 5);
  CU_ASSERT (a->dtype == ATL_DTYPE_BF16 && b->dtype == ATL_DTYPE_F64);
  g_autofree float *found_a = read_tensor (file, a), *found_b = read_tensor (file, b);
  for (int i = 0; i < 5; i++)
    {
      CU_ASSERT_EQUAL (found_a[i], bfloat16[i]);
      CU_ASSERT_EQUAL (found_b[i], float64[i]);
    }
}

static void
runs_nothing (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (atl_foreign_file_open (TEST_FOLDER "/hostile.pth", &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  CU_ASSERT (g_str_has_prefix (error->message, "'" TEST_FOLDER "/hostile.pth': "));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                  "it wants to run 'posix.system': such files can run programs");
  CU_ASSERT_FALSE (g_file_test ("/tmp/atelier-was-run", G_FILE_TEST_EXISTS));
}

/* Archives and rows made here. */

static void
append_number (GByteArray *bytes, guint64 number, int n)
{
  for (int i = 0; i < n; i++)
    {
      const guint8 byte = i < 8 ? (guint8) (number >> 8 * i) : 0;

      g_byte_array_append (bytes, &byte, 1);
    }
}

/* What makes an archive another one than PyTorch's. */
typedef struct
{
  guint64 method, flags, data_size, stored_size; /* sizes of data/0: 0 for the right ones */
  guint64 local_offset;                          /* added */
  guint64 n_members;                             /* added */
  const char *byte_order;
  gboolean twice;
} Faults;

static void
append_member (GByteArray *archive, GByteArray *directory, const char *name, const void *data,
               size_t size, const Faults *faults)
{
  const guint64 offset = archive->len + faults->local_offset;
  const size_t n_name = strlen (name);
  const guint64 told = faults->data_size != 0 ? faults->data_size : size;

  append_number (archive, 0x04034b50, 4);
  append_number (archive, 0, 22); /* PyTorch leaves the sizes open here */
  append_number (archive, n_name, 2);
  append_number (archive, 3, 2); /* extra bytes, which the directory does not have */
  g_byte_array_append (archive, (const guint8 *) name, (guint) n_name);
  append_number (archive, 0, 3);
  g_byte_array_append (archive, data, (guint) size);

  append_number (directory, 0x02014b50, 4);
  append_number (directory, 0, 4);
  append_number (directory, faults->flags, 2);
  append_number (directory, faults->method, 2);
  append_number (directory, 0, 8);
  append_number (directory, faults->stored_size != 0 ? faults->stored_size : told, 4);
  append_number (directory, told, 4);
  append_number (directory, n_name, 2);
  append_number (directory, 0, 12);
  append_number (directory, offset, 4);
  g_byte_array_append (directory, (const guint8 *) name, (guint) n_name);
}

/* An archive with this pickle and a storage '0' of eight floats. */
static GByteArray *
archive_of (const void *pickle, size_t size, const Faults *faults)
{
  static const Faults none = { 0 };
  static const float storage[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  GByteArray *archive = g_byte_array_new ();
  g_autoptr (GByteArray) directory = g_byte_array_new ();

  append_member (archive, directory, "a/data.pkl", pickle, size, &none);
  append_member (archive, directory, "a/data/0", storage, sizeof storage, faults);
  if (faults->twice)
    append_member (archive, directory, "a/data/0", storage, sizeof storage, &none);
  if (faults->byte_order != NULL)
    append_member (archive, directory, "a/byteorder", faults->byte_order,
                   strlen (faults->byte_order), &none);

  const guint64 offset = archive->len;
  const guint64 n_members = 2 + faults->twice + (faults->byte_order != NULL) + faults->n_members;
  g_byte_array_append (archive, directory->data, directory->len);
  append_number (archive, 0x06054b50, 4);
  append_number (archive, 0, 4);
  append_number (archive, n_members, 2);
  append_number (archive, n_members, 2);
  append_number (archive, directory->len, 4);
  append_number (archive, offset, 4);
  append_number (archive, 0, 2);
  return archive;
}

/* The parts of a pickle of {'a': tensor of 2 x 3}, the instructions as in pickletools.py. */
#define BEGIN "\x80\x02}X\1\0\0\0a"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
#define STORAGE                                                                                    \
  "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                                               \
  "0X\3\0\0\0cpuK\10tQ"
#define REST "\x89}t"
#define END "Rs."
#define SHAPE "K\2K\3\x86"
#define TENSOR(first, shape, strides) BEGIN REBUILD "(" STORAGE first shape strides REST END

#define IS(pickle) (pickle), sizeof (pickle) - 1

static void
is_refused (const void *bytes, size_t size, const Faults *faults, const char *message)
{
  g_autoptr (GByteArray) archive = archive_of (bytes, size, faults);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlForeignFile)
      file = atl_foreign_file_open_memory ("hostile", archive->data, archive->len, &error);

  if (file != NULL)
    {
      printf ("  accepted, and expected: %s\n", message);
      CU_FAIL ("a hostile file was accepted");
      return;
    }
  CU_ASSERT (g_str_has_prefix (error->message, "'hostile': "));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, message);
}

static void
accepts_what_is_right (void)
{
  static const struct
  {
    const char *pickle;
    size_t size;
    float values[6];
  } cases[] = {
    { IS (TENSOR ("K\0", SHAPE, "K\3K\1\x86")), { 1, 2, 3, 4, 5, 6 } },
    { IS (TENSOR ("K\2", SHAPE, "K\3K\1\x86")), { 3, 4, 5, 6, 7, 8 } },
    { IS (TENSOR ("K\0", SHAPE, "K\1K\2\x86")), { 1, 3, 5, 2, 4, 6 } },
    { IS (TENSOR ("K\7", SHAPE, "K\0K\0\x86")), { 8, 8, 8, 8, 8, 8 } },
    { IS (TENSOR ("J\0\0\0\0", SHAPE, "\x8a\1\3\x8a\0\x86")), { 1, 1, 1, 4, 4, 4 } },
  };
  static const Faults none = { 0 }, little = { .byte_order = "little" };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray)
          archive = archive_of (cases[i].pickle, cases[i].size, i % 2 == 0 ? &none : &little);
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlForeignFile)
          file = atl_foreign_file_open_memory ("good", archive->data, archive->len, &error);

      atl_test_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (file);
      const AtlTensorInfo *info = atl_foreign_file_find (file, "a");
      CU_ASSERT_FATAL (info != NULL && info->size == 6 && info->dims[0] == 2 && info->dims[1] == 3);
      g_autofree float *values = read_tensor (file, info);
      CU_ASSERT (memcmp (values, cases[i].values, sizeof cases[i].values) == 0);
    }
}

static void
refuses_bad_tensors (void)
{
  static const Faults none = { 0 };
  static const char *const shape = "tensor 'a' has an impossible shape";
  static const struct
  {
    const char *pickle;
    size_t size;
  } cases[] = {
    { IS (TENSOR ("K\3", SHAPE, "K\3K\1\x86")) },                      /* one number too far */
    { IS (TENSOR ("K\0", SHAPE, "K\6K\1\x86")) },                      /* the same by its strides */
    { IS (TENSOR ("K\0", "K\2K\0\x86", "K\3K\1\x86")) },               /* no numbers */
    { IS (TENSOR ("K\0", "K\2J\xff\xff\xff\xff\x86", "K\3K\1\x86")) }, /* a negative side */
    { IS (TENSOR ("J\xff\xff\xff\xff", SHAPE, "K\3K\1\x86")) },
    { IS (TENSOR ("K\0", SHAPE, "K\3J\xff\xff\xff\xff\x86")) },
    { IS (TENSOR ("K\0", SHAPE, "K\3\x85")) }, /* fewer strides than sides */
    { IS (TENSOR ("K\0", "(K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1t")) },
    { IS (
        TENSOR ("K\0", "J\xff\xff\xff\x7f\x85", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85")) },
    { IS (TENSOR ("K\0", "(J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", "(K\0K\0K\0t")) },
    { IS (TENSOR ("N", SHAPE, "K\3K\1\x86")) },
    { IS (TENSOR ("K\0", "]", "]")) },
    { IS (BEGIN REBUILD ")Rs.") },
    { IS (BEGIN REBUILD "(NK\0" SHAPE "K\3K\1\x86" REST END) },
    { IS (BEGIN REBUILD "(K\1QK\0" SHAPE "K\3K\1\x86" REST END) },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    is_refused (cases[i].pickle, cases[i].size, &none, shape);
}

static void
refuses_other_pickles (void)
{
  static const Faults none = { 0 };
  static const struct
  {
    const char *pickle;
    size_t size;
    const char *message;
  } cases[] = {
    { IS ("cos\nsystem\n(X\2\0\0\0lstR."), "it wants to run 'os.system'" },
    { IS ("\x80\2cos\nsys\33tem\n."), "it wants to run 'os.sys?tem'" },
    { IS ("\x80\4\x8c\2os\x8c\6system\x93)R."), "it wants to run 'os.system'" },
    { IS ("(ios\nsystem\n."), "it wants to run 'os.system'" },
    { IS ("\x80\2cbuiltins\neval\n."), "it wants to run 'builtins.eval'" },
    { IS ("\x80\2ctorch\nFloatStorage\n)R."), "it wants to run 'torch.FloatStorage'" },
    { IS ("\x80\2ccollections\nOrderedDict\n]\x85R."),
      "it wants to run 'collections.OrderedDict'" },
    { IS ("\x80\2ccollections\nOrderedDict\n)\x81."), "the instruction 0x81 is not known here" },
    { IS ("\x80\2\x82\1."), "the instruction 0x82 is not known here" },
    { IS (""), "it ends too early" },
    { IS ("\x80"), "it ends too early" },
    { IS ("\x80\2"), "it ends too early" },
    { IS ("\x80\1N."), "an unknown protocol" },
    { IS ("\x80\6N."), "an unknown protocol" },
    { IS ("\x80\2."), "a value is missing" },
    { IS ("\x80\2N(."), "a value is missing" },
    { IS ("\x80\2t."), "a mark is missing" },
    { IS ("\x80\2N\x86."), "a value is missing" },
    { IS ("\x80\2N(\x85."), "a value is missing" },
    { IS ("\x80\2h\1."), "a value is missing" },
    { IS ("\x80\2q\1."), "a value is missing" },
    { IS ("\x80\2X\xff\xff\xff\xff"
          "a."),
      "it ends too early" },
    { IS ("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
          "a."),
      "it ends too early" },
    { IS ("\x80\2X\3\0\0\0a\0b."), "a text with a zero" },
    { IS ("\x80\2cos"), "it ends too early" },
    { IS ("\x80\2cos\nsystem"), "it ends too early" },
    { IS ("\x80\2NNs."), "a value is missing" },
    { IS ("\x80\2NNNs."), "values for what is no container of such" },
    { IS ("\x80\2}(Nu."), "values for what is no container of such" },
    { IS ("\x80\2}Na."), "values for what is no container of such" },
    { IS ("\x80\2N}b."), "attributes for what has none" },
    { IS ("\x80\2N)R."), "a call of what is no function" },
    { IS ("\x80\2NN\x93."), "a name is missing" },
    { IS ("\x80\2N."), "there are no tensors with names in it" },
    { IS ("\x80\2}."), "there are no tensors with names in it" },
    { IS ("\x80\2}q\0h\0h\0s."), "there are no tensors with names in it" },
    { IS (BEGIN REBUILD "(" STORAGE "K\0" SHAPE "K\3K\1\x86" REST "Rs"
                        "X\1\0\0\0"
                        "a" REBUILD "(" STORAGE "K\0" SHAPE "K\3K\1\x86" REST END),
      "there are two tensors 'a'" },
    { IS ("\x80\2}X\1\0\0\0\n" REBUILD "(" STORAGE "K\0" SHAPE "K\3K\1\x86" REST END),
      "'?' cannot be the name of a tensor" },
    { IS ("\x80\2}X\1\0\0\0\xff" REBUILD "(" STORAGE "K\0" SHAPE "K\3K\1\x86" REST END),
      "cannot be the name of a tensor" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    is_refused (cases[i].pickle, cases[i].size, &none, cases[i].message);
}

static void
refuses_bad_archives (void)
{
  static const struct
  {
    Faults faults;
    const char *message;
  } cases[] = {
    { { .method = 8 }, "'a/data/0' in it is compressed or encrypted" },
    { { .flags = 1 }, "'a/data/0' in it is compressed or encrypted" },
    { { .stored_size = 31 }, "'a/data/0' in it is compressed or encrypted" },
    { { .data_size = 100000, .stored_size = 100000 }, "is larger than the file" },
    { { .data_size = G_MAXUINT32 }, "a size is missing" },
    { { .data_size = 31 }, "tensor 'a' lies outside of the file" },
    { { .local_offset = 1 }, "a member is not where it should be" },
    { { .local_offset = 100000 }, "refers to what is outside of the file" },
    { { .n_members = 1 }, "its directory is too short" },
    { { .n_members = 60000 }, "its directory is too large" },
    { { .twice = TRUE }, "a member is there twice" },
    { { .byte_order = "big" }, "its numbers are not little-endian" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    is_refused (IS (TENSOR ("K\0", SHAPE, "K\3K\1\x86")), &cases[i].faults, cases[i].message);
}

/* The file of before PyTorch 1.6 with one byte changed behind the first place of a text. */
static void
old_file_is_refused (const char *text, guint8 from, guint8 to, const char *message)
{
  g_autofree char *bytes = NULL;
  size_t size = 0;
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FATAL (g_file_get_contents (TEST_FOLDER "/state-old.pth", &bytes, &size, NULL));
  char *place = memmem (bytes, size, text, strlen (text));
  CU_ASSERT_PTR_NOT_NULL_FATAL (place);
  place = memchr (place + strlen (text), from, size - (size_t) (place - bytes) - strlen (text));
  CU_ASSERT_PTR_NOT_NULL_FATAL (place);
  *place = (char) to;
  CU_ASSERT_PTR_NULL (atl_foreign_file_open_memory ("old", bytes, size, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, message);
}

static void
refuses_bad_old_files (void)
{
  old_file_is_refused ("little_endian", 0x88, 0x89, "its numbers are not little-endian");
  old_file_is_refused ("FloatStorag", 'e', 'x', "it wants to run 'torch.FloatStoragx'");
  /* The size of a storage that tensors share: only one of them says so. */
  old_file_is_refused ("strided.transposed", 30, 31, "has an impossible shape");
}

/* A pickle that makes values without end; and texts, of which none may be larger than the file. */
static void
refuses_too_much (void)
{
  static const Faults none = { 0 };
  const size_t size = 1000000;
  g_autofree char *bytes = g_malloc (size);

  static const char filling[] = { 'N', '(', ']', 'K' };
  for (size_t i = 0; i < G_N_ELEMENTS (filling); i++)
    {
      memset (bytes, filling[i], size);
      memcpy (bytes, "\x80\2", 2);
      is_refused (bytes, size, &none, "too many values");
    }
}

/* A list in a list in a list, and a dict that contains itself: nothing follows them. */
static void
deep_and_ringed_values (void)
{
  static const Faults none = { 0 };
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  static const char ring[] = "}q\0X\1\0\0\0bh\0s";
  static const char wrapped[] = "X\12\0\0\0state_dict";
  const int depth = 100000;

  g_byte_array_append (pickle, (const guint8 *) "\x80\2", 2);
  for (int i = 0; i < depth; i++)
    g_byte_array_append (pickle, (const guint8 *) "]", 1);
  for (int i = 1; i < depth; i++)
    g_byte_array_append (pickle, (const guint8 *) "a", 1);
  g_byte_array_append (pickle, (const guint8 *) ".", 1);
  is_refused (pickle->data, pickle->len, &none, "there are no tensors with names in it");

  g_byte_array_set_size (pickle, 2);
  g_byte_array_append (pickle, (const guint8 *) ring, sizeof ring - 1);
  g_byte_array_append (pickle, (const guint8 *) wrapped, sizeof wrapped - 1);
  g_byte_array_append (pickle, (const guint8 *) "h\0s.", 4);
  is_refused (pickle->data, pickle->len, &none, "there are no tensors with names in it");
}

/* Reads all there is, so that a sanitizer sees every access. Whether the file was accepted. */
static gboolean
read_all (const char *bytes, size_t size)
{
  /* A copy of exactly this size, for the sanitizer's guards. */
  g_autofree guint8 *exact = size > 0 ? g_memdup2 (bytes, size) : NULL;
  g_autoptr (AtlForeignFile) file = atl_foreign_file_open_memory ("x", exact, size, NULL);

  for (int i = 0; file != NULL && i < atl_foreign_file_n_tensors (file); i++)
    {
      const AtlTensorInfo *info = atl_foreign_file_tensor (file, i);

      if (info->size > size) /* repeated numbers */
        continue;
      g_autofree float *values = g_new (float, info->size);
      atl_foreign_file_read (file, info, values, NULL);
    }
  return file != NULL;
}

static void
every_truncation (void)
{
  const char *path = atl_test_data ();
  g_autofree char *bytes = NULL;
  size_t size = 0;
  int n_accepted = 0;

  CU_ASSERT_FATAL (g_file_get_contents (path, &bytes, &size, NULL));
  CU_ASSERT (read_all (bytes, size));
  for (size_t n = 0; n < size; n += atl_test_quick () ? 17 : 1)
    n_accepted += read_all (bytes, n);
  CU_ASSERT_EQUAL (n_accepted, 0);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reads an archive of PyTorch", reads_what_pytorch_wrote, TEST_FOLDER "/state.pth" },
    { "reads an old file", reads_what_pytorch_wrote, TEST_FOLDER "/state-old.pth" },
    { "reads another protocol", reads_what_pytorch_wrote, TEST_FOLDER "/state-protocol4.pth" },
    { "reads a checkpoint", reads_what_pytorch_wrote, TEST_FOLDER "/checkpoint.pth" },
    { "reads kinds of floats", reads_kinds_of_floats },
    { "runs nothing", runs_nothing },
    { "accepts what is right", accepts_what_is_right },
    { "refuses bad tensors", refuses_bad_tensors },
    { "refuses other pickles", refuses_other_pickles },
    { "refuses bad archives", refuses_bad_archives },
    { "refuses bad old files", refuses_bad_old_files },
    { "refuses too much", refuses_too_much },
    { "deep and ringed values", deep_and_ringed_values },
    { "every truncation of an archive", every_truncation, TEST_FOLDER "/state.pth" },
    { "every truncation of an old file", every_truncation, TEST_FOLDER "/state-old.pth" },
  };

  return atl_suite_run ("foreign-file", tests, G_N_ELEMENTS (tests));
}
