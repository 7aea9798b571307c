# SPDX-License-Identifier: GPL-3.0-or-later
#
# Pictures for the GIMP runs, without any library: TIFF files as GIMP reads and writes them, colour
# profiles, and the few computations on pixels that the tests need.

import array
import math
import struct
import sys

# TIFF tags.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS = 256, 257, 258, 259, 262, 273
SAMPLES, ROWS, COUNTS, PLANAR, EXTRA, FORMAT, PROFILE = 277, 278, 279, 284, 338, 339, 34675

TYPES = {1: "B", 2: "c", 3: "H", 4: "I", 7: "B", 16: "Q"}   # TIFF's types of values in a directory
CODES = {(8, 1): "B", (16, 1): "H", (32, 3): "f"}           # (bits, sample format): array type


class Picture:
    """width x height pixels of 'channels' samples each, rows from the top, in one array: 'B' and 'H'
    are unsigned integers, 'f' floats of 1 at full scale. The last of 2 or 4 channels is alpha."""

    def __init__(self, width, height, channels, code, samples=None, profile=b""):
        self.width, self.height, self.channels = width, height, channels
        self.samples = samples or array.array(code, [0]) * (width * height * channels)
        self.profile = profile

    @property
    def code(self):
        return self.samples.typecode

    @property
    def full(self):
        return {"B": 255, "H": 65535, "f": 1.0}[self.code]

    @property
    def has_alpha(self):
        return self.channels in (2, 4)

    def pixel(self, x, y):
        at = (y * self.width + x) * self.channels
        return self.samples[at:at + self.channels]


def make(width, height, channels, code, profile=b"", seed=1):
    """A picture of gentle waves with noise; its alpha is full in the left half, 60 % in the right."""
    picture = Picture(width, height, channels, code, profile=profile)
    state = seed
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                state = (state * 1103515245 + 12345) % 2**31
                value = (0.5 + 0.3 * math.sin(0.4 * x + c) * math.cos(0.3 * y)
                         + 0.3 * (state / 2**31 - 0.5))
                if picture.has_alpha and c == channels - 1:
                    value = 1.0 if 2 * x < width else 0.6
                at = (y * width + x) * channels + c
                picture.samples[at] = (value if code == "f" else
                                       int(round(min(1, max(0, value)) * picture.full)))
    return picture


def write_tiff(path, picture):
    pixels = picture.samples.tobytes()
    bits = picture.samples.itemsize * 8
    grey = picture.channels < 3
    entries = {WIDTH: (4, [picture.width]), HEIGHT: (4, [picture.height]),
               BITS: (3, [bits] * picture.channels), COMPRESSION: (3, [1]),
               PHOTOMETRIC: (3, [1 if grey else 2]), OFFSETS: (4, [8]),
               SAMPLES: (3, [picture.channels]), ROWS: (4, [picture.height]),
               COUNTS: (4, [len(pixels)]), PLANAR: (3, [1]),
               FORMAT: (3, [3 if picture.code == "f" else 1] * picture.channels)}
    if picture.has_alpha:
        entries[EXTRA] = (3, [2])   # not multiplied into the colour
    if picture.profile:
        entries[PROFILE] = (7, list(picture.profile))

    start = 8 + len(pixels) + len(pixels) % 2
    after = start + 2 + 12 * len(entries) + 4
    directory, tail = struct.pack("<H", len(entries)), b""
    for tag in sorted(entries):
        kind, values = entries[tag]
        data = struct.pack(f"<{len(values)}{TYPES[kind]}", *values)
        if len(data) > 4:
            place = struct.pack("<I", after + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, kind, len(values)) + place
    with open(path, "wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, start) + pixels.ljust(start - 8, b"\0")
                   + directory + struct.pack("<I", 0) + tail)


def read_tiff(path):
    """The first page of an uncompressed TIFF file of the byte order of this machine."""
    with open(path, "rb") as file:
        data = file.read()
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    start, = struct.unpack_from(order + "I", data, 4)
    count, = struct.unpack_from(order + "H", data, start)
    tags = {}
    for i in range(count):
        tag, kind, n = struct.unpack_from(order + "HHI", data, start + 2 + 12 * i)
        if kind not in TYPES:
            continue
        layout = f"{order}{n}{TYPES[kind]}"
        at = start + 2 + 12 * i + 8
        if struct.calcsize(layout) > 4:
            at, = struct.unpack_from(order + "I", data, at)
        tags[tag] = struct.unpack_from(layout, data, at)

    if tags.get(COMPRESSION, (1,)) != (1,) or tags.get(PLANAR, (1,)) != (1,):
        raise ValueError(f"{path}: compressed or in planes")
    code = CODES[tags[BITS][0], tags.get(FORMAT, (1,))[0]]
    samples = array.array(code)
    for offset, n in zip(tags[OFFSETS], tags[COUNTS]):
        samples.frombytes(data[offset:offset + n])
    if (order == "<") != (sys.byteorder == "little"):
        samples.byteswap()
    return Picture(tags[WIDTH][0], tags[HEIGHT][0], tags.get(SAMPLES, (1,))[0], code, samples,
                   bytes(tags.get(PROFILE, b"")))


