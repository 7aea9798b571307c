/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter as a procedure of GIMP 3: typed arguments and GIMP's own dialog, both made from the filter's
 * table.
 */

#include "host/host.h"

#include <libgimp/gimpui.h>

#include "base/i18n.h"

/* GIMP makes the plug-in's object by itself, without a way to hand anything to it. */
static const AtlFilter *filter;

typedef struct
{
  GimpPlugIn parent;
} AtlPlugIn;

typedef struct
{
  GimpPlugInClass parent_class;
} AtlPlugInClass;

GType atl_plug_in_get_type (void);
G_DEFINE_TYPE (AtlPlugIn, atl_plug_in, GIMP_TYPE_PLUG_IN)

GArray *
atl_host_image_layers (AtlHostImage image)
{
  GArray *array = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));
  g_autofree GimpLayer **layers = gimp_image_get_layers (image);

  g_array_append_vals (array, layers, gimp_core_object_array_get_length ((GObject **) layers));
  return array;
}

GArray *
atl_host_group_layers (AtlHostLayer group)
{
  GArray *array = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));
  g_autofree GimpItem **layers = gimp_item_get_children (GIMP_ITEM (group));

  g_array_append_vals (array, layers, gimp_core_object_array_get_length ((GObject **) layers));
  return array;
}

gboolean
atl_host_layer_parent (AtlHostLayer layer, AtlHostLayer *parent)
{
  GimpItem *item = gimp_item_get_parent (GIMP_ITEM (layer));

  if (! item)
    return FALSE;

  *parent = GIMP_LAYER (item);
  return TRUE;
}

char *
atl_host_layer_name (AtlHostLayer layer)
{
  return gimp_item_get_name (GIMP_ITEM (layer));
}

gboolean
atl_host_layer_is_generated (AtlHostLayer layer)
{
  /* Classes of GIMP 3.2; in 3.0 no object is of them. */
  const GType link = g_type_from_name ("GimpLinkLayer");
  const GType shape = g_type_from_name ("GimpVectorLayer");

  return (link && g_type_is_a (G_OBJECT_TYPE (layer), link))
         || (shape && g_type_is_a (G_OBJECT_TYPE (layer), shape));
}

const char *
atl_host_last_error (void)
{
  return gimp_pdb_get_last_error (gimp_get_pdb ());
}

static GimpChoice *
new_choice (const AtlParam *param)
{
  GimpChoice *choice = gimp_choice_new ();

  for (int i = 0; i < param->n_choices; i++)
    gimp_choice_add (choice, param->choices[i].name, i, _ (param->choices[i].label), NULL);
  return choice;
}

static void
add_argument (GimpProcedure *procedure, const AtlParam *param)
{
  const char *label = _ (param->label), *blurb = _ (param->blurb);

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      gimp_procedure_add_double_argument (procedure, param->name, label, blurb, param->minimum,
                                          param->maximum, param->initial, G_PARAM_READWRITE);
      break;
    case ATL_PARAM_INTEGER:
      gimp_procedure_add_int_argument (procedure, param->name, label, blurb, (int) param->minimum,
                                       (int) param->maximum, (int) param->initial,
                                       G_PARAM_READWRITE);
      break;
    case ATL_PARAM_BOOLEAN:
      gimp_procedure_add_boolean_argument (procedure, param->name, label, blurb,
                                           param->initial != 0.0, G_PARAM_READWRITE);
      break;
    case ATL_PARAM_CHOICE:
      gimp_procedure_add_choice_argument (procedure, param->name, label, blurb, new_choice (param),
                                          param->choices[(int) param->initial].name,
                                          G_PARAM_READWRITE);
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      gimp_procedure_add_string_argument (procedure, param->name, label, blurb, "",
                                          G_PARAM_READWRITE);
      break;
    }
}

static gboolean
read_setting (AtlSettings *settings, GimpProcedureConfig *config, const AtlParam *param,
              GError **error)
{
  g_autofree char *text = NULL;
  double number = 0.0;
  int integer = 0;

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      g_object_get (config, param->name, &number, NULL);
      return atl_settings_set_number (settings, param->name, number, error);
    case ATL_PARAM_INTEGER:
    case ATL_PARAM_BOOLEAN:
      g_object_get (config, param->name, &integer, NULL);
      return atl_settings_set_number (settings, param->name, integer, error);
    case ATL_PARAM_CHOICE:
      return atl_settings_set_number (
          settings, param->name, gimp_procedure_config_get_choice_id (config, param->name), error);
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      g_object_get (config, param->name, &text, NULL);
      return atl_settings_set_string (settings, param->name, text ? text : "", error);
    }
  g_return_val_if_reached (FALSE);
}

