/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The card of a weight file: what the network is, where it comes from and how it is used.
 *
 * It stands in the file's __metadata__ under the keys given below. Members may be NULL where the key is
 * missing, but for those marked *, without which a file is refused. All are UTF-8 whose only control
 * characters are those between lines and columns; those marked 1 are one line of at most 64 bytes.
 */

#pragma once

#include <glib.h>

#include "base/visibility.h"

G_BEGIN_DECLS

/* The version that this code writes, and the only one that it reads. */
#define ATL_CARD_FORMAT "1"

/* The contract of a network's input and output: RGB, channel order as named, perceptual (as stored in
 * the layer's own space), 0..1, not normalised. An unknown contract is refused. */
#define ATL_INPUT_RGB_UNIT "rgb-perceptual-unit-1"

typedef struct
{
  char *format;      /* * 1 atelier.format */
  char *task;        /* * 1 atelier.task: upscale, stylize, mask, loss */
  char *arch;        /* * 1 atelier.arch: sr-resnet, vgg16-bn, ... */
  char *config;      /* * atelier.config: a JSON object, {"scale": 2, "width": 64, "blocks": 8} */
  char *input;       /* * 1 atelier.input: ATL_INPUT_RGB_UNIT */
  char *name;        /* atelier.name: for people */
  char *description; /* atelier.description */
  char *license;     /* atelier.license */
  char *trained_on;  /* atelier.trained-on */
  char *recipe;      /* atelier.recipe: a JSON object */
} AtlCard;

AtlCard *atl_card_new (void);
AtlCard *atl_card_copy (const AtlCard *card);
void atl_card_free (AtlCard *card);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlCard, atl_card_free)

/* Calls func for each member that is not NULL, with its key, in the order of the struct. */
typedef void AtlCardFunc (const char *key, const char *value, void *data);
void atl_card_foreach (const AtlCard *card, AtlCardFunc *func, void *data);

/* The card in a file's metadata (key -> value): empty if there is no key of a card at all, else checked;
 * ATL_ERROR_FORMAT if a needed key is missing, a word is none, or format or input are unknown. */
AtlCard *atl_card_from_metadata (GHashTable *metadata, GError **error);

G_END_DECLS
