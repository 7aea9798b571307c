/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight files: what the reference implementation wrote, what we write ourselves, and hostile ones.
 */

#include "suite.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "temporary.h"
#include "weights/header.h"
#include "weights/weight-file.h"

#define SMALL TEST_FOLDER "/small.safetensors"

/* A file with this header and this many bytes of numbers, all of them 0. */
static GByteArray *
file_of (const char *header, size_t n_header, size_t n_data)
{
  GByteArray *file = g_byte_array_new ();
  const guint64 length = GUINT64_TO_LE ((guint64) n_header);
  g_autofree guint8 *data = g_malloc0 (n_data + 1);

  g_byte_array_append (file, (const guint8 *) &length, sizeof length);
  g_byte_array_append (file, (const guint8 *) header, n_header);
  g_byte_array_append (file, data, n_data);
  return file;
}

static void
is_refused (const char *header, size_t n_data, const char *message)
{
  g_autoptr (GByteArray) bytes = file_of (header, strlen (header), n_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlWeightFile)
      file = atl_weight_file_open_memory ("hostile", bytes->data, bytes->len, &error);

  if (file != NULL)
    {
      printf ("  accepted: %s\n", header);
      CU_FAIL ("a hostile file was accepted");
      return;
    }
  CU_ASSERT (g_str_has_prefix (error->message, "'hostile': "));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, message);
}

static void
reads_the_reference (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (SMALL, &error);
  static const char *const names[] = { "a.scalar", "b.half", "b.weight" };
  static const float halves[] = { 1.0f, -2.5f, 65504.0f, 0x1p-24f, 0.333251953125f };
  float values[24];

  atl_test_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  CU_ASSERT_STRING_EQUAL (atl_weight_file_path (file), SMALL);

  /* The integer is left out. */
  CU_ASSERT_EQUAL_FATAL (atl_weight_file_n_tensors (file), 3);
  for (int i = 0; i < 3; i++)
    CU_ASSERT_STRING_EQUAL (atl_weight_file_tensor (file, i)->name, names[i]);
  CU_ASSERT_PTR_NULL (atl_weight_file_find (file, "a.num_batches_tracked"));
  CU_ASSERT_PTR_NULL (atl_weight_file_find (file, "b"));

  const AtlTensorInfo *scalar = atl_weight_file_find (file, "a.scalar");
  CU_ASSERT (scalar->n_dims == 0 && scalar->size == 1 && scalar->dtype == ATL_DTYPE_F32);
  CU_ASSERT (atl_weight_file_read (file, scalar, values, &error));
  CU_ASSERT_EQUAL (values[0], 0.1f);

  const AtlTensorInfo *half = atl_weight_file_find (file, "b.half");
  CU_ASSERT (half->n_dims == 1 && half->size == 5 && half->dtype == ATL_DTYPE_F16);
  CU_ASSERT (atl_weight_file_read (file, half, values, &error));
  CU_ASSERT (memcmp (values, halves, sizeof halves) == 0);

  const AtlTensorInfo *weight = atl_weight_file_find (file, "b.weight");
  CU_ASSERT (weight->n_dims == 4 && weight->size == 24 && weight->dims[0] == 2
             && weight->dims[1] == 3 && weight->dims[3] == 2);
  CU_ASSERT (atl_weight_file_read (file, weight, values, &error));
  for (int i = 0; i < 24; i++)
    CU_ASSERT_EQUAL (values[i], (float) i / 8.0f - 1.0f);

  const AtlCard *card = atl_weight_file_card (file);
  CU_ASSERT_STRING_EQUAL (card->task, "upscale");
  CU_ASSERT_STRING_EQUAL (card->name, "Ein \"kleines\" Netz für 2×, \U0001f5bc\n");
  CU_ASSERT_PTR_NULL (card->license);
}

#define GOOD "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define TENSOR(members) "{\"a\":{" members "}}"
#define SHAPED(dtype, shape, offsets)                                                              \
  TENSOR ("\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]")

static void
accepts_what_is_right (void)
{
  static const struct
  {
    const char *header;
    size_t n_data;
  } cases[] = {
    { "{}", 0 },
    { " { \"__metadata__\" : { } } \n", 0 },
    { "{" GOOD "}", 8 },
    { "{ " GOOD " }\t   ", 8 },
    { "{\"\\u00fc\\ud83d\\ude00\\/\":{\"shape\":[1,2],\"data_offsets\":[ 0 , 2 "
      "],\"dtype\":\"I8\"}}",
      2 },
    { "{\"b\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[8,10]}," GOOD "}", 10 },
    { SHAPED ("U8", "1,1,1,1,1,1", "0,1"), 1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray)
          bytes = file_of (cases[i].header, strlen (cases[i].header), cases[i].n_data);
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlWeightFile)
          file = atl_weight_file_open_memory ("good", bytes->data, bytes->len, &error);

      atl_test_no_error (error);
    }
}

