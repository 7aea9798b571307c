#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Atelier in a real GIMP without a window: what becomes of images, looked at as files and as GIMP tells.
#
#   test-gimp.py VERSION LIBDIR PLUG-IN SOURCE
#
# VERSION is 2 or 3, LIBDIR GIMP's folder that holds plug-ins/, PLUG-IN the built program atelier-upscale,
# SOURCE the top folder. Prints 'ok NAME', 'FAILED NAME: why' or 'skipped NAME: why' for each test.
#
# A test is a function that yields Scheme to be run and then checks, with what the Scheme said, by
# raising AssertionError. All run in one GIMP.

import os
import re
import sys
import tempfile
import traceback

import console
import fixtures
import pictures
from console import quoted

TESTS = []
CODES = {"B": "8 bit", "H": "16 bit", "f": "float"}

# Largest difference of a sample after the way through the network, in parts of full scale: the value as
# float to perceptual coding and back, and one step of the integers.
TOLERANCE = {"B": 1 / 255, "H": 2 / 65535, "f": 2e-5}


def test(name, version=None):
    """version: of the only GIMP that has what is tested."""
    def add(function):
        TESTS.append((name, function, version))
        return function
    return add


class Bench:
    """Where a test writes its files; the paths in Scheme are strings."""

    def __init__(self, folder, number):
        self.folder = os.path.join(folder, str(number))
        os.makedirs(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, picture):
        pictures.write_tiff(self.path(name), picture)
        return quoted(self.path(name))

    def out(self, name):
        return quoted(self.path(name))

    def read(self, name):
        assert os.path.exists(self.path(name)), f"GIMP wrote no {name}"
        return pictures.read_tiff(self.path(name))


def assert_equal(found, expected, what):
    assert found == expected, f"{what} is {found}, but {expected} is expected"


def assert_close(found, expected, tolerance):
    """Samples within tolerance, a part of full scale. Alpha is resampled smoothly, so near an edge of
    it, which is upright in our pictures, it may be anything."""
    assert_equal((found.width, found.height, found.channels, found.code),
                 (expected.width, expected.height, expected.channels, expected.code), "the form")
    limit = tolerance * expected.full
    for y in range(expected.height):
        for x in range(expected.width):
            got, wanted = found.pixel(x, y), expected.pixel(x, y)
            channels = range(expected.channels - (expected.has_alpha and near_edge(expected, x, y)))
            if not all(abs(got[c] - wanted[c]) <= limit for c in channels):
                raise AssertionError(f"pixel ({x}, {y}) is {list(got)}, but {list(wanted)} is expected")


def near_edge(picture, x, y, reach=4):
    """Whether alpha changes within the reach of bicubic resampling to twice the size."""
    left, right = max(0, x - reach), min(picture.width - 1, x + reach)
    return picture.pixel(left, y)[-1] != picture.pixel(right, y)[-1]


def assert_replaced(found, by_gimp):
    """No row and no column is what GIMP's own scaling has left there."""
    assert_equal((found.width, found.height), (by_gimp.width, by_gimp.height), "the size")
    places = [(x, y) for y in range(found.height) for x in range(found.width)
              if found.pixel(x, y) != by_gimp.pixel(x, y)]
    assert_equal(len({x for x, _ in places}), found.width, "the number of replaced columns")
    assert_equal(len({y for _, y in places}), found.height, "the number of replaced rows")


def facts(said, key):
    """What image-facts said, by name. The order of guides is GIMP's own business."""
    found = {entry[0]: entry[1:] for entry in said[key]}
    found["guides"] = sorted(found["guides"][0])
    return found


def assert_same_image(said, key, expected_key):
    found, expected = facts(said, key), facts(said, expected_key)
    for name in expected:
        assert_equal(found[name], expected[name], f"of the image, '{name}'")


def matrix_test(channels, code):
    def run(bench):
        before = pictures.make(24, 18, channels, code, pictures.profile(grey=channels < 3))
        path = bench.write("in.tif", before)
        said = yield f"""
          (let ((image (file-load {path})))
            (say "before" (image-facts image))
            (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
            (say "after" (image-facts image))
            (tiff-save image {bench.out("out.tif")}))"""
        for name in ("base", "precision", "resolution"):
            assert_equal(facts(said, "after")[name], facts(said, "before")[name], name)
        assert_equal(facts(said, "after")["size"], [48, 36], "the size")
        after = bench.read("out.tif")
        assert_equal(after.profile.hex(), before.profile.hex(), "the profile")
        assert_close(after, pictures.doubled(before), TOLERANCE[code])
    return run


