# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is refused, with the image untouched.

import pictures
from cases import assert_refused, refused, test


# What is refused: Scheme that changes the image before, the arguments after the drawables, and what the message
# has. Of ranges GIMP 3 tells in its own words.
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


def drawables_test(drawables, words):
    """Selected are these drawables, told in Scheme, none of which is a layer."""
    def run(bench):
        path = bench.write("in.tif", pictures.make(40, 30, 3, "B"))
        said = yield f"""
          (let* ((image (file-load {path})) (channel (new-channel image "channel")) (group (new-group image "group")))
            (gimp-image-insert-channel image channel 0 0)
            (gimp-image-insert-layer image group 0 0)
            {refused(f'(upscale image {drawables} 2 "double" (quote layers))')})"""
        assert_refused(said, words)
    return run


NO_PIXELS = "no layer with pixels"
test("a selected channel is refused, the image untouched")(drawables_test("(list channel)", NO_PIXELS))
test("a selected empty group is refused, the image untouched")(drawables_test("(list group)", NO_PIXELS))
test("no selected layer is refused, the image untouched")(drawables_test("'()", NO_PIXELS))


def size_test(width, height, scale, words):
    """Images that nobody has the room for, of double precision; GIMP keeps no memory for pixels that were never
    written."""
    def run(bench):
        said = yield f"""
          (let ((image (new-image {width} {height} RGB 750)))
            (gimp-image-insert-layer image (new-layer image) 0 0)
            {refused(f'(upscale image (list (first-layer image)) {scale} "double" (quote image))')}
            (gimp-image-delete image))"""
        assert_refused(said, words)
    return run


for size, factor, why in (((70000, 2), 8, "560000 x 16 pixels.* at most 524288"),
                          ((60000, 60000), 8, r"\d{6,} MiB.* are needed, and \d+ MiB are free")):
    test(f"{size[0]} x {size[1]} pixels, times {factor}, are refused with the numbers")(
        size_test(*size, factor, why))
