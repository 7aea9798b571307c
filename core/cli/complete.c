/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Completion: options and their values by the entries of a command, arguments by its usage. The shells'
 * scripts only pass the words on, so that all three know the same, in the user's language.
 */

#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "cli/command.h"
#include "filters/filter.h"
#include "weights/library.h"

typedef enum
{
  PLACES_NONE,
  PLACES_FOLDERS,
  PLACES_FILES /* and folders, as the way to them */
} Places;

static const char *const place_names[] = {
  [PLACES_NONE] = "none",
  [PLACES_FOLDERS] = "folders",
  [PLACES_FILES] = "files",
};

typedef struct
{
  const AtlCommand *command; /* NULL before there is one */
  const AtlFilter *filter;   /* whose models are meant; NULL for those of all */
  const char *typed;         /* what a candidate begins with */
  const char *kept;          /* what stands before a candidate in its word: "--option=" ... */
  int n_kept;                /* ... of so many bytes */
  GString *candidates;       /* lines */
  Places places;
} Completion;

static void
offer (Completion *completion, const char *word, const char *text)
{
  if (g_str_has_prefix (word, completion->typed))
    g_string_append_printf (completion->candidates, "%.*s%s\t%s\n", completion->n_kept,
                            completion->kept, word, text);
}

static void
offer_models (Completion *completion)
{
  const AtlFilter *filter = completion->filter;
  g_autoptr (GPtrArray) entries = atl_library_list (filter != NULL ? filter->task : NULL, NULL);

  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);

      offer (completion, entry->name, entry->card->name != NULL ? entry->card->name : "");
    }
}

/* Whether what a usage or a value is called by is typed as it stands. */
static gboolean
is_literal (const char *name)
{
  return g_ascii_islower (*name);
}

/* What one name, without bars, allows; see options.h. */
static void
offer_name (Completion *completion, const char *name)
{
  static const char *const files[] = { "FILE", "IN", "OUT", "DATA", "MODEL", "WEIGHTS", NULL };

  if (is_literal (name))
    offer (completion, name, "");
  else if (g_strv_contains (files, name))
    completion->places = PLACES_FILES;
  else if (strcmp (name, "DIR") == 0)
    completion->places = MAX (completion->places, PLACES_FOLDERS);

  if (strcmp (name, "MODEL") == 0)
    offer_models (completion);
}

static void
offer_value (Completion *completion, const char *value)
{
  g_auto (GStrv) names = g_strsplit (value, "|", -1);

  for (char **name = names; *name != NULL; name++)
    offer_name (completion, *name);
}

static void
offer_options (Completion *completion, const GOptionEntry *entries)
{
  for (; entries->long_name != NULL; entries++)
    {
      g_autofree char *option = g_strconcat ("--", entries->long_name, NULL);

      offer (completion, option, _ (entries->description));
    }
}

static void
offer_commands (Completion *completion)
{
  for (const AtlCommand *const *command = atl_commands (); *command != NULL; command++)
    offer (completion, (*command)->usage->command, _ ((*command)->usage->blurb));
}

/* The entry that a word is, with "--name", "-n" or "--name=", or NULL. */
static const GOptionEntry *
find_option (const GOptionEntry *entries, const char *word)
{
  for (; entries->long_name != NULL; entries++)
    {
      const size_t n = strlen (entries->long_name);

      if (g_str_has_prefix (word, "--") && strncmp (word + 2, entries->long_name, n) == 0
          && (word[n + 2] == '\0' || word[n + 2] == '='))
        return entries;
      if (entries->short_name != '\0' && word[0] == '-' && word[1] == entries->short_name
          && word[2] == '\0')
        return entries;
    }
  return NULL;
}

/* Arguments. */

/* One way to use a command, "upscale --model MODEL DATA...", as the names of its arguments: without the
 * options in it. The last has dots if it may be repeated. */
static GPtrArray *
argument_names (const char *way, const GOptionEntry *entries)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) words = g_strsplit_set (way, " []", -1);

  for (char **word = words; *word != NULL; word++)
    {
      const GOptionEntry *option = find_option (entries, *word);

      if (option != NULL && atl_option_has_value (option) && word[1] != NULL)
        word++;
      else if (option == NULL && **word != '\0')
        g_ptr_array_add (names, g_strdup (*word));
    }
  return names;
}

