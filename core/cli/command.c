/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of commands.
 */

#include "cli/command.h"

#include <string.h>

#include "base/i18n.h"

static const AtlCommand *const commands[] = {
  &atl_command_upscale,  &atl_command_models, &atl_command_train,  &atl_command_find_lr,
  &atl_command_evaluate, &atl_command_bench,  &atl_command_doctor, NULL,
};

const AtlUsage atl_program_usage = {
  .command = "",
  .blurb = N_ ("neural filters for photos"),
  .arguments = N_ ("COMMAND [OPTION...]"),
  .summary = N_ (
      "Neural filters for photos, and the training of their weight files, on your own machine."),
  .examples = "  atelier upscale photo.jpg -o large.png\n"
              "  atelier train upscale --data Photos -o mine.safetensors\n"
              "  atelier upscale photo.jpg -o large.png --model mine.safetensors",
};

AtlOptions *
atl_program_options (void)
{
  /* Not parsed by these: main () looks for the words. */
  static const GOptionEntry entries[] = {
    { "version", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, NULL, N_ ("Show the version"), NULL },
    { NULL },
  };
  AtlOptions *options = atl_options_new (&atl_program_usage, 0, NULL);

  atl_options_add (options, entries);
  return options;
}

const AtlCommand *const *
atl_commands (void)
{
  return commands;
}

const AtlCommand *
atl_command_find (const char *name)
{
  for (int i = 0; commands[i] != NULL; i++)
    if (strcmp (commands[i]->usage->command, name) == 0)
      return commands[i];
  return NULL;
}

AtlOptions *
atl_command_options (const AtlCommand *command)
{
  AtlOptions *options = atl_options_new (command->usage, 0, NULL);

  command->run (options);
  return options;
}
