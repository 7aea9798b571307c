#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The dialog in GIMP 3, as its user sees it: pixels of the screen, keys and the mouse.
#
#   test-dialog.py VERSION LIBDIR PLUG-IN
#
# The arguments are those of test-gimp.py. Prints 'ok NAME' or 'FAILED NAME: why' for each test.

import array
import os
import shutil
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
WINDOW = "RGB color"   # in the title of the image's window
CHANGED = r"^\*.*RGB color"
FILES = "^Choose a Weight File$"


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
    """An image, and the dialog for it while in a 'with' statement."""

    def __init__(self, gimp, folder, width, height, channels=3, code="B", picture=None):
        self.gimp = gimp
        self.picture = picture or pictures.make(width, height, channels, code)
        self.doubled = pictures.doubled(self.picture)
        self.negative = pictures.negative(self.picture)
        path = os.path.join(folder, f"{width}x{height}-{channels}{code}.tif")
        pictures.write_tiff(path, self.picture)
        gimp.ask(f"(define image (file-load {quoted(path)})) (gimp-image-clean-all image)")

    def show_image(self):
        """In a window of its own, where the user can go on with it."""
        self.gimp.ask("(gimp-image-undo-enable image) (gimp-image-clean-all image) (gimp-display-new image)")
        self.gimp.window(WINDOW)

    def come_back(self):
        """From the image's window."""
        self.gimp.do("windowactivate", "--sync", self.gimp.window(DIALOG))

    def set_scale(self, scale):
        self.gimp.do("key", "alt+a", "key", "ctrl+a", "type", scale)
        self.gimp.do("key", "Tab")

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
        dialog.set_scale(1)
        dialog.await_rows(rows_of(dialog.negative), "a preview of scale 1")


def last_values_are_offered(gimp, folder):
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.set_scale(1)
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


def assert_no_complaints(gimp):
    with open(gimp.log(), encoding="utf-8", errors="replace") as file:
        complaints = [line for line in file if line.startswith("(upscale:")]
    assert not complaints, complaints


def odd_layers_are_shown(gimp, folder):
    """Nobody complains of deep, transparent, grey or narrow layers."""
    for width, height, channels, code in ((40, 30, 3, "H"), (40, 30, 4, "f"), (30, 40, 2, "B"), (3, 700, 1, "B")):
        with Dialog(gimp, folder, width, height, channels, code):
            gimp.do("sleep", 2)
    assert_no_complaints(gimp)


