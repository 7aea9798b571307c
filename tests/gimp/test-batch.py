#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The script atelier-gimp-batch with a real GIMP: what becomes of files, and of names that would like to be programs.
#
#   test-batch.py VERSION LIBDIR PLUG-IN SCRIPT
#
# VERSION is 2 or 3, LIBDIR GIMP's folder that holds plug-ins/, PLUG-IN the built program atelier-upscale, SCRIPT
# atelier-gimp-batch. Prints 'ok NAME' or 'FAILED NAME: why' for each test.

import os
import shutil
import signal
import struct
import subprocess
import sys
import time

import console
import fixtures
import pictures
from console import quoted

TESTS = []
TIMEOUT = 120   # seconds, for one call of the script

# File names as bytes, without the ending.
HOSTILE = [b"a b", b"'quote\"", b"back\\slash\\", b"-dash", b"--scale=4", b"\") (gimp-quit 0) (\"",
           "\u00fcml\u00e4ut".encode(), b"\xe9 is no UTF-8", b"new\nline", b"$(touch run)`touch run`;touch run",
           b"star*[a]?", b".hidden", b"#:scale 4", b"%s%n", b"~"]


def test(name):
    def add(function):
        TESTS.append((name, function))
        return function
    return add


def equal(found, expected, what):
    assert found == expected, f"{what} is {found!r}, but {expected!r} is expected"


