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
import random
import signal
import sys
import tempfile
import time
import traceback

import fixtures
import pictures
import window
from console import quoted

WINDOW = "RGB color"   # in the title of the image's window
LARGE = [900, 675, 157, 0]   # the state () of an image that takes seconds, in tiles so small
CHANGED = r"^\*.*RGB color"
EMPTY = "^GNU Image Manipulation Program$"   # a window without an image
CANCEL = (40, 14)   # the button in the image's window, in pixels from the right and lower end


class Session:
    """An image in a window, of two layers with the same pixels."""

    def __init__(self, gimp, folder):
        self.gimp, self.folder = gimp, folder
        self.original = pictures.make(40, 30, 3, "H")
        pictures.write_tiff(self.path("in.tif"), self.original)
        gimp.ask("(define image 0) (define display 0)")
        self.open_new(self.small())

    def small(self):
        """Scheme for the image."""
        return f"""(set! image (file-load {quoted(self.path("in.tif"))}))
                   (gimp-image-add-hguide image 7)
                   (let ((layer (first-layer image)))
                     (gimp-image-insert-layer
                       image (car (gimp-layer-new-from-drawable layer image)) 0 0))"""

    def open_new(self, scheme):
        """Shows the image that the Scheme makes, in place of that before."""
        self.gimp.ask(f"""(if (not (= display 0)) (catch #f (gimp-display-delete display)))
                          {scheme}
                          (gimp-image-clean-all image)
                          (set! display (car (gimp-display-new image)))""")
        self.gimp.window(WINDOW)

    def open_large(self):
        self.open_new(f"{self.small()} (gimp-image-scale image {LARGE[0]} {LARGE[1]})")

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

    def picture(self):
        self.gimp.ask(f"""(save-drawable image (first-layer image) {quoted(self.path("out.tif"))})""")
        return pictures.read_tiff(self.path("out.tif"))

    def pixels(self):
        return self.picture().samples

    def upscale_with_dialog(self, *keys):
        """Answers the dialog by keys."""
        call = window.Call(self.gimp, """(try "error" (lambda () (upscale-interactively image)))
                                         (gimp-displays-flush)""")
        self.gimp.press("^Upscale$", *keys)
        call.end()


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
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])


def last_values(session):
    session.upscale_with_dialog("alt+a", "ctrl+a", "3", "Tab", "alt+o")
    session.await_state([120, 90, 21, 1])
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])
    session.gimp.ask("(upscale-again image) (gimp-displays-flush)")
    session.await_state([120, 90, 21, 1])
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([40, 30, 7, 0])


SLOWLY = """(try "error" (lambda () (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)))"""


def await_plug_in(session):
    return window.wait_for(session.gimp.running_plug_in, 60, "the plug-in's start")


def await_middle(session, seconds=1.0):
    """Stops the plug-in after these seconds of computing, most of a second for its start, so that it stays in the
    middle of its work; its process."""
    process = await_plug_in(session)
    window.wait_for(lambda: window.computed(process) >= seconds or None, 60, "the plug-in's work")
    os.kill(process, signal.SIGSTOP)
    return process


def assert_untouched(session, before):
    assert session.state() == LARGE, f"the image is {session.state()}"
    assert session.pixels() == before, "the pixels are not the original ones"


def cancel(session, process):
    """Presses the button until the stopped plug-in has ended: stopped in its first moments it has not shown its
    progress yet, so that there is no button, and a busy GIMP may miss it."""
    def ended():
        session.gimp.click(session.gimp.window(WINDOW), *CANCEL)
        try:
            return window.wait_for(lambda: session.gimp.running_plug_in() is None or None, 3, "")
        except AssertionError:
            os.kill(process, signal.SIGCONT)
            time.sleep(0.2)
            os.kill(process, signal.SIGSTOP)
            return None
    window.wait_for(ended, 60, "the plug-in's end")


def cancelled(session):
    """In the progress bar, at five moments; what was undone before can be done again afterwards."""
    session.open_large()
    before = session.pixels()
    session.gimp.ask("""(gimp-image-undo-group-start image)
                        (gimp-image-delete-guide image (car (gimp-image-find-next-guide image 0)))
                        (gimp-image-add-hguide image 50)
                        (gimp-image-undo-group-end image)
                        (gimp-displays-flush)""")
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state(LARGE)
    moments = random.Random(1)
    for number in range(5):
        if number == 0:
            session.gimp.press(WINDOW, "slash")
            session.gimp.type("^Search Actions$", "upscale", "Down", "Return")
            session.gimp.press("^Upscale$", "Return")
        else:
            session.gimp.press(WINDOW, "ctrl+f")   # with the last values
        cancel(session, await_middle(session, moments.uniform(0.3, 2)))
        assert_untouched(session, before)
    session.gimp.press(WINDOW, "ctrl+y")
    session.await_state([LARGE[0], LARGE[1], 50, 1])


