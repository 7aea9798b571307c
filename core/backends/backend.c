/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The choice of a backend.
 */

#include "backends/backend.h"

const AtlBackend *
atl_backend_default (void)
{
  return atl_backend_cpu ();
}
