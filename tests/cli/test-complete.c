/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What 'atelier --complete' offers to the shells.
 */

#include "suite.h"

#include <string.h>

#include "cli/command.h"
#include "run.h"

/* Words after 'atelier', and what is offered for the last of them: the first line, then the words
 * themselves, all of them if it begins with '=', else those among others. */
typedef struct
{
  const char *const words[8];
  const char *offered;
} Case;

/* "files upscale-x2 ...": the first line of an answer and the words of the others. */
static char *
complete (const char *const *words)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *output = NULL;
  GString *offered = g_string_new (NULL);

  g_strv_builder_add (builder, "--complete");
  g_strv_builder_addv (builder, (const char **) words);
  g_auto (GStrv) arguments = g_strv_builder_end (builder);
  atl_test_run (ATL_EXIT_DONE, &output, NULL, (const char *const *) arguments);

  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    {
      (*line)[strcspn (*line, "\t")] = '\0';
      g_string_append_printf (offered, "%s%s", offered->len > 0 ? " " : "", *line);
    }
  return g_string_free (offered, FALSE);
}

static void
offers (void)
{
  const Case *cases = atl_test_data ();

  for (; cases->offered != NULL; cases++)
    {
      g_autofree char *offered = complete (cases->words);

      if (*cases->offered == '=')
        {
          if (strcmp (offered, cases->offered + 1) != 0)
            printf ("  after '%s': '%s'\n", cases->words[0], offered);
          CU_ASSERT_STRING_EQUAL (offered, cases->offered + 1);
        }
      else
        atl_test_contains (offered, cases->offered);
    }
}

static const Case of_commands[] = {
  { { "" }, "=none upscale models train find-lr evaluate bench doctor" },
  { { "ev" }, "=none evaluate" },
  { { "-" }, "=none --help --version" },
  { { "paint", "" }, "=none" },
  { { NULL } },
};

static const Case of_options[] = {
  { { "upscale", "-" }, "none --help --scale --model --quality --output --threads" },
  { { "upscale", "photo.jpg", "--qua" }, "=none --quality" },
  /* Standard input, which is no option. */
  { { "upscale", "-", "" }, "=files" },
  { { "upscale", "--json", "--qua" }, "=none --quality" },
  /* A value that looks like an option is none. */
  { { "upscale", "--output", "--quality", "" }, "=files" },
  /* Nor is an option what follows two hyphens. */
  { { "upscale", "--", "--qua" }, "=files" },
  { { "doctor", "" }, "=none --help --json" },
  { { NULL } },
};

static const Case of_values[] = {
  { { "upscale", "--quality", "" }, "=none normal best" },
  { { "upscale", "--quality", "b" }, "=none best" },
  { { "upscale", "--quality=b" }, "=none --quality=best" },
  /* As bash cuts it. */
  { { "upscale", "--quality", "=", "b" }, "=none best" },
  { { "upscale", "--quality", "=" }, "=none normal best" },
  { { "evaluate", "upscale", "--quality", "" }, "=none normal best" },
  { { "train", "upscale", "--loss=" }, "=none --loss=l1 --loss=mse --loss=features" },
  { { "upscale", "--scale", "" }, "=none" },
  { { "upscale", "-o", "" }, "=files" },
  { { "train", "--data", "" }, "=folders" },
  { { "models", "-t", "" }, "=none upscale stylize mask loss" },
  { { "models", "import", "--arch", "vgg" }, "=none vgg16-bn vgg19-16x" },
  { { NULL } },
};

static const Case of_models[] = {
  { { "upscale", "--model", "" }, "=files sr-resnet-x2 sr-resnet-x4" },
  { { "evaluate", "upscale", "-m", "sr-resnet-x4" }, "=files sr-resnet-x4" },
  { { "evaluate", "upscale", "--perceptual", "" }, "=files" },
  { { "models", "show", "sr-resnet-x" }, "files sr-resnet-x2 " },
  { { NULL } },
};

static const Case of_arguments[] = {
  { { "upscale", "" }, "=files" },
  { { "upscale", "a.jpg", "b.jpg", "" }, "=files" },
  { { "models", "" }, "=none list show summary import" },
  { { "models", "import", "" }, "=files" },
  { { "models", "--json", "s" }, "=none show summary" },
  { { "models", "list", "" }, "none --help --task --size --output --arch " },
  { { "models", "show", "a", "" }, "none --help --task --size --output --arch " },
  { { "train", "" }, "=none upscale" },
  { { "evaluate", "" }, "=none upscale" },
  { { "evaluate", "upscale", "" }, "=files" },
  { { "evaluate", "upscale", "Set5", "" }, "=files" },
  { { NULL } },
};

int
main (void)
{
  static const AtlTest tests[] = {
    { "commands", offers, of_commands },   { "options", offers, of_options },
    { "values", offers, of_values },       { "models", offers, of_models },
    { "arguments", offers, of_arguments },
  };

  g_setenv ("ATELIER_MODEL_PATH", MODELS_FOLDER, TRUE);
  return atl_suite_run ("complete", tests, G_N_ELEMENTS (tests));
}
