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
# The tests themselves lie in the modules named in SUBJECTS; all run in one GIMP.

import importlib
import os
import sys
import tempfile

import cases
import console
import fixtures
import pictures
from console import quoted

SUBJECTS = ("pixels", "layers", "selected", "refusals")


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


def full_disk_test(gimp):
    """A result that GEGL can no longer keep is noticed before the commit: 78 MiB, so that it lies in the cache while
    it is computed, and would leave it when it is copied. Says why if it is not."""
    said, output = gimp.run(f"""
      (let ((image (new-image 800 800 RGB 750)))
        (gimp-image-insert-layer image (new-layer image) 0 0)
        (gimp-layer-add-alpha (first-layer image))
        (gimp-context-set-foreground '(10 200 90))
        (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 50 50 500 400)
        (gimp-drawable-edit-fill (first-layer image) FILL-FOREGROUND)
        {cases.refused("(upscale image (list (first-layer image)) 2 " + '"double"' + " 'image)")})""", 120, 1 << 16)
    try:
        cases.assert_refused(said, "part of the picture was lost")
    except (AssertionError, KeyError) as wrong:
        return f"{wrong}\n{output}"
    return None


def main():
    version, libdir, plug_in, source = sys.argv[1:]
    shipped = os.path.join(source, "models")
    for subject in SUBJECTS:
        importlib.import_module(subject)   # adds to cases.TESTS
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        models = os.path.join(folder, "models")
        os.makedirs(models)
        fixtures.write_models(models)
        gimp = console.Gimp(version, libdir, plug_in, os.path.join(folder, "home"), models)
        results, output = cases.run_all(gimp, folder)
        results.append(("out of disk space", full_disk_test(gimp)))
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
