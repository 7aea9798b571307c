#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What 'ninja install' installs, that it works from there, and that 'ninja uninstall' takes it away again.
#
#   test-install.py SOURCE BUILD GIMP
#
# SOURCE and BUILD are the top folders, GIMP the version plug-ins are built for, or 'none'. What is built for
# a home inside BUILD (build-aux/check configures -Duser=true --prefix=BUILD/home/.local) is installed there
# for real; every build is installed below a DESTDIR.

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

TESTS = []
METAINFO = "org.gimp.GIMP.Plugin.Atelier.metainfo.xml"

# The licences of cards in the words of debian/copyright, where they differ.
DEBIAN_NAMES = {"GPL-3.0-or-later": "GPL-3+"}


class Skipped(Exception):
    pass


def test(name):
    def add(function):
        TESTS.append((name, function))
        return function
    return add


def run(*command, **more):
    """What the command printed; it has to end with status 0."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **more)
    assert result.returncode == 0, f"'{' '.join(command)}' ended with {result.returncode}:\n{result.stdout}"
    return result.stdout


def files_below(folder):
    return {os.path.join(path, name) for path, _, names in os.walk(folder) for name in names}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class Build:
    def __init__(self, source, folder, gimp):
        self.source, self.folder, self.gimp = source, folder, gimp
        self.options = {option["name"]: option["value"]
                        for option in json.loads(run("meson", "introspect", "--buildoptions", folder))}
        self.version = json.loads(run("meson", "introspect", "--projectinfo", folder))["version"]
        self.installed = set(json.loads(run("meson", "introspect", "--installed", folder)).values())
        self.private = os.path.join(self.options["prefix"], self.options["libdir"], "atelier")

    def plug_ins(self):
        return [path for path in self.installed if "/plug-ins/" in path]

    def install(self, *options, **more):
        run("meson", "install", "-C", self.folder, "--no-rebuild", *options, **more)

    def uninstall(self):
        run("ninja", "-C", self.folder, "uninstall")

    def home(self):
        """The home that is filled by an installation and by nothing else; there is none yet."""
        home = os.path.join(self.folder, "home")
        if not self.options["user"] or self.options["prefix"] != os.path.join(home, ".local"):
            raise Skipped(f"{self.options['prefix']} is not for tests to fill; "
                          "build-aux/check has a build that is")
        if self.gimp == "none":
            raise Skipped("built without GIMP")
        outside = [path for path in self.installed if not path.startswith(home + os.sep)]
        assert not outside, f"would be installed outside of the home: {outside}"
        shutil.rmtree(home, ignore_errors=True)
        return home

    def at_home(self, home):
        """The environment of somebody who has installed Atelier there."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("ATELIER", "GIMP", "GEGL", "LD_LIBRARY"))}
        return {**environment, "HOME": home, "LC_ALL": "C.UTF-8",
                "PATH": os.path.join(home, ".local", "bin") + ":" + os.environ["PATH"],
                "XDG_CONFIG_HOME": os.path.join(home, ".config"),
                "XDG_CACHE_HOME": os.path.join(home, ".cache"),
                "XDG_DATA_HOME": os.path.join(home, ".local", "share")}


@test("DESTDIR gets all files and keeps none")
def destdir(build):
    with tempfile.TemporaryDirectory(prefix="atelier-install-") as folder:
        stage = os.path.join(folder, "stage")
        build.install("--destdir", stage)
        found = {path[len(stage):] for path in files_below(stage)}
        assert found == build.installed, f"other files than announced: {sorted(found ^ build.installed)}"
        for path in found:
            mode = os.stat(stage + path).st_mode & 0o777
            assert mode in (0o644, 0o755), f"{path} has the mode {mode:o}"
        build.uninstall()
        assert not os.path.exists(stage), f"left: {[path for path, _, _ in os.walk(stage)]}"


