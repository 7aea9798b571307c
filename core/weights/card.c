/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cards: copies, and the way from and to a file's metadata. The table below is the one place where the
 * keys stand.
 */

#include "weights/card.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"

enum
{
  MAX_WORD = 64 /* bytes; the longest that this version knows has 21 */
};

typedef struct
{
  const char *key;
  size_t offset; /* of the member in AtlCard */
  gboolean needed;
  gboolean is_word; /* a name for programs, short and on one line, since messages show it */
} Member;

static const Member members[] = {
  { "atelier.format", G_STRUCT_OFFSET (AtlCard, format), TRUE, TRUE },
  { "atelier.task", G_STRUCT_OFFSET (AtlCard, task), TRUE, TRUE },
  { "atelier.arch", G_STRUCT_OFFSET (AtlCard, arch), TRUE, TRUE },
  { "atelier.config", G_STRUCT_OFFSET (AtlCard, config), TRUE, FALSE },
  { "atelier.input", G_STRUCT_OFFSET (AtlCard, input), TRUE, TRUE },
  { "atelier.name", G_STRUCT_OFFSET (AtlCard, name), FALSE },
  { "atelier.description", G_STRUCT_OFFSET (AtlCard, description), FALSE },
  { "atelier.license", G_STRUCT_OFFSET (AtlCard, license), FALSE },
  { "atelier.trained-on", G_STRUCT_OFFSET (AtlCard, trained_on), FALSE },
  { "atelier.recipe", G_STRUCT_OFFSET (AtlCard, recipe), FALSE },
};
_Static_assert (G_N_ELEMENTS (members) == sizeof (AtlCard) / sizeof (char *), "a key each");

static char **
member_of (const AtlCard *card, const Member *member)
{
  return (char **) G_STRUCT_MEMBER_P (card, member->offset);
}

AtlCard *
atl_card_new (void)
{
  return g_new0 (AtlCard, 1);
}

AtlCard *
atl_card_copy (const AtlCard *card)
{
  AtlCard *copy = atl_card_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    *member_of (copy, &members[i]) = g_strdup (*member_of (card, &members[i]));
  return copy;
}

void
atl_card_free (AtlCard *card)
{
  if (card == NULL)
    return;

  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    g_free (*member_of (card, &members[i]));
  g_free (card);
}

void
atl_card_foreach (const AtlCard *card, AtlCardFunc *func, void *data)
{
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    if (*member_of (card, &members[i]) != NULL)
      func (members[i].key, *member_of (card, &members[i]), data);
}

static gboolean
check_member (const Member *member, const char *value, GError **error)
{
  if (member->needed && value == NULL)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("the card lacks '%s'"), member->key);
      return FALSE;
    }

  if (member->is_word && (strlen (value) > MAX_WORD || ! atl_text_is_shown (value, "")))
    {
      g_autofree char *shown = atl_text_shown (value);

      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                   _ ("the card's '%s' is '%s', but must be one line of at most %d bytes"),
                   member->key, shown, (int) MAX_WORD);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check (const AtlCard *card, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    if (! check_member (&members[i], *member_of (card, &members[i]), error))
      return FALSE;

  if (strcmp (card->format, ATL_CARD_FORMAT) != 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                   _ ("the card has format '%s', but this version of Atelier knows only '%s'"),
                   card->format, ATL_CARD_FORMAT);
      return FALSE;
    }

  if (strcmp (card->input, ATL_INPUT_RGB_UNIT) != 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT,
                   _ ("the card wants input '%s', but this version of Atelier knows only '%s'"),
                   card->input, ATL_INPUT_RGB_UNIT);
      return FALSE;
    }

  return TRUE;
}

AtlCard *
atl_card_from_metadata (GHashTable *metadata, GError **error)
{
  g_autoptr (AtlCard) card = atl_card_new ();
  gboolean found = FALSE;

  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const char *value = g_hash_table_lookup (metadata, members[i].key);

      *member_of (card, &members[i]) = g_strdup (value);
      found = found || value != NULL;
    }

  return ! found || check (card, error) ? g_steal_pointer (&card) : NULL;
}