/* The name that the argument at a place has, "IN" for "IN...", or NULL if there is none so far back. */
static char *
name_at (const GPtrArray *names, guint place)
{
  const char *last = names->len > 0 ? g_ptr_array_index (names, names->len - 1) : "";
  const gboolean repeats = g_str_has_suffix (last, "...");

  if (place < names->len - (repeats ? 1 : 0))
    return g_strdup (g_ptr_array_index (names, place));
  return repeats ? g_strndup (last, strlen (last) - strlen ("...")) : NULL;
}

/* Offers what this way to use the command allows after the arguments that are there. */
static void
offer_argument (Completion *completion, const char *way, const GOptionEntry *entries,
                const GPtrArray *arguments)
{
  g_autoptr (GPtrArray) names = argument_names (way, entries);

  for (guint i = 0; i < arguments->len; i++)
    {
      g_autofree char *name = name_at (names, i);

      if (name == NULL
          || (is_literal (name) && strcmp (name, g_ptr_array_index (arguments, i)) != 0))
        return;
    }

  g_autofree char *name = name_at (names, arguments->len);
  if (name != NULL)
    offer_value (completion, name);
}

static void
offer_arguments (Completion *completion, const GOptionEntry *entries, const GPtrArray *arguments)
{
  const char *usage = completion->command->usage->arguments;
  g_auto (GStrv) ways = g_strsplit (usage != NULL ? usage : "", " | ", -1);

  for (char **way = ways; *way != NULL; way++)
    offer_argument (completion, *way, entries, arguments);
}

/* Words. */

/* bash takes "--quality=best" for three words: without the sign they are as if it had been a space. */
static GPtrArray *
without_signs (char **words)
{
  GPtrArray *left = g_ptr_array_new ();

  for (int i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], "=") != 0)
      g_ptr_array_add (left, words[i]);
    else if (words[i + 1] == NULL)
      g_ptr_array_add (left, (char *) ""); /* the value that is about to be typed */
  return left;
}

/* Completes the last word after a command, by what is before it. */
static void
complete_command (Completion *completion, const GPtrArray *words)
{
  g_autoptr (AtlOptions) options = atl_command_options (completion->command);
  const GOptionEntry *entries = atl_options_entries (options);
  const GOptionEntry *waiting = NULL; /* for its value */
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  gboolean options_end = FALSE;

  for (guint i = 1; i + 1 < words->len; i++)
    {
      const char *word = g_ptr_array_index (words, i);
      const GOptionEntry *option = options_end ? NULL : find_option (entries, word);

      if (waiting != NULL)
        waiting = NULL;
      else if (option != NULL)
        waiting = atl_option_has_value (option) && strchr (word, '=') == NULL ? option : NULL;
      else if (strcmp (word, "--") == 0)
        options_end = TRUE;
      else if (options_end || *word != '-')
        g_ptr_array_add (arguments, (char *) word);
    }

  /* 'atelier upscale' or 'atelier evaluate upscale'. */
  completion->filter = atl_filter_find (completion->command->usage->command);
  if (completion->filter == NULL && arguments->len > 0)
    completion->filter = atl_filter_find (g_ptr_array_index (arguments, 0));

  const char *last = completion->typed, *sign = strchr (last, '=');
  const GOptionEntry *option = sign != NULL && ! options_end ? find_option (entries, last) : NULL;

  if (waiting != NULL)
    offer_value (completion, waiting->arg_description);
  else if (option != NULL && atl_option_has_value (option))
    {
      completion->typed = sign + 1;
      completion->kept = last;
      completion->n_kept = (int) (sign + 1 - last);
      offer_value (completion, option->arg_description);
    }
  else if (*last != '-' || options_end)
    offer_arguments (completion, entries, arguments);

  /* Options are offered where they were begun, and where nothing else can stand. */
  if (waiting == NULL && option == NULL && ! options_end
      && (*last == '-' || (completion->candidates->len == 0 && completion->places == PLACES_NONE)))
    offer_options (completion, entries);
}

void
atl_complete (char **words)
{
  g_autoptr (GPtrArray) left = without_signs (words);
  g_autoptr (GString) candidates = g_string_new (NULL);
  Completion completion = { .typed = g_ptr_array_index (left, left->len - 1),
                            .kept = "",
                            .candidates = candidates };

  if (left->len > 1)
    {
      completion.command = atl_command_find (g_ptr_array_index (left, 0));
      if (completion.command != NULL)
        complete_command (&completion, left);
    }
  else
    {
      g_autoptr (AtlOptions) options = atl_program_options ();

      offer_commands (&completion);
      if (*completion.typed == '-')
        offer_options (&completion, atl_options_entries (options));
    }

  printf ("%s\n%s", place_names[completion.places], candidates->str);
}
