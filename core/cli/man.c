/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Manual pages. What is said here alone concerns all commands; it is in English, as the pages are.
 */

#include "cli/man.h"

#include "config.h"

#include <stdio.h>
#include <string.h>

/* A line of a list: what it is about, and what is said of it. */
typedef struct
{
  const char *item, *text;
} Line;

static const Line statuses[] = {
  { "0", "All is done." },
  { "1", "Something failed, or was interrupted." },
  { "2", "The command line is wrong." },
};

static const Line variables[] = {
  { "ATELIER_MODEL_PATH",
    "Folders in which weight files are looked for before all others, separated by colons." },
  { "ATELIER_CPU", "The widest instruction set that is used: baseline, avx2 or avx512." },
  { "ATELIER_LOCALE_DIR", "The folder of translations in place of the installed one." },
};

static const Line places[] = {
  { "~/.local/share/atelier/models/*.safetensors", "The user's weight files." },
  { ATELIER_MODELS_DIR "/*.safetensors", "The weight files that are installed." },
};

/* Characters that have a meaning to the formatter, and those that it would make typographic ones of, which
 * nobody can paste into a shell. */
static void
print_text (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    {
      const gboolean at_begin = c == text || c[-1] == '\n';

      if (at_begin && (*c == '.' || *c == '\''))
        fputs ("\\&", stdout);
      if (*c == '\\')
        fputs ("\\e", stdout);
      else if (*c == '\'')
        fputs ("\\(aq", stdout);
      else if (*c == '-')
        fputs ("\\-", stdout);
      else
        putchar (*c);
    }
}

static void
print_in_font (char font, const char *text)
{
  printf ("\\f%c", font);
  print_text (text);
  fputs ("\\fR", stdout);
}

/* What words of a usage are made of. */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Words of a usage: what is typed as it stands is bold, what stands for something is not upright. */
static void
print_usage_words (const char *words)
{
  while (*words != '\0')
    {
      const size_t n_other = strcspn (words, "-" LETTERS);
      const char *word = words + n_other;
      const size_t n = strspn (word, "-0123456789" LETTERS);
      g_autofree char *other = g_strndup (words, n_other);
      g_autofree char *text = g_strndup (word, n);

      fputs (other, stdout);
      if (n > 0)
        print_in_font (g_ascii_isupper (*text) ? 'I' : 'B', text);
      words = word + n;
    }
}

static void
print_heading (const char *heading)
{
  printf (".SH %s\n", heading);
}

static void
print_lines (const char *heading, const Line *lines, size_t n)
{
  print_heading (heading);
  for (size_t i = 0; i < n; i++)
    {
      printf (".TP\n");
      print_in_font ('B', lines[i].item);
      putchar ('\n');
      print_text (lines[i].text);
      putchar ('\n');
    }
}

static void
print_option (const GOptionEntry *entry)
{
  printf (".TP\n");
  if (entry->short_name != 0)
    printf ("\\fB\\-%c\\fR, ", entry->short_name);
  fputs ("\\fB\\-\\-", stdout);
  print_text (entry->long_name);
  fputs ("\\fR", stdout);
  if (atl_option_has_value (entry))
    {
      putchar ('=');
      print_usage_words (entry->arg_description);
    }
  putchar ('\n');
  print_text (entry->description);
  fputs (".\n", stdout);
}

static void
print_options (const AtlOptions *options)
{
  print_heading ("OPTIONS");
  fputs ("Standard values stand in [brackets].\n", stdout);
  for (const GOptionEntry *entry = atl_options_entries (options); entry->long_name != NULL; entry++)
    print_option (entry);
}

/* The examples without what --help indents them by. */
static void
print_examples (const AtlUsage *usage)
{
  g_auto (GStrv) lines = g_strsplit (usage->examples, "\n", -1);

  print_heading ("EXAMPLES");
  fputs (".EX\n", stdout);
  for (char **line = lines; *line != NULL; line++)
    {
      print_text (g_str_has_prefix (*line, "  ") ? *line + 2 : *line);
      putchar ('\n');
    }
  fputs (".EE\n", stdout);
}

static void
print_commands (void)
{
  print_heading ("COMMANDS");
  for (const AtlCommand *const *command = atl_commands (); *command != NULL; command++)
    {
      const AtlUsage *usage = (*command)->usage;

      printf (".TP\n.BR atelier\\-%s (1)\n", usage->command);
      print_text (usage->blurb);
      putchar ('\n');
    }
}

/* The other pages. */
static void
print_see_also (const AtlCommand *command)
{
  print_heading ("SEE ALSO");
  if (command != NULL)
    fputs (".BR atelier (1),\n", stdout);
  for (const AtlCommand *const *other = atl_commands (); *other != NULL; other++)
    if (*other != command)
      printf (".BR atelier\\-%s (1),\n", (*other)->usage->command);
  fputs (".BR gimp (1)\n", stdout);
}

void
atl_man_print (const AtlCommand *command)
{
  const AtlUsage *usage = command != NULL ? command->usage : &atl_program_usage;
  g_autoptr (AtlOptions) options = command != NULL ? atl_command_options (command)
                                                   : atl_program_options ();
  const char *hyphen = command != NULL ? "-" : "", *space = command != NULL ? " " : "";
  const char *name = command != NULL ? usage->command : "";
  g_autofree char *page = g_strconcat ("atelier", hyphen, name, NULL);
  g_autofree char *title = g_ascii_strup (page, -1);

  fputs (".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n.TH ", stdout);
  print_text (title);
  /* Not justified: the path of a folder may be longer than a line. */
  printf (" 1 \"\" \"Atelier %s\" \"Atelier\"\n.ad l\n", ATELIER_VERSION);

  print_heading ("NAME");
  print_text (page);
  fputs (" \\- ", stdout);
  print_text (usage->blurb);
  printf ("\n.SH SYNOPSIS\n.B atelier%s%s\n", space, name);
  if (command != NULL)
    fputs ("[\\fIOPTION\\fR...] ", stdout);
  print_usage_words (usage->arguments != NULL ? usage->arguments : "");
  putchar ('\n');

  print_heading ("DESCRIPTION");
  print_text (usage->summary);
  putchar ('\n');
  if (command == NULL)
    print_commands ();
  print_options (options);
  print_lines ("EXIT STATUS", statuses, G_N_ELEMENTS (statuses));
  print_lines ("ENVIRONMENT", variables, G_N_ELEMENTS (variables));
  print_lines ("FILES", places, G_N_ELEMENTS (places));
  print_examples (usage);
  print_see_also (command);
}
