/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter as a procedure of GIMP 2.10: positional arguments and a plain dialog, both made from the
 * filter's table. GIMP 2.10 checks no ranges, so the settings do.
 */

#include "host/host.h"

#include <string.h>

#include <libgimp/gimpui.h>

#include "base/i18n.h"
#include "host/version.h"
#include "weights/library.h"

/* Arguments before those of the filter: run mode, image, drawable. */
#define N_FIXED 3

/* GIMP's callbacks carry no data. */
static const AtlFilter *filter;

static GArray *
layer_array (int *layers, int n_layers)
{
  GArray *array = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));

  g_array_append_vals (array, layers, (guint) n_layers);
  g_free (layers);
  return array;
}

GArray *
atl_host_image_layers (AtlHostImage image)
{
  int n_layers;
  int *layers = gimp_image_get_layers (image, &n_layers);

  return layer_array (layers, n_layers);
}

GArray *
atl_host_group_layers (AtlHostLayer group)
{
  int n_layers;
  int *layers = gimp_item_get_children (group, &n_layers);

  return layer_array (layers, n_layers);
}

gboolean
atl_host_layer_parent (AtlHostLayer layer, AtlHostLayer *parent)
{
  const gint32 item = gimp_item_get_parent (layer);

  if (item == -1)
    return FALSE;

  *parent = item;
  return TRUE;
}

char *
atl_host_layer_name (AtlHostLayer layer)
{
  return gimp_item_get_name (layer);
}

gboolean
atl_host_layer_is_generated (AtlHostLayer layer)
{
  return FALSE;
}

gboolean
atl_host_layer_is_plain (AtlHostLayer layer)
{
  return gimp_layer_get_mask (layer) == -1 && ! atl_host_layer_is_generated (layer);
}

gboolean
atl_host_image_has_channels (AtlHostImage image)
{
  int n_channels;
  g_autofree int *channels = gimp_image_get_channels (image, &n_channels);

  return n_channels > 0;
}

const char *
atl_host_last_error (void)
{
  return gimp_get_pdb_error ();
}

/* "The blurb (1..8) [2]", "The blurb { normal (0), best (1) } [0]": all that 2.10 tells of an argument. What is in
 * brackets is the default, of which it has no other notion; plugins/batch/atelier-gimp-batch reads it. */
static char *
describe (const AtlParam *param)
{
  GString *text = g_string_new (param->blurb);
  char initial[G_ASCII_DTOSTR_BUF_SIZE];

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      g_string_append_printf (text, " (%g..%g)", param->minimum, param->maximum);
      break;
    case ATL_PARAM_BOOLEAN:
      g_string_append (text, " (TRUE or FALSE)");
      break;
    case ATL_PARAM_CHOICE:
      for (int i = 0; i < param->n_choices; i++)
        g_string_append_printf (text, "%s %s (%d)", i == 0 ? " {" : ",", param->choices[i].name, i);
      g_string_append (text, " }");
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      return g_string_free (text, FALSE);
    }
  g_string_append_printf (text, " [%s]", g_ascii_dtostr (initial, sizeof initial, param->initial));
  return g_string_free (text, FALSE);
}

static GimpPDBArgType
argument_type (AtlParamKind kind)
{
  switch (kind)
    {
    case ATL_PARAM_NUMBER:
      return GIMP_PDB_FLOAT;
    case ATL_PARAM_INTEGER:
    case ATL_PARAM_BOOLEAN:
    case ATL_PARAM_CHOICE:
      return GIMP_PDB_INT32;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      return GIMP_PDB_STRING;
    }
  g_return_val_if_reached (GIMP_PDB_STRING);
}

