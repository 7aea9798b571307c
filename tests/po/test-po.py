#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The translations: whole, correct, of the sources as they are; and the program speaks by them.
#
#   test-po.py TOP ATELIER TRANSLATIONS [OPTION...]
#
# TOP is the source tree, ATELIER the built program, TRANSLATIONS the folder of the built catalogues;
# OPTIONs are those that the build gives to xgettext. Prints 'ok NAME', 'FAILED NAME: why' or 'skipped
# NAME: why' for each test.

import os
import subprocess
import sys
import tempfile

import german

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from report import Report


def run(*command, **options):
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)


def words(path):
    with open(path, encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line and not line.startswith("#")]


def linguas(po):
    found = sorted(name[:-3] for name in os.listdir(po) if name.endswith(".po"))
    named = words(os.path.join(po, "LINGUAS"))
    assert named == found, f"LINGUAS names {named}, but there are catalogues for {found}"


def extracted(top, template, options):
    """xgettext warns of strings that it cannot read as a compiler does."""
    result = run("xgettext", "--files-from", "core/po/POTFILES", "--output", template, *options, cwd=top)
    assert result.returncode == 0 and not result.stderr, result.stderr


def catalogue(po, language, template, folder):
    """No error of form, and every message of the sources has a translation that somebody has read."""
    path, merged = os.path.join(po, f"{language}.po"), os.path.join(folder, f"{language}.po")
    result = run("msgmerge", "--quiet", "--output-file", merged, path, template)
    assert result.returncode == 0, result.stderr
    result = run("msgfmt", "--check", "--statistics", "--output-file", os.devnull, merged,
                 env=dict(os.environ, LC_ALL="C"))
    assert result.returncode == 0, result.stderr
    assert "," not in result.stderr and result.stderr.endswith(" translated messages.\n"), result.stderr
    result = run("msgattrib", "--only-obsolete", merged)
    assert not result.stdout, f"no longer in the sources: {result.stdout}"


def speaks_german(atelier, environment):
    result = run(atelier, "upscale", env=environment)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert "atelier upscale: die Bilder fehlen\n" in result.stderr, result.stderr


def writes_points(atelier, environment, models):
    """And reads them."""
    result = run(atelier, "models", env=dict(environment, ATELIER_MODEL_PATH=models))
    assert "0.0 MB" in result.stdout and "AUFGABE" in result.stdout, result.stdout
    result = run(atelier, "upscale", "--scale=0.5", "a.png", "-o", "b.png", env=environment)
    assert "»scale« ist »0.5«, muss aber eine Zahl von 1 bis 8 sein" in result.stderr, result.stderr


def man_stays_english(atelier, environment):
    page = run(atelier, "--man", "upscale", env=environment).stdout
    assert "\nEnlarges pictures" in page and page.isascii(), page


def main():
    top, atelier, translations, *options = sys.argv[1:]
    po, models = os.path.join(top, "core", "po"), os.path.join(top, "tests", "nets")
    report = Report("po")

    with tempfile.TemporaryDirectory() as folder:
        template = os.path.join(folder, "atelier.pot")
        report.check("LINGUAS names the catalogues", linguas, po)
        report.check("every marked string can be extracted", extracted, top, template, options)
        for language in words(os.path.join(po, "LINGUAS")):
            report.check(f"{language} is complete", catalogue, po, language, template, folder)

        variables = german.variables(os.path.join(folder, "locale"), translations)
        for name, function, *arguments in (
                ("messages are in German", speaks_german),
                ("numbers keep their point", writes_points, models),
                ("the manual stays English", man_stays_english)):
            if variables:
                report.check(name, function, atelier, dict(os.environ, **variables), *arguments)
            else:
                report.skip(name, f"no German locale can be made of {german.C_LOCALE}")
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
