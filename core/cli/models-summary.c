/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 'atelier models summary': a network's layers in the order of computation, with shapes, parameters and cost.
 */

#include "cli/models.h"

#include <stdio.h>

#include "base/i18n.h"
#include "cli/command.h"
#include "cli/output.h"
#include "nets/model.h"
#include "weights/library.h"

/* What a summary is made of. */
typedef struct
{
  const AtlModel *model;
  AtlShape input;
  AtlLayer *layers;
  int n_layers;
  size_t n_parameters;
  double multiply_adds;
} Summary;

static void
print_summary (const Summary *summary)
{
  const int halo = atl_graph_halo (summary->model->graph);

  atl_print_cell (_ ("OPERATOR"), -15);
  atl_print_cell (_ ("NAME"), -21);
  atl_print_cell (_ ("OUTPUT"), -18);
  atl_print_cell (_ ("PARAMETERS"), 13);
  atl_print_cell (_ ("MEGAMACS"), 11);
  putchar ('\n');
  for (int i = 0; i < summary->n_layers; i++)
    {
      const AtlLayer *layer = &summary->layers[i];
      g_autofree char *output = g_strdup_printf ("%dx%dx%d", layer->output.c, layer->output.h,
                                                 layer->output.w);

      printf ("%-14s %-20s %-18s %12zu %10.1f\n", layer->kind,
              layer->name != NULL ? layer->name : "", output, layer->n_parameters,
              layer->multiply_adds / 1e6);
    }
  printf (_ ("\n%zu parameters, %.1f million multiply-adds (%.0f for each pixel of the input)\n"),
          summary->n_parameters, summary->multiply_adds / 1e6,
          summary->multiply_adds / ((double) summary->input.w * summary->input.h));
  printf (P_ ("Each pixel of the result depends on %d pixel of the input on each side\n",
              "Each pixel of the result depends on %d pixels of the input on each side\n", halo),
          halo);
}

static void
add_shape (JsonBuilder *builder, const char *name, const AtlShape *shape)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  json_builder_add_int_value (builder, shape->c);
  json_builder_add_int_value (builder, shape->h);
  json_builder_add_int_value (builder, shape->w);
  json_builder_end_array (builder);
}

static void
add_layer (JsonBuilder *builder, const AtlLayer *layer)
{
  json_builder_begin_object (builder);
  atl_json_add_text (builder, "operator", layer->kind);
  if (layer->name != NULL)
    atl_json_add_text (builder, "name", layer->name);
  add_shape (builder, "output", &layer->output);
  atl_json_add_integer (builder, "parameters", (gint64) layer->n_parameters);
  atl_json_add_integer (builder, "multiply-adds", (gint64) layer->multiply_adds);
  json_builder_end_object (builder);
}

static void
print_summary_json (const Summary *summary)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  atl_json_add_text (builder, "arch", summary->model->card->arch);
  add_shape (builder, "input", &summary->input);
  atl_json_add_integer (builder, "parameters", (gint64) summary->n_parameters);
  atl_json_add_integer (builder, "multiply-adds", (gint64) summary->multiply_adds);
  atl_json_add_integer (builder, "halo", (gint64) atl_graph_halo (summary->model->graph));
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (int i = 0; i < summary->n_layers; i++)
    add_layer (builder, &summary->layers[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  atl_print_json (builder);
}

/* "1920x1080", each side from 1 to 65536. */
static gboolean
parse_size (const char *text, int *width, int *height)
{
  g_auto (GStrv) sides = g_strsplit (text, "x", -1);
  guint64 w, h;

  if (g_strv_length (sides) != 2 || ! g_ascii_string_to_unsigned (sides[0], 10, 1, 65536, &w, NULL)
      || ! g_ascii_string_to_unsigned (sides[1], 10, 1, 65536, &h, NULL))
    return FALSE;

  *width = (int) w;
  *height = (int) h;
  return TRUE;
}

int
atl_models_summarize (const char *name, const AtlModelsOptions *options)
{
  int width = 256, height = 256;

  if (options->size != NULL && ! parse_size (options->size, &width, &height))
    return atl_say_usage (ATL_MODELS_COMMAND,
                          _ ("'%s' is no size, which would be WIDTHxHEIGHT in pixels"),
                          options->size);

  g_autoptr (GError) error = NULL;
  g_autofree char *path = atl_library_find (name, NULL, &error);
  g_autoptr (AtlModel) model = path != NULL ? atl_model_load (path, NULL, &error) : NULL;
  if (model == NULL)
    return atl_say_failure (ATL_MODELS_COMMAND, error);

  Summary summary = { .model = model, .input = { 1, 3, height, width } };
  g_autofree AtlLayer *layers = atl_graph_layers (model->graph, &summary.input, &summary.n_layers);
  summary.layers = layers;
  summary.multiply_adds = atl_graph_multiply_adds (model->graph, &summary.input);
  for (int i = 0; i < summary.n_layers; i++)
    summary.n_parameters += layers[i].n_parameters;

  if (options->json)
    print_summary_json (&summary);
  else
    print_summary (&summary);
  return ATL_EXIT_DONE;
}
