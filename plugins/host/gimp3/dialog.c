/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GIMP's own dialog for a procedure, with its Reset, presets and last values, and three things of ours in it: the
 * list of models, the preview and some lines of facts.
 */

#include "host/gimp3/dialog.h"

#include <libgimp/gimpui.h>
#include <math.h>

#include "base/i18n.h"
#include "base/text.h"
#include "host/gimp3/arguments.h"
#include "host/gimp3/model-chooser.h"
#include "host/gimp3/preview.h"
#include "host/gimp3/trial.h"
#include "host/targets.h"
#include "image/room.h"

enum
{
  /* Pixels around a part that networks see too. Ours reach 20 far, one after the other up to 35: what is shown can
   * differ from the result at its edge, too little to be seen. */
  MARGIN = 32,
  PAUSE = 100 /* milliseconds after the last change until it is tried out */
};

typedef struct
{
  const AtlFilter *filter;
  GimpProcedureConfig *config;
  GimpImage *image;
  const GArray *selected; /* layers */
  GimpDrawable *shown;    /* the layer in the preview */
  GtkDialog *window;
  GtkLabel *facts, *how;
  AtlPreview *preview;
  AtlTrial *trial;
  double scale;                  /* of the settings; 0 while it is not known */
  gboolean of_layers;            /* the settings mean the selected layers alone */
  int asked_width, asked_height; /* of the layer that time and memory were asked for */
  char *offer, *offered_how;     /* what is told where OK is offered; NULL where it is not */
  guint timeout;
  gboolean settings_changed; /* since the last question */
} Dialog;

/* The part of the layer that has to be computed for the one that is shown. */
static GeglRectangle
with_margin (const Dialog *dialog, const GeglRectangle *part)
{
  const GeglRectangle all = { 0, 0, gimp_drawable_get_width (dialog->shown),
                              gimp_drawable_get_height (dialog->shown) };
  const GeglRectangle wide = { part->x - MARGIN, part->y - MARGIN, part->width + 2 * MARGIN,
                               part->height + 2 * MARGIN };
  GeglRectangle inside;

  gegl_rectangle_intersect (&inside, &wide, &all);
  return inside;
}

static void
ask_part (Dialog *dialog)
{
  const GeglRectangle part = atl_preview_part (dialog->preview);
  const GeglRectangle wide = with_margin (dialog, &part);
  g_autoptr (GeglBuffer) layer = gimp_drawable_get_buffer (dialog->shown);
  g_autoptr (GeglBuffer) copy = gegl_buffer_new (GEGL_RECTANGLE (0, 0, wide.width, wide.height),
                                                 gegl_buffer_get_format (layer));

  gegl_buffer_copy (layer, &wide, GEGL_ABYSS_NONE, copy, gegl_buffer_get_extent (copy));
  atl_trial_ask_part (dialog->trial, copy);
}

/* Until the settings are others, or, if the error is that of a part, another one succeeds. */
static void
show_error (Dialog *dialog, const GError *error)
{
  gtk_label_set_text (dialog->facts, error->message);
  gtk_label_set_text (dialog->how, "");
  gtk_dialog_set_response_sensitive (dialog->window, GTK_RESPONSE_OK, FALSE);
}

/* The layer of most pixels, which takes most memory. */
static void
find_largest (const GArray *layers, int *width, int *height)
{
  for (guint i = 0; i < layers->len; i++)
    {
      AtlHostLayer layer = g_array_index (layers, AtlHostLayer, i);

      if (gimp_item_is_group (GIMP_ITEM (layer)))
        {
          g_autoptr (GArray) inside = atl_host_group_layers (layer);

          find_largest (inside, width, height);
          continue;
        }

      const int w = gimp_drawable_get_width (GIMP_DRAWABLE (layer));
      const int h = gimp_drawable_get_height (GIMP_DRAWABLE (layer));

      if ((gint64) w * h > (gint64) *width * *height)
        {
          *width = w;
          *height = h;
        }
    }
}

