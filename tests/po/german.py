# SPDX-License-Identifier: GPL-3.0-or-later
#
# A German locale for programs that are tested, whatever is installed: C.UTF-8 under another name, with a
# decimal comma. gettext asks for no more than the name.

import os
import shutil
import subprocess
import sys

C_LOCALE = "/usr/lib/locale/C.utf8"


def variables(folder, translations):
    """What to set in the environment for a program to speak German, with the locale in a folder and the
    catalogues in another; None if that is not possible here."""
    if not os.path.isdir(C_LOCALE):
        return None
    locale = os.path.join(folder, "de_DE.utf8")
    shutil.copytree(C_LOCALE, locale)
    with open(os.path.join(locale, "LC_NUMERIC"), "r+b") as file:
        data = file.read().replace(b".\0", b",\0")
        file.seek(0)
        file.write(data)

    found = {"LOCPATH": folder, "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de",
             "ATELIER_LOCALE_DIR": translations}
    point = subprocess.run(
        [sys.executable, "-c", "import locale; locale.setlocale(locale.LC_ALL, '');"
                               "print(locale.localeconv()['decimal_point'])"],
        env=dict(os.environ, **found), text=True, capture_output=True, check=False)
    return found if point.stdout == ",\n" else None
