/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the shells ask when somebody presses Tab.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Prints what could stand for the last of the words, the others being those after 'atelier' (a NULL-ended
 * list with one word at least). The first line says whether it could be a file besides: 'files', 'folders'
 * or 'none'. Each other line is a word, a tab, and what is said of the word. */
void atl_complete (char **words);

G_END_DECLS
