/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A list of models to choose from, for GIMP 3's dialog.
 */

#pragma once

#include <gtk/gtk.h>

/* A list of the models for a task, with "the best one" first. It follows the string property 'name' of the object
 * (name or path of a model, or empty) and sets it; the object lives longer. */
GtkWidget *atl_model_chooser_new (const char *task, GObject *object, const char *name);

/* A button, to stand beside such a list, for a file that is not in it. */
GtkWidget *atl_model_chooser_button_new (GtkWidget *list);
