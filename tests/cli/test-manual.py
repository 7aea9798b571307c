#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The manual pages: each command has one, with all that its --help says, and the formatter has nothing to
# say about it.
#
#   test-manual.py ATELIER PAGE...
#
# ATELIER is the built program, PAGEs the built pages. Prints 'ok NAME', 'FAILED NAME: why' or 'skipped
# NAME: why' for each test.

import os
import re
import shutil
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from report import Report

HEADINGS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES",
            "EXAMPLES", "SEE ALSO"]


def output(*command):
    return subprocess.run(command, env=dict(os.environ, LC_ALL="C"), text=True, capture_output=True,
                          check=True).stdout


def plain(page):
    """The words of a page without fonts and escapes, with single spaces."""
    text = re.sub(r"\\f[BIR]|\\&", "", page)
    text = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
    return " ".join(text.split())


def commands(atelier):
    return re.findall(r"^  ([\w-]+) ", output(atelier, "--help").partition("Commands:")[2], re.MULTILINE)


def has_page_for_each_command(atelier, pages):
    expected = ["atelier.1"] + [f"atelier-{name}.1" for name in commands(atelier)]
    found = [os.path.basename(page) for page in pages]
    assert sorted(found) == sorted(expected), f"there are {found}, but {expected} are expected"


def has_headings(page):
    headings = [line[4:] for line in page.splitlines() if line.startswith(".SH ")]
    assert [h for h in headings if h != "COMMANDS"] == HEADINGS, f"the headings are {headings}"


def says_what_help_says(atelier, name, page):
    """Options with their sentences, and examples."""
    options, _, examples = output(atelier, name, "--help").partition("\nOptions:\n")[2].partition(
        "\n\nExamples:\n")
    assert options and examples, "--help has another form"
    said = plain(page)
    for line in options.splitlines() + examples.splitlines():
        for part in re.split(r"   +", line.strip()):
            assert " ".join(part.split()) in said, f"{part!r} is not there"


def has_no_warnings(path):
    run = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", path], text=True, capture_output=True,
                         check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr


def main():
    atelier, *paths = sys.argv[1:]
    pages = {}
    for path in paths:
        with open(path, encoding="ascii") as file:
            pages[path] = file.read()

    report = Report("manual")
    report.check("each command has a page", has_page_for_each_command, atelier, paths)
    for path, page in pages.items():
        name = os.path.basename(path)
        report.check(f"{name} has all headings", has_headings, page)
        if name != "atelier.1":
            report.check(f"{name} says what --help says", says_what_help_says, atelier,
                         name[len("atelier-"):-len(".1")], page)
        if shutil.which("groff"):
            report.check(f"{name} is formatted without warnings", has_no_warnings, path)
        else:
            report.skip(f"{name} is formatted without warnings", "groff is not installed")
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
