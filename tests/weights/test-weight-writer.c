/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writing weight files: what is written is read again, the same input gives the same bytes, and a
 * failure leaves the old file.
 */

#include "suite.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "temporary.h"
#include "weights/weight-file.h"

static const float numbers[6] = { 0.0f, -1.5f, 3.25f, 65504.0f, 0x1p-24f, 1.0f / 3.0f };

/* In no order of their names. */
static const AtlTensorToWrite tensors[] = {
  { .name = "b.weight", .n_dims = 2, .dims = { 3, 2 }, .values = numbers },
  { .name = "a \"quoted\" \\ ü", .n_dims = 1, .dims = { 1 }, .values = numbers + 2 },
  { .name = "b.bias", .n_dims = 4, .dims = { 1, 2, 1, 2 }, .values = numbers },
};

/* Made by main (). */
static AtlCard *card;

static void
set (char **member, const char *value)
{
  g_free (*member);
  *member = g_strdup (value);
}

static AtlCard *
new_card (const char *task, const char *config)
{
  AtlCard *made = atl_card_new ();

  made->format = g_strdup ("1");
  made->task = g_strdup (task);
  made->arch = g_strdup ("a");
  made->config = g_strdup (config);
  made->input = g_strdup ("rgb-perceptual-unit-1");
  return made;
}

static gboolean
write_numbers (const char *path, const AtlTensorToWrite *to_write, int n, AtlDtype dtype,
               GError **error)
{
  return atl_weight_file_write (path, card, to_write, n, dtype, error);
}

static void
check_tensor (const AtlWeightFile *file, const AtlTensorToWrite *written, AtlDtype dtype)
{
  const AtlTensorInfo *info = atl_weight_file_find (file, written->name);
  float values[6];

  CU_ASSERT_FATAL (info != NULL && info->size <= 6);
  CU_ASSERT_EQUAL (info->dtype, dtype);
  CU_ASSERT_EQUAL (info->n_dims, written->n_dims);
  CU_ASSERT (memcmp (info->dims, written->dims, sizeof info->dims) == 0);
  CU_ASSERT (atl_weight_file_read (file, info, values, NULL));
  for (size_t i = 0; i < info->size; i++)
    /* All but 1/3 can be stored in 16 bits. */
    CU_ASSERT_EQUAL (values[i], dtype == ATL_DTYPE_F16 && written->values[i] == numbers[5]
                                    ? 0.333251953125f
                                    : written->values[i]);
}

static void
check_round_trip (AtlDtype dtype)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT (write_numbers (path, tensors, 3, dtype, &error));
  atl_test_no_error (error);
  atl_test_folder_holds (folder, "a.safetensors");

  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, &error);
  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT_EQUAL (atl_weight_file_n_tensors (file), 3);
  for (int i = 0; i < 3; i++)
    check_tensor (file, &tensors[i], dtype);
  CU_ASSERT_STRING_EQUAL (atl_weight_file_card (file)->description, card->description);
  CU_ASSERT_STRING_EQUAL (atl_weight_file_card (file)->config, card->config);
  CU_ASSERT_PTR_NULL (atl_weight_file_card (file)->name);
}

static void
round_trip (void)
{
  check_round_trip (ATL_DTYPE_F32);
  check_round_trip (ATL_DTYPE_F16);
}

/* The bytes, written down by hand from the description of the format. */
static void
known_bytes (void)
{
  static const char header[] = "{\"__metadata__\":{\"atelier.format\":\"1\",\"atelier.task\":\"t\","
                               "\"atelier.arch\":\"a\",\"atelier.config\":\"{}\","
                               "\"atelier.input\":\"rgb-perceptual-unit-1\"},"
                               "\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]},"
                               "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[2,6]}}";
  static const AtlTensorToWrite small[] = {
    { .name = "b", .n_dims = 1, .dims = { 2 }, .values = numbers + 1 },
    { .name = "a", .n_dims = 0, .values = numbers + 3 },
  };
  g_autoptr (AtlCard) known = new_card ("t", "{}");
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autofree guint8 *bytes = NULL;
  size_t size = 0;

  CU_ASSERT_FATAL (atl_weight_file_write (path, known, small, 2, ATL_DTYPE_F16, NULL));
  CU_ASSERT_FATAL (g_file_get_contents (path, (char **) &bytes, &size, NULL));

  const size_t length = (strlen (header) + 7) / 8 * 8;
  CU_ASSERT_EQUAL_FATAL (size, 8 + length + 6);
  CU_ASSERT (bytes[0] == (length & 0xff) && bytes[1] == length >> 8);
  CU_ASSERT (memcmp (bytes + 2, "\0\0\0\0\0\0", 6) == 0);
  CU_ASSERT (memcmp (bytes + 8, header, strlen (header)) == 0);
  for (size_t i = strlen (header); i < length; i++)
    CU_ASSERT_EQUAL (bytes[8 + i], ' ');
  CU_ASSERT (memcmp (bytes + 8 + length, "\xff\x7b\x00\xbe\x80\x42", 6) == 0);
}

