/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter as a procedure of GIMP 3: typed arguments and a dialog, both made from the filter's table.
 */

#include "host/host.h"

#include <libgimp/gimpui.h>

#include "base/i18n.h"
#include "host/gimp3/arguments.h"
#include "host/gimp3/dialog.h"
#include "host/version.h"

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

gboolean
atl_host_layer_is_plain (AtlHostLayer layer)
{
  g_autofree GimpDrawableFilter **filters = gimp_drawable_get_filters (GIMP_DRAWABLE (layer));

  return ! gimp_layer_get_mask (layer) && (! filters || ! filters[0])
         && ! atl_host_layer_is_generated (layer);
}

gboolean
atl_host_image_has_channels (AtlHostImage image)
{
  g_autofree GimpChannel **channels = gimp_image_get_channels (image);

  return channels && channels[0];
}

const char *
atl_host_last_error (void)
{
  return gimp_pdb_get_last_error (gimp_get_pdb ());
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

  atl_host_set_up ();

  if ((mode != GIMP_RUN_INTERACTIVE
       || atl_dialog_run (procedure, config, filter, image, layers, &error))
      && atl_arguments_read (settings, config, filter, &error)
      && atl_host_resize (filter, settings, image, (const AtlHostLayer *) layers->data,
                          (int) layers->len, &error))
    {
      if (mode != GIMP_RUN_NONINTERACTIVE)
        gimp_displays_flush ();
      return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
    }

  status = error != NULL ? atl_host_status (error) : GIMP_PDB_CANCEL;
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
  atl_arguments_add (procedure, filter);

  return procedure;
}

/* GIMP 3 binds translations only that lie beside the program, and warns of others: atl_host_main () has
 * bound ours. */
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
  if (atl_host_tell_version (filter, argc, argv))
    return 0;
  atl_translations_bind ();
  return gimp_main (atl_plug_in_get_type (), argc, argv);
}
