# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the tests of a GIMP without a window have in common: how one is written, what it may claim, and the run
# of all of them in one GIMP.
#
# A test is a function that yields Scheme to be run and then checks, with what the Scheme said, by raising
# AssertionError.

import os
import re
import traceback

import pictures
from console import quoted

TESTS = []

# Largest difference of a sample after the way through the network, in parts of full scale: the value as
# float to perceptual coding and back, and one step of the integers.
TOLERANCE = {"B": 0, "H": 0, "f": 2e-5}


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


def assert_same_profile(found, expected):
    """But for the time when it was made: GIMP makes profiles anew when it converts to linear and back."""
    made = slice(24, 36)
    assert found.profile and found.profile.replace(found.profile[made], b"", 1) == expected.profile.replace(
        expected.profile[made], b"", 1), "the profile is another one"


def facts(said, key):
    """What image-facts said, by name. The order of guides is GIMP's own business."""
    found = {entry[0]: entry[1:] for entry in said[key]}
    found["guides"] = sorted(found["guides"][0])
    return found


def assert_same_image(said, key, expected_key):
    found, expected = facts(said, key), facts(said, expected_key)
    for name in expected:
        assert_equal(found[name], expected[name], f"of the image, '{name}'")


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

    said, output = gimp.run(script, 600)
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
