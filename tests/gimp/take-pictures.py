#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Upscale as its user goes through it, with pictures of each step: the menu by the keyboard, the dialog, OK,
# undo, redo. What undo and redo bring back is compared pixel by pixel. Not one of the tests: it is run by hand
# for README's pictures, with an installed Atelier.
#
#   take-pictures.py VERSION LIBDIR PLUG-IN MODELS PHOTO FOLDER
#
# VERSION, LIBDIR and PLUG-IN are those of test-gimp.py; MODELS is the folder of the installed models. Writes
# FOLDER/1-menu.png ... and prints what it saw.

import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import pictures
import window
from console import quoted

WINDOW = "RGB color"
DIALOG = "^Upscale$"
TO_THE_FILTER = {"2": ("alt+r", "Up", "Up", "Right"), "3": ("alt+r", "Up", "Right")}


def write_png(path, rows):
    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))
    size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", data)
                   + chunk(b"IEND", b""))


class Tour:
    def __init__(self, gimp, photo, folder, home):
        self.gimp, self.folder, self.home = gimp, folder, home
        # Loaders of files turn undo off, and File > Open turns it on again.
        gimp.ask(f"""(define image (file-load {quoted(photo)}))
                     (gimp-image-undo-enable image)
                     (gimp-image-clean-all image)
                     (gimp-display-new image)""")
        gimp.do("windowactivate", "--sync", gimp.window(WINDOW))
        time.sleep(2)

    def words(self, *commands, names):
        """The numbers of these names that xdotool tells."""
        run = subprocess.run(["xdotool", *commands], env=self.gimp.environment, text=True,
                             capture_output=True, check=True)
        return (int(re.search(rf"^{name}=(-?\d+)$", run.stdout, re.M)[1]) for name in names)

    def corner(self, title):
        """Where a window's content begins on the screen: xdotool counts its frame twice, but not for the
        pointer."""
        number = self.gimp.window(title)
        return self.words("mousemove", "--window", number, "0", "0", "getmouselocation", "--shell",
                          names=("X", "Y"))

    def take(self, name, title=None):
        """A picture of a window, or of the whole screen; the pointer leaves it first."""
        left, top = self.corner(title) if title else (0, 0)
        self.gimp.do("mousemove", 0, 999)
        time.sleep(1.5)
        rows = self.gimp.screen()
        if title:
            width, height = self.words("getwindowgeometry", "--shell", self.gimp.window(title),
                                       names=("WIDTH", "HEIGHT"))
            rows = [row[3 * left:3 * (left + width)] for row in rows[top:top + height]]
        write_png(os.path.join(self.folder, f"{name}.png"), rows)

    def pixels(self):
        path = os.path.join(self.home, "seen.tif")
        self.gimp.ask(f"(save-drawable image (first-layer image) {quoted(path)})")
        return pictures.read_tiff(path)

    def await_size(self, width, height):
        def size():
            said = self.gimp.ask("""(say "size" (list (image-width image) (image-height image)))""")
            return True if said["size"] == [width, height] else None
        window.wait_for(size, 120, f"an image of {width} x {height}")
        time.sleep(1)


def main():
    version, libdir, plug_in, models, photo, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as home:
        gimp = window.Window(version, libdir, plug_in, os.path.join(home, "home"), models)
        del gimp.environment["ATELIER_TILE"]
        if version == "3":
            with open(os.path.join(gimp.home, "gimprc"), "a", encoding="utf-8") as file:
                file.write("(show-welcome-dialog no)\n")
        with gimp:
            tour = Tour(gimp, photo, folder, home)
            before = tour.pixels()
            for key in TO_THE_FILTER[version]:
                gimp.do("key", key)
                time.sleep(1)
            tour.take("1-menu")
            gimp.do("key", "Return")
            gimp.window(DIALOG)
            time.sleep(6)
            tour.take("2-dialog", DIALOG)
            gimp.press(DIALOG, "alt+o")
            tour.await_size(2 * before.width, 2 * before.height)
            tour.take("3-enlarged", WINDOW)
            enlarged = tour.pixels()
            gimp.press(WINDOW, "ctrl+z")
            tour.await_size(before.width, before.height)
            tour.take("4-undone", WINDOW)
            assert tour.pixels().samples == before.samples, "undo brings other pixels"
            gimp.press(WINDOW, "ctrl+y")
            tour.await_size(2 * before.width, 2 * before.height)
            tour.take("5-redone", WINDOW)
            assert tour.pixels().samples == enlarged.samples, "redo brings other pixels"
            print(f"{before.width} x {before.height} became {enlarged.width} x {enlarged.height}; "
                  "undo and redo bring back every pixel")


if __name__ == "__main__":
    main()
