/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "host/locks.h"

typedef struct
{
  AtlHostLayer layer;
  gboolean content, position;
} Locks;

static void
lift (AtlHostLayer layer, GArray *lifted)
{
  const Locks locks = { .layer = layer,
                        .content = gimp_item_get_lock_content (GIMP_ITEM (layer)),
                        .position = gimp_item_get_lock_position (GIMP_ITEM (layer)) };

  if (locks.content)
    gimp_item_set_lock_content (GIMP_ITEM (layer), FALSE);
  if (locks.position)
    gimp_item_set_lock_position (GIMP_ITEM (layer), FALSE);
  if (locks.content || locks.position)
    g_array_append_val (lifted, locks);
}

static void
lift_tree (AtlHostLayer layer, GArray *lifted)
{
  lift (layer, lifted);
  if (! gimp_item_is_group (GIMP_ITEM (layer)))
    return;

  g_autoptr (GArray) layers = atl_host_group_layers (layer);
  for (guint i = 0; i < layers->len; i++)
    lift_tree (g_array_index (layers, AtlHostLayer, i), lifted);
}

GArray *
atl_host_locks_lift (AtlHostLayer layer)
{
  GArray *lifted = g_array_new (FALSE, FALSE, sizeof (Locks));

  lift_tree (layer, lifted);
  while (atl_host_layer_parent (layer, &layer))
    lift (layer, lifted);
  return lifted;
}

void
atl_host_locks_restore (GArray *lifted)
{
  for (guint i = 0; i < lifted->len; i++)
    {
      const Locks *locks = &g_array_index (lifted, Locks, i);

      if (locks->content)
        gimp_item_set_lock_content (GIMP_ITEM (locks->layer), TRUE);
      if (locks->position)
        gimp_item_set_lock_position (GIMP_ITEM (locks->layer), TRUE);
    }
  g_array_unref (lifted);
}
