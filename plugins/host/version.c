/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a plug-in says of itself when it is started by hand: for 'atelier doctor', which reads this line in
 * core/cli/plugin-copies.c.
 */

#include "host/version.h"

#include <libgimp/gimp.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"

gboolean
atl_host_tell_version (const AtlFilter *filter, int argc, char **argv)
{
  if (argc != 2 || strcmp (argv[1], "--version") != 0)
    return FALSE;

  printf ("atelier-%s %s for GIMP %d.%d\n", filter->name, ATELIER_VERSION, GIMP_MAJOR_VERSION,
          GIMP_MINOR_VERSION);
  return TRUE;
}