def keys_move_the_part(gimp, folder):
    """By 50 pixels of the screen each, from a corner."""
    with Dialog(gimp, folder, 400, 300) as dialog:
        left, top = (400 - SIDE // 2) // 2, (300 - SIDE // 2) // 2
        middle = rows_of(dialog.doubled, 2 * left + 2, 2 * top + 2, SIDE - 6, SIDE - 6)
        x, y = dialog.await_rows(middle, "a preview of the middle")
        gimp.do("mousemove", x + SIDE + 80, y + 50, "click", 1, "mousemove", 0, 0)   # the map has the keys then
        gimp.do(*["key", "Left"] * 12, *["key", "Up"] * 12)
        dialog.await_rows(rows_of(dialog.doubled, 0, 0, SIDE - 6, SIDE - 6), "a preview of the corner")
        gimp.do(*["key", "Right"] * 3, *["key", "Down"] * 2, "key", "Left", "key", "Up")
        dialog.await_rows(rows_of(dialog.doubled, 100, 50, SIDE - 6, SIDE - 6), "a preview moved by keys")


def triangle(place):
    """Up and down by 8 of 255 at each pixel."""
    phase = place % 64
    return 8 * (phase if phase < 32 else 64 - phase) - (phase == 32)


def shift_of(after, before, step):
    """How far, in steps of samples, 'after' lies before 'before': the least squares' answer for small ones."""
    numerator = denominator = 0.0
    for row, base in zip(after, before):
        for at in range(step, len(base) - step, 3):
            slope = (base[at + step] - base[at - step]) / 2
            numerator += (row[at] - base[at]) * slope
            denominator += slope * slope
    return numerator / denominator


def contrast(rows):
    samples = [value for row in rows for value in row[::3]]
    return max(samples) - min(samples)


def both_sides_show_the_same_place(gimp, folder):
    """Where the result's pixels do not begin with the layer's: at a scale of 1.3."""
    picture = pictures.Picture(400, 300, 3, "B")
    for y in range(300):
        for x in range(400):
            at = 3 * (400 * y + x)
            picture.samples[at:at + 3] = array.array("B", (triangle(x), triangle(y), 128))
    with Dialog(gimp, folder, 400, 300, picture=picture) as dialog:
        dialog.set_scale(1)
        left, top = (400 - SIDE) // 2, (300 - SIDE) // 2
        places = [dialog.await_rows(rows_of(whole, left, top, SIDE, SIDE), what)
                  for whole, what in ((dialog.picture, "a picture before"), (dialog.negative, "a picture after"))]
        dialog.set_scale(1.3)

        def parts():
            screen = gimp.screen()
            return [[row[3 * (x + 5):3 * (x + SIDE - 5)] for row in screen[y + 5:y + SIDE - 5]] for x, y in places]

        def computed():
            """Both enlarged, and nothing pale."""
            before, after = parts()
            negative = rows_of(dialog.negative, left + 5, top + 5, SIDE - 10, SIDE - 10)
            return True if after != negative and contrast(after) > 0.9 * contrast(before) else None
        window.wait_for(computed, 30, "a preview of scale 1.3")
        gimp.do("sleep", 1)
        before, after = parts()
        along = shift_of(after, before, 3)
        columns = [[bytes(value for row in rows for value in (row[at + 1], 0, 0)) for at in range(0, len(rows[0]), 3)]
                   for rows in (after, before)]
        down = shift_of(*columns, 3)
        assert abs(along) < 0.1 and abs(down) < 0.1, f"they differ by ({along:.2f}, {down:.2f}) pixels"


def another_file(gimp, folder):
    """By the button beside the list."""
    path = os.path.join(folder, "elsewhere.safetensors")
    shutil.copy(os.path.join(folder, "models", "negative.safetensors"), path)
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
        os.rename(os.path.join(folder, "models", "negative.safetensors"), os.path.join(folder, "negative"))
        try:
            dialog.set_scale(1)
            gimp.do("key", "alt+f")
            gimp.type(FILES, path, "Return")
            dialog.await_rows(rows_of(dialog.negative), "a preview by the file")
        finally:
            os.rename(os.path.join(folder, "negative"), os.path.join(folder, "models", "negative.safetensors"))


def layer_size(gimp):
    return gimp.ask("""(say "size" (let ((layer (first-layer image)))
                                     (list (drawable-width layer) (drawable-height layer))))""")["size"]


def selected_layers_alone(gimp, folder):
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
        gimp.do("key", "alt+y", "sleep", 0.5, "key", "Down", "sleep", 2, "key", "alt+o")
        dialog.call.join(60)
    assert dialog.size() == [40, 30], f"the image is {dialog.size()}"
    assert layer_size(gimp) == [80, 60], f"the layer is {layer_size(gimp)}"
    with Dialog(gimp, folder, 40, 30) as dialog:
        dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
        gimp.do("key", "alt+y", "sleep", 0.5, "key", "Up", "sleep", 2, "key", "alt+o")
        dialog.call.join(60)
    assert dialog.size() == [80, 60], f"the image is {dialog.size()}"


def painted_meanwhile(gimp, folder):
    """The preview shows what is there when the user comes back to the dialog."""
    dialog = Dialog(gimp, folder, 40, 30)
    dialog.show_image()
    with dialog:
        x, y = dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
        gimp.press_until(WINDOW, "ctrl+period", CHANGED)   # fills with white
        dialog.come_back()
        white = [b"\xff" * 3 * dialog.doubled.width] * dialog.doubled.height
        window.wait_for(lambda: [row[3 * x:3 * (x + dialog.doubled.width)]
                                 for row in gimp.screen()[y:y + dialog.doubled.height]] == white or None,
                        30, "a preview of the white layer")
        gimp.press(WINDOW, "ctrl+z")
        dialog.come_back()
        dialog.await_rows(rows_of(dialog.doubled), "a preview of the layer as it was")


def call_from_menu(gimp):
    """So that the test can call GIMP while the dialog is open."""
    gimp.do("windowactivate", "--sync", gimp.window(WINDOW))
    for key in ("alt+r", "Up", "Right", "Return"):   # the last submenu of Filters
        gimp.do("key", key, "sleep", 1)
    gimp.do("windowactivate", "--sync", gimp.window(DIALOG))


def await_end(gimp):
    window.wait_for(lambda: gimp.running_plug_in() is None or None, 60, "the plug-in's end")


def deleted_meanwhile(gimp, folder):
    """Nothing reads the layer, and there is no OK; both come back with it."""
    dialog = Dialog(gimp, folder, 400, 300)
    dialog.show_image()
    call_from_menu(gimp)
    left, top = (400 - SIDE // 2) // 2, (300 - SIDE // 2) // 2
    middle = rows_of(dialog.doubled, 2 * left + 2, 2 * top + 2, SIDE - 6, SIDE - 6)
    x, y = dialog.await_rows(middle, "a preview of the middle")
    gimp.ask("(gimp-image-remove-layer image (first-layer image)) (gimp-displays-flush)")
    gimp.do("mousemove", x + 150, y + 150, "mousedown", 1, "mousemove", x + 120, y + 140,
            "sleep", 0.2, "mousemove", x + 50, y + 110, "sleep", 0.2, "mouseup", 1, "mousemove", 0, 0)
    gimp.do("sleep", 1, "key", "alt+o", "sleep", 1)
    assert gimp.running_plug_in(), "OK can be pressed, or the plug-in has ended"
    gimp.press(WINDOW, "ctrl+z")
    dialog.come_back()
    moved = rows_of(dialog.doubled, 2 * left + 102, 2 * top + 42, SIDE - 6, SIDE - 6)
    dialog.await_rows(moved, "a preview of the layer that is there again")
    gimp.press(DIALOG, "alt+o")
    await_end(gimp)
    assert dialog.size() == [800, 600], f"the image is {dialog.size()}"
    assert_no_complaints(gimp)


def other_layer_deleted_meanwhile(gimp, folder):
    """Selected, but not shown: it matters only if the selected layers are to be enlarged."""
    dialog = Dialog(gimp, folder, 40, 30)
    gimp.ask("""(define other (car (gimp-layer-new-from-drawable (first-layer image) image)))
                (gimp-image-insert-layer image other 0 1)
                (gimp-drawable-invert other FALSE)
                (gimp-image-set-selected-layers image (vector other (first-layer image)))""")
    dialog.show_image()
    call_from_menu(gimp)
    dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture")
    gimp.ask("(gimp-image-remove-layer image other) (gimp-displays-flush)")
    gimp.press(DIALOG, "alt+y")
    gimp.do("sleep", 0.5, "key", "Down", "sleep", 2, "key", "alt+o", "sleep", 1)
    assert gimp.running_plug_in(), "OK can be pressed for a layer that is gone, or the plug-in has ended"
    gimp.do("key", "alt+y", "sleep", 0.5, "key", "Up")
    dialog.await_rows(rows_of(dialog.doubled), "a preview of the doubled picture again")
    gimp.do("key", "alt+o")
    await_end(gimp)
    assert dialog.size() == [80, 60], f"the image is {dialog.size()}"
    assert_no_complaints(gimp)


# Locks the layer that is scaled last as soon as the first one is, and says how many were not scaled then.
LOCK_LAST = """
  (let* ((layers (ids (gimp-image-get-layers image))) (last (car (reverse layers))))
    (let await ((n 0))
      (let ((first? (= (drawable-width (car layers)) 80)) (last? (= (drawable-width last) 80)))
        (if (and (not first?) (not last?) (< n 100000))
            (await (+ n 1))
            (gimp-item-set-lock-position (if first? last (car layers)) TRUE))))
    (say "late" (length (let keep ((rest layers))
                          (cond ((null? rest) '())
                                ((= (drawable-width (car rest)) 40) (cons 1 (keep (cdr rest))))
                                (else (keep (cdr rest))))))))"""


def locked_in_commit(gimp, folder):
    """A layer, while others are scaled: all are, or none, in one step of undo."""
    dialog = Dialog(gimp, folder, 40, 30)
    gimp.ask("""(do ((i 0 (+ i 1)))
                    ((= i 30))
                  (gimp-image-insert-layer image
                    (car (gimp-layer-new-from-drawable (first-layer image) image)) 0 0))
                (gimp-image-set-selected-layers image (list->vector (ids (gimp-image-get-layers image))))""")
    dialog.show_image()
    call_from_menu(gimp)
    gimp.press(DIALOG, "alt+y")
    gimp.do("sleep", 0.5, "key", "Down", "sleep", 2, "key", "alt+o")
    late = gimp.ask(LOCK_LAST)["late"]
    await_end(gimp)
    widths = """(say "widths" (map drawable-width (ids (gimp-image-get-layers image))))
                (say "locked" (apply + (map (lambda (layer) (car (gimp-item-get-lock-position layer)))
                                            (ids (gimp-image-get-layers image)))))"""
    said = gimp.ask(widths)
    assert late > 0, "the lock came too late"
    assert said["widths"] == [80] * 31, f"the widths are {said['widths']}"
    assert said["locked"] == 1, f"{said['locked']} layers are locked"
    gimp.press(WINDOW, "ctrl+z")
    window.wait_for(lambda: gimp.ask(widths)["widths"] == [40] * 31 or None, 30, "undo in one step")


def dense_screen(gimp, folder):
    """Each pixel of the result is one of the screen, where GTK's have two along each side."""
    gimp.do("mousemove", 0, 0)   # where it calls no hint over the preview
    with Dialog(gimp, folder, 400, 300) as dialog:
        left, top = (400 - SIDE) // 2, (300 - SIDE) // 2
        dialog.await_rows(rows_of(dialog.doubled, 2 * left, 2 * top, 2 * SIDE, 2 * SIDE), "a preview of the middle")


TESTS = {
    "the preview is exact": preview_is_exact,
    "the preview can be dragged": preview_moves,
    "another scale is tried at once": scale_is_tried,
    "the last values are offered, and reset": last_values_are_offered,
    "a model that fails cannot be accepted": what_cannot_work_is_not_accepted,
    "odd layers are shown": odd_layers_are_shown,
    "the keys move the part": keys_move_the_part,
    "both sides show the same place at a scale of 1.3": both_sides_show_the_same_place,
    "another file can be chosen": another_file,
    "selected layers are enlarged alone, or the image": selected_layers_alone,
    "a layer painted on meanwhile is shown as it is": painted_meanwhile,
    "a layer deleted meanwhile is not read": deleted_meanwhile,
    "another layer deleted meanwhile does not matter": other_layer_deleted_meanwhile,
    "a layer locked in the commit is enlarged with the others": locked_in_commit,
}

# On a screen for which GTK doubles everything.
DENSE_TESTS = {"on a dense screen the preview is exact": dense_screen}


def run(gimp, folder, tests):
    """Whether all passed."""
    passed = True
    with gimp:
        for name, function in tests.items():
            try:
                function(gimp, folder)
                print(f"ok gimp-dialog/{name}", flush=True)
            except Exception:   # the other tests are run all the same
                print(f"FAILED gimp-dialog/{name}: {traceback.format_exc()}", flush=True)
                passed = False
    return passed


def main():
    version, libdir, plug_in = sys.argv[1:]
    passed = True
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        models = os.path.join(folder, "models")
        os.makedirs(models)
        fixtures.write_models(models)
        for density, tests in (("1", TESTS), ("2", DENSE_TESTS)):
            gimp = window.Window(version, libdir, plug_in, os.path.join(folder, f"home-{density}"), models)
            # The chooser of files keeps its settings, for which there is no service here.
            gimp.environment.update(GDK_SCALE=density, GSETTINGS_BACKEND="memory")
            passed = run(gimp, folder, tests) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