def text_layer(session):
    """Its letters are pixels as any others, as with Scale Image; undo makes it text again."""
    session.open_new("""(set! image (new-image 100 40 RGB 150))
                        (gimp-image-add-hguide image 7)
                        (new-text image "Atelier")""")
    facts = """(say "facts" (list (is-text (first-layer image))
                                  (car (gimp-text-layer-get-text (first-layer image)))))"""
    before = session.picture()
    assert len(set(before.samples)) > 2, "there are no letters"
    scaled = session.path("scaled.tif")
    session.gimp.ask(f"""(let ((scaled (car (gimp-image-duplicate image))))
                          (gimp-image-scale scaled 200 80)
                          (save-drawable scaled (first-layer scaled) {quoted(scaled)}))
                        (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
                        (gimp-displays-flush)""")
    after, by_gimp = session.picture(), pictures.read_tiff(scaled)
    assert (after.width, after.height) == (by_gimp.width, by_gimp.height), "another size than by Scale Image"
    colours = {tuple(after.pixel(x, y)[:3]) for y in range(after.height) for x in range(after.width)}
    assert colours == {(0, 0, 0)}, "the letters have got other colours"
    assert pictures.psnr(after, by_gimp) > 20, "the letters are others"
    assert after.samples != by_gimp.samples, "the pixels are those of Scale Image"
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([100, 40, 7, 0])
    assert session.pixels() == before.samples, "the pixels are not the original ones"
    assert session.gimp.ask(facts)["facts"] == [1, "Atelier"], "it is no text any more"


def painted(session):
    """By the user, while the plug-in computes."""
    session.open_large()
    before = session.pixels()
    call = window.Call(session.gimp, SLOWLY)
    process = await_middle(session)
    session.gimp.press_until(WINDOW, "ctrl+comma", CHANGED)   # fills with the foreground colour
    os.kill(process, signal.SIGCONT)
    said = call.end()
    assert "was changed" in said["error"], f"the message is '{said['error']}'"
    assert session.state() == [*LARGE[:3], 1], f"the image is {session.state()}"
    assert session.pixels() != before, "the user's pixels are gone"
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state(LARGE)
    assert_untouched(session, before)


def closed(session):
    """The image, by the user, while the plug-in computes."""
    session.open_large()
    call = window.Call(session.gimp, SLOWLY)
    process = await_middle(session)
    session.gimp.press_until(WINDOW, "ctrl+w", EMPTY)
    os.kill(process, signal.SIGCONT)
    said = call.end()
    if session.gimp.version == "2":   # GIMP 3 keeps what is an argument of a running call
        assert "was changed" in said["error"], f"the message is '{said['error']}'"
    assert session.gimp.ask('(say "valid" (image-valid image))')["valid"] == 0, "it is still there"


def killed(session):
    session.open_large()
    before = session.pixels()
    call = window.Call(session.gimp, SLOWLY)
    os.kill(await_middle(session), signal.SIGKILL)
    call.end()
    assert_untouched(session, before)


def await_commit(session):
    """Of an image of a small layer and large channels, which GIMP scales for a while; the call, the plug-in's process
    and the pixels before."""
    session.open_new(f"""(set! image (new-image 3000 2500 RGB 150))
                        (add-layer image {quoted(session.path("in.tif"))} "small" 0 0 0)
                        (do ((i 0 (+ i 1)))
                            ((= i 4))
                          (gimp-image-insert-channel image (new-channel image "channel") 0 0))
                        (gimp-image-add-hguide image 7)""")
    before = session.picture()
    gimp = session.gimp.processes[-1].pid
    start = window.computed(gimp)
    call = window.Call(session.gimp, SLOWLY)
    process = await_plug_in(session)
    window.wait_for(lambda: window.computed(gimp) > start + 0.5 or None, 60, "the commit")
    return call, process, before


def assert_one_step(session, before):
    session.await_state([6000, 5000, 14, 1])
    session.gimp.press(WINDOW, "ctrl+z")
    session.await_state([3000, 2500, 7, 0])
    assert session.pixels() == before.samples, "the pixels are not the original ones"


def cancelled_in_commit(session):
    """There is nothing to cancel any more: neither the place of the button nor Escape end it."""
    call, process, before = await_commit(session)
    assert session.gimp.running_plug_in() == process, "the plug-in was ready before it could be cancelled"
    session.gimp.click(session.gimp.window(WINDOW), *CANCEL)
    session.gimp.do("key", "Escape")
    assert call.end()["error"] == "", "the commit was cancelled"
    assert session.pixels() == pictures.doubled(before).samples, "other pixels"
    assert_one_step(session, before)


def killed_in_commit(session):
    """GIMP closes the group of undo."""
    call, process, before = await_commit(session)
    assert session.gimp.running_plug_in() == process, "the plug-in was ready before it could be killed"
    os.kill(process, signal.SIGKILL)
    call.end()
    assert_one_step(session, before)


def gimp_killed(session):
    session.open_large()
    call = window.Call(session.gimp, SLOWLY)
    process = await_middle(session)
    session.gimp.processes[-1].kill()
    session.gimp.processes[-1].wait()
    os.kill(process, signal.SIGCONT)
    window.wait_for(lambda: True if not os.path.exists(f"/proc/{process}") else None, 30, "the plug-in's end")
    call.join(10)


TESTS = {
    "undo takes one step and restores every pixel": undo,
    "redo": redo,
    "undo when the size stays": undo_same_size,
    "undo of selected layers takes one step": undo_layers,
    "a dialog that is cancelled changes nothing": dialog_cancelled,
    "a dialog that is accepted enlarges the image": dialog_accepted,
    "the last values are those of the dialog": last_values,
    "cancelled in the progress bar, the image and what can be redone are as they were": cancelled,
    "a text layer, and undo": text_layer,
    "a layer painted on meanwhile is left alone": painted,
    "a plug-in that is killed leaves the image as it was": killed,
    "Cancel pressed in the commit does not end it": cancelled_in_commit,
    "a plug-in that is killed in the commit leaves one step to undo": killed_in_commit,
    "an image closed meanwhile is no accident": closed,
    "if GIMP is killed the plug-in ends": gimp_killed,
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
        except Exception:  # told as any other failure is
            why = traceback.format_exc()
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