static void
refuses_bad_json (void)
{
  is_refused ("", 0, "'{' was expected");
  is_refused ("[]", 0, "at byte 0: '{' was expected");
  is_refused ("{", 0, "at byte 1: '\"' was expected");
  is_refused ("{\"a", 0, "at byte 3: '\"' was expected");
  is_refused ("{\"a\"}", 0, "':' was expected");
  is_refused ("{\"a\":1}", 0, "'{' was expected");
  is_refused ("{\"a\":[[[[[[[[[[[[", 0, "'{' was expected");
  is_refused ("{\"a\":{\"a\":{\"a\":{", 0, "unknown or repeated member 'a'");
  is_refused ("{" GOOD ",}", 8, "'\"' was expected");
  is_refused ("{" GOOD "]", 8, "'}' was expected");
  is_refused ("{" GOOD "} {}", 8, "more text after the end");
  is_refused ("{\"\\x\":", 0, "an unknown escape");
  is_refused ("{\"\\", 0, "an unknown escape");
  is_refused ("{\"\\u12g4", 0, "four hexadecimal digits were expected");
  is_refused ("{\"\\u00", 0, "four hexadecimal digits were expected");
  is_refused ("{\"\\ud83dx", 0, "half a character");
  is_refused ("{\"\\ud83d\\u0041", 0, "half a character");
  is_refused ("{\"\\ude00\"", 0, "a character that there is not");
  is_refused ("{\"\\u0000\"", 0, "a character that there is not");
  is_refused ("{\"\n\":", 0, "a control character in a string");
  is_refused ("{\"\xff\":", 0, "at byte 2: not UTF-8");
  is_refused ("{\"\xc0\xaf\":", 0, "not UTF-8");
}

static void
refuses_bad_names (void)
{
  g_autofree char *many = g_strnfill (ATL_HEADER_MAX_NAME + 1, 'x');
  g_autofree char *header = g_strdup_printf ("{\"%s\":{}}", many);

  is_refused (header, 0, "cannot be the name of a tensor");
  is_refused ("{\"\":{}}", 0, "'' cannot be the name of a tensor");
  is_refused ("{\"a\\u001b[2J\":{}}", 0, "'a?[2J' cannot be the name of a tensor");
  is_refused ("{\"a\\u009b\":{}}", 0, "'a?' cannot be the name of a tensor");
  is_refused ("{" GOOD "," GOOD "}", 8, "there are two tensors 'a'");
  is_refused ("{" GOOD ",\"\\u0061\":{}}", 8, "there are two tensors 'a'");
}