for n_channels, kind in ((1, "grey"), (2, "grey and alpha"), (3, "RGB"), (4, "RGB and alpha")):
    for sample_code, depth in CODES.items():
        test(f"{kind}, {depth}")(matrix_test(n_channels, sample_code))


def size_test(width, height):
    def run(bench):
        before = pictures.make(width, height, 3, "B")
        path = bench.write("in.tif", before)
        yield f"""
          (let ((image (file-load {path})))
            (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
            (tiff-save image {bench.out("out.tif")}))"""
        assert_close(bench.read("out.tif"), pictures.doubled(before), TOLERANCE["B"])
    return run


for size in ((1, 1), (3, 200), (4000, 3)):
    test(f"{size[0]} x {size[1]} pixels")(size_test(*size))

LAYERS = ("base", "masked", "grouped")


def layered(bench):
    """The pixels of layered-image's three layers, and Scheme for it."""
    layers = {"base": pictures.make(40, 30, 3, "B", seed=1),
              "masked": pictures.make(21, 16, 4, "B", seed=2),
              "grouped": pictures.make(17, 13, 3, "B", seed=3)}
    paths = [bench.write(f"{name}.tif", layers[name]) for name in LAYERS]
    return layers, f"(layered-image (list {' '.join(paths)}))"


def save_layers(bench, image="image", ending="-out.tif"):
    return "".join(f'(save-drawable {image} (layer-named {image} "{name}") {bench.out(name + ending)})'
                   for name in LAYERS)


@test("layers, mask, group, guides, path, channel, selection")
def whole_image(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-image-scale scaled 80 60)
        (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        (save-drawable scaled (car (gimp-layer-get-mask (layer-named scaled "masked")))
                       {bench.out("mask-scaled.tif")})
        (save-drawable image (car (gimp-layer-get-mask (layer-named image "masked")))
                       {bench.out("mask-upscaled.tif")})
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_equal(facts(said, "upscaled")["guides"], [[0, 14], [1, 26]], "guides")
    mask, expected = bench.read("mask-upscaled.tif"), bench.read("mask-scaled.tif")
    assert len(set(mask.samples)) > 1, "the mask is empty"
    assert_close(mask, expected, 0)
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]),
                     TOLERANCE["B"])


def scale_test(scale):
    def run(bench):
        layers, scheme = layered(bench)
        model = quoted("negative" if scale == 1 else "double")
        said = yield f"""
          (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
            (gimp-image-scale scaled {round(40 * scale)} {round(30 * scale)})
            (upscale image (ids (gimp-image-get-layers image)) {scale} {model} 'image)
            (say "scaled" (image-facts scaled))
            (say "upscaled" (image-facts image))
            {save_layers(bench, "scaled", "-cubic.tif")}
            {save_layers(bench)})"""
        assert_same_image(said, "upscaled", "scaled")
        for name in LAYERS:
            found = bench.read(name + "-out.tif")
            if scale == 1:
                assert_close(found, pictures.negative(layers[name]), TOLERANCE["B"])
            else:
                assert_replaced(found, bench.read(name + "-cubic.tif"))
    return run


# 1.2 and 2.25: a layer becomes a pixel larger than its own size tells, by where its two ends lie.
for factor in (1, 1.2, 2.25, 3):
    test(f"scale {factor}")(scale_test(factor))


@test("selected layers are scaled as by Scale Layer")
def selected_layers(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-layer-scale (layer-named scaled "masked") 42 32 TRUE)
        (upscale image (list (layer-named image "masked")) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("masked-out.tif"), pictures.doubled(layers["masked"]), TOLERANCE["B"])
    assert_close(bench.read("base-out.tif"), layers["base"], 0)


@test("a layer named twice, and by its mask, is scaled once", version="3")
def selected_twice(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image)))
             (layer (layer-named image "masked")))
        (gimp-layer-scale (layer-named scaled "masked") {2 * layers["masked"].width}
                          {2 * layers["masked"].height} TRUE)
        (upscale image (list layer layer (car (gimp-layer-get-mask layer))) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("masked-out.tif"), pictures.doubled(layers["masked"]), TOLERANCE["B"])


def refused(call):
    """Scheme for a call that must leave the image as it is, told for assert_refused ()."""
    return f"""
        (gimp-image-clean-all image)
        (say "before" (image-facts image))
        (try "error" (lambda () {call}))
        (say "after" (image-facts image))
        (say "dirty" (car (gimp-image-is-dirty image)))"""


def assert_refused(said, words):
    assert re.search(words, said["error"]), f"the message is '{said['error']}'"
    assert_same_image(said, "after", "before")
    assert_equal(said["dirty"], 0, "dirty")


