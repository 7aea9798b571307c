#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes golden-resample.h: a small plane resized by MATLAB's imresize, written anew here in double from
# its documentation with a full matrix a direction, and by Pillow, which does the same away from the
# borders. Needs numpy and Pillow.   golden-resample.py > golden-resample.h

import numpy
from PIL import Image

KERNELS = {
    "BICUBIC": (2, Image.Resampling.BICUBIC, lambda x: numpy.where(
        x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, numpy.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))),
    "LANCZOS3": (3, Image.Resampling.LANCZOS, lambda x: numpy.where(x < 3, numpy.sinc(x) * numpy.sinc(x / 3), 0)),
    "LINEAR": (1, Image.Resampling.BILINEAR, lambda x: numpy.maximum(0, 1 - x)),
}
CASES = [  # kernel, source width x height, destination width x height
    ("BICUBIC", 13, 11, 7, 5), ("BICUBIC", 13, 11, 26, 22), ("BICUBIC", 13, 11, 5, 17),
    ("BICUBIC", 13, 11, 13, 11), ("BICUBIC", 1, 1, 3, 2), ("BICUBIC", 2, 40, 1, 3),
    ("LANCZOS3", 13, 11, 7, 16), ("LANCZOS3", 9, 10, 18, 20), ("LANCZOS3", 40, 33, 11, 9),
    ("LINEAR", 13, 11, 6, 19),
]


def matrix(kernel, n_dst, n_src):
    radius, _, value = KERNELS[kernel]
    scale = n_dst / n_src
    stretch = min(1, scale)
    result = numpy.zeros((n_dst, n_src))
    for d in range(1, n_dst + 1):  # MATLAB counts from 1
        u = d / scale + 0.5 * (1 - 1 / scale)
        left = int(numpy.floor(u - radius / stretch))
        index = numpy.arange(left, left + int(numpy.ceil(2 * radius / stretch)) + 2)
        weight = stretch * value(numpy.abs(stretch * (u - index)))
        weight /= weight.sum()
        mirrored = numpy.concatenate([numpy.arange(n_src), numpy.arange(n_src)[::-1]])
        for w, i in zip(weight, mirrored[(index - 1) % (2 * n_src)]):
            result[d - 1, i] += w
    return result


def source(width, height):  # the same whole numbers in test-resample.c, divided by 64
    y, x = numpy.mgrid[0:height, 0:width]
    return ((37 * x + 59 * y + 11 * x * y) % 64 / 64).astype(numpy.float32)


def numbers(a):
    text = [f"{v:.9g}" for v in a.astype(numpy.float32).ravel()]
    text = [t + "f" if "." in t or "e" in t else t + ".0f" for t in text]
    return ",\n  ".join(", ".join(text[i:i + 6]) for i in range(0, len(text), 6))


print("/* SPDX-License-Identifier: GPL-3.0-or-later\n *\n * Made by golden-resample.py. */\n\n#pragma once\n")
print("/* clang-format off */\n")
for n, (kernel, sw, sh, dw, dh) in enumerate(CASES):
    x = source(sw, sh)
    matlab = matrix(kernel, dh, sh) @ x.astype(float) @ matrix(kernel, dw, sw).T
    pillow = numpy.asarray(Image.fromarray(x).resize((dw, dh), KERNELS[kernel][1]))
    print(f"static const float matlab_{n}[] = {{\n  {numbers(matlab)}\n}};")
    print(f"static const float pillow_{n}[] = {{\n  {numbers(pillow)}\n}};\n")
print("static const Golden golden[] = {")
for n, (kernel, sw, sh, dw, dh) in enumerate(CASES):
    print(f"  {{ ATL_KERNEL_{kernel}, {sw}, {sh}, {dw}, {dh}, matlab_{n}, pillow_{n} }},")
print("};")
