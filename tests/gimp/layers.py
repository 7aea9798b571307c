# SPDX-License-Identifier: GPL-3.0-or-later
#
# Layers and what else an image has, when the whole image is enlarged.

import pictures
import xcf
from cases import LAYERS, TOLERANCE, assert_close, assert_equal, assert_same_image, facts, layered, save_layers, test


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


@test("a non-destructive filter stays, once and as it was set, on the network's pixels", version="3")
def layer_filter(bench):
    before = pictures.make(40, 30, 3, "B")
    path, doubled = bench.write("in.tif", before), bench.write("doubled.tif", pictures.doubled(before))
    blur = """(gimp-drawable-append-new-filter layer "gegl:gaussian-blur" "blur" LAYER-MODE-REPLACE 1.0
                                               "std-dev-x" 5.0 "std-dev-y" 5.0)"""
    said = yield f"""
      (let* ((expected (file-load {doubled})) (layer (first-layer expected)))
        {blur}
        (tiff-save expected {bench.out("expected.tif")}))
      (let* ((image (file-load {path})) (layer (first-layer image)))
        {blur}
        (upscale image (list layer) 2 "double" 'image)
        (let ((filters (ids (gimp-drawable-get-filters layer))))
          (say "filters" (length filters))
          (tiff-save image {bench.out("blurred.tif")})
          (gimp-drawable-filter-delete (car filters)))
        (tiff-save image {bench.out("out.tif")}))"""
    assert_equal(said["filters"], 1, "the number of filters")
    expected = pictures.doubled(before)
    assert pictures.psnr(bench.read("blurred.tif"), expected) < 30, "the filter does nothing"
    assert_close(bench.read("blurred.tif"), bench.read("expected.tif"), TOLERANCE["B"])
    assert_close(bench.read("out.tif"), expected, TOLERANCE["B"])


@test("linked layers are enlarged once, and stay linked", version="2")
def linked(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (for-each (lambda (name) (gimp-item-set-linked (layer-named image name) TRUE)) '("base" "group" "masked"))
        (gimp-image-scale scaled 80 60)
        (upscale image (list (layer-named image "base")) 2 "double" 'image)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        (say "linked" (map (lambda (name) (car (gimp-item-get-linked (layer-named image name))))
                           '("base" "masked" "group" "grouped")))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_equal(said["linked"], [1, 1, 1, 0], "the chain of the layers")
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]), TOLERANCE["B"])


@test("a set of layers stays one, of the same layers", version="3")
def layer_set(bench):
    """GIMP makes it of the linked layers in a file of GIMP 2.10; its procedures know no sets."""
    layers = {name: pictures.make(40, 30, 3, "B", seed=seed) for seed, name in enumerate(("one", "two", "three"))}
    xcf.write(bench.path("in.xcf"), layers, linked=("one", "three"))
    saving = "".join(f"""(save-drawable image (layer-named image "{name}") {bench.out(name + "-out.tif")})"""
                     for name in layers)
    yield f"""
      (let ((image (file-load {bench.out("in.xcf")})))
        (gimp-xcf-save RUN-NONINTERACTIVE image {bench.out("before.xcf")})
        (upscale image (ids (gimp-image-get-layers image)) 2 "double" 'image)
        (gimp-xcf-save RUN-NONINTERACTIVE image {bench.out("after.xcf")})
        {saving})"""
    before, after = (xcf.sets(bench.path(name)) for name in ("before.xcf", "after.xcf"))
    assert_equal([sorted(members) for members in before.values()], [["one", "three"]], "the layers of the set before")
    assert_equal(after, before, "the set")
    for name in layers:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]), TOLERANCE["B"])


def opaque_part(picture, x, y, width, height):
    """A part of an RGB picture, with full alpha."""
    part = pictures.Picture(width, height, 4, picture.code)
    for row in range(height):
        for column in range(width):
            at = (row * width + column) * 4
            part.samples[at:at + 3] = picture.pixel(x + column, y + row)
            part.samples[at + 3] = picture.full
    return part