static void
ask_settings (Dialog *dialog)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (dialog->filter);
  g_autoptr (GArray) all = atl_host_image_layers (dialog->image);
  g_autoptr (GError) error = NULL;

  dialog->settings_changed = FALSE;
  dialog->scale = 0.0;
  g_clear_pointer (&dialog->offer, g_free);
  g_clear_pointer (&dialog->offered_how, g_free);
  if (! atl_arguments_read (settings, dialog->config, dialog->filter, &error))
    {
      show_error (dialog, error);
      return;
    }

  dialog->of_layers = atl_host_is_of_layers (dialog->filter, settings);
  dialog->asked_width = 0;
  dialog->asked_height = 0;
  find_largest (dialog->of_layers && dialog->selected->len > 0 ? dialog->selected : all,
                &dialog->asked_width, &dialog->asked_height);
  atl_trial_ask (dialog->trial, g_steal_pointer (&settings), MAX (dialog->asked_width, 1),
                 MAX (dialog->asked_height, 1));
}

static gboolean
ask (gpointer data)
{
  Dialog *dialog = data;

  dialog->timeout = 0;
  if (dialog->settings_changed)
    ask_settings (dialog);
  else if (dialog->scale > 0.0)
    ask_part (dialog);
  return G_SOURCE_REMOVE;
}

/* Not at each step of a slider or a drag. */
static void
ask_soon (Dialog *dialog)
{
  if (dialog->timeout != 0)
    g_source_remove (dialog->timeout);
  dialog->timeout = g_timeout_add (PAUSE, ask, dialog);
}

static void
settings_changed (GObject *config, GParamSpec *param, Dialog *dialog)
{
  dialog->settings_changed = TRUE;
  atl_preview_set_after (dialog->preview, NULL);
  ask_soon (dialog);
}

static void
part_moved (void *data)
{
  ask_soon (data);
}

/* "The image becomes 1600 x 1200 pixels. ", or a layer does; nothing if the size stays. To be freed by g_free (). */
static char *
describe_size (const Dialog *dialog, double scale)
{
  const int width = dialog->of_layers ? gimp_drawable_get_width (dialog->shown)
                                      : gimp_image_get_width (dialog->image);
  const int height = dialog->of_layers ? gimp_drawable_get_height (dialog->shown)
                                       : gimp_image_get_height (dialog->image);
  const int new_width = (int) round (width * scale), new_height = (int) round (height * scale);

  if (scale == 1.0)
    return g_strdup ("");
  if (! dialog->of_layers)
    return g_strdup_printf (_ ("The image becomes %d x %d pixels. "), new_width, new_height);

  g_autofree char *name = atl_host_layer_name (GIMP_LAYER (dialog->shown));
  return g_strdup_printf (_ ("The layer '%s' becomes %d x %d pixels. "), name, new_width,
                          new_height);
}

/* Tells what is offered, with OK. */
static void
show_offer (Dialog *dialog)
{
  gtk_label_set_text (dialog->facts, dialog->offer);
  gtk_label_set_text (dialog->how, dialog->offered_how);
  gtk_dialog_set_response_sensitive (dialog->window, GTK_RESPONSE_OK, TRUE);
}

/* Of all layers that are computed. */
static double
count_pixels (const GArray *targets)
{
  double n = 0.0;

  for (guint i = 0; i < targets->len; i++)
    {
      const GeglRectangle *box = &g_array_index (targets, AtlHostTarget, i).box;

      n += (double) box->width * box->height;
    }
  return n;
}

