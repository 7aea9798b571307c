# SPDX-License-Identifier: GPL-3.0-or-later
#
# Selected layers, enlarged on their own.

import pictures
from cases import (LAYERS, TOLERANCE, assert_close, assert_equal, assert_refused, assert_same_image, layered, refused,
                   save_layers, test)


@test("selected layers are scaled as by Scale Layer")
def selected_layers(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-layer-scale (layer-named scaled "masked") 42 32 TRUE)
        (upscale image (list (layer-named image "masked")) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("masked-out.tif"), pictures.doubled(layers["masked"]), TOLERANCE["B"])
    assert_close(bench.read("base-out.tif"), layers["base"], 0)


@test("a layer named twice, and by its mask, is scaled once", version="3")
def selected_twice(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image)))
             (layer (layer-named image "masked")))
        (gimp-layer-scale (layer-named scaled "masked") {2 * layers["masked"].width}
                          {2 * layers["masked"].height} TRUE)
        (upscale image (list layer layer (car (gimp-layer-get-mask layer))) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("masked-out.tif"), pictures.doubled(layers["masked"]), TOLERANCE["B"])


@test("if one of several layers cannot be scaled, none is", version="3")
def selected_in_part(bench):
    layers, scheme = layered(bench)
    call = """(upscale image (list (layer-named image "base") (layer-named image "group"))
                       2 "double" 'layers)"""
    said = yield f"""
      (let ((image {scheme}))
        (gimp-item-set-lock-position (layer-named image "group") TRUE)
        {refused(call)}
        {save_layers(bench)})"""
    assert_refused(said, "locked")
    for name in LAYERS:
        assert_close(bench.read(name + "-out.tif"), layers[name], 0)


@test("if one of several layers is not in the image, none is scaled", version="3")
def selected_not_inserted(bench):
    _, scheme = layered(bench)
    call = """(upscale image (list (layer-named image "base") stray) 2 "double" 'layers)"""
    said = yield f"""
      (let* ((image {scheme})
             (stray (car (gimp-layer-new-from-drawable (layer-named image "masked") image))))
        {refused(call)})"""
    assert_refused(said, "is not in it")


@test("a selected group is scaled with what is in it")
def selected_group(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-layer-scale (layer-named scaled "group") 34 26 TRUE)
        (upscale image (list (layer-named image "group")) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("grouped-out.tif"), pictures.doubled(layers["grouped"]), TOLERANCE["B"])
    assert_close(bench.read("base-out.tif"), layers["base"], 0)


@test("a selected group with a locked layer in it is refused, the image untouched")
def selected_group_locked(bench):
    _, scheme = layered(bench)
    call = """(upscale image (list (layer-named image "group")) 2 "double" 'layers)"""
    said = yield f"""
      (let ((image {scheme}))
        (gimp-item-set-lock-content (layer-named image "grouped") TRUE)
        {refused(call)})"""
    assert_refused(said, "locked")


@test("a layer of another image is refused, both images untouched")
def layer_of_another_image(bench):
    _, scheme = layered(bench)
    call = """(upscale image (list (layer-named other "base")) 2 "double" 'layers)"""
    said = yield f"""
      (let* ((image {scheme}) (other (car (gimp-image-duplicate image))))
        (gimp-image-clean-all other)
        {refused(call)}
        (say "other" (image-facts other))
        (say "other dirty" (car (gimp-image-is-dirty other))))"""
    assert_refused(said, "another image")
    assert_same_image(said, "other", "before")
    assert_equal(said["other dirty"], 0, "dirty, of the other,")


@test("a selected mask stands for its layer")
def selected_mask(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-layer-scale (layer-named scaled "masked") 42 32 TRUE)
        (upscale image (list (car (gimp-layer-get-mask (layer-named image "masked")))) 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("masked-out.tif"), pictures.doubled(layers["masked"]), TOLERANCE["B"])


@test("several layers, one of them in a selected group", version="3")
def selected_several(bench):
    layers, scheme = layered(bench)
    said = yield f"""
      (let* ((image {scheme}) (scaled (car (gimp-image-duplicate image))))
        (gimp-layer-scale (layer-named scaled "group") 34 26 TRUE)
        (gimp-layer-scale (layer-named scaled "base") 80 60 TRUE)
        (upscale image (map (lambda (name) (layer-named image name)) '("grouped" "group" "base"))
                 2 "double" 'layers)
        (say "scaled" (image-facts scaled))
        (say "upscaled" (image-facts image))
        {save_layers(bench)})"""
    assert_same_image(said, "upscaled", "scaled")
    assert_close(bench.read("grouped-out.tif"), pictures.doubled(layers["grouped"]), TOLERANCE["B"])
    assert_close(bench.read("base-out.tif"), pictures.doubled(layers["base"]), TOLERANCE["B"])
    assert_close(bench.read("masked-out.tif"), layers["masked"], 0)


@test("a selected linked layer is scaled alone", version="2")
def selected_linked(bench):
    layers, scheme = layered(bench)
    yield f"""
      (let ((image {scheme}))
        (gimp-item-set-linked (layer-named image "base") TRUE)
        (gimp-item-set-linked (layer-named image "masked") TRUE)
        (upscale image (list (layer-named image "masked")) 2 "double" 'layers)
        {save_layers(bench)})"""
    assert_close(bench.read("masked-out.tif"), pictures.doubled(layers["masked"]), TOLERANCE["B"])
    assert_close(bench.read("base-out.tif"), layers["base"], 0)


@test("a layer in a locked group is refused by itself, the image untouched")
def selected_in_locked_group(bench):
    _, scheme = layered(bench)
    call = """(upscale image (list (layer-named image "grouped")) 2 "double" 'layers)"""
    said = yield f"""
      (let ((image {scheme}))
        (gimp-item-set-lock-content (layer-named image "group") TRUE)
        {refused(call)})"""
    assert_refused(said, "'group' is locked")
