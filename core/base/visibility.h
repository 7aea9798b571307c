/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Marks what libatelier shows to plug-ins and GEGL operations; all other symbols are hidden.
 */

#pragma once

#define ATL_PUBLIC __attribute__ ((visibility ("default")))
