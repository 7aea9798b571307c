/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GIMP's own dialog for a procedure, with its Reset, presets and last values, and three things of ours in it: the
 * list of models, the preview and some lines of facts.
 */

#include "host/gimp3/dialog.h"

#include <libgimp/gimpui.h>

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
  GtkLabel *facts, *runs;
  AtlPreview *preview;
  AtlTrial *trial;
  gboolean of_layers;            /* the settings mean the selected layers alone */
  int asked_width, asked_height; /* of the layer that time and memory were asked for */
  double scale, seconds;         /* of the answer on the settings; scale 0 while there is none */
  size_t memory;
  char *how;
  char *offer; /* what is told where OK is offered; NULL where it is not */
  guint timeout;
  gboolean settings_changed; /* since the last question */
  gboolean gone;             /* a layer, when it was looked for last */
  gboolean part_failed;      /* the last one that was tried */
} Dialog;

static void
ask_part (Dialog *dialog)
{
  int width, height;
  GeglBuffer *part = atl_preview_part (dialog->preview, &width, &height);

  if (part != NULL)
    atl_trial_ask_part (dialog->trial, part, width, height);
}

/* Until the settings are others, or, if the error is that of a part, another one succeeds. */
static void
show_error (Dialog *dialog, const char *message)
{
  gtk_label_set_text (dialog->facts, message);
  gtk_label_set_text (dialog->runs, "");
  gtk_dialog_set_response_sensitive (dialog->window, GTK_RESPONSE_OK, FALSE);
}

static gboolean
all_there (const GArray *layers)
{
  for (guint i = 0; i < layers->len; i++)
    if (! gimp_item_is_valid (GIMP_ITEM (g_array_index (layers, AtlHostLayer, i))))
      return FALSE;
  return TRUE;
}

