/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier upscale': enlarges picture files.
 */

#include "cli/apply.h"
#include "cli/command.h"

#include "base/i18n.h"

static const AtlUsage usage = {
  .command = "upscale",
  .blurb = N_ ("enlarge pictures"),
  .arguments = N_ ("IN... -o OUT|DIR"),
  .summary = N_ (
      "Enlarges pictures by a neural network. Depth, profile, EXIF, orientation and alpha are\n"
      "kept; the ending of OUT tells the kind of file. Several pictures go into a folder."),
  .examples = "  atelier upscale photo.jpg -o large.png\n"
              "  atelier upscale --scale 4 --quality best scan.tif -o scan-x4.tif\n"
              "  atelier upscale *.jpg -o Large/",
};

static int
run (AtlOptions *command_line)
{
  return atl_apply_run ("upscale", &usage, command_line);
}

const AtlCommand atl_command_upscale = {
  .usage = &usage,
  .run = run,
};