static void
query (void)
{
  static const GimpParamDef fixed[N_FIXED] = {
    { GIMP_PDB_INT32, (char *) "run-mode",
      (char *) "The run mode { RUN-INTERACTIVE (0), RUN-NONINTERACTIVE (1), RUN-WITH-LAST-VALS (2) "
               "}" },
    { GIMP_PDB_IMAGE, (char *) "image", (char *) "The image" },
    { GIMP_PDB_DRAWABLE, (char *) "drawable", (char *) "The selected layer" },
  };
  g_autofree char *name = atl_host_procedure_name (filter);
  g_autofree GimpParamDef *arguments = g_new (GimpParamDef, N_FIXED + filter->n_params);

  /* By this GIMP translates label, blurb and help itself. */
  gimp_plugin_domain_register (GETTEXT_PACKAGE, atl_translations_folder ());
  memcpy (arguments, fixed, sizeof fixed);
  for (int i = 0; i < filter->n_params; i++)
    {
      const AtlParam *param = &filter->params[i];

      arguments[N_FIXED + i] = (GimpParamDef) { argument_type (param->kind), (char *) param->name,
                                                describe (param) };
    }
  gimp_install_procedure (name, filter->blurb, filter->help, "Atelier", "Atelier", "2026",
                          filter->label, filter->image_types, GIMP_PLUGIN,
                          N_FIXED + filter->n_params, 0, arguments, NULL);
  gimp_plugin_menu_register (name, "<Image>/Filters/Atelier");
  gimp_plugin_icon_register (name, GIMP_ICON_TYPE_ICON_NAME, (const guint8 *) GIMP_ICON_GEGL);

  for (int i = 0; i < filter->n_params; i++)
    g_free (arguments[N_FIXED + i].description);
}

static gboolean
set_count_error (int n_arguments, GError **error)
{
  g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
               P_ ("%d argument given, but there are %d", "%d arguments given, but there are %d",
                   n_arguments),
               n_arguments, N_FIXED + filter->n_params);
  return FALSE;
}

static gboolean
read_arguments (AtlSettings *settings, const GimpParam *arguments, int n_arguments, GError **error)
{
  if (n_arguments != N_FIXED + filter->n_params)
    return set_count_error (n_arguments, error);

  for (int i = 0; i < filter->n_params; i++)
    {
      const GimpParamData *value = &arguments[N_FIXED + i].data;
      const char *name = filter->params[i].name;
      gboolean set = FALSE;

      switch (filter->params[i].kind)
        {
        case ATL_PARAM_NUMBER:
          set = atl_settings_set_number (settings, name, value->d_float, error);
          break;
        case ATL_PARAM_INTEGER:
        case ATL_PARAM_BOOLEAN:
        case ATL_PARAM_CHOICE:
          set = atl_settings_set_number (settings, name, value->d_int32, error);
          break;
        case ATL_PARAM_MODEL:
        case ATL_PARAM_FILE:
          set = atl_settings_set_string (settings, name, value->d_string ? value->d_string : "",
                                         error);
          break;
        }
      if (! set)
        return FALSE;
    }
  return TRUE;
}

/* The last values are kept by GIMP, for as long as it runs, as the text of a key file. */
#define LAST_VALUES "last-values"

static void
save_last_values (const AtlSettings *settings)
{
  g_autofree char *name = atl_host_procedure_name (filter);
  g_autoptr (GKeyFile) values = g_key_file_new ();
  g_autofree char *text = NULL;

  for (int i = 0; i < filter->n_params; i++)
    {
      const AtlParam *param = &filter->params[i];

      if (argument_type (param->kind) == GIMP_PDB_STRING)
        g_key_file_set_string (values, LAST_VALUES, param->name,
                               atl_settings_string (settings, param->name));
      else
        g_key_file_set_double (values, LAST_VALUES, param->name,
                               atl_settings_number (settings, param->name));
    }
  text = g_key_file_to_data (values, NULL, NULL);
  gimp_set_data (name, text, (guint32) strlen (text) + 1);
}

/* What is missing or no longer possible stays at its initial value. */
static void
load_last_values (AtlSettings *settings)
{
  g_autofree char *name = atl_host_procedure_name (filter);
  const int size = gimp_get_data_size (name);
  g_autofree char *text = g_malloc0 ((gsize) size + 1);
  g_autoptr (GKeyFile) values = g_key_file_new ();

  if (size == 0 || ! gimp_get_data (name, text)
      || ! g_key_file_load_from_data (values, text, strlen (text), G_KEY_FILE_NONE, NULL))
    return;

  for (int i = 0; i < filter->n_params; i++)
    {
      const AtlParam *param = &filter->params[i];

      if (! g_key_file_has_key (values, LAST_VALUES, param->name, NULL))
        continue;
      if (argument_type (param->kind) == GIMP_PDB_STRING)
        {
          g_autofree char *string = g_key_file_get_string (values, LAST_VALUES, param->name, NULL);

          atl_settings_set_string (settings, param->name, string, NULL);
        }
      else
        atl_settings_set_number (settings, param->name,
                                 g_key_file_get_double (values, LAST_VALUES, param->name, NULL),
                                 NULL);
    }
}

