/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Translated messages: _() translates now, N_() marks a string of a table for later, P_() has one form for
 * each number of things that a language tells apart.
 */

#pragma once

#include "config.h"

#include <glib/gi18n-lib.h>

#include "base/visibility.h"

#define P_(singular, plural, n) g_dngettext (GETTEXT_PACKAGE, singular, plural, (gulong) (n))

/* The folder of the translations: ATELIER_LOCALE_DIR of the environment, or else the installed one. */
ATL_PUBLIC const char *atl_translations_folder (void);

/* Has the translations found there. Called once by each program before it says anything; which language it
 * is, setlocale () decides. */
ATL_PUBLIC void atl_translations_bind (void);