@test("a floating selection")
def floating_selection(bench):
    before = pictures.make(40, 30, 3, "B")
    path = bench.write("in.tif", before)
    said = yield f"""
      (let ((image (file-load {path})))
        (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 4 6 9 5)
        (float image (first-layer image))
        (let ((scaled (car (gimp-image-duplicate image))))
          (gimp-image-scale scaled 80 60)
          (say "scaled" (image-facts scaled)))
        (upscale image (list (car (reverse (ids (gimp-image-get-layers image))))) 2 "double" 'image)
        (say "upscaled" (image-facts image))
        (say "floating" (gimp-image-get-floating-sel image))
        (save-drawable image (car (gimp-image-get-floating-sel image)) {bench.out("out.tif")}))"""
    assert_same_image(said, "upscaled", "scaled")
    assert said["floating"] != [-1], "it does not float any more"
    assert_close(bench.read("out.tif"), pictures.doubled(opaque_part(before, 4, 6, 9, 5)), TOLERANCE["B"])


@test("a selection that floats over a layer mask")
def floating_mask(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (mask (car (gimp-layer-get-mask (layer-named image "masked")))))
        (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 4 6 9 5)
        (float image mask)
        (let ((floating (car (gimp-image-get-floating-sel image))))
          (save-drawable image floating {bench.out("before.tif")})
          (upscale image (list (layer-named image "base")) 2 "double" 'image)
          (save-drawable image floating {bench.out("out.tif")})
          (gimp-floating-sel-anchor floating))
        {save_layers(bench)})"""
    assert_close(bench.read("out.tif"), pictures.doubled(bench.read("before.tif")), TOLERANCE["B"])
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]), TOLERANCE["B"])


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


@test("attributes of layers are kept: opacity, mode, locks, tags, parasites, states of the mask")
def attributes(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (masked (layer-named image "masked")) (base (layer-named image "base"))
             (all (map (lambda (name) (layer-named image name)) '("base" "masked" "group" "grouped"))))
        (gimp-item-set-visible base FALSE)
        (gimp-item-set-visible (layer-named image "group") FALSE)
        (for-each (lambda (layer)
                    (gimp-layer-set-opacity layer 60)
                    (gimp-layer-set-mode layer LAYER-MODE-MULTIPLY)
                    (gimp-layer-set-composite-mode layer LAYER-COMPOSITE-INTERSECTION)
                    (gimp-item-set-color-tag layer COLOR-TAG-GREEN)
                    (gimp-item-attach-parasite layer (list "note" 1 "kept"))
                    (set-more-attributes layer))
                  all)
        (gimp-layer-set-apply-mask masked FALSE)
        (gimp-layer-set-show-mask masked TRUE)
        (gimp-layer-set-edit-mask masked TRUE)
        (gimp-layer-set-lock-alpha masked TRUE)
        (gimp-item-set-lock-content base TRUE)
        (gimp-item-set-lock-position base TRUE)
        (say "before" (map layer-attributes all))
        (upscale image (list masked) 2 "double" 'image)
        (say "after" (map layer-attributes all))
        (gimp-item-set-lock-content base FALSE)
        (gimp-item-set-lock-position base FALSE)
        {save_layers(bench)})"""
    assert_equal(said["after"], said["before"], "what scaling leaves alone")
    assert_equal(said["before"][0][3], 0, "visible, of the base,")
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]), TOLERANCE["B"])


@test("groups: nested, empty, passing through, with masks")
def groups(bench):
    inside = pictures.make(17, 13, 3, "B")
    path = bench.write("in.tif", inside)
    said = yield f"""
      (let* ((image (new-image 40 30 RGB 150)) (outer (new-group image "outer")) (inner (new-group image "inner"))
             (empty (new-group image "empty")) (hollow (new-group image "hollow")))
        (gimp-image-insert-layer image outer 0 0)
        (gimp-image-insert-layer image inner outer 0)
        (add-layer image {path} "inside" inner 11 7)
        (gimp-image-insert-layer image hollow outer 0)
        (gimp-image-insert-layer image empty 0 0)
        (gimp-layer-set-mode outer LAYER-MODE-PASS-THROUGH)
        (add-mask image outer)
        (add-mask image inner)
        (let ((scaled (car (gimp-image-duplicate image))))
          (gimp-image-scale scaled 80 60)
          (upscale image (list outer) 2 "double" 'image)
          (say "scaled" (image-facts scaled))
          (say "upscaled" (image-facts image))
          (say "mode" (car (gimp-layer-get-mode outer)))
          (say "pass" LAYER-MODE-PASS-THROUGH)
          (for-each (lambda (name path)
                      (save-drawable image (car (gimp-layer-get-mask (layer-named image name))) path))
                    '("outer" "inner") (list {bench.out("outer.tif")} {bench.out("inner.tif")}))
          (for-each (lambda (name path)
                      (save-drawable scaled (car (gimp-layer-get-mask (layer-named scaled name))) path))
                    '("outer" "inner") (list {bench.out("outer-scaled.tif")} {bench.out("inner-scaled.tif")}))
          (save-drawable image (layer-named image "inside") {bench.out("out.tif")})))"""
    assert_same_image(said, "upscaled", "scaled")
    assert_equal(said["mode"], said["pass"], "the mode of the group")
    for name in ("outer", "inner"):
        assert_close(bench.read(f"{name}.tif"), bench.read(f"{name}-scaled.tif"), 0)
    assert_close(bench.read("out.tif"), pictures.doubled(inside), TOLERANCE["B"])


