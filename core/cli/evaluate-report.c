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
  NUMBER_WIDTH = 9,
  GAIN_WIDTH = 9
};

static const struct
{
  const char *head;   /* of its columns */
  const char *prefix; /* of its members in JSON */
} words[] = {
  [ATL_METHOD_MODEL] = { N_ ("model"), "" },
  [ATL_METHOD_BICUBIC] = { N_ ("bicubic"), "bicubic-" },
  [ATL_METHOD_LANCZOS] = { N_ ("Lanczos"), "lanczos-" },
  [ATL_METHOD_UNCHANGED] = { N_ ("unchanged"), "unchanged-" },
};
_Static_assert (G_N_ELEMENTS (words) == ATL_N_METHODS, "a head and a prefix each");

/* Numbers of a score, each a column. */
static int
n_numbers (const AtlEvaluation *e)
{
  return e->perceptual != NULL ? 3 : 2;
}

static void
print_heads (const AtlEvaluation *e)
{
  int n;
  const AtlMethod *methods = atl_evaluation_methods (e, &n);

  atl_print_cell ("", -NAME_WIDTH);
  atl_print_cell (_ ("size"), SIZE_WIDTH);
  for (int i = 0; i < n; i++)
    atl_print_cell (_ (words[methods[i]].head), n_numbers (e) * NUMBER_WIDTH);
  atl_print_cell (_ ("gain"), GAIN_WIDTH);
  putchar ('\n');

  atl_print_cell ("", -NAME_WIDTH - SIZE_WIDTH);
  for (int i = 0; i < n; i++)
    {
      atl_print_cell (_ ("PSNR"), NUMBER_WIDTH);
      atl_print_cell (_ ("SSIM"), NUMBER_WIDTH);
      if (e->perceptual != NULL)
        atl_print_cell (_ ("distance"), NUMBER_WIDTH);
    }
  putchar ('\n');
}

/* The gain is that in PSNR over the next method. */
static void
print_row (const AtlEvaluation *e, const AtlResult *result, const char *set)
{
  int n;
  const AtlMethod *methods = atl_evaluation_methods (e, &n);
  const AtlScore *scores = result->scores;
  g_autofree char *size = result->name != NULL
                              ? g_strdup_printf ("%d x %d", result->width, result->height)
                              : g_strdup (_ ("mean"));

  atl_print_cell (result->name != NULL ? result->name : set, -NAME_WIDTH);
  atl_print_cell (size, SIZE_WIDTH);
  for (int i = 0; i < n; i++)
    {
      printf ("%*.3f%*.5f", NUMBER_WIDTH, scores[methods[i]].psnr, NUMBER_WIDTH,
              scores[methods[i]].ssim);
      if (e->perceptual != NULL)
        printf ("%*.5f", NUMBER_WIDTH, scores[methods[i]].distance);
    }
  printf ("%+*.3f\n", GAIN_WIDTH, scores[methods[0]].psnr - scores[methods[1]].psnr);
}

void
atl_evaluation_print_table (const AtlEvaluation *e, const GPtrArray *names, const GPtrArray *sets)
{
  print_heads (e);
  for (guint s = 0; s < sets->len; s++)
    {
      const GArray *results = g_ptr_array_index (sets, s);

      for (guint i = 0; i < results->len; i++)
        print_row (e, &g_array_index (results, AtlResult, i), g_ptr_array_index (names, s));
    }
}

static void
add_score (JsonBuilder *builder, AtlMethod method, const char *name, double value)
{
  g_autofree char *member = g_strconcat (words[method].prefix, name, NULL);

  atl_json_add_number (builder, member, value);
}

/* The PSNR of equal pictures is infinite, which JSON has as null. */
static void
add_scores (JsonBuilder *builder, const AtlEvaluation *e, const AtlResult *result)
{
  int n;
  const AtlMethod *methods = atl_evaluation_methods (e, &n);

  for (int i = 0; i < n; i++)
    {
      add_score (builder, methods[i], "psnr", result->scores[methods[i]].psnr);
      add_score (builder, methods[i], "ssim", result->scores[methods[i]].ssim);
      if (e->perceptual != NULL)
        add_score (builder, methods[i], "distance", result->scores[methods[i]].distance);
    }
}

static void
add_picture (JsonBuilder *builder, const AtlEvaluation *e, const AtlResult *result)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "name", result->name);
  atl_json_add_integer (builder, "width", result->width);
  atl_json_add_integer (builder, "height", result->height);
  add_scores (builder, e, result);
  json_builder_end_object (builder);
}

static void
add_set (JsonBuilder *builder, const AtlEvaluation *e, const char *name, const GArray *results)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "name", name);
  add_scores (builder, e, &g_array_index (results, AtlResult, results->len - 1));
  json_builder_set_member_name (builder, "pictures");
  json_builder_begin_array (builder);
  for (guint i = 0; i + 1 < results->len; i++)
    add_picture (builder, e, &g_array_index (results, AtlResult, i));
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
  if (e->degradation != NULL)
    atl_json_add_text (builder, "degrade", e->degrade);
  if (e->perceptual != NULL)
    atl_json_add_text (builder, "perceptual", e->perceptual_weights);
  json_builder_set_member_name (builder, "sets");
  json_builder_begin_array (builder);
  for (guint s = 0; s < sets->len; s++)
    add_set (builder, e, g_ptr_array_index (names, s), g_ptr_array_index (sets, s));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}
