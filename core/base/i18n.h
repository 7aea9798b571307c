/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Translated messages: _() translates now, N_() marks a string of a table for later.
 */

#pragma once

#include "config.h"

#include <glib/gi18n-lib.h>