@test("plug-ins find the private library")
def library(build):
    if not build.plug_ins():
        raise Skipped("built without GIMP")
    assert os.path.join(build.private, "libatelier.so") in build.installed, "libatelier.so is elsewhere"
    with tempfile.TemporaryDirectory(prefix="atelier-install-") as stage:
        build.install("--destdir", stage)
        for path in build.plug_ins():
            dynamic = run("readelf", "--dynamic", stage + path)
            found = re.search(r"\(R(?:UN)?PATH\).*\[(.*)\]", dynamic)
            assert found and found.group(1) == build.private, f"{path} looks elsewhere:\n{dynamic}"


@test("software centres are told what is so")
def metainfo(build):
    path = os.path.join(build.source, "plugins", METAINFO)
    newest = re.search(r'<release version="([^"]*)"', read(path)).group(1)
    assert newest == build.version, f"the newest release is {newest}, not {build.version}"
    assert build.gimp == "none" or any(name.endswith("/share/metainfo/" + METAINFO) for name in build.installed)
    if not shutil.which("appstreamcli"):
        raise Skipped("appstreamcli is not installed")
    # Atelier has no home page; versions before 1.0 do not mind, and do not know the name of this fault.
    old = re.search(r" 0\.\d", run("appstreamcli", "--version"))
    run("appstreamcli", "validate", "--no-net",
        *([] if old else ["--override=url-homepage-missing=info"]), path)


@test("the Debian package is of this version")
def changelog(build):
    first = read(build.source, "build-aux", "debian", "changelog").splitlines()[0]
    assert first.startswith(f"atelier ({build.version}) "), first


def card_of(path):
    """The metadata of a safetensors file."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size))["__metadata__"]


@test("the Debian package names the licence of each model")
def licences(build):
    named = {}
    for paragraph in read(build.source, "build-aux", "debian", "copyright").split("\n\n"):
        files = re.search(r"^Files: (.*)$", paragraph, re.MULTILINE)
        licence = re.search(r"^License: (.*)$", paragraph, re.MULTILINE)
        if files:
            named.update(dict.fromkeys(files.group(1).split(), licence.group(1)))
    models = [path for path in build.installed if path.endswith(".safetensors")]
    assert models, "no model is installed"
    for path in models:
        model = os.path.join("models", os.path.basename(path))
        licence = card_of(os.path.join(build.source, model))["atelier.license"]
        assert named.get(model) == DEBIAN_NAMES.get(licence, licence), \
            f"{model} is said to be under {named.get(model)}, its card says {licence}"


@test("a home is left as it was found")
def leaves_home(build):
    home = build.home()
    build.install(env=build.at_home(home))
    left_out = build.installed - files_below(home)
    assert not left_out, f"not installed: {sorted(left_out)}"
    build.uninstall()
    assert not os.path.exists(home), f"left: {[path for path, _, _ in os.walk(home)]}"


@test("the command and GIMP work from a home")
def works_at_home(build):
    home = build.home()
    environment = build.at_home(home)
    try:
        build.install(env=environment)
        build.install(env=environment)   # as an update does
        found = run("atelier", "doctor", env=environment)
        for path in build.plug_ins():
            assert path in found, f"'doctor' does not know {path}:\n{found}"
        for path in build.installed:
            assert not path.endswith(".safetensors") or path in found, f"'doctor' does not know {path}:\n{found}"
        run(os.path.join(build.source, "build-aux", "gimp-upscale"),
            os.path.join(build.source, "tests", "photos", "brushes.jpg"), os.path.join(home, "large.png"),
            env=environment)
        build.uninstall()
        left = build.installed & files_below(home)
        assert not left, f"left: {sorted(left)}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main():
    build = Build(*sys.argv[1:])
    failed = False
    for name, function in TESTS:
        try:
            function(build)
            print(f"ok install/{name}")
        except Skipped as why:
            print(f"skipped install/{name}: {why}")
        except AssertionError as why:
            failed = True
            print(f"FAILED install/{name}: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
