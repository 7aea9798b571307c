#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Atelier in a GIMP with windows: undo, the dialog, and a plug-in that is ended.
#
#   test-window.py VERSION LIBDIR PLUG-IN
#
# The arguments are those of test-gimp.py. Prints 'ok NAME' or 'FAILED NAME: why' for each test; one that
# fails takes the following along, since they go on with its image.

import os
import signal
import sys
import tempfile
import threading
import time

import fixtures
import pictures
import window
from console import quoted

WINDOW = "RGB color"   # in the title of the image's window


class Session:
    """An image in a window, of two layers with the same pixels."""

    def __init__(self, gimp, folder):
        self.gimp, self.folder = gimp, folder
        self.original = pictures.make(40, 30, 3, "H")
        pictures.write_tiff(self.path("in.tif"), self.original)
        gimp.ask(f"""(define image (file-load {quoted(self.path("in.tif"))}))
                     (gimp-image-add-hguide image 7)
                     (let ((layer (first-layer image)))
                       (gimp-image-insert-layer
                         image (car (gimp-layer-new-from-drawable layer image)) 0 0))
                     (gimp-image-clean-all image)
                     (gimp-display-new image)""")
        gimp.window(WINDOW)

    def path(self, name):
        return os.path.join(self.folder, name)

    def state(self):
        """Width, height, place of the guide, whether GIMP counts it as changed."""
        return self.gimp.ask("""(say "state" (list (image-width image) (image-height image)
                                                   (cadr (car (guide-facts image)))
                                                   (car (gimp-image-is-dirty image))))""")["state"]

    def await_state(self, expected):
        last = []

        def arrived():
            last[:] = self.state()
            return True if last == expected else None
        try:
            window.wait_for(arrived, 60, "")
        except AssertionError:
            raise AssertionError(f"the state stays {last}, but {expected} is expected") from None

    def pixels(self):
        self.gimp.ask(f"""(save-drawable image (first-layer image) {quoted(self.path("out.tif"))})""")
        return pictures.read_tiff(self.path("out.tif")).samples

    def upscale_with_dialog(self, key):
        """Answers the dialog by a key."""
        call = threading.Thread(target=self.gimp.ask, daemon=True, args=(
            '(try "error" (lambda () (upscale-interactively image))) (gimp-displays-flush)',))
        call.start()
        self.gimp.press("^Upscale$", key)
        call.join(120)
        assert not call.is_alive(), "the dialog takes no key"


def undo(session):
    session.gimp.ask("""(upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
                        (gimp-displays-flush)""")
    assert session.state() == [80, 60, 14, 1], f"the image is {session.state()}"
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])
    assert session.pixels() == session.original.samples, "the pixels are not the original ones"


def redo(session):
    session.gimp.press(WINDOW, "ctrl+y")
    session.await_state([80, 60, 14, 1])
    assert session.pixels() == pictures.doubled(session.original).samples, "other pixels"
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])


def undo_same_size(session):
    session.gimp.ask("""(upscale image (ids (gimp-image-get-layers image)) 1 "negative" 'image)
                        (gimp-displays-flush)""")
    assert session.pixels() == pictures.negative(session.original).samples, "other pixels"
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])
    assert session.pixels() == session.original.samples, "the pixels are not the original ones"


def undo_layers(session):
    session.gimp.ask("""(upscale image (ids (gimp-image-get-layers image)) 2 "double" 'layers)
                        (gimp-displays-flush)""")
    assert session.pixels() == pictures.doubled(session.original).samples, "other pixels"
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])
    assert session.pixels() == session.original.samples, "the pixels are not the original ones"


def dialog_cancelled(session):
    session.upscale_with_dialog("Escape")
    assert session.state() == [40, 30, 7, 0], f"the image is {session.state()}"


def dialog_accepted(session):
    session.upscale_with_dialog("Return")
    assert session.state() == [80, 60, 14, 1], f"the image is {session.state()}"
    assert session.pixels() == pictures.doubled(session.original).samples, "other pixels"


def ended_halfway(session):
    """As GIMP does it when Cancel is pressed in the progress bar."""
    session.gimp.ask("""(define image (new-image 1500 1000 RGB (car (gimp-image-get-precision image))))
                        (gimp-image-insert-layer image (new-layer image) 0 0)
                        (gimp-image-add-hguide image 7)
                        (gimp-image-clean-all image)""")
    call = threading.Thread(target=session.gimp.ask, daemon=True, args=(
        """(try "error" (lambda ()
             (upscale image (ids (gimp-image-get-layers image)) 4 "double" 'image)))""",))
    call.start()
    process = window.wait_for(session.gimp.running_plug_in, 60, "the plug-in's start")
    time.sleep(0.5)
    assert session.gimp.running_plug_in() == process, "the plug-in was ready before it could be ended"
    os.kill(process, signal.SIGKILL)
    call.join(60)
    assert not call.is_alive(), "GIMP still waits for the plug-in"
    assert session.state() == [1500, 1000, 7, 0], f"the image is {session.state()}"


TESTS = {
    "undo takes one step and restores every pixel": undo,
    "redo": redo,
    "undo when the size stays": undo_same_size,
    "undo of selected layers takes one step": undo_layers,
    "a dialog that is cancelled changes nothing": dialog_cancelled,
    "a dialog that is accepted enlarges the image": dialog_accepted,
    "a plug-in that is ended halfway leaves the image as it was": ended_halfway,
}


def main():
    version, libdir, plug_in = sys.argv[1:]
    done = []
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        models = os.path.join(folder, "models")
        os.makedirs(models)
        fixtures.write_models(models)
        home = os.path.join(folder, "home")
        gimp = window.Window(version, libdir, plug_in, home, models)
        why = "GIMP did not start"
        try:
            with gimp:
                session = Session(gimp, folder)
                for name, function in TESTS.items():
                    function(session)
                    print(f"ok gimp-window/{name}", flush=True)
                    done.append(name)
        except AssertionError as wrong:
            why = str(wrong)
        if len(done) < len(TESTS):
            for log in sorted(name for name in os.listdir(home) if name.endswith(".log")):
                with open(os.path.join(home, log), encoding="utf-8", errors="replace") as file:
                    print(f"--- {log}\n{file.read()}")

    for name in TESTS:
        if name not in done:
            print(f"FAILED gimp-window/{name}: {why}")
    return 0 if len(done) == len(TESTS) else 1


if __name__ == "__main__":
    sys.exit(main())
