/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list is made when the dialog opens, since models come and go between two starts of GIMP.
 */

#include "host/gimp3/model-chooser.h"

#include "base/i18n.h"
#include "weights/library.h"

/* Of the list's rows. The id is a model's name or path, empty for the best one. */
enum
{
  COLUMN_ID,
  COLUMN_TITLE,
  COLUMN_DESCRIPTION, /* small, beside the title */
  N_COLUMNS
};

/* The key under which the combo box keeps it. */
#define CHOOSER "atelier-chooser"

typedef struct
{
  GtkComboBox *combo;
  GtkListStore *store;
  GObject *object;
  const char *property;
  gboolean setting; /* the list is being set to the property, not by the user */
} Chooser;

static void
append_row (GtkListStore *store, const char *id, const char *title, const char *description)
{
  gtk_list_store_insert_with_values (store, NULL, -1, COLUMN_ID, id, COLUMN_TITLE, title,
                                     COLUMN_DESCRIPTION, description, -1);
}

static void
fill_store (GtkListStore *store, const char *task)
{
  g_autoptr (GPtrArray) entries = atl_library_list (task, NULL);

  append_row (store, "", _ ("The best one for the settings"), NULL);
  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);

      append_row (store, entry->name, entry->name, entry->card->description);
    }
}

/* The row of an id. */
static gboolean
find_row (GtkListStore *store, const char *id, GtkTreeIter *row)
{
  GtkTreeModel *model = GTK_TREE_MODEL (store);

  for (gboolean more = gtk_tree_model_get_iter_first (model, row); more;
       more = gtk_tree_model_iter_next (model, row))
    {
      g_autofree char *of_row = NULL;

      gtk_tree_model_get (model, row, COLUMN_ID, &of_row, -1);
      if (g_strcmp0 (of_row, id) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Shows what the property says; a file that is not in the list yet gets a row behind the best one. */
static void
show_property (Chooser *chooser)
{
  g_autofree char *id = NULL;
  GtkTreeIter row;

  g_object_get (chooser->object, chooser->property, &id, NULL);
  if (! find_row (chooser->store, id != NULL ? id : "", &row))
    {
      g_autofree char *title = g_path_get_basename (id);
      g_autofree char *valid = g_utf8_make_valid (title, -1);

      gtk_list_store_insert_with_values (chooser->store, &row, 1, COLUMN_ID, id, COLUMN_TITLE,
                                         valid, COLUMN_DESCRIPTION, NULL, -1);
    }
  chooser->setting = TRUE;
  gtk_combo_box_set_active_iter (chooser->combo, &row);
  chooser->setting = FALSE;
}

/* The path of a weight file that the user chooses, to be freed by g_free (); NULL if none is. */
static char *
ask_for_file (Chooser *chooser)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (chooser->combo));
  GtkWidget *dialog = gtk_file_chooser_dialog_new (
      _ ("Choose a Weight File"), GTK_WINDOW (window), GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Cancel"),
      GTK_RESPONSE_CANCEL, _ ("_Open"), GTK_RESPONSE_ACCEPT, NULL);
  GtkFileFilter *weights = gtk_file_filter_new ();
  char *path = NULL;

  gtk_file_filter_set_name (weights, _ ("Weight files (*.safetensors)"));
  gtk_file_filter_add_pattern (weights, "*.safetensors");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), weights);
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));
  gtk_widget_destroy (dialog);
  return path;
}

static void
changed (GtkComboBox *combo, Chooser *chooser)
{
  g_autofree char *id = NULL;
  GtkTreeIter row;

  if (chooser->setting || ! gtk_combo_box_get_active_iter (combo, &row))
    return;

  gtk_tree_model_get (GTK_TREE_MODEL (chooser->store), &row, COLUMN_ID, &id, -1);
  g_object_set (chooser->object, chooser->property, id, NULL);
}

static void
choose_file (GtkWidget *list)
{
  Chooser *chooser = g_object_get_data (G_OBJECT (list), CHOOSER);
  g_autofree char *path = ask_for_file (chooser);

  if (path != NULL)
    g_object_set (chooser->object, chooser->property, path, NULL);
}

/* The property was set, by the dialog's Reset or by a preset. */
static void
follow (GtkComboBox *combo)
{
  show_property (g_object_get_data (G_OBJECT (combo), CHOOSER));
}

static void
add_column (GtkCellLayout *layout, int column, gboolean small)
{
  GtkCellRenderer *cell = gtk_cell_renderer_text_new ();

  /* Descriptions are as long as their authors liked. */
  if (small)
    g_object_set (cell, "scale", PANGO_SCALE_SMALL, "ellipsize", PANGO_ELLIPSIZE_END,
                  "max-width-chars", 60, "width-chars", 20, NULL);
  gtk_cell_layout_pack_start (layout, cell, small);
  gtk_cell_layout_set_attributes (layout, cell, "text", column, NULL);
}

GtkWidget *
atl_model_chooser_new (const char *task, GObject *object, const char *name)
{
  Chooser *chooser = g_new0 (Chooser, 1);
  g_autofree char *signal = g_strconcat ("notify::", name, NULL);

  chooser->store = gtk_list_store_new (N_COLUMNS, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
  chooser->combo = GTK_COMBO_BOX (gtk_combo_box_new_with_model (GTK_TREE_MODEL (chooser->store)));
  g_object_unref (chooser->store); /* the combo box keeps it */
  chooser->object = object;
  chooser->property = name;

  fill_store (chooser->store, task);
  add_column (GTK_CELL_LAYOUT (chooser->combo), COLUMN_TITLE, FALSE);
  add_column (GTK_CELL_LAYOUT (chooser->combo), COLUMN_DESCRIPTION, TRUE);
  show_property (chooser);
  g_object_set_data_full (G_OBJECT (chooser->combo), CHOOSER, chooser, g_free);
  g_signal_connect (chooser->combo, "changed", G_CALLBACK (changed), chooser);
  g_signal_connect_object (object, signal, G_CALLBACK (follow), chooser->combo, G_CONNECT_SWAPPED);
  return GTK_WIDGET (chooser->combo);
}

GtkWidget *
atl_model_chooser_button_new (GtkWidget *list)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("Other _File…"));

  gtk_widget_set_tooltip_text (button, _ ("Choose a weight file that is not in the list"));
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (choose_file), list);
  return button;
}