@test("if one of several layers cannot be scaled, none is", version="3")
def selected_in_part(bench):
    layers, scheme = layered(bench)
    call = """(upscale image (list (layer-named image "base") (layer-named image "group"))
                       2 "double" 'layers)"""
    said = yield f"""
      (let ((image {scheme}))
        (gimp-item-set-lock-position (layer-named image "group") TRUE)
        {refused(call)}
        {save_layers(bench)})"""
    assert_refused(said, "locked")
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), layers[name], 0)


@test("a selected group is scaled with what is in it")
def selected_group(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-layer-scale (layer-named scaled "group") 34 26 TRUE)
        (upscale image (list (layer-named image "group")) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("grouped-out.tif"), pictures.doubled(layers["grouped"]), TOLERANCE["B"])
    assert_close(bench.read("base-out.tif"), layers["base"], 0)


@test("a selected group with a locked layer in it is refused, the image untouched")
def selected_group_locked(bench):
    _, scheme = layered(bench)
    call = """(upscale image (list (layer-named image "group")) 2 "double" 'layers)"""
    said = yield f"""
      (let ((image {scheme}))
        (gimp-item-set-lock-content (layer-named image "grouped") TRUE)
        {refused(call)})"""
    assert_refused(said, "locked")


@test("a layer of another image is refused, both images untouched")
def layer_of_another_image(bench):
    _, scheme = layered(bench)
    call = """(upscale image (list (layer-named other "base")) 2 "double" 'layers)"""
    said = yield f"""
      (let* ((image {scheme}) (other (car (gimp-image-duplicate image))))
        (gimp-image-clean-all other)
        {refused(call)}
        (say "other" (image-facts other))
        (say "other dirty" (car (gimp-image-is-dirty other))))"""
    assert_refused(said, "another image")
    assert_same_image(said, "other", "before")
    assert_equal(said["other dirty"], 0, "dirty, of the other,")


@test("a non-destructive filter stays, on the network's pixels", version="3")
def layer_filter(bench):
    before = pictures.make(40, 30, 3, "B")
    path = bench.write("in.tif", before)
    said = yield f"""
      (let* ((image (file-load {path})) (layer (first-layer image)))
        (gimp-drawable-append-new-filter layer "gegl:gaussian-blur" "blur" LAYER-MODE-REPLACE 1.0
                                         "std-dev-x" 5.0 "std-dev-y" 5.0)
        (upscale image (list layer) 2 "double" 'image)
        (let ((filters (ids (gimp-drawable-get-filters layer))))
          (say "filters" (length filters))
          (tiff-save image {bench.out("blurred.tif")})
          (gimp-drawable-filter-delete (car filters)))
        (tiff-save image {bench.out("out.tif")}))"""
    assert_equal(said["filters"], 1, "the number of filters")
    expected = pictures.doubled(before)
    assert pictures.psnr(bench.read("blurred.tif"), expected) < 30, "the filter does nothing"
    assert_close(bench.read("out.tif"), expected, TOLERANCE["B"])


@test("a floating selection")
def floating_selection(bench):
    path = bench.write("in.tif", pictures.make(40, 30, 3, "B"))
    said = yield f"""
      (let ((image (file-load {path})))
        (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 4 6 9 5)
        (float image (first-layer image))
        (upscale image (list (car (reverse (ids (gimp-image-get-layers image))))) 2 "double" 'image)
        (let ((floating (car (gimp-image-get-floating-sel image))))
          (say "size" (list (drawable-width floating) (drawable-height floating)
                            (image-width image) (image-height image)))))"""
    assert_equal(said["size"], [18, 10, 80, 60], "sizes of floating selection and image")