def doubled(picture):
    """Each pixel four times: what the weight file 'double' of fixtures.py computes."""
    result = Picture(2 * picture.width, 2 * picture.height, picture.channels, picture.code)
    for y in range(result.height):
        row = array.array(picture.code)
        for x in range(picture.width):
            row += picture.pixel(x, y // 2) * 2
        at = y * len(row)
        result.samples[at:at + len(row)] = row
    return result


def negative(picture):
    """Colours turned over, alpha kept: what the weight file 'negative' of fixtures.py computes."""
    alpha = picture.channels - 1 if picture.has_alpha else None
    samples = array.array(picture.code, (value if i % picture.channels == alpha else picture.full - value
                                         for i, value in enumerate(picture.samples)))
    return Picture(picture.width, picture.height, picture.channels, picture.code, samples)


def psnr(a, b):
    """In dB, over all samples."""
    error = sum((x - y) ** 2 for x, y in zip(a.samples, b.samples)) / len(a.samples)
    return 10 * math.log10(a.full ** 2 / error) if error else math.inf


def cubic(x):
    """Keys' cubic convolution kernel, a = -1/2."""
    x = abs(x)
    if x <= 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0


# The weights of the eight pixels around the middle between two, for half the size with antialiasing.
HALVING = [cubic((i - 3.5) / 2) / 2 for i in range(8)]


def halved(picture):
    """Half the size by antialiased bicubic resampling, rounded to the picture's integers. Even sides."""
    channels, width, height = picture.channels, picture.width, picture.height
    rows = []
    for y in range(height):
        row = []
        for x in range(0, width, 2):
            near = [min(width - 1, max(0, x - 3 + i)) * channels + y * width * channels
                    for i in range(8)]
            row += [sum(w * picture.samples[at + c] for w, at in zip(HALVING, near))
                    for c in range(channels)]
        rows.append(row)

    result = Picture(width // 2, height // 2, channels, picture.code)
    samples = array.array(picture.code)
    for y in range(0, height, 2):
        near = [rows[min(height - 1, max(0, y - 3 + i))] for i in range(8)]
        samples.extend(min(picture.full, max(0, round(sum(map(float.__mul__, HALVING, column)))))
                       for column in zip(*near))
    result.samples = samples
    return result


def profile(grey=False):
    """A colour profile (ICC 2.4) that is not sRGB: gamma 1.8, and for RGB the primaries of ProPhoto."""
    def s15_fixed16(*values):
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    text = b"Atelier test\0"
    description = (b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67))
    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256)) + bytes(2)
    tags = [(b"desc", description), (b"cprt", b"text\0\0\0\0" + b"No copyright\0"),
            (b"wtpt", b"XYZ \0\0\0\0" + s15_fixed16(0.9642, 1.0, 0.8249))]
    if grey:
        tags.append((b"kTRC", gamma))
    else:
        tags += [(b"rTRC", gamma), (b"gTRC", gamma), (b"bTRC", gamma),
                 (b"rXYZ", b"XYZ \0\0\0\0" + s15_fixed16(0.7977, 0.2880, 0.0)),
                 (b"gXYZ", b"XYZ \0\0\0\0" + s15_fixed16(0.1352, 0.7119, 0.0)),
                 (b"bXYZ", b"XYZ \0\0\0\0" + s15_fixed16(0.0313, 0.0001, 0.8249))]

    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        at = 128 + 4 + 12 * len(tags) + len(body)
        table += name + struct.pack(">II", at, len(data))
        body += data + bytes(-len(data) % 4)
    header = (struct.pack(">I4sI4s4s4s", 128 + len(table) + len(body), bytes(4), 0x02400000,
                          b"mntr", b"GRAY" if grey else b"RGB ", b"XYZ ")
              + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
              + s15_fixed16(0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\0") + table + body
