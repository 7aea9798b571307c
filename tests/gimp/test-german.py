#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Atelier in a GIMP that speaks German: the dialog, errors, and what GIMP tells of the procedure.
#
#   test-german.py VERSION LIBDIR PLUG-IN TRANSLATIONS
#
# The arguments are those of test-gimp.py, and the folder of the built catalogues. Prints 'ok NAME',
# 'FAILED NAME: why' or 'skipped NAME: why' for each test.

import os
import sys
import tempfile
import threading

import fixtures
import pictures
import window
from console import quoted

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "po"))
import german


def error(gimp):
    said = gimp.ask("""(try "error" (lambda ()
                         (upscale image (ids (gimp-image-get-layers image)) 2 "nothing" 'image)))""")
    assert "Es gibt kein Modell »nothing« in " in said["error"], said


def dialog(gimp):
    """It has a German title."""
    call = threading.Thread(target=gimp.ask, daemon=True, args=(
        '(try "cancelled" (lambda () (upscale-interactively image)))',))
    call.start()
    gimp.press("^Hochskalieren$", "Escape")
    call.join(60)
    assert not call.is_alive(), "the dialog takes no key"


def menu(gimp):
    """What GIMP has written down of the plug-in: 3.0 a German entry, 2.10 where to find the German for it."""
    path = os.path.join(gimp.home, "pluginrc")
    with open(path, encoding="utf-8", errors="replace") as file:   # it holds pictures too
        known = file.read()
    expected = '"_Hochskalieren …"' if gimp.version == "3" else (
        '(locale-def "atelier" ' + quoted(gimp.environment["ATELIER_LOCALE_DIR"]))
    assert expected in known, f"{expected} is not in {known}"


def warnings(gimp):
    """GIMP 3 warns of catalogues that it does not like."""
    with open(gimp.log(), encoding="utf-8", errors="replace") as file:
        log = file.read()
    for line in log.splitlines():
        assert "plug-in-atelier" not in line or "atalog" not in line, line


TESTS = {"an error": (error, "23"), "the dialog": (dialog, "23"), "the menu": (menu, "23"),
         "no warning of catalogues": (warnings, "3")}


def main():
    version, libdir, plug_in, translations = sys.argv[1:]
    tests = {name: function for name, (function, versions) in TESTS.items() if version in versions}
    passed = True
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        variables = german.variables(os.path.join(folder, "locale"), translations)
        if not variables:
            for name in tests:
                print(f"skipped gimp-german/{name}: no German locale can be made of {german.C_LOCALE}")
            return 77

        models = os.path.join(folder, "models")
        os.makedirs(models)
        fixtures.write_models(models)
        picture = os.path.join(folder, "in.tif")
        pictures.write_tiff(picture, pictures.make(8, 8, 3, "H"))
        gimp = window.Window(version, libdir, plug_in, os.path.join(folder, "home"), models)
        gimp.environment.update(variables)
        with gimp:
            gimp.ask(f"(define image (file-load {quoted(picture)})) (gimp-display-new image)")
            for name, function in tests.items():
                try:
                    function(gimp)
                    print(f"ok gimp-german/{name}", flush=True)
                except AssertionError as wrong:
                    print(f"FAILED gimp-german/{name}: {wrong}", flush=True)
                    passed = False
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