@test("locked layers are enlarged with the image, and stay locked")
def locked(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let ((image {scheme}))
        (gimp-item-set-lock-content (layer-named image "base") TRUE)
        (gimp-item-set-lock-content (layer-named image "group") TRUE)
        (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
        (say "locks" (map (lambda (name) (car (gimp-item-get-lock-content (layer-named image name))))
                          '("base" "group" "masked")))
        (gimp-item-set-lock-content (layer-named image "base") FALSE)
        (gimp-item-set-lock-content (layer-named image "group") FALSE)
        {save_layers(bench)})"""
    assert_equal(said["locks"], [1, 1, 0], "the locks")
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]), TOLERANCE["B"])


# What is refused: Scheme that changes the image before, the call, and what the message has. Of ranges
# GIMP 3 tells in its own words.
REFUSED = {
    "an indexed image": ("(convert-indexed image)", "2 \"double\" 'image", "indexed"),
    "scale 0.5": ("", "0.5 \"double\" 'image", r"'scale' is 0\.5|value 0\.5.* range"),
    "scale 9": ("", "9 \"double\" 'image", r"'scale' is 9|value 9\.0.* range"),
    "an unknown model": ("", "2 \"no-such-model\" 'image", "'no-such-model'"),
    "a model for another task": ("", "2 \"wrong-task\" 'image", "wrong-task.*'mask'"),
    "a truncated weight file": ("", "2 \"truncated\" 'image", "truncated.safetensors'"),
    "a weight file with NaN": ("", "2 \"not-finite\" 'image", "not finite"),
    "a locked layer by itself": ("(gimp-item-set-lock-content (layer-named image \"base\") TRUE)",
                                 "2 \"double\" 'layers", "locked"),
}


def refusal_test(change, call, words):
    def run(bench):
        path = bench.write("in.tif", pictures.make(40, 30, 3, "B"))
        upscaling = f"""(upscale image (list (layer-named image "base")) {call})"""
        said = yield f"""
          (let ((image (file-load {path})))
            (gimp-item-set-name (first-layer image) "base")
            (gimp-image-add-hguide image 7)
            (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 4 6 9 5)
            {change}
            {refused(upscaling)})"""
        assert_refused(said, words)
    return run


for what, (prepare, arguments, message) in REFUSED.items():
    test(f"{what} is refused, the image untouched")(refusal_test(prepare, arguments, message))


def run_all(gimp, folder):
    """[(name, why it failed or None)], and what GIMP printed."""
    runs, script = [], ""
    for number, (name, function, version) in enumerate(TESTS):
        if version not in (None, gimp.version):
            continue
        steps = function(Bench(folder, number))
        runs.append((name, number, steps))
        script += f"""
          (let ((tell say))
            (set! say (lambda (key value) (tell (string-append "{number} " key) value)))
            (try "failed" (lambda () {next(steps)}))
            (set! say tell))\n"""

    said, output = gimp.run(script, 300)
    results = []
    for name, number, steps in runs:
        mine = {key.split(" ", 1)[1]: value for key, value in said.items()
                if key.startswith(f"{number} ")}
        why = None
        try:
            assert "failed" in mine, "GIMP did not come so far"
            assert not mine["failed"], mine["failed"]
            steps.send(mine)
        except StopIteration:
            pass
        except AssertionError as wrong:
            why = str(wrong)
        except Exception:  # a test that fails in any other way is told as the others are
            why = traceback.format_exc()
        results.append((name, why))
    return results, output


def photo_test(gimp, source, folder):
    """A photo, halved by antialiased bicubic resampling, comes back at least 1.5 dB nearer to the
    original by the shipped model than by GIMP's own cubic scaling. Says why if it does not."""
    original, small, ours, cubic = (os.path.join(folder, f"photo-{name}.tif")
                                    for name in ("original", "small", "ours", "cubic"))
    photo = os.path.join(source, "tests", "photos", "brushes.jpg")
    gimp.run(f"(tiff-save (file-load {quoted(photo)}) {quoted(original)})", 60)
    before = pictures.read_tiff(original)
    pictures.write_tiff(small, pictures.halved(before))
    _, output = gimp.run(f"""
      (let* ((image (file-load {quoted(small)})) (scaled (car (gimp-image-duplicate image))))
        (gimp-context-set-interpolation INTERPOLATION-CUBIC)
        (gimp-image-scale scaled {before.width} {before.height})
        (upscale image (ids (gimp-image-get-layers image)) 2 "" 'image)
        (tiff-save image {quoted(ours)})
        (tiff-save scaled {quoted(cubic)}))""", 120)
    if not os.path.exists(cubic):
        return output
    gain = (pictures.psnr(pictures.read_tiff(ours), before)
            - pictures.psnr(pictures.read_tiff(cubic), before))
    print(f"the model is {gain:.2f} dB nearer to the photo than GIMP's cubic scaling")
    return None if gain >= 1.5 else f"only {gain:.2f} dB nearer"


def main():
    version, libdir, plug_in, source = sys.argv[1:]
    shipped = os.path.join(source, "models")
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        models = os.path.join(folder, "models")
        os.makedirs(models)
        fixtures.write_models(models)
        gimp = console.Gimp(version, libdir, plug_in, os.path.join(folder, "home"), models)
        results, output = run_all(gimp, folder)
        if os.path.exists(os.path.join(shipped, "upscale-x2.safetensors")):
            gimp.environment["ATELIER_MODEL_PATH"] = shipped
            results.append(("a photo", photo_test(gimp, source, folder)))
        else:
            print("skipped gimp/a photo: there is no models/upscale-x2.safetensors")

    failed = [name for name, why in results if why]
    if failed:
        print(output)
    for name, why in results:
        print(f"FAILED gimp/{name}: {why}" if why else f"ok gimp/{name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