static gboolean
read_settings (AtlSettings *settings, GimpProcedureConfig *config, GError **error)
{
  for (int i = 0; i < filter->n_params; i++)
    if (! read_setting (settings, config, &filter->params[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
ask_user (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  g_autofree char *title = atl_host_title (filter->label);
  GtkWidget *dialog;
  gboolean accepted;

  gimp_ui_init (filter->name);
  dialog = gimp_procedure_dialog_new (procedure, config, title);
  for (int i = 0; i < filter->n_params; i++)
    if (filter->params[i].kind == ATL_PARAM_NUMBER)
      gimp_procedure_dialog_get_scale_entry (GIMP_PROCEDURE_DIALOG (dialog), filter->params[i].name,
                                             1.0);
  gimp_procedure_dialog_fill (GIMP_PROCEDURE_DIALOG (dialog), NULL);
  accepted = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog));
  gtk_widget_destroy (dialog);

  return accepted;
}

/* The layers among the drawables, and those whose masks are among them. */
static GArray *
selected_layers (GimpDrawable **drawables)
{
  GArray *layers = g_array_new (FALSE, FALSE, sizeof (AtlHostLayer));

  for (; drawables && *drawables; drawables++)
    {
      GimpLayer *layer = NULL;

      if (GIMP_IS_LAYER_MASK (*drawables))
        layer = gimp_layer_from_mask (GIMP_LAYER_MASK (*drawables));
      else if (GIMP_IS_LAYER (*drawables))
        layer = GIMP_LAYER (*drawables);
      if (layer)
        g_array_append_val (layers, layer);
    }
  return layers;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode mode, GimpImage *image, GimpDrawable **drawables,
     GimpProcedureConfig *config, gpointer data)
{
  g_autoptr (AtlSettings) settings = atl_settings_new (filter);
  g_autoptr (GArray) layers = selected_layers (drawables);
  GimpPDBStatusType status;
  GError *error = NULL;

  gegl_init (NULL, NULL);

  if (mode == GIMP_RUN_INTERACTIVE && ! ask_user (procedure, config))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);

  if (read_settings (settings, config, &error)
      && atl_host_resize (filter, settings, image, (const AtlHostLayer *) layers->data,
                          (int) layers->len, &error))
    {
      if (mode != GIMP_RUN_NONINTERACTIVE)
        gimp_displays_flush ();
      return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
    }

  status = atl_host_status (error);
  if (status == GIMP_PDB_CANCEL)
    g_clear_error (&error); /* no message for what the user wanted */
  return gimp_procedure_new_return_values (procedure, status, error);
}

static GList *
query_procedures (GimpPlugIn *plug_in)
{
  return g_list_append (NULL, atl_host_procedure_name (filter));
}

static GimpProcedure *
create_procedure (GimpPlugIn *plug_in, const char *name)
{
  GimpProcedure *procedure = gimp_image_procedure_new (plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN,
                                                       run, NULL, NULL);

  gimp_procedure_set_image_types (procedure, filter->image_types);
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE
                                                      | GIMP_PROCEDURE_SENSITIVE_DRAWABLES);
  gimp_procedure_set_menu_label (procedure, _ (filter->label));
  gimp_procedure_set_icon_name (procedure, GIMP_ICON_GEGL);
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Atelier");
  gimp_procedure_set_documentation (procedure, _ (filter->blurb), _ (filter->help), NULL);
  gimp_procedure_set_attribution (procedure, "Atelier", "Atelier", "2026");
  for (int i = 0; i < filter->n_params; i++)
    add_argument (procedure, &filter->params[i]);

  return procedure;
}

/* Without translations of its own: GIMP would look for them beside the program, and warn. */
static gboolean
set_i18n (GimpPlugIn *plug_in, const char *name, char **domain, char **folder)
{
  return FALSE;
}

static void
atl_plug_in_class_init (AtlPlugInClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = query_procedures;
  plug_in_class->create_procedure = create_procedure;
  plug_in_class->set_i18n = set_i18n;
}

static void
atl_plug_in_init (AtlPlugIn *plug_in)
{
}

int
atl_host_main (const char *filter_name, int argc, char **argv)
{
  filter = atl_filter_find (filter_name);
  return gimp_main (atl_plug_in_get_type (), argc, argv);
}