/* Of a number: the slider in pixels, the entry beside it in characters. An arrow key moves the slider by a
 * hundredth of the range, a page key by a tenth; whole numbers go by one. */
#define SLIDER_WIDTH 150
#define ENTRY_WIDTH 6

/* One row of the dialog; one of the members is used. */
typedef struct
{
  GtkAdjustment *adjustment;
  GtkWidget *widget;
} Row;

/* The names of the models that there are, beside an entry that takes a path, too. */
static GtkWidget *
new_model_list (void)
{
  g_autoptr (GPtrArray) entries = atl_library_list (filter->task, NULL);
  GtkWidget *list = gtk_combo_box_text_new_with_entry ();

  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);

      gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (list), entry->name);
    }
  return list;
}

/* The entry of a model or a file. */
static GtkEntry *
entry_of_row (const Row *row)
{
  return GTK_ENTRY (GTK_IS_COMBO_BOX (row->widget) ? gtk_bin_get_child (GTK_BIN (row->widget))
                                                   : row->widget);
}

static Row
new_row (GtkTable *table, int at, const AtlParam *param, const AtlSettings *settings)
{
  const double number = argument_type (param->kind) == GIMP_PDB_STRING
                            ? 0.0
                            : atl_settings_number (settings, param->name);
  const gboolean whole = param->kind == ATL_PARAM_INTEGER;
  const double range = param->maximum - param->minimum;
  Row row = { NULL, NULL };

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      row.adjustment = GTK_ADJUSTMENT (gimp_scale_entry_new (
          table, 0, at, _ (param->label), SLIDER_WIDTH, ENTRY_WIDTH, number, param->minimum,
          param->maximum, whole ? 1.0 : range / 100.0, whole ? 1.0 : range / 10.0, whole ? 0 : 2,
          TRUE, 0.0, 0.0, _ (param->blurb), NULL));
      return row;
    case ATL_PARAM_BOOLEAN:
      row.widget = gtk_check_button_new_with_mnemonic (_ (param->label));
      gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (row.widget), number != 0.0);
      gtk_table_attach_defaults (table, row.widget, 0, 3, at, at + 1);
      break;
    case ATL_PARAM_CHOICE:
      row.widget = g_object_new (GIMP_TYPE_INT_COMBO_BOX, NULL);
      for (int i = 0; i < param->n_choices; i++)
        gimp_int_combo_box_append (GIMP_INT_COMBO_BOX (row.widget), GIMP_INT_STORE_VALUE, i,
                                   GIMP_INT_STORE_LABEL, _ (param->choices[i].label), -1);
      gimp_int_combo_box_set_active (GIMP_INT_COMBO_BOX (row.widget), (int) number);
      gimp_table_attach_aligned (table, 0, at, _ (param->label), 0.0, 0.5, row.widget, 2, FALSE);
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      row.widget = param->kind == ATL_PARAM_MODEL ? new_model_list () : gtk_entry_new ();
      gtk_entry_set_text (entry_of_row (&row), atl_settings_string (settings, param->name));
      gimp_table_attach_aligned (table, 0, at, _ (param->label), 0.0, 0.5, row.widget, 2, FALSE);
      break;
    }
  gimp_help_set_help_data (row.widget, _ (param->blurb), NULL);
  return row;
}

static gboolean
read_row (AtlSettings *settings, const AtlParam *param, const Row *row, GError **error)
{
  int index = 0;

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      return atl_settings_set_number (settings, param->name,
                                      gtk_adjustment_get_value (row->adjustment), error);
    case ATL_PARAM_BOOLEAN:
      return atl_settings_set_number (
          settings, param->name, gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (row->widget)),
          error);
    case ATL_PARAM_CHOICE:
      gimp_int_combo_box_get_active (GIMP_INT_COMBO_BOX (row->widget), &index);
      return atl_settings_set_number (settings, param->name, index, error);
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      return atl_settings_set_string (settings, param->name,
                                      gtk_entry_get_text (entry_of_row (row)), error);
    }
  g_return_val_if_reached (FALSE);
}

