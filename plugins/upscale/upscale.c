/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plug-in of the filter Upscale.
 */

#include "host/host.h"

int
main (int argc, char **argv)
{
  return atl_host_main ("upscale", argc, argv);
}
