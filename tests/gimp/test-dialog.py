#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The dialog in GIMP 3, as its user sees it: pixels of the screen, keys and the mouse.
#
#   test-dialog.py VERSION LIBDIR PLUG-IN
#
# The arguments are those of test-gimp.py. Prints 'ok NAME' or 'FAILED NAME: why' for each test.

import os
import sys
import tempfile
import threading
import traceback

import fixtures
import pictures
import window
from console import quoted

SIDE = 250      # of the preview
DIALOG = "^Upscale$"


def rows_of(picture, left=0, top=0, width=None, height=None):
    """A part of a picture of 8 bits, as rows of bytes."""
    width, height = width or picture.width, height or picture.height
    samples = picture.samples.tobytes()
    return [samples[3 * (y * picture.width + left):3 * (y * picture.width + left + width)]
            for y in range(top, top + height)]


def place_of(rows, screen):
    """Where the screen shows all of these rows: (x, y), or None."""
    for y in range(len(screen) - len(rows) + 1):
        at = screen[y].find(rows[0])
        while at >= 0:
            if at % 3 == 0 and all(screen[y + i][at:at + len(row)] == row
                                   for i, row in enumerate(rows)):
                return at // 3, y
            at = screen[y].find(rows[0], at + 1)
    return None


class Dialog:
    """An image in a window, and the dialog over it while in a 'with' statement."""

    def __init__(self, gimp, folder, width, height, channels=3, code="B"):
        self.gimp = gimp
        self.picture = pictures.make(width, height, channels, code)
        self.doubled = pictures.doubled(self.picture)
        self.negative = pictures.negative(self.picture)
        path = os.path.join(folder, f"{width}x{height}-{channels}{code}.tif")
        pictures.write_tiff(path, self.picture)
        gimp.ask(f"(define image (file-load {quoted(path)})) (gimp-image-clean-all image)")

    def __enter__(self):
        self.call = threading.Thread(target=self.gimp.ask, daemon=True, args=(
            '(try "error" (lambda () (upscale-interactively image)))',))
        self.call.start()
        number = self.gimp.window(DIALOG)
        self.gimp.do("windowactivate", "--sync", number)
        return self

    def __exit__(self, *_):
        if self.call.is_alive():
            self.close("Escape")

    def close(self, key):
        self.gimp.press(DIALOG, key)
        self.call.join(60)
        assert not self.call.is_alive(), f"{key} does not close the dialog"

    def await_rows(self, rows, what):
        """Where they are shown, once they are."""
        return window.wait_for(lambda: place_of(rows, self.gimp.screen()), 30, what)

    def size(self):
        return self.gimp.ask(
            """(say "size" (list (image-width image) (image-height image)))""")["size"]


def preview_is_exact(gimp, folder):
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
    assert dialog.size() == [40, 30], f"the image is {dialog.size()}"


def preview_moves(gimp, folder):
    with Dialog(gimp, folder, 400, 300) as dialog:
        left, top = (400 - SIDE // 2) // 2, (300 - SIDE // 2) // 2
        middle = rows_of(dialog.doubled, 2 * left + 2, 2 * top + 2, SIDE - 6, SIDE - 6)
        x, y = dialog.await_rows(middle, "a preview of the middle")
        # At last the pointer leaves the pixels that are looked at.
        gimp.do("mousemove", x + 150, y + 150, "mousedown", 1, "mousemove", x + 120, y + 140,
                "sleep", 0.2, "mousemove", x + 50, y + 110, "sleep", 0.2, "mouseup", 1,
                "mousemove", 0, 0)
        moved = rows_of(dialog.doubled, 2 * left + 102, 2 * top + 42, SIDE - 6, SIDE - 6)
        dialog.await_rows(moved, "a preview that follows the mouse")


def scale_is_tried(gimp, folder):
    with Dialog(gimp, folder, 40, 30) as dialog:
        gimp.do("key", "alt+a", "key", "ctrl+a", "type", "1")
        gimp.do("key", "Tab")
        dialog.await_rows(rows_of(dialog.negative), "a preview of scale 1")


def last_values_are_offered(gimp, folder):
    with Dialog(gimp, folder, 40, 30) as dialog:
        gimp.do("key", "alt+a", "key", "ctrl+a", "type", "1")
        gimp.do("key", "Tab")
        dialog.await_rows(rows_of(dialog.negative), "a preview of scale 1")
        dialog.close("alt+o")
    assert dialog.size() == [40, 30], f"the image is {dialog.size()}"
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.await_rows(rows_of(dialog.negative), "a preview with the last values")
        gimp.do("key", "alt+r", "sleep", 0.5, "key", "Down", "key", "Return")
        dialog.await_rows(rows_of(dialog.doubled), "a preview after Reset")
        dialog.close("alt+o")
    assert dialog.size() == [80, 60], f"the image is {dialog.size()}"


def what_cannot_work_is_not_accepted(gimp, folder):
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
        # The list's rows: the best one, double, negative, not-finite.
        gimp.do("key", "alt+m", "sleep", 0.5, "key", "Down", "key", "Down", "key", "Down")
        window.wait_for(lambda: None if place_of(rows_of(dialog.doubled), gimp.screen()) else True,
                        30, "the end of the preview")
        gimp.do("sleep", 1, "key", "alt+o", "sleep", 1)
        assert dialog.call.is_alive(), "OK can be pressed"
    assert dialog.size() == [40, 30], f"the image is {dialog.size()}"


def odd_layers_are_shown(gimp, folder):
    """Nobody complains of deep, transparent, grey or narrow layers."""
    for width, height, channels, code in ((40, 30, 3, "H"), (40, 30, 4, "f"), (30, 40, 2, "B"), (3, 700, 1, "B")):
        with Dialog(gimp, folder, width, height, channels, code):
            gimp.do("sleep", 2)
    with open(gimp.log(), encoding="utf-8", errors="replace") as file:
        complaints = [line for line in file if line.startswith("(upscale:")]
    assert not complaints, complaints


TESTS = {
    "the preview is exact": preview_is_exact,
    "the preview can be dragged": preview_moves,
    "another scale is tried at once": scale_is_tried,
    "the last values are offered, and reset": last_values_are_offered,
    "a model that fails cannot be accepted": what_cannot_work_is_not_accepted,
    "odd layers are shown": odd_layers_are_shown,
}


def main():
    version, libdir, plug_in = sys.argv[1:]
    failed = False
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        models = os.path.join(folder, "models")
        os.makedirs(models)
        fixtures.write_models(models)
        with window.Window(version, libdir, plug_in, os.path.join(folder, "home"), models) as gimp:
            for name, function in TESTS.items():
                try:
                    function(gimp, folder)
                    print(f"ok gimp-dialog/{name}", flush=True)
                except Exception:   # the other tests are run all the same
                    print(f"FAILED gimp-dialog/{name}: {traceback.format_exc()}", flush=True)
                    failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