static void
show_facts (Dialog *dialog, const AtlTrialAnswer *answer)
{
  const AtlHostRequest request = {
    .image = dialog->image,
    .scale = answer->scale,
    .whole = ! dialog->of_layers,
    .selected = (const AtlHostLayer *) dialog->selected->data,
    .n_selected = (int) dialog->selected->len,
  };
  const double n_asked = MAX ((double) dialog->asked_width * dialog->asked_height, 1.0);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) targets = atl_host_targets_new (&request, &error);

  if (targets == NULL || ! atl_room_check (answer->memory, atl_host_targets_size (targets), &error))
    {
      show_error (dialog, error);
      return;
    }

  g_autofree char *size = describe_size (dialog, answer->scale);
  g_autofree char *duration = atl_duration_to_string (
      MAX (1.0, answer->seconds * count_pixels (targets) / n_asked));
  g_autofree char *memory = g_format_size_full (answer->memory, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *cost = g_strdup_printf (_ ("It takes about %s, and %s of memory for the work."),
                                           duration, memory);

  dialog->offer = g_strconcat (size, cost, NULL);
  dialog->offered_how = g_strdup (answer->how);
  show_offer (dialog);
}

/* Without the margin, whose pixels lack their own. */
static void
show_result (Dialog *dialog, GeglBuffer *result)
{
  const GeglRectangle part = atl_preview_part (dialog->preview);
  const GeglRectangle wide = with_margin (dialog, &part);
  const GeglRectangle inner = { (int) round ((part.x - wide.x) * dialog->scale),
                                (int) round ((part.y - wide.y) * dialog->scale),
                                (int) round (part.width * dialog->scale),
                                (int) round (part.height * dialog->scale) };
  g_autoptr (GeglBuffer) buffer = gegl_buffer_create_sub_buffer (result, &inner);

  atl_preview_set_after (dialog->preview, buffer);
  if (dialog->offer != NULL)
    show_offer (dialog);
}

static void
answered (const AtlTrialAnswer *answer, void *data)
{
  Dialog *dialog = data;

  if (answer->error != NULL)
    show_error (dialog, answer->error);
  else if (answer->how != NULL)
    {
      dialog->scale = answer->scale;
      show_facts (dialog, answer);
      atl_preview_set_scale (dialog->preview, answer->scale);
      ask_part (dialog);
    }
  else if (dialog->timeout == 0) /* else another part is to be seen already */
    show_result (dialog, answer->result);
}

/* A label for our rows, in line with GIMP's. */
static GtkWidget *
new_row (const char *label, const char *hint, GtkWidget *widget, GtkSizeGroup *labels)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *title = gtk_label_new_with_mnemonic (label);

  gtk_label_set_mnemonic_widget (GTK_LABEL (title), widget);
  gtk_label_set_xalign (GTK_LABEL (title), 0.0);
  gtk_size_group_add_widget (labels, title);
  gtk_widget_set_tooltip_text (widget, hint);
  gtk_box_pack_start (GTK_BOX (row), title, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), widget, TRUE, TRUE, 0);
  gtk_widget_show_all (row);
  return row;
}

/* GIMP's widget for a parameter. */
static void
prepare_widget (GimpProcedureDialog *window, const AtlParam *param, GtkSizeGroup *labels)
{
  GtkWidget *widget = param->kind == ATL_PARAM_NUMBER
                          ? gimp_procedure_dialog_get_scale_entry (window, param->name, 1.0)
                          : gimp_procedure_dialog_get_widget (window, param->name, G_TYPE_NONE);

  if (GIMP_IS_LABELED (widget))
    {
      GtkWidget *label = gimp_labeled_get_label (GIMP_LABELED (widget));

      gtk_label_set_xalign (GTK_LABEL (label), 0.0);
      gtk_size_group_add_widget (labels, label);
    }
}

/* All parameters in the table's order: GIMP's widgets, and the list of models instead of GIMP's entry of text. */
static void
add_parameters (Dialog *dialog)
{
  GimpProcedureDialog *window = GIMP_PROCEDURE_DIALOG (dialog->window);
  g_autoptr (GtkSizeGroup) labels = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);
  g_autoptr (GList) names = NULL;
  GtkWidget *box;

  for (int i = 0; i < dialog->filter->n_params; i++)
    {
      const AtlParam *param = &dialog->filter->params[i];

      if (param->kind == ATL_PARAM_MODEL)
        continue;
      prepare_widget (window, param, labels);
      names = g_list_append (names, (gpointer) param->name);
    }
  box = gimp_procedure_dialog_fill_box_list (window, "parameters", names);
  for (int i = 0; i < dialog->filter->n_params; i++)
    {
      const AtlParam *param = &dialog->filter->params[i];

      if (param->kind == ATL_PARAM_MODEL)
        {
          GtkWidget *chooser = atl_model_chooser_new (dialog->filter->task,
                                                      G_OBJECT (dialog->config), param->name);
          GtkWidget *row = new_row (_ (param->label), _ (param->blurb), chooser, labels);

          gtk_box_pack_start (GTK_BOX (box), row, FALSE, FALSE, 0);
          gtk_box_reorder_child (GTK_BOX (box), row, i);
        }
    }
  gimp_procedure_dialog_fill (window, "parameters", NULL);
}

