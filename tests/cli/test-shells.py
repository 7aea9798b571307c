#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Completion in the shells themselves: bash and fish complete; zsh, which does so on a terminal only, reads
# its file.
#
#   test-shells.py ATELIER MODELS BASH ZSH FISH
#
# ATELIER is the built program, MODELS a folder of weight files, the others are the files of completion.
# Prints 'ok NAME', 'FAILED NAME: why' or 'skipped NAME: why' for each test.

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from report import Report

# What is typed, and what must be offered for the last word: all of it, in any order, for files come as the
# folder has them; or what comes first, if it ends in '...'.
CASES = {
    "commands": (["atelier", ""], "upscale|models|train|find-lr|evaluate|bench|doctor"),
    "a part of a command": (["atelier", "doc"], "doctor"),
    "options": (["atelier", "upscale", "--"], "--help|--scale|--model|--quality|..."),
    "a choice": (["atelier", "upscale", "--quality", "b"], "best"),
    "a choice behind a sign": (["atelier", "upscale", "--quality", "=", ""], "normal|best"),
    "a model": (["atelier", "upscale", "--model", "sr-resnet-x2"], "sr-resnet-x2"),
    "a model or a file": (["atelier", "models", "show", ""], "architectures|sr-resnet-x2|..."),
    "files": (["atelier", "upscale", "ph"], "photo.jpg"),
    "any file": (["atelier", "upscale", ""], "photo.jpg|a folder"),
    "files behind a sign": (["atelier", "upscale", "--output", "="], "photo.jpg|a folder"),
    "folders": (["atelier", "train", "--data", ""], "a folder"),
}

SCRIPT = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[ "$(complete -p atelier)" = 'complete -F _atelier atelier' ] || exit 3
_atelier atelier "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(file, words, environment, folder):
    run = subprocess.run(["bash", "--norc", "--noprofile", "-c", SCRIPT, "bash", file, *words],
                         env=environment, cwd=folder, text=True, capture_output=True, check=False)
    assert run.returncode == 0 and run.stderr == "", f"status {run.returncode}, {run.stderr!r}"
    return run.stdout.splitlines()


def offers(file, words, expected, environment, folder):
    found, wanted = complete(file, words, environment, folder), expected.split("|")
    if wanted[-1] == "...":
        assert found[:len(wanted) - 1] == wanted[:-1], f"{found} does not begin with {wanted[:-1]}"
    else:
        assert sorted(found) == sorted(wanted), f"{found} is offered, but {wanted} is expected"


def parses(shell, file):
    run = subprocess.run([shell, "-n", file], text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr


def fish_offers(file, environment, folder):
    """It sorts what is offered."""
    for line, expected in (("atelier upscale --quality ", "best normal"),
                           ("atelier upscale --quality=b", "--quality=best"),
                           ("atelier train --data=a", "--data=a folder/")):
        run = subprocess.run(["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"],
                             env=environment, cwd=folder, text=True, capture_output=True, check=False)
        found = " ".join(offer.split("\t")[0].replace("\\", "") for offer in run.stdout.splitlines())
        assert found == expected, f"{found!r} is offered, but {expected!r} is expected: {run.stderr}"


def main():
    atelier, models, bash, zsh, fish = sys.argv[1:]
    report = Report("shells")
    with tempfile.TemporaryDirectory() as folder:
        programs, here = os.path.join(folder, "programs"), os.path.join(folder, "here")
        os.makedirs(programs)
        os.makedirs(os.path.join(here, "a folder"))
        with open(os.path.join(here, "photo.jpg"), "wb"):
            pass
        os.symlink(os.path.abspath(atelier), os.path.join(programs, "atelier"))
        environment = dict(os.environ, ATELIER_MODEL_PATH=os.path.abspath(models), XDG_DATA_HOME=folder,
                           LC_ALL="C.UTF-8", PATH=programs + os.pathsep + os.environ["PATH"])
        for name, (words, expected) in CASES.items():
            report.check(f"bash: {name}", offers, os.path.abspath(bash), words, expected, environment, here)
        if shutil.which("fish"):
            report.check("fish: values and folders", fish_offers, os.path.abspath(fish),
                         dict(environment, HOME=folder), here)
        else:
            report.skip("fish: values and folders", "fish is not installed")

    for shell, file in (("zsh", zsh), ("fish", fish)):
        if shutil.which(shell):
            report.check(f"{shell} reads its file", parses, shell, file)
        else:
            report.skip(f"{shell} reads its file", f"{shell} is not installed")
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