static void
refuses_bad_numbers (void)
{
  is_refused (SHAPED ("F32", "-2", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "2.0", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "2e0", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "02", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "NaN", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "\"2\"", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "[2]", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "2,", "0,8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "18446744073709551616", "0,8"), 8, "a number that is too large");
  is_refused (SHAPED ("F32", "2 2", "0,8"), 8, "']' was expected");
  is_refused (SHAPED ("F32", "1,1,1,1,1,1,1,1,2", "0,8"), 8, "too many numbers");
  is_refused (SHAPED ("F32", "2", "0"), 8, "two offsets were expected");
  is_refused (SHAPED ("F32", "2", "0,8,8"), 8, "too many numbers");
  is_refused (SHAPED ("F32", "2", "0,-8"), 8, "a whole number was expected");
  is_refused (SHAPED ("F32", "2", "0,18446744073709551615"), 8, "two offsets were expected");
}

static void
refuses_bad_tensors (void)
{
  is_refused (TENSOR (""), 0, "tensor 'a' lacks its dtype, shape or offsets");
  is_refused (TENSOR ("\"dtype\":\"F32\",\"shape\":[2]"), 8, "lacks its dtype, shape or offsets");
  is_refused (TENSOR ("\"dtype\":\"F32\",\"data_offsets\":[0,8]"), 8, "lacks its dtype");
  is_refused (TENSOR ("\"shape\":[2],\"data_offsets\":[0,8]"), 8, "lacks its dtype");
  is_refused (TENSOR ("\"dtype\":\"F32\",\"dtype\":\"F32\""), 8, "repeated member 'dtype'");
  is_refused (TENSOR ("\"shape\":[2],\"shape\":[2]"), 8, "repeated member 'shape'");
  is_refused (TENSOR ("\"data_offsets\":[0,8],\"data_offsets\":[0,8]"), 8,
              "repeated member 'data_offsets'");
  is_refused (TENSOR ("\"dtype\":\"F32\",\"strides\":[1]"), 8, "repeated member 'strides'");
  is_refused (TENSOR ("\"dtype\":4"), 8, "'\"' was expected");

  is_refused (SHAPED ("F8_E4M3", "4", "0,4"), 4, "numbers of type 'F8_E4M3', which cannot be read");
  is_refused (SHAPED ("f32", "2", "0,8"), 8, "numbers of type 'f32'");
  is_refused (SHAPED ("", "2", "0,8"), 8, "numbers of type ''");
  is_refused (SHAPED ("F32", "2,0", "0,0"), 0, "tensor 'a' has an impossible shape");
  is_refused (SHAPED ("F32", "2147483648", "0,8"), 8, "impossible shape");
  is_refused (SHAPED ("F32", "2147483647,2147483647,2147483647", "0,8"), 8, "impossible shape");
  is_refused (SHAPED ("F32", "1,1,1,1,2", "0,8"), 8, "5 dimensions, but at most 4 are possible");
  is_refused (SHAPED ("F32", "2,2", "0,8"), 8, "has 8 bytes, but its shape and type need 16");
  is_refused (SHAPED ("F16", "2", "0,8"), 8, "has 8 bytes, but its shape and type need 4");
  is_refused (SHAPED ("I64", "2", "0,8"), 8, "has 8 bytes, but its shape and type need 16");
  is_refused (SHAPED ("F32", "2", "8,0"), 8, "lies at bytes 8 to 0");
  is_refused (SHAPED ("F32", "2", "0,8"), 7, "but the file has 7 bytes of numbers");
  is_refused (SHAPED ("F32", "2", "18446744073709551608,18446744073709551614"), 8,
              "lies at bytes 18446744073709551608");
}

/* The message holds the start of the type's name, cut between characters. */
static void
shows_unknown_types (void)
{
  g_autoptr (GString) type = g_string_new ("x");

  for (int i = 0; i < 200; i++)
    g_string_append (type, "€");
  g_autofree char *header = g_strdup_printf (SHAPED ("%s", "2", "0,8"), type->str);
  g_string_truncate (type, 1 + 99 * strlen ("€"));
  g_autofree char *message = g_strdup_printf ("numbers of type '%s...', which", type->str);

  is_refused (header, 8, message);
  is_refused (SHAPED ("F\\u001b", "2", "0,8"), 8, "numbers of type 'F?', which");
}

static void
refuses_bad_ranges (void)
{
#define TWO(begin, end)                                                                            \
  "{" GOOD ",\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[" begin "," end "]}}"
  is_refused (TWO ("0", "8"), 8, "overlap");
  is_refused (TWO ("4", "12"), 12, "tensors 'a' and 'b' overlap");
  is_refused (TWO ("9", "17"), 17, "1 unused bytes before tensor 'b'");
  is_refused (TWO ("8", "16"), 17, "1 bytes after the last tensor");
  is_refused (SHAPED ("F32", "2", "4,12"), 12, "4 unused bytes before tensor 'a'");
  is_refused ("{}", 3, "3 bytes after the last tensor");
}

static void
refuses_bad_cards (void)
{
#define CARD(members) "{\"__metadata__\":{" members "}}"
#define REST "\"atelier.task\":\"t\",\"atelier.arch\":\"a\",\"atelier.config\":\"{}\","
  is_refused (CARD ("\"a\":\"b\",\"a\":\"b\""), 0, "the metadata hold 'a' twice");
  is_refused ("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "the metadata are there twice");
  is_refused (CARD ("\"a\":1"), 0, "'\"' was expected");
  is_refused (CARD ("\"a\":\"\\u001b[2J\""), 0, "the metadata 'a' hold control characters");
  is_refused (CARD ("\"atelier.name\":\"x\""), 0, "the card lacks 'atelier.format'");
  is_refused (CARD (REST "\"atelier.format\":\"1\""), 0, "the card lacks 'atelier.input'");
  is_refused (CARD (REST "\"atelier.format\":\"2\",\"atelier.input\":\"rgb-perceptual-unit-1\""), 0,
              "the card has format '2', but this version of Atelier knows only '1'");
  is_refused (CARD (REST "\"atelier.format\":\"1\",\"atelier.input\":\"bgr\""), 0,
              "the card wants input 'bgr'");
}

/* What a message shows of a card is short and stays on its line. */
static void
refuses_cards_of_many_words (void)
{
  static const char *const keys[] = { "format", "task", "arch", "input" };
  g_autofree char *many = g_strnfill (65, 'x');
  const char *const values[] = { "a\\r\\nb", "a\\tb", many };

  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    for (size_t k = 0; k < G_N_ELEMENTS (values); k++)
      {
        g_autoptr (GString) header = g_string_new ("{\"__metadata__\":{\"atelier.config\":\"{}\"");
        g_autofree char *message = g_strdup_printf ("the card's 'atelier.%s' is '", keys[i]);

        for (size_t m = 0; m < G_N_ELEMENTS (keys); m++)
          g_string_append_printf (header, ",\"atelier.%s\":\"%s\"", keys[m],
                                  m == i ? values[k] : "1");
        g_string_append (header, "}}");
        is_refused (header->str, 0, message);
      }
}

static void
refuses_too_much (void)
{
  g_autoptr (GString) header = g_string_new ("{\"__metadata__\":{\"0\":\"\"");

  for (int i = 1; i <= ATL_HEADER_MAX_METADATA; i++)
    g_string_append_printf (header, ",\"%d\":\"\"", i);
  g_string_append (header, "}}");
  is_refused (header->str, 0, "too much metadata");

  g_string_assign (header, "{\"0\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}");
  for (int i = 1; i <= ATL_HEADER_MAX_TENSORS; i++)
    g_string_append_printf (
        header, ",\"%d\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[%d,%d]}", i, i, i + 1);
  g_string_append (header, "}");
  is_refused (header->str, ATL_HEADER_MAX_TENSORS + 1, "too many tensors");
}

static void
refuses_bad_lengths (void)
{
  static const guint8 huge[] = { 255, 255, 255, 255, 255, 255, 255, 255, '{', '}' };
  static const guint8 long_header[] = { 3, 0, 0, 0, 0, 0, 0, 0, '{', '}' };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (atl_weight_file_open_memory ("x", "", 0, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "0 bytes are too few for a weight file");
  CU_ASSERT_PTR_NULL (atl_weight_file_open_memory ("x", huge, 7, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "7 bytes are too few for a weight file");
  CU_ASSERT_PTR_NULL (atl_weight_file_open_memory ("x", huge, sizeof huge, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "not a weight file");
  CU_ASSERT_PTR_NULL (atl_weight_file_open_memory ("x", long_header, sizeof long_header, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                  "a header of 3 bytes, but the file ends after 2");
}

static void
refuses_what_is_no_file (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (atl_weight_file_open (TEST_FOLDER "/none.safetensors", &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "none.safetensors': cannot be read");
  CU_ASSERT_PTR_NULL (atl_weight_file_open (TEST_FOLDER, &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "cannot be read");
  CU_ASSERT_PTR_NULL (atl_weight_file_open ("/dev/zero", &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "cannot be read");
  CU_ASSERT_PTR_NULL (atl_weight_file_open ("/dev/null", &error));
  atl_test_error (&error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "cannot be read");
  CU_ASSERT_PTR_NULL (atl_weight_file_open (TEST_FOLDER "/make-fixtures.py", &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "not a weight file");
}

/* Reads all there is, so that a sanitizer sees every access. Whether the file was accepted. */
static gboolean
read_all (const guint8 *bytes, size_t size)
{
  /* A copy of exactly this size, for the sanitizer's guards. */
  g_autofree guint8 *exact = size > 0 ? g_memdup2 (bytes, size) : NULL;
  g_autoptr (AtlWeightFile) file = atl_weight_file_open_memory ("x", exact, size, NULL);

  for (int i = 0; file != NULL && i < atl_weight_file_n_tensors (file); i++)
    {
      const AtlTensorInfo *info = atl_weight_file_tensor (file, i);
      g_autofree float *values = g_new (float, info->size);

      CU_ASSERT_PTR_EQUAL (atl_weight_file_find (file, info->name), info);
      atl_weight_file_read (file, info, values, NULL);
    }
  return file != NULL;
}

static void
every_truncation (void)
{
  g_autofree char *small = NULL;
  size_t size = 0;
  int n_accepted = 0;

  CU_ASSERT_FATAL (g_file_get_contents (SMALL, &small, &size, NULL));
  CU_ASSERT (read_all ((guint8 *) small, size));
  for (size_t n = 0; n < size; n++)
    n_accepted += read_all ((guint8 *) small, n);
  CU_ASSERT_EQUAL (n_accepted, 0);
}

static void
every_change_of_a_byte (void)
{
  g_autofree guint8 *small = NULL;
  size_t size = 0;
  int n_accepted_lengths = 0;

  CU_ASSERT_FATAL (g_file_get_contents (SMALL, (char **) &small, &size, NULL));
  for (size_t i = 0; i < size; i++)
    for (int change = 1; change < 256; change++)
      {
        small[i] ^= (guint8) change;
        n_accepted_lengths += read_all (small, size) && i < 8;
        small[i] ^= (guint8) change;
      }
  CU_ASSERT_EQUAL (n_accepted_lengths, 0);
}

static void
numbers_must_be_finite (void)
{
  const char *header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                       "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[8,12]}}";
  g_autoptr (GByteArray) bytes = file_of (header, strlen (header), 12);
  guint8 *data = bytes->data + bytes->len - 12;
  g_autoptr (GError) error = NULL;
  float values[2];

  memcpy (data + 4, "\x00\x00\xc0\x7f", 4); /* NaN */
  memcpy (data + 8, "\x00\xfc", 2);         /* -infinity */
  g_autoptr (AtlWeightFile)
      file = atl_weight_file_open_memory ("x", bytes->data, bytes->len, &error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);

  CU_ASSERT_FALSE (atl_weight_file_read (file, atl_weight_file_find (file, "a"), values, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                  "'x': number 2 of 2 of tensor 'a' is not finite");
  CU_ASSERT_FALSE (atl_weight_file_read (file, atl_weight_file_find (file, "b"), values, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                  "'x': number 1 of 2 of tensor 'b' is not finite");
}

/* Another program cuts the file while it is open. */
static void
becomes_shorter (void)
{
  g_autoptr (AtlTestFolder) folder = atl_test_folder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  g_autofree float *values = g_new (float, 24);
  size_t size = 0;

  CU_ASSERT_FATAL (g_file_get_contents (SMALL, &bytes, &size, NULL));
  g_autofree char *path = atl_test_file_new (folder, "a.safetensors", bytes, size);
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, &error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  g_autofree char *expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) bytes,
                                                           size);
  g_autofree char *checksum = atl_weight_file_checksum (file, &error);
  CU_ASSERT_STRING_EQUAL (checksum, expected);

  CU_ASSERT_EQUAL_FATAL (truncate (path, (off_t) size - 1), 0);
  int n_read = 0;
  for (int i = 0; i < 3; i++)
    {
      if (atl_weight_file_read (file, atl_weight_file_tensor (file, i), values, &error))
        n_read++;
      else
        atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT,
                        "/a.safetensors': the file has become shorter than the");
    }
  CU_ASSERT_EQUAL (n_read, 2);
  CU_ASSERT_PTR_NULL (atl_weight_file_checksum (file, &error));
  atl_test_error (&error, ATL_ERROR, ATL_ERROR_FORMAT, "/a.safetensors': the file has become");

  CU_ASSERT_EQUAL_FATAL (truncate (path, 0), 0);
  for (int i = 0; i < 3; i++)
    CU_ASSERT_FALSE (atl_weight_file_read (file, atl_weight_file_tensor (file, i), values, NULL));
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "reads the reference's file", reads_the_reference },
    { "accepts what is right", accepts_what_is_right },
    { "refuses bad JSON", refuses_bad_json },
    { "refuses bad names", refuses_bad_names },
    { "refuses bad numbers", refuses_bad_numbers },
    { "refuses bad tensors", refuses_bad_tensors },
    { "shows unknown types", shows_unknown_types },
    { "refuses bad ranges", refuses_bad_ranges },
    { "refuses bad cards", refuses_bad_cards },
    { "refuses cards of many words", refuses_cards_of_many_words },
    { "refuses too much", refuses_too_much },
    { "refuses bad lengths", refuses_bad_lengths },
    { "refuses what is no file", refuses_what_is_no_file },
    { "every truncation", every_truncation },
    { "every change of a byte", every_change_of_a_byte },
    { "numbers must be finite", numbers_must_be_finite },
    { "becomes shorter", becomes_shorter },
  };

  return atl_suite_run ("weight-file", tests, G_N_ELEMENTS (tests));
}
