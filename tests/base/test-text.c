/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts of others: what a terminal may be shown, and what it is shown instead; durations.
 */

#include "suite.h"

#include <string.h>

#include "base/text.h"

static void
knows_what_may_be_shown (void)
{
  CU_ASSERT (atl_text_is_shown ("", ""));
  CU_ASSERT (atl_text_is_shown ("Netz für 2×, \U0001f5bc", ""));
  CU_ASSERT_FALSE (atl_text_is_shown ("a\nb", ""));
  CU_ASSERT_FALSE (atl_text_is_shown ("\x1b[2J", "\t\r\n"));
  CU_ASSERT_FALSE (atl_text_is_shown ("\xc2\x9b", ""));
  CU_ASSERT_FALSE (atl_text_is_shown ("\x7f", ""));
  CU_ASSERT (atl_text_is_shown ("a\tb\r\n", "\t\r\n"));
  CU_ASSERT_FALSE (atl_text_is_shown ("caf\xe9", ""));
  CU_ASSERT_FALSE (atl_text_is_shown ("half a character: \xe2\x82", ""));
}

static void
is_shown_as (const char *text, const char *expected)
{
  g_autofree char *shown = atl_text_shown (text);

  CU_ASSERT_STRING_EQUAL (shown, expected);
}

static void
shows_the_rest_safely (void)
{
  is_shown_as ("", "");
  is_shown_as ("Netz für 2×", "Netz für 2×");
  is_shown_as ("a\r\n\x1b[2J\xc2\x9b", "a???[2J?");
  is_shown_as ("caf\xe9.x", "caf\ufffd.x");
}

/* 100 characters, whole ones, however many bytes they have. */
static void
cuts_between_characters (void)
{
  static const char *const characters[] = { "x", "ü", "€", "\U0001f5bc", "\xff" };

  for (size_t i = 0; i < G_N_ELEMENTS (characters); i++)
    for (int n = 99; n <= 1000; n = n < 102 ? n + 1 : n + 449)
      {
        g_autoptr (GString) text = g_string_new (NULL);

        for (int k = 0; k < n; k++)
          g_string_append (text, characters[i]);

        g_autofree char *shown = atl_text_shown (text->str);
        CU_ASSERT (g_utf8_validate (shown, -1, NULL));
        CU_ASSERT_EQUAL (g_utf8_strlen (shown, -1), n <= 100 ? n : 103);
        CU_ASSERT_EQUAL (g_str_has_suffix (shown, "..."), n > 100);
      }
}

static void
shows_all_of_a_long_text (void)
{
  g_autofree char *text = g_strnfill (5000, 'x');
  text[4000] = '\x1b';
  g_autofree char *shown = atl_text_shown_whole (text);

  text[4000] = '?';
  CU_ASSERT_STRING_EQUAL (shown, text);
}

/* What a shell makes of a quoted word is the text again. */
static void
quotes_for_a_shell (void)
{
  static const char *const texts[] = {
    "", "a b", "it's $HOME `x` \\ \"", "café.x", "caf\xe9 'x'", "\n\\0\t", "\x1b[2J\xc2\x9b\x7f$x"
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *quoted = atl_text_quoted (texts[i]);
      g_autofree char *script = g_strdup_printf ("printf '%%s.' %s", quoted);
      const char *const command[] = { "bash", "-c", script, NULL };
      g_autofree char *expected = g_strconcat (texts[i], ".", NULL);
      g_autofree char *output = NULL;

      CU_ASSERT (atl_text_is_shown (quoted, ""));
      CU_ASSERT (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                               &output, NULL, NULL, NULL));
      CU_ASSERT_STRING_EQUAL (output, expected);
    }
}

static void
lasts (int seconds_tenths, const char *expected)
{
  g_autofree char *text = atl_duration_to_string (seconds_tenths / 10.0);

  CU_ASSERT_STRING_EQUAL (text, expected);
}

static void
durations (void)
{
  lasts (-10, "0 s");
  lasts (4, "0 s");
  lasts (594, "59 s");
  lasts (596, "1:00 min");
  lasts (650, "1:05 min");
  lasts (35994, "59:59 min");
  lasts (36000, "1:00 h");
  lasts (900000, "25:00 h");
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "knows what may be shown", knows_what_may_be_shown },
    { "shows the rest safely", shows_the_rest_safely },
    { "cuts between characters", cuts_between_characters },
    { "shows all of a long text", shows_all_of_a_long_text },
    { "quotes for a shell", quotes_for_a_shell },
    { "durations", durations },
  };

  return atl_suite_run ("text", tests, G_N_ELEMENTS (tests));
}
