/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A part of a layer at 100 % of the result's size, before and after a filter, and a map of the layer in which
 * the part can be moved; for GIMP 3's dialog. The preview shows; who owns it computes.
 */

#pragma once

#include <libgimp/gimp.h>
#include <gtk/gtk.h>

typedef struct AtlPreview AtlPreview;

/* Told when another part is to be seen: what is shown as 'after' does not fit any more. */
typedef void AtlPreviewFunc (void *data);

/* Of a layer, which is only read. It ends with its widget. */
AtlPreview *atl_preview_new (GimpDrawable *drawable, AtlPreviewFunc *moved, void *data);
GtkWidget *atl_preview_widget (AtlPreview *preview);

/* How many times larger the result is. Another scale needs another 'after'. */
void atl_preview_set_scale (AtlPreview *preview, double scale);

/* Looks at the layer again: if it was painted on, or deleted, another part is to be seen. */
void atl_preview_refresh (AtlPreview *preview);

/* A copy of the part of the layer that is shown, with what networks see around it, and the size that its result is
 * to have. Borrowed until another part is to be seen; NULL if the layer was gone when it was read. */
GeglBuffer *atl_preview_part (const AtlPreview *preview, int *width, int *height);

/* Shows the result of that copy; NULL while there is none. */
void atl_preview_set_after (AtlPreview *preview, GeglBuffer *after);