/* GIMP lets its user go on while a dialog is open. */
static gboolean
check_layers (Dialog *dialog)
{
  dialog->gone = ! gimp_item_is_valid (GIMP_ITEM (dialog->shown))
                 || (dialog->of_layers && ! all_there (dialog->selected));
  if (dialog->gone)
    show_error (dialog, _ ("The layer is gone: it was deleted while this dialog was open. Close "
                           "the dialog, and open it again for another layer."));
  return ! dialog->gone;
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

/* The largest of the layers that the settings mean. */
static void
find_asked (const Dialog *dialog, int *width, int *height)
{
  g_autoptr (GArray) all = atl_host_image_layers (dialog->image);

  *width = 0;
  *height = 0;
  find_largest (dialog->of_layers && dialog->selected->len > 0 ? dialog->selected : all, width,
                height);
}

static void
ask_settings (Dialog *dialog)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (dialog->filter);
  g_autoptr (GError) error = NULL;

  dialog->settings_changed = FALSE;
  dialog->part_failed = FALSE;
  dialog->scale = 0.0;
  g_clear_pointer (&dialog->offer, g_free);
  if (! atl_arguments_read (settings, dialog->config, dialog->filter, &error))
    {
      show_error (dialog, error->message);
      return;
    }

  dialog->of_layers = atl_host_is_of_layers (dialog->filter, settings);
  if (! check_layers (dialog))
    return;

  find_asked (dialog, &dialog->asked_width, &dialog->asked_height);
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
  else if (dialog->scale > 0.0 && check_layers (dialog))
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
describe_size (const Dialog *dialog, const AtlHostRequest *request, const GArray *targets)
{
  int width, height;

  if (request->scale == 1.0)
    return g_strdup ("");
  if (request->whole)
    {
      atl_host_image_size (request, &width, &height);
      return g_strdup_printf (_ ("The image becomes %d x %d pixels. "), width, height);
    }

  for (guint i = 0; i < targets->len; i++)
    {
      const AtlHostTarget *target = &g_array_index (targets, AtlHostTarget, i);

      if (GIMP_DRAWABLE (target->layer) == dialog->shown)
        {
          g_autofree char *name = atl_host_layer_name (target->layer);

          return g_strdup_printf (_ ("The layer '%s' becomes %d x %d pixels. "), name,
                                  target->width, target->height);
        }
    }
  return g_strdup ("");
}

/* Tells what is offered, with OK. */
static void
show_offer (Dialog *dialog)
{
  g_autofree char *runs = g_strdup_printf (_ ("Runs %s"), dialog->how);

  gtk_label_set_text (dialog->facts, dialog->offer);
  gtk_label_set_text (dialog->runs, runs);
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

/* Of the answer, for the image as it is now. */
static void
show_facts (Dialog *dialog)
{
  const AtlHostRequest request = {
    .image = dialog->image,
    .scale = dialog->scale,
    .whole = ! dialog->of_layers,
    .selected = (const AtlHostLayer *) dialog->selected->data,
    .n_selected = (int) dialog->selected->len,
  };
  const double n_asked = MAX ((double) dialog->asked_width * dialog->asked_height, 1.0);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) targets = atl_host_targets_new (&request, &error);

  g_clear_pointer (&dialog->offer, g_free);
  if (targets == NULL || ! atl_room_check (dialog->memory, atl_host_targets_size (targets), &error))
    {
      show_error (dialog, error->message);
      return;
    }

  g_autofree char *size = describe_size (dialog, &request, targets);
  g_autofree char *duration = atl_duration_to_string (
      MAX (1.0, dialog->seconds * count_pixels (targets) / n_asked));
  g_autofree char *memory = g_format_size_full (dialog->memory, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *cost = g_strdup_printf (_ ("It takes about %s, and %s of memory for the work."),
                                           duration, memory);

  dialog->offer = g_strconcat (size, cost, NULL);
  show_offer (dialog);
}

static void
take_settings (Dialog *dialog, const AtlTrialAnswer *answer)
{
  dialog->scale = answer->scale;
  dialog->seconds = answer->seconds;
  dialog->memory = answer->memory;
  g_free (dialog->how);
  dialog->how = g_strdup (answer->how);
  show_facts (dialog);
  atl_preview_set_scale (dialog->preview, answer->scale);
  ask_part (dialog);
}

static void
answered (const AtlTrialAnswer *answer, void *data)
{
  Dialog *dialog = data;

  if (! check_layers (dialog))
    return;

  dialog->part_failed = answer->error != NULL && dialog->scale > 0.0;
  if (answer->error != NULL)
    show_error (dialog, answer->error->message);
  else if (answer->how != NULL)
    take_settings (dialog, answer);
  else if (dialog->timeout == 0) /* else another part is to be seen already */
    {
      atl_preview_set_after (dialog->preview, answer->result);
      if (dialog->offer != NULL)
        show_offer (dialog);
    }
}

/* The user comes back, perhaps from the image: GIMP tells of no change to it. */
static void
look_again (GtkWindow *window, GParamSpec *param, Dialog *dialog)
{
  const gboolean was_gone = dialog->gone;
  int width, height;

  /* What is to be asked soon will be asked of the image as it is then. */
  if (! gtk_window_is_active (window) || dialog->timeout != 0 || ! check_layers (dialog))
    return;

  find_asked (dialog, &width, &height);
  if (was_gone || width != dialog->asked_width || height != dialog->asked_height)
    ask_settings (dialog);
  else if (dialog->scale > 0.0 && ! dialog->part_failed)
    show_facts (dialog);
  atl_preview_refresh (dialog->preview);
}

/* A label for our rows, in line with GIMP's, and the list of models with the button beside it. */
static GtkWidget *
new_model_row (const Dialog *dialog, const AtlParam *param, GtkSizeGroup *labels)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *title = gtk_label_new_with_mnemonic (_ (param->label));
  GtkWidget *list = atl_model_chooser_new (dialog->filter->task, G_OBJECT (dialog->config),
                                           param->name);

  gtk_label_set_mnemonic_widget (GTK_LABEL (title), list);
  gtk_label_set_xalign (GTK_LABEL (title), 0.0);
  gtk_size_group_add_widget (labels, title);
  gtk_widget_set_tooltip_text (list, _ (param->blurb));
  gtk_box_pack_start (GTK_BOX (row), title, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), list, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), atl_model_chooser_button_new (list), FALSE, FALSE, 0);
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
          GtkWidget *row = new_model_row (dialog, param, labels);

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
  dialog->runs = add_line (dialog);
  gtk_widget_set_sensitive (GTK_WIDGET (dialog->runs), FALSE);
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
  g_signal_connect (dialog.window, "notify::is-active", G_CALLBACK (look_again), &dialog);
  ask_soon (&dialog);

  accepted = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog.window));

  g_signal_handler_disconnect (config, handler);
  /* The main loop still runs while the thread is awaited. */
  g_signal_handlers_disconnect_by_func (dialog.window, look_again, &dialog);
  gtk_widget_hide (GTK_WIDGET (dialog.window));
  atl_trial_free (dialog.trial);
  if (dialog.timeout != 0)
    g_source_remove (dialog.timeout);
  g_free (dialog.offer);
  g_free (dialog.how);
  gtk_widget_destroy (GTK_WIDGET (dialog.window));
  return accepted;
}