class Bench:
    """A folder with a GIMP's settings, models, inputs in in/ and results in out/."""

    def __init__(self, folder, arguments):
        self.version, libdir, self.plug_in, script = arguments
        self.script = os.path.abspath(script)
        self.home, self.input, self.output, self.temporary = (
            os.path.join(folder, name) for name in ("home", "in", "out", "tmp"))
        for path in (self.home, self.input, self.output, self.temporary):
            os.makedirs(path)
        fixtures.write_models(self.home)
        self.gimp = console.Gimp(self.version, libdir, self.plug_in, self.home, self.home)
        self.environment = dict(self.gimp.environment, TMPDIR=self.temporary)

    def picture(self, name="photo.tif", seed=1, width=12, height=9):
        """Writes one; its path."""
        path = os.path.join(os.fsencode(self.input), os.fsencode(name))
        pictures.write_tiff(path, pictures.make(width, height, 3, "B", seed=seed))
        return path

    def command(self, *arguments):
        return [os.fsencode(a) for a in (self.script, *arguments)]

    def run(self, *arguments, status, cwd=None, output=None):
        """Runs the script with '-o out' behind the filter; asserts its status, and that it leaves nothing in the
        folder for temporary files. Returns stdout and stderr in bytes."""
        arguments = ["upscale", "-o", output or self.output, *arguments]
        run = subprocess.run(self.command(*arguments), env=self.environment, cwd=cwd or self.input, timeout=TIMEOUT,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert run.returncode == status, f"status {run.returncode}: {run.stdout!r} {run.stderr!r}"
        equal(os.listdir(self.temporary), [], "the folder for temporary files")
        return run.stdout, run.stderr

    def gimp_program(self, script):
        """Writes a script of the shell that takes a GIMP's place; its path."""
        path = os.path.join(self.home, "gimp-console")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(path, 0o755)
        return path

    def results(self):
        return sorted(os.listdir(os.fsencode(self.output)))

    def result(self, name):
        return pictures.read_tiff(os.path.join(os.fsencode(self.output), os.fsencode(name)))


def size_of_png(path):
    with open(path, "rb") as file:
        head = file.read(24)
    equal(head[:8], b"\x89PNG\r\n\x1a\n", "the beginning of the file")
    return struct.unpack(">II", head[16:24])


@test("hostile names")
def hostile_names(bench):
    names = [name + b".tif" for name in HOSTILE]
    for seed, name in enumerate(names):
        bench.picture(name, seed=seed + 1)
    out, err = bench.run("--model", "double", "--", *names, status=0)
    equal(err, b"", "stderr")
    equal(out, b"".join(os.path.join(os.fsencode(bench.output), name) + b"\n" for name in names), "stdout")
    equal(bench.results(), sorted(names), "the list of results")
    for seed, name in enumerate(names):
        expected = pictures.doubled(pictures.make(12, 9, 3, "B", seed=seed + 1))
        assert pictures.psnr(bench.result(name), expected) > 45, name
    equal(sorted(os.listdir(os.fsencode(bench.input))), sorted(names), "the list of inputs")


@test("hostile folder")
def hostile_folder(bench):
    folder = os.path.join(os.fsencode(bench.output), b"-x \"') \\ \xe9\n(gimp-quit 0)")
    os.makedirs(folder)
    bench.picture()
    bench.run("--model=double", "photo.tif", status=0, output=folder)
    equal(os.listdir(folder), [b"photo.tif"], "the list of results")


@test("arguments by name")
def arguments_by_name(bench):
    path = bench.picture()
    before = pictures.read_tiff(path)
    bench.run("--scale", "3", "--model", "double", "--quality", "best", path, status=0)
    equal((bench.result("photo.tif").width, bench.result("photo.tif").height), (36, 27), "the size")
    bench.run("--scale=1", "--model=negative", "--scope=layers", path, status=0)
    assert pictures.psnr(bench.result("photo.tif"), pictures.negative(before)) > 45
    model = os.path.join(bench.home, "1")
    os.rename(os.path.join(bench.home, "double.safetensors"), model + ".safetensors")
    bench.run("--model", "1", path, status=0)   # a name, though it looks like a number
    equal(bench.result("photo.tif").width, 24, "the width")


# A GIMP that dies at once, having kept the program that it was given.
RECORDING = """#!/bin/sh
[ "$1" != --version ] || exec echo 'a GIMP, version {version}'
for word; do case $word in '(load '*) program=${{word#'(load "'}} program=${{program%%'"'*}} ;; esac; done
cp "$program" "$0.recorded"
"""


@test("an argument of the filter with the name of an option")
def clashing_argument(bench):
    path = bench.picture()
    bench.run("--set", "scale=3", "--set=model=double", path, status=0)
    equal(bench.result("photo.tif").width, 36, "the width")

    # Upscale has no such argument: what the filter is given stands in the program.
    for version, argument in (("2.10.0", b'(list "output" "--set output" "a=b")'), ("3.0.0", b"#:output argument-0)")):
        program = bench.gimp_program(RECORDING.format(version=version))
        bench.run("--gimp", program, "--set", "output=a=b", "--format", "png", path, status=1)
        with open(program + ".recorded", "rb") as file:
            recorded = file.read()
        assert argument in recorded and b".png" in recorded, recorded
        assert b"format" not in recorded.split(b"(define (apply-filter image)")[1], recorded


@test("wrong arguments")
def wrong_arguments(bench):
    path = bench.picture()

    def refused(text, *arguments):
        out, err = bench.run(*arguments, path, status=2)
        assert text in err and b"--help" in err, err
        equal((out, bench.results()), (b"", []), "what came out")

    def failed(text, *arguments):
        out, err = bench.run(*arguments, path, status=1)
        assert text in err and err.count(b"\n") == 1 and path in err, err
        equal((out, bench.results()), (b"", []), "what came out")

    refused(b"'--bogus' is not known here", "--bogus", "1")
    refused(b"'--scale' ", "--scale", "two")
    refused(b"'--Model' is not known here", "--Model", "double")
    refused(b"'--set output' is not known here", "--set", "output=selection")
    refused(b"'--set Scale' is not known here", "--set", "Scale=2")
    refused(b"'--set scale' ", "--set", "scale=two")
    refused(b"'--set quality' cannot be 'middling'", "--set", "quality=middling")
    refused(b"'--set' needs NAME=VALUE, not 'scale'", "--set", "scale")
    refused(b"not UTF-8", "--model", b"\xe9")
    refused(b"'--quality' cannot be 'middling'", "--quality", "middling")
    failed(b"9", "--scale", "9", "--model", "double")
    failed(b"(none\"\\)", "--model", "(none\"\\)")
    failed(b"wrong-task", "--model", "wrong-task")


@test("wrong usage")
def wrong_usage(bench):
    path = bench.picture()
    twin = os.path.join(bench.input, "more")
    os.makedirs(twin)
    link = os.path.join(bench.output, "link")
    os.symlink(bench.input, link)
    os.symlink(path, os.path.join(os.fsencode(twin), b"photo.tif"))

    def refused(text, *arguments, status=2):
        run = subprocess.run(bench.command(*arguments), env=bench.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        equal(run.returncode, status, f"the status of {arguments}")
        assert text in run.stderr, run.stderr

    with open(path, "rb") as file:
        before = file.read()
    refused(b"the filter is missing")
    refused(b"the pictures are missing", "upscale", "-o", bench.output)
    refused(b"'-o' is missing", "upscale", path)
    refused(b"needs a value", "upscale", path, "-o")
    refused(b"'-x' is not known", "upscale", "-x", path)
    refused(b"is no filter", "(gimp-quit 0)", "-o", bench.output, path)
    refused(b"would both become 'photo.tif'", "upscale", "-o", bench.output, path, os.path.join(twin, "photo.tif"))
    refused(b"would be replaced by a result", "upscale", "-o", bench.input, path)
    refused(b"would be replaced by a result", "upscale", "-o", link, path)
    refused(b"would be replaced by a result", "upscale", "-o", twin, path)
    refused(b"does not exist: make it first", "upscale", "-o", os.path.join(bench.output, "nowhere"), path, status=1)
    refused(b"there is no program", "upscale", "-o", bench.output, "--gimp", "/nowhere", path, status=1)
    with open(path, "rb") as file:
        equal(file.read() == before, True, "that the input is as it was")
    equal(bench.results(), [b"link"], "the list of results")


@test("manual page")
def manual_page(bench):
    """It says what --help says, and the formatter has nothing to find fault with."""
    said, page = (subprocess.run(bench.command(option), stdout=subprocess.PIPE, check=True).stdout.decode()
                  for option in ("--help", "--man"))
    plain = page.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
    assert len(said) > 500 and said in plain, page
    if shutil.which("groff"):
        run = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=page, text=True, capture_output=True,
                             check=True)
        equal(run.stderr, "", "what groff says")


@test("goes on after a bad file")
def goes_on(bench):
    good = [bench.picture("1.tif"), bench.picture("4.tif")]
    bad = os.path.join(bench.input, "2.png")
    with open(bad, "wb") as file:
        file.write(b"no picture")
    missing = os.path.join(bench.input, "3.tif")
    out, err = bench.run("--model=double", good[0], bad, missing, good[1], status=1)
    lines = err.decode().splitlines()
    equal(len(lines), 2, f"the number of lines in {lines}")
    assert any(line.startswith(f"atelier-gimp-batch: {bad}: ") for line in lines), lines
    assert any(line == f"atelier-gimp-batch: {missing}: cannot be read" for line in lines), lines
    assert bench.temporary not in err.decode(), lines
    equal(bench.results(), [b"1.tif", b"4.tif"], "the list of results")
    equal(len(out.splitlines()), 2, "the number of lines in stdout")


@test("a kind that GIMP cannot write")
def unknown_kind(bench):
    path = bench.picture()
    _, err = bench.run("--model=double", "--format", "xyz", path, status=1)
    equal(err.count(b"\n"), 1, "the number of lines")
    equal(bench.results(), [], "the list of results")


@test("replaces an older result")
def replaces(bench):
    path = bench.picture()
    with open(os.path.join(bench.output, "photo.tif"), "wb") as file:
        file.write(b"old")
    bench.run("--model=double", path, status=0)
    equal(bench.result("photo.tif").width, 24, "the width")


def write_layers(bench):
    """An XCF with layers of two sizes, one in a group; its path."""
    paths = [bench.picture(f"{i}.tif", seed=i, width=24 - 4 * i, height=18 - 2 * i) for i in range(3)]
    target = os.path.join(bench.input, "layers.xcf")
    words = " ".join(quoted(os.fsdecode(path)) for path in paths)
    save = {"2": "(gimp-file-save RUN-NONINTERACTIVE image (first-layer image) {0} {0})",
            "3": "(gimp-file-save RUN-NONINTERACTIVE image {0})"}[bench.version].format(quoted(target))
    said, output = bench.gimp.run(f"(let ((image (layered-image (list {words})))) {save} (say \"done\" 1))", TIMEOUT)
    assert said.get("done") == 1, output
    return target


@test("XCF keeps its layers")
def keeps_layers(bench):
    source = write_layers(bench)
    bench.run("--model=double", source, status=0)
    equal(bench.results(), [b"layers.xcf"], "the list of results")

    said, output = bench.gimp.run(f"""
      (say "before" (image-facts (file-load {quoted(source)})))
      (say "after" (image-facts (file-load {quoted(os.path.join(bench.output, "layers.xcf"))})))""", TIMEOUT)
    assert "after" in said, output
    facts = {key: {entry[0]: entry[1:] for entry in said[key]} for key in said}
    equal(facts["after"]["size"], [2 * n for n in facts["before"]["size"]], "the size")
    equal(names_of(facts["after"]["layers"][0]), names_of(facts["before"]["layers"][0]), "the tree of layers")
    equal(facts["after"]["resolution"], facts["before"]["resolution"], "the resolution")


def names_of(layers):
    return [(layer[0], names_of(layer[-1]) if isinstance(layer[-1], list) else []) for layer in layers]


@test("XCF becomes one picture of another kind")
def flattens(bench):
    source = write_layers(bench)
    bench.run("--model=double", "--format=png", source, status=0)
    equal(bench.results(), [b"layers.png"], "the list of results")
    equal(size_of_png(os.path.join(bench.output, "layers.png")), (48, 36), "the size")

    # What all layers show together, as GIMP itself merges them.
    layer = "layer" if bench.version == "2" else "(vector layer)"
    said, output = bench.gimp.run(f"""
      (define (row-of image)
        (let ((layer (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))))
          (map (lambda (x) (car (gimp-image-pick-color image {layer} x 15 FALSE FALSE 0))) '(1 9 17 25 33 41))))
      (let ((image (file-load {quoted(source)})))
        (upscale image (list (first-layer image)) 2 "double" 'image)
        (say "xcf" (row-of image)))
      (say "png" (row-of (file-load {quoted(os.path.join(bench.output, "layers.png"))})))""", TIMEOUT)
    assert "png" in said, output
    equal(said["png"], said["xcf"], "the row of colours")
    assert len({str(colour) for colour in said["png"]}) > 1, said["png"]


@test("a layer that does not fill the image")
def keeps_canvas(bench):
    source = os.path.join(bench.input, "small.xcf")
    save = {"2": "(gimp-file-save RUN-NONINTERACTIVE image layer {0} {0})",
            "3": "(gimp-file-save RUN-NONINTERACTIVE image {0})"}[bench.version].format(quoted(source))
    said, output = bench.gimp.run(f"""
      (let* ((image (file-load {quoted(os.fsdecode(bench.picture()))})) (layer (first-layer image)))
        (gimp-image-resize image 24 18 6 5)
        (gimp-layer-set-opacity layer 50)
        {save} (say "done" 1))""", TIMEOUT)
    assert said.get("done") == 1, output
    bench.run("--model=double", "--format=png", source, status=0)
    result, seen = os.path.join(bench.output, "small.png"), os.path.join(bench.input, "seen.tif")
    equal(size_of_png(result), (48, 36), "the size")
    bench.gimp.run(f"""(let ((image (file-load {quoted(result)})))
                         (save-drawable image (first-layer image) {quoted(seen)}))""", TIMEOUT)
    picture = pictures.read_tiff(seen)
    equal(picture.channels, 4, "the number of channels")
    equal(picture.pixel(11, 9)[3], 0, "alpha beside the layer")
    assert 127 <= picture.pixel(12, 10)[3] <= 128, f"alpha of the layer is {picture.pixel(12, 10)[3]}"


@test("nothing to read")
def nothing_to_read(bench):
    missing = os.path.join(bench.input, "1.tif")
    _, err = bench.run("--model=double", missing, status=1)
    equal(err.decode(), f"atelier-gimp-batch: {missing}: cannot be read\n", "what is said")


@test("no plug-in")
def no_plug_in(bench):
    path = bench.picture()
    os.remove(os.path.join(bench.home, "plug-ins", "atelier-upscale", "atelier-upscale"))
    _, err = bench.run(path, status=1)
    assert b"GIMP does not have the filter 'upscale': 'atelier doctor' tells why" in err, err
    equal(bench.results(), [], "the list of results")


@test("no Script-Fu")
def no_script_fu(bench):
    path = bench.picture()

    # One of several GIMPs is passed over.
    program = bench.gimp_program("#!/bin/sh\n[ \"$1\" != --version ] || exec echo 'a GIMP, version 2.10.0'\n"
                                 "echo 'plug-in-script-fu-eval: nicht da'; exec sleep 600\n")
    newest = os.path.join(bench.home, "programs", "gimp-console-9.9")
    os.makedirs(os.path.dirname(newest))
    os.rename(program, newest)
    path_of_programs = bench.environment["PATH"]
    bench.environment["PATH"] = os.path.dirname(newest) + ":" + path_of_programs
    bench.run("--model=double", path, status=0)
    equal(bench.results(), [b"photo.tif"], "the list of results")
    os.remove(os.path.join(bench.output, "photo.tif"))
    bench.environment["PATH"] = path_of_programs

    def refused(run):
        assert run.returncode == 1 and b"has no Script-Fu" in run.stderr, run
        equal(bench.results(), [], "the list of results")

    os.remove(os.path.join(bench.home, "plug-ins", "script-fu"))
    os.remove(os.path.join(bench.home, "pluginrc"))
    _, err = bench.run(path, status=1)
    assert b"has no Script-Fu" in err and err.count(b"\n") == 1, err
    equal(bench.results(), [], "the list of results")
    quickstart = os.path.join(console.HERE, "..", "..", "build-aux", "gimp-upscale")
    refused(subprocess.run([quickstart, path, os.path.join(bench.output, "photo.png")], env=bench.environment,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
                           check=False))


def chunks_of_png(path):
    """(name, data) of each chunk, those of IDAT as one."""
    with open(path, "rb") as file:
        file.seek(8)
        found = []
        while head := file.read(8):
            length, name = struct.unpack(">I4s", head)
            data = file.read(length)
            file.seek(4, os.SEEK_CUR)
            if found and found[-1][0] == name == b"IDAT":
                found[-1] = (name, found[-1][1] + data)
            else:
                found.append((name, data))
    return found


def zlib_level(chunks):
    """The level that a zlib stream says it was compressed with: 0 fastest, 1 fast, 2 default, 3 most."""
    return dict(chunks)[b"IDAT"][1] >> 6


@test("PNG is what GIMP writes, but in less time")
def png_settings(bench):
    source = write_layers(bench)
    plain = os.path.join(bench.input, "plain.png")
    bench.run("--model=double", "--format=png", source, status=0)
    result = os.path.join(bench.output, "layers.png")
    save = {"2": f"(gimp-file-save RUN-NONINTERACTIVE image (first-layer image) {quoted(plain)} {quoted(plain)})",
            "3": f"(gimp-file-save RUN-NONINTERACTIVE image {quoted(plain)})"}[bench.version]
    said, output = bench.gimp.run(f"""(let ((image (file-load {quoted(result)}))) {save})
                                      (say "done" 1)""", TIMEOUT)
    assert said.get("done") == 1, output
    written, expected = chunks_of_png(result), chunks_of_png(plain)
    equal([name for name, _ in written], [name for name, _ in expected], "the list of chunks")
    equal(dict(written)[b"IHDR"], dict(expected)[b"IHDR"], "the kind of PNG")
    equal((zlib_level(written), zlib_level(expected)), (2, 3), "the levels of compression")

    # GIMP 2.10 has settings of the user's for it, and they may be lower still.
    if bench.version == "2":
        said, output = bench.gimp.run('(file-png-set-defaults 0 1 0 0 0 1 1 1 1) (say "done" 1)', TIMEOUT)
        assert said.get("done") == 1, output
        bench.run("--model=double", "--format=png", source, status=0)
        equal(zlib_level(chunks_of_png(result)), 0, "the level of compression")


# A GIMP that has written half of each picture, and then does something.
WRITING = """#!/bin/sh
[ "$1" != --version ] || exec echo 'a GIMP, version 2.10.0'
for word; do case $word in '(load '*) folder=${word#'(load "'} folder=${folder%/program.scm*} ;; esac; done
process=$(grep '^(process ' "$folder/program.scm" | head -n 1)
number=${process#* } number=${number%% *}
for target in $process; do case $target in */results/*) target=${target#\\"} target=${target%\\"}; break ;; esac; done
echo half > "$target"
echo "begin $number " > "$folder/told"
"""


@test("a result that cannot be put in its place")
def cannot_be_renamed(bench):
    path = bench.picture()
    program = bench.gimp_program(WRITING + """mkdir -p "$folder/results/photo.tif/in-the-way"
                                             echo "done $number " > "$folder/told"\n""")
    _, err = bench.run("--gimp", program, path, status=1)
    assert err.startswith(b"atelier-gimp-batch: " + path + b": GIMP has written the result, but it cannot"), err
    assert b"directory" in err and err.count(b"\n") == 1, err
    equal(bench.results(), [b"photo.tif"], "the list of results")
    equal(os.listdir(os.path.join(bench.output, "photo.tif")), ["in-the-way"], "what was in the way")


@test("GIMP dies")
def gimp_dies(bench):
    paths = [bench.picture("1.tif"), bench.picture("2.tif")]
    program = bench.gimp_program(WRITING + "kill -KILL $$\n")
    _, err = bench.run("--gimp", program, *paths, status=1)
    equal([line for line in err.splitlines() if b"Killed" not in line],
          [b"atelier-gimp-batch: " + path + b": GIMP ended without a word" for path in paths], "stderr")
    equal(bench.results(), [], "the list of results")
    bench.gimp_program("#!/bin/sh\necho it is broken\n")
    _, err = bench.run("--gimp", program, *paths, status=1)
    assert b"it is broken" in err and b"does not start" in err, err


def running(plug_in):
    """The processes of this plug-in that are at work."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0] == os.fsencode(plug_in) and b"-run" in words:
            found.append(int(process))
    return found


def wait_for(condition, seconds=TIMEOUT):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def interrupt_test(number):
    def run(bench):
        installed = os.path.join(bench.home, "plug-ins", "atelier-upscale", "atelier-upscale")
        first, second = bench.picture("1.tif"), bench.picture("2.tif", width=700, height=700)
        arguments = ["upscale", "-o", bench.output, "--scale=8", "--model=double", "--quality=best", first, second]
        # A shell does not know the signal if these tests run in its background, where it is ignored.
        process = subprocess.Popen(bench.command(*arguments), env=bench.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
        try:
            process.stdout.readline()   # the first is done
            wait_for(lambda: running(installed))
            process.send_signal(number)
            process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
        equal(process.returncode, 128 + number, "the status")
        equal(bench.results(), [b"1.tif"], "the list of results")
        equal(os.listdir(bench.temporary), [], "the folder for temporary files")
        wait_for(lambda: not running(installed), 5)   # it would have had to work for longer
    return run


test("interrupted")(interrupt_test(signal.SIGINT))
test("terminated")(interrupt_test(signal.SIGTERM))


if __name__ == "__main__":
    sys.exit(console.run_tests("gimp batch", TESTS, lambda folder: Bench(folder, sys.argv[1:])))