@test("layers larger than the image, outside of it, and of one pixel")
def odd_places(bench):
    places = {"large": (60, 50, -10, -12), "outside": (9, 7, 300, -90), "pixel": (1, 1, 5, 5)}
    layers = {name: pictures.make(width, height, 4, "B") for name, (width, height, _, _) in places.items()}
    adding = "".join(f"""(add-layer image {bench.write(name + ".tif", layers[name])} "{name}" 0 {x} {y})"""
                     for name, (_, _, x, y) in places.items())
    saving = "".join(f"""(save-drawable image (layer-named image "{name}") {bench.out(name + "-out.tif")})"""
                     for name in places)
    said = yield f"""
      (let ((image (new-image 40 30 RGB 150)))
        {adding}
        (let ((scaled (car (gimp-image-duplicate image))))
          (gimp-image-scale scaled 80 60)
          (upscale image (list (first-layer image)) 2 "double" 'image)
          (say "scaled" (image-facts scaled))
          (say "upscaled" (image-facts image))
          {saving}))"""
    assert_same_image(said, "upscaled", "scaled")
    for name in places:
        assert_close(bench.read(name + "-out.tif"), pictures.doubled(layers[name]), TOLERANCE["B"])


def assert_same_channels(bench, said, names):
    assert_same_image(said, "upscaled", "scaled")
    for name in names:
        found, expected = (bench.read(f"{name}-{by}.tif") for by in ("upscaled", "scaled"))
        assert len(set(found.samples)) > 2, f"{name} is flat"
        assert_close(found, expected, 0)


def scale_both_ways(bench):
    """Scheme that scales the image by GIMP and by Atelier and writes the channels of both, the selection as one."""
    def save(image, ending):
        return f"""
          (gimp-item-set-name (car (gimp-selection-save {image})) "selection")
          (for-each (lambda (channel)
                      (save-drawable {image} channel
                                     (string-append {bench.out("")} (car (gimp-item-get-name channel)) "{ending}")))
                    (ids (gimp-image-get-channels {image})))"""
    return f"""
        (let ((scaled (car (gimp-image-duplicate image))))
          (gimp-image-scale scaled 80 60)
          (upscale image (list (first-layer image)) 2 "double" 'image)
          (say "scaled" (image-facts scaled))
          (say "upscaled" (image-facts image))
          {save("scaled", "-scaled.tif")}
          {save("image", "-upscaled.tif")})"""


@test("channels and the quick mask are those of Scale Image")
def channels(bench):
    path = bench.write("in.tif", pictures.make(40, 30, 3, "B"))
    said = yield f"""
      (let* ((image (file-load {path})) (channel (new-channel image "channel")) (quick (new-channel image "Qmask")))
        (gimp-image-insert-channel image channel 0 0)
        (gimp-image-insert-channel image quick 0 0)
        (gimp-context-set-foreground '(255 255 255))
        (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 2 3 20 17)
        (gimp-drawable-edit-fill channel FILL-FOREGROUND)
        (gimp-drawable-edit-fill quick FILL-FOREGROUND)
        (gimp-selection-none image)
        {scale_both_ways(bench)})"""
    assert_same_channels(bench, said, ["channel", "Qmask"])


@test("a soft selection is that of Scale Image")
def soft_selection(bench):
    path = bench.write("in.tif", pictures.make(40, 30, 3, "B"))
    said = yield f"""
      (let ((image (file-load {path})))
        (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 10 6 25 20)
        (gimp-selection-feather image 4)
        {scale_both_ways(bench)})"""
    assert_same_channels(bench, said, ["selection"])


@test("an image without layers is scaled as by Scale Image")
def no_layers(bench):
    said = yield """
      (let* ((image (new-image 40 30 RGB 150)) (scaled (car (gimp-image-duplicate image))))
        (gimp-image-scale scaled 80 60)
        (upscale image '() 2 "double" 'image)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image)))"""
    assert_same_image(said, "upscaled", "scaled")
