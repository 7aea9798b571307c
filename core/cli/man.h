/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Manual pages, made of what --help is made of.
 */

#pragma once

#include "cli/command.h"

G_BEGIN_DECLS

/* Prints the page of a command in the macros of man(7), or that of the program for NULL. To be called in
 * the locale C: the page is in English. */
void atl_man_print (const AtlCommand *command);

G_END_DECLS
