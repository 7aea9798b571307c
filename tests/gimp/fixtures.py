# SPDX-License-Identifier: GPL-3.0-or-later
#
# Weight files for the GIMP runs: a network whose result is known exactly, and some that must be refused.

import json
import math
import os
import struct

WIDTH = 8   # channels; the first three carry red, green and blue through the network
BATCH_NORM_EPSILON = 1e-5


def convolution(c_out, c_in, source_of, value=1.0):
    """3x3 weights: channel d of the output is value x channel source_of (d) of the input, or zero."""
    return [value if (c, y, x) == (source_of(d), 1, 1) else 0.0
            for d in range(c_out) for c in range(c_in) for y in range(3) for x in range(3)]


def copying_tensors(scale):
    """An SrResnet for scale 1 or 2, one block, that repeats each pixel scale x scale times: its
    convolutions copy, the block adds nothing, and its batch normalisation is the identity."""
    tensors = {}

    def add(name, c_out, c_in, source_of):
        tensors[name + ".weight"] = ([c_out, c_in, 3, 3], convolution(c_out, c_in, source_of))
        tensors[name + ".bias"] = ([c_out], [0.0] * c_out)

    add("features.0.0", WIDTH, 3, lambda d: d)
    add("features.1.m.0.0", WIDTH, WIDTH, lambda d: None)
    add("features.1.m.1.0", WIDTH, WIDTH, lambda d: None)
    add("features.2.0", WIDTH, WIDTH, lambda d: d)
    if scale == 2:
        add("features.3.0.0", 4 * WIDTH, WIDTH, lambda d: d // 4)   # before the pixel shuffle
    for name, value in (("weight", math.sqrt(1 + BATCH_NORM_EPSILON)), ("bias", 0.0),
                        ("running_mean", 0.0), ("running_var", 1.0)):
        tensors["features.4." + name] = ([WIDTH], [value] * WIDTH)
    add("features.5.0", 3, WIDTH, lambda d: d)
    return tensors


def negative_tensors():
    """As copying_tensors (1), but its last convolution computes 1 - x."""
    tensors = copying_tensors(1)
    tensors["features.5.0.weight"] = ([3, WIDTH, 3, 3],
                                      convolution(3, WIDTH, lambda d: d, -1.0))
    tensors["features.5.0.bias"] = ([3], [1.0] * 3)
    return tensors


def safetensors(tensors, task, scale=2):
    card = {"atelier.format": "1", "atelier.task": task, "atelier.arch": "sr-resnet",
            "atelier.config": json.dumps({"scale": scale, "width": WIDTH, "blocks": 1}),
            "atelier.input": "rgb-perceptual-unit-1", "atelier.name": "Repeats each pixel"}
    header, data = {"__metadata__": card}, b""
    for name, (shape, values) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write_models(folder):
    """double, which repeats pixels, negative, which turns colours over at scale 1, and files that must
    be refused: wrong-task, truncated, not-finite."""
    tensors = copying_tensors(2)
    good = safetensors(tensors, "upscale")
    broken = dict(tensors)
    broken["features.2.0.bias"] = ([WIDTH], [math.nan] * WIDTH)
    for name, content in (("double", good),
                          ("negative", safetensors(negative_tensors(), "upscale", 1)),
                          ("wrong-task", safetensors(tensors, "mask")),
                          ("truncated", good[:len(good) // 2]),
                          ("not-finite", safetensors(broken, "upscale"))):
        with open(os.path.join(folder, name + ".safetensors"), "wb") as file:
            file.write(content)
