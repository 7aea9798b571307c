#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Whether 'atelier doctor' is right: a plug-in that is installed well or badly, what doctor says of it, and
# whether a real GIMP then has the procedure.
#
#   test-doctor.py VERSION LIBDIR PLUG-IN ATELIER
#
# VERSION is 2 or 3, LIBDIR GIMP's folder that holds plug-ins/, PLUG-IN the built program atelier-upscale, ATELIER
# the command line. Prints 'ok NAME' or 'FAILED NAME: why' for each test.

import json
import os
import shutil
import subprocess
import sys

import console
from console import quoted

NAME = "atelier-upscale"
TESTS = []


def test(name):
    def add(function):
        TESTS.append((name, function))
        return function
    return add


class Home:
    """A GIMP whose own plug-ins are in one folder, and ours in another, plug-ins/, of its own."""

    def __init__(self, folder, arguments):
        self.version, libdir, self.plug_in, self.atelier = arguments
        self.gimp = console.Gimp(self.version, libdir, self.plug_in, folder, models=folder)
        self.folder = os.path.join(folder, "plug-ins")
        self.others = os.path.join(folder, "others")
        os.rename(self.folder, self.others)
        os.makedirs(self.folder)
        shutil.rmtree(os.path.join(self.others, NAME))
        self.set_path(self.folder)

    def set_path(self, *folders):
        with open(os.path.join(self.gimp.home, "gimprc"), "w", encoding="utf-8") as file:
            file.write(f"(plug-in-path {quoted(':'.join([*folders, self.others]))})\n")

    def install(self, *place, below=None):
        """Links the built program, which finds its library from where it lies; returns the path."""
        path = os.path.join(below or self.folder, *place)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.path.abspath(self.plug_in), path)
        return path

    def break_copy(self, *place):
        """A copy that asks for a library that there is not."""
        path = os.path.join(self.folder, *place)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(self.plug_in, "rb") as file:
            program = file.read()
        with open(path, "wb") as file:
            file.write(program.replace(b"libatelier.so", b"libaxelier.so"))
        os.chmod(path, 0o755)
        return path

    def doctor(self):
        """What doctor says of this GIMP: (what was found, problems), each a list of texts."""
        run = subprocess.run([self.atelier, "doctor", "--json"], env=self.gimp.environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        rows = [row for row in json.loads(run.stdout) if row["what"].startswith(f"GIMP {self.version}.")]
        return ([row["found"] for row in rows if "found" in row],
                [row["problem"] for row in rows if "problem" in row])

    def offers(self):
        """Whether GIMP has the procedure."""
        said, output = self.gimp.run("(say \"offered\" (if (defined? 'plug-in-atelier-upscale) 1 0))", 120)
        if "offered" not in said:
            raise AssertionError(f"GIMP said nothing: {output[-1000:]}")
        return said["offered"] == 1

    def agrees(self, offered, problem=None):
        """Asserts that GIMP offers the procedure or not, that doctor's verdict is the same, before GIMP has been
        started and after, and that it names the problem."""
        before = self.doctor()
        found = self.offers()
        after = self.doctor()
        assert found == offered, f"GIMP offers it: {found}, but doctor says {after}"
        for _, problems in (before, after):
            if problem is None:
                assert not problems, f"doctor finds {problems}"
            else:
                assert any(problem in text for text in problems), f"doctor finds {problems}"
        return before[0], after[0]


@test("installed well")
def installed_well(home):
    home.install(NAME, NAME)
    before, after = home.agrees(True)
    assert any("from GIMP's next start" in text for text in before), before
    assert any("in the menu Filters > Atelier" in text for text in after), after


@test("without a folder of its own")
def without_a_folder(home):
    home.install(NAME)
    home.agrees(*((True, None) if home.version == "2" else (False, "a folder of its own name")))


@test("folder of another name")
def folder_of_another_name(home):
    home.install("atelier", NAME)
    home.agrees(False, "its folder must be called")


@test("not executable")
def not_executable(home):
    os.chmod(home.break_copy(NAME, NAME), 0o644)
    home.agrees(False, "chmod +x")


@test("missing library")
def missing_library(home):
    home.break_copy(NAME, NAME)
    home.agrees(False, "needs the library 'libaxelier.so")


@test("left out by plug-in-path")
def left_out(home):
    home.install(NAME, NAME)
    home.set_path("/nowhere")
    home.agrees(False, "GIMP does not look in this folder")


@test("fails when GIMP asks it")
def fails_at_query(home):
    path = os.path.join(home.folder, NAME, NAME)
    os.makedirs(os.path.dirname(path))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n[ \"$1\" != --version ] || exec {os.path.abspath(home.plug_in)} --version\nexit 1\n")
    os.chmod(path, 0o755)
    found, problems = home.doctor()
    assert not problems and any("from GIMP's next start" in text for text in found), (found, problems)
    assert not home.offers()
    found, problems = home.doctor()
    assert any("has been started since" in text for text in problems), (found, problems)


@test("second copy, if the first may not run")
def second_copy(home):
    other = os.path.join(home.gimp.home, "more")
    os.chmod(home.break_copy(NAME, NAME), 0o644)
    home.install(NAME, NAME, below=other)
    home.set_path(home.folder, other)
    assert home.offers()
    found, problems = home.doctor()
    assert any("/more/" in text and "in the menu Filters" in text for text in found), found
    assert any("chmod +x" in text for text in problems), problems


@test("no second copy, if the first runs and fails")
def no_second_copy(home):
    other = os.path.join(home.gimp.home, "more")
    home.break_copy(NAME, NAME)
    home.install(NAME, NAME, below=other)
    home.set_path(home.folder, other)
    home.agrees(False, "needs the library 'libaxelier.so")


if __name__ == "__main__":
    sys.exit(console.run_tests("gimp doctor", TESTS, lambda folder: Home(folder, sys.argv[1:])))