static void
more_than_a_block (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autofree float *values = g_new (float, 100003);
  g_autofree float *read = g_new0 (float, 100003);
  const AtlTensorToWrite large = {
    .name = "large", .n_dims = 1, .dims = { 100003 }, .values = values
  };

  for (int i = 0; i < 100003; i++)
    values[i] = (float) i;
  CU_ASSERT_FATAL (write_numbers (path, &large, 1, ATL_DTYPE_F32, NULL));
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT (atl_weight_file_read (file, atl_weight_file_tensor (file, 0), read, NULL));
  CU_ASSERT (memcmp (read, values, 100003 * sizeof (float)) == 0);
}

/* Writing must fail with this message, and leave the old file alone. */
static void
is_refused (const AtlTensorToWrite *to_write, int n, AtlDtype dtype, int code, const char *message)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = atl_test_file_new (folder, "a", "old", 3);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (write_numbers (path, to_write, n, dtype, &error));
  CU_ASSERT_FATAL (error != NULL && g_str_has_prefix (error->message, "'/"));
  atl_test_error (&error, ATL_ERROR, code, message);
  CU_ASSERT_FALSE (write_numbers (path, to_write, n, dtype, NULL));
  atl_test_folder_holds (folder, "a");
  atl_test_file_holds (path, "old");
}

static void
refuses_numbers (void)
{
  float values[2] = { 1.0f, NAN };
  const AtlTensorToWrite tensor = { .name = "x", .n_dims = 1, .dims = { 2 }, .values = values };

  is_refused (&tensor, 1, ATL_DTYPE_F32, ATL_ERROR_RESULT,
              "number 2 of 2 of tensor 'x' is nan and cannot be stored as F32");
  values[1] = -INFINITY;
  is_refused (&tensor, 1, ATL_DTYPE_F32, ATL_ERROR_RESULT, "is -inf and cannot be stored as F32");
  is_refused (&tensor, 1, ATL_DTYPE_F16, ATL_ERROR_RESULT, "is -inf and cannot be stored as F16");
  values[1] = 65520.0f;
  is_refused (&tensor, 1, ATL_DTYPE_F16, ATL_ERROR_RESULT, "is 65520 and cannot be stored as F16");
}

static void
refuses_names (void)
{
  AtlTensorToWrite two[2] = { { .name = "x", .values = numbers },
                              { .name = "x", .values = numbers } };

  is_refused (two, 2, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "there are two tensors 'x'");
  two[1].name = "\xff";
  is_refused (two, 2, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "not UTF-8");
  two[1].name = "";
  is_refused (two, 2, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "cannot be the name of a tensor");
}

static void
refuses_shapes (void)
{
  AtlTensorToWrite tensor = { .name = "x", .n_dims = 2, .dims = { 3, 0 }, .values = numbers };

  is_refused (&tensor, 1, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "tensor 'x' has an impossible shape");
  tensor.dims[1] = -2;
  is_refused (&tensor, 1, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "tensor 'x' has an impossible shape");
}

static void
refuses_cards (void)
{
  g_autofree char *long_text = g_strnfill (16 * 1024 * 1024, 'x');

  set (&card->task, NULL);
  is_refused (tensors, 3, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "the card lacks 'atelier.task'");
  set (&card->task, "upscale");
  set (&card->format, "2");
  is_refused (tensors, 3, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "the card has format '2'");
  set (&card->format, "1");
  set (&card->recipe, long_text);
  is_refused (tensors, 3, ATL_DTYPE_F32, ATL_ERROR_FORMAT, "at most 16777216 are allowed");
  set (&card->recipe, "\x1b[2J");
  is_refused (tensors, 3, ATL_DTYPE_F32, ATL_ERROR_FORMAT,
              "the metadata 'atelier.recipe' hold control characters");
  set (&card->recipe, NULL);
}

static void
refuses_folders (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "none", "a", NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (write_numbers (path, tensors, 3, ATL_DTYPE_F32, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "none/a' cannot be written");
}

static void
the_same_bytes (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  const AtlTensorToWrite turned[] = { tensors[2], tensors[0], tensors[1] };
  g_autofree char *a = g_build_filename (folder, "a", NULL);
  g_autofree char *b = g_build_filename (folder, "b", NULL);
  g_autofree char *in_a = NULL, *in_b = NULL;
  size_t size_a, size_b;

  CU_ASSERT_FATAL (write_numbers (a, tensors, 3, ATL_DTYPE_F32, NULL));
  CU_ASSERT_FATAL (write_numbers (b, turned, 3, ATL_DTYPE_F32, NULL));
  CU_ASSERT_FATAL (g_file_get_contents (a, &in_a, &size_a, NULL));
  CU_ASSERT_FATAL (g_file_get_contents (b, &in_b, &size_b, NULL));
  CU_ASSERT (size_a == size_b && memcmp (in_a, in_b, size_a) == 0);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "round trip", round_trip },
    { "known bytes", known_bytes },
    { "more than a block", more_than_a_block },
    { "the same bytes", the_same_bytes },
    { "refuses numbers", refuses_numbers },
    { "refuses names", refuses_names },
    { "refuses shapes", refuses_shapes },
    { "refuses cards", refuses_cards },
    { "refuses folders", refuses_folders },
  };

  card = new_card ("upscale", "{\"scale\": 2}");
  set (&card->description, "Zwei\nZeilen\tund mehr – \U0001f5bc");

  const int status = atl_suite_run ("weight-writer", tests, G_N_ELEMENTS (tests));
  atl_card_free (card);
  return status;
}
