/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scores of 'atelier evaluate' as a table for people and as JSON for programs.
 */

#include <stdio.h>

#include "base/i18n.h"
#include "cli/evaluate.h"
#include "cli/output.h"

/* Characters of the columns. */
enum
{
  NAME_WIDTH = 24,
  SIZE_WIDTH = 12,
  SCORE_WIDTH = 17,
  GAIN_WIDTH = 8
};

static const struct
{
  const char *head;   /* of its columns */
  const char *prefix; /* of its members in JSON */
} methods[] = {
  [ATL_METHOD_MODEL] = { N_ ("model"), "" },
  [ATL_METHOD_BICUBIC] = { N_ ("bicubic"), "bicubic-" },
  [ATL_METHOD_LANCZOS] = { N_ ("Lanczos"), "lanczos-" },
};
_Static_assert (G_N_ELEMENTS (methods) == ATL_N_METHODS, "a head and a prefix each");

static void
print_heads (void)
{
  atl_print_cell ("", -NAME_WIDTH);
  atl_print_cell (_ ("size"), SIZE_WIDTH);
  for (int m = 0; m < ATL_N_METHODS; m++)
    atl_print_cell (_ (methods[m].head), SCORE_WIDTH);
  atl_print_cell (_ ("gain"), GAIN_WIDTH);
  putchar ('\n');
}

/* The gain is that over bicubic. */
static void
print_row (const AtlResult *result, const char *set)
{
  const AtlScore *scores = result->scores;
  g_autofree char *size = result->name != NULL
                              ? g_strdup_printf ("%d x %d", result->width, result->height)
                              : g_strdup (_ ("mean"));

  atl_print_cell (result->name != NULL ? result->name : set, -NAME_WIDTH);
  atl_print_cell (size, SIZE_WIDTH);
  for (int m = 0; m < ATL_N_METHODS; m++)
    printf (" %8.3f %7.5f", scores[m].psnr, scores[m].ssim);
  printf (" %+7.3f\n", scores[ATL_METHOD_MODEL].psnr - scores[ATL_METHOD_BICUBIC].psnr);
}

void
atl_evaluation_print_table (const AtlEvaluation *e, const GPtrArray *names, const GPtrArray *sets)
{
  print_heads ();
  for (guint s = 0; s < sets->len; s++)
    {
      const GArray *results = g_ptr_array_index (sets, s);

      for (guint i = 0; i < results->len; i++)
        print_row (&g_array_index (results, AtlResult, i), g_ptr_array_index (names, s));
    }
}

static void
add_score (JsonBuilder *builder, AtlMethod method, const char *name, double value)
{
  g_autofree char *member = g_strconcat (methods[method].prefix, name, NULL);

  atl_json_add_number (builder, member, value);
}

/* The PSNR of equal pictures is infinite, which JSON has as null. */
static void
add_scores (JsonBuilder *builder, const AtlResult *result)
{
  for (int m = 0; m < ATL_N_METHODS; m++)
    {
      add_score (builder, m, "psnr", result->scores[m].psnr);
      add_score (builder, m, "ssim", result->scores[m].ssim);
    }
}

static void
add_picture (JsonBuilder *builder, const AtlResult *result)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "name", result->name);
  atl_json_add_integer (builder, "width", result->width);
  atl_json_add_integer (builder, "height", result->height);
  add_scores (builder, result);
  json_builder_end_object (builder);
}

static void
add_set (JsonBuilder *builder, const char *name, const GArray *results)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "name", name);
  add_scores (builder, &g_array_index (results, AtlResult, results->len - 1));
  json_builder_set_member_name (builder, "pictures");
  json_builder_begin_array (builder);
  for (guint i = 0; i + 1 < results->len; i++)
    add_picture (builder, &g_array_index (results, AtlResult, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

void
atl_evaluation_print_json (const AtlEvaluation *e, const GPtrArray *names, const GPtrArray *sets)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "model", e->model);
  atl_json_add_integer (builder, "scale", e->scale);
  json_builder_set_member_name (builder, "sets");
  json_builder_begin_array (builder);
  for (guint s = 0; s < sets->len; s++)
    add_set (builder, g_ptr_array_index (names, s), g_ptr_array_index (sets, s));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}