/* FALSE without an error when the user has pressed Cancel. */
static gboolean
ask_user (AtlSettings *settings, GError **error)
{
  g_autofree char *name = atl_host_procedure_name (filter);
  g_autofree char *title = atl_host_title (filter->label);
  g_autofree Row *rows = g_new (Row, filter->n_params);
  GtkWidget *dialog, *table;
  gboolean done;

  gimp_ui_init (filter->name, FALSE);
  dialog = gimp_dialog_new (title, filter->name, NULL, 0, gimp_standard_help_func, name,
                            _ ("_Cancel"), GTK_RESPONSE_CANCEL, _ ("_OK"), GTK_RESPONSE_OK, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_OK);
  gimp_window_set_transient (GTK_WINDOW (dialog));

  table = gtk_table_new ((guint) filter->n_params, 3, FALSE);
  gtk_container_set_border_width (GTK_CONTAINER (table), 12);
  gtk_table_set_col_spacings (GTK_TABLE (table), 6);
  gtk_table_set_row_spacings (GTK_TABLE (table), 6);
  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (dialog))), table, TRUE,
                      TRUE, 0);
  for (int i = 0; i < filter->n_params; i++)
    rows[i] = new_row (GTK_TABLE (table), i, &filter->params[i], settings);
  gtk_widget_show_all (dialog);

  done = gimp_dialog_run (GIMP_DIALOG (dialog)) == GTK_RESPONSE_OK;
  for (int i = 0; done && i < filter->n_params; i++)
    done = read_row (settings, &filter->params[i], &rows[i], error);
  gtk_widget_destroy (dialog);

  return done;
}

/* Reads the settings in the way of the run mode. FALSE without an error: the user does not want. */
static gboolean
get_settings (AtlSettings *settings, const GimpParam *arguments, int n_arguments, GError **error)
{
  switch ((GimpRunMode) arguments[0].data.d_int32)
    {
    case GIMP_RUN_INTERACTIVE:
      load_last_values (settings);
      if (! ask_user (settings, error))
        return FALSE;
      save_last_values (settings);
      return TRUE;
    case GIMP_RUN_NONINTERACTIVE:
      return read_arguments (settings, arguments, n_arguments, error);
    case GIMP_RUN_WITH_LAST_VALS:
      load_last_values (settings);
      return TRUE;
    }
  g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
               _ ("the run mode is %d, but 0, 1 or 2 is possible"), arguments[0].data.d_int32);
  return FALSE;
}

/* The layer, or the layer whose mask is the drawable. FALSE: a channel, or none. */
static gboolean
layer_of (gint32 drawable, AtlHostLayer *layer)
{
  if (drawable == -1)
    return FALSE;

  *layer = gimp_item_is_layer_mask (drawable) ? gimp_layer_from_mask (drawable) : drawable;
  return gimp_item_is_layer (*layer);
}

/* Any mode has the fixed arguments: run mode, image and drawable. */
static gboolean
resize (const GimpParam *arguments, int n_arguments, GError **error)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (filter);
  AtlHostLayer layer;

  if (n_arguments < N_FIXED)
    return set_count_error (n_arguments, error);

  const int n_layers = layer_of (arguments[2].data.d_drawable, &layer) ? 1 : 0;
  return get_settings (settings, arguments, n_arguments, error)
         && atl_host_resize (filter, settings, arguments[1].data.d_image, &layer, n_layers, error);
}

static void
run (const char *name, int n_arguments, const GimpParam *arguments, int *n_values,
     GimpParam **values)
{
  static GimpParam returned[2]; /* these outlive the call, since GIMP reads them afterwards */
  GError *error = NULL;

  atl_host_set_up ();

  *values = returned;
  *n_values = 1;
  returned[0].type = GIMP_PDB_STATUS;
  returned[0].data.d_status = GIMP_PDB_SUCCESS;

  if (resize (arguments, n_arguments, &error))
    {
      if (arguments[0].data.d_int32 != GIMP_RUN_NONINTERACTIVE)
        gimp_displays_flush ();
      return;
    }

  returned[0].data.d_status = error ? atl_host_status (error) : GIMP_PDB_CANCEL;
  if (returned[0].data.d_status != GIMP_PDB_CANCEL)
    {
      *n_values = 2;
      returned[1].type = GIMP_PDB_STRING;
      returned[1].data.d_string = g_strdup (error->message);
    }
  g_clear_error (&error);
}

int
atl_host_main (const char *filter_name, int argc, char **argv)
{
  static const GimpPlugInInfo info = { NULL, NULL, query, run };

  filter = atl_filter_find (filter_name);
  if (atl_host_tell_version (filter, argc, argv))
    return 0;
  atl_translations_bind ();
  return gimp_main (&info, argc, argv);
}
