# SPDX-License-Identifier: GPL-3.0-or-later
#
# Pixels: every kind of them, sizes, and scales.

import pictures
from cases import (LAYERS, TOLERANCE, assert_close, assert_equal, assert_replaced, assert_same_image,
                   assert_same_profile, facts, layered, save_layers, test)
from console import quoted

CODES = {"B": "8 bit", "H": "16 bit", "f": "float"}


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


# What no file of ours has: GIMP's number of the precision (linear ones are 50 less than perceptual ones), channels,
# and the largest difference after the way through the perceptual coding as float.
PRECISIONS = {"8 bit, linear": (100, 4, 0), "8 bit grey, linear": (100, 1, 0), "16 bit, linear": (200, 4, 1 / 65535),
              "32 bit, linear": (300, 4, 2e-5), "32 bit": (350, 4, 2e-5), "half, linear": (500, 4, 1e-3),
              "half": (550, 4, 1e-3), "float, linear": (600, 4, 2e-5), "float grey, linear": (600, 1, 2e-5),
              "double, linear": (700, 4, 2e-5), "double": (750, 4, 2e-5)}
FLOAT = 650


def precision_test(precision, channels, tolerance):
    def run(bench):
        """Compared as perceptual float."""
        path = bench.write("in.tif", pictures.make(12, 10, channels, "f", pictures.profile(grey=channels < 3)))

        def save(name):
            return f"""
              (let ((copy (car (gimp-image-duplicate image))))
                (gimp-image-convert-precision copy {FLOAT})
                (tiff-save copy {bench.out(name)}))"""
        said = yield f"""
          (let ((image (file-load {path})))
            (gimp-image-convert-precision image {precision})
            {save("before.tif")}
            (upscale image (list (first-layer image)) 2 "double" 'image)
            (say "precision" (car (gimp-image-get-precision image)))
            {save("after.tif")})"""
        assert_equal(said["precision"], precision, "the precision")
        before, after = bench.read("before.tif"), bench.read("after.tif")
        assert_same_profile(after, before)
        assert_close(after, pictures.doubled(before), tolerance)
    return run


for kind, parameters in PRECISIONS.items():
    test(kind)(precision_test(*parameters))