static GtkLabel *
add_line (Dialog *dialog)
{
  GtkWidget *label = gtk_label_new ("");

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 60);
  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (dialog->window)), label, FALSE, FALSE,
                      0);
  gtk_widget_show (label);
  return GTK_LABEL (label);
}

static void
build (Dialog *dialog)
{
  GtkWidget *content = gtk_dialog_get_content_area (dialog->window);

  dialog->preview = atl_preview_new (dialog->shown, part_moved, dialog);
  gtk_box_pack_start (GTK_BOX (content), atl_preview_widget (dialog->preview), FALSE, FALSE, 0);
  gtk_box_reorder_child (GTK_BOX (content), atl_preview_widget (dialog->preview), 0);
  gtk_widget_set_margin_bottom (atl_preview_widget (dialog->preview), 12);
  add_parameters (dialog);
  dialog->facts = add_line (dialog);
  dialog->how = add_line (dialog);
  gtk_widget_set_sensitive (GTK_WIDGET (dialog->how), FALSE);
}

/* The first layer with pixels of its own, or NULL. */
static AtlHostLayer
first_pixels (const GArray *layers)
{
  AtlHostLayer found = NULL;

  for (guint i = 0; i < layers->len && found == NULL; i++)
    {
      AtlHostLayer layer = g_array_index (layers, AtlHostLayer, i);

      if (gimp_item_is_group (GIMP_ITEM (layer)))
        {
          g_autoptr (GArray) inside = atl_host_group_layers (layer);

          found = first_pixels (inside);
        }
      else
        found = layer;
    }
  return found;
}

/* The layer to show. */
static AtlHostLayer
layer_to_show (GimpImage *image, const GArray *selected)
{
  g_autoptr (GArray) all = atl_host_image_layers (image);
  AtlHostLayer layer = first_pixels (selected);

  return layer != NULL ? layer : first_pixels (all);
}

gboolean
atl_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, const AtlFilter *filter,
                GimpImage *image, const GArray *layers, GError **error)
{
  g_autofree char *title = atl_host_title (filter->label);
  AtlHostLayer shown = layer_to_show (image, layers);
  Dialog dialog = {
    .filter = filter,
    .config = config,
    .image = image,
    .selected = layers,
    .settings_changed = TRUE,
  };
  gboolean accepted;
  gulong handler;

  if (shown == NULL)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("the image has no layer with pixels"));
      return FALSE;
    }

  gimp_ui_init (filter->name);
  dialog.shown = GIMP_DRAWABLE (shown);
  dialog.window = GTK_DIALOG (gimp_procedure_dialog_new (procedure, config, title));
  dialog.trial = atl_trial_new (filter, answered, &dialog);
  build (&dialog);
  handler = g_signal_connect (config, "notify", G_CALLBACK (settings_changed), &dialog);
  ask_soon (&dialog);

  accepted = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog.window));

  g_signal_handler_disconnect (config, handler);
  /* The main loop still runs while the thread is awaited. */
  gtk_widget_hide (GTK_WIDGET (dialog.window));
  atl_trial_free (dialog.trial);
  if (dialog.timeout != 0)
    g_source_remove (dialog.timeout);
  g_free (dialog.offer);
  g_free (dialog.offered_how);
  gtk_widget_destroy (GTK_WIDGET (dialog.window));
  return accepted;
}
