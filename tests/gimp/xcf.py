# SPDX-License-Identifier: GPL-3.0-or-later
#
# GIMP's own files, as far as the tests need what no procedure of GIMP knows: linked layers, and sets of layers. The
# format is described in GIMP's devel-docs/specifications/xcf.md.

import struct

# Properties.
END, VISIBLE, LINKED, OFFSETS, COMPRESSION, ITEM_SET, ITEM_SET_ITEM = 0, 8, 9, 15, 17, 40, 41

TILE = 64


def words(*values):
    return struct.pack(f">{len(values)}I", *values)


def text(string):
    data = string.encode() + b"\0"
    return words(len(data)) + data


def layer(name, picture, linked, start):
    """A layer of one tile without a mask, as it lies in the file from 'start' on."""
    head = (words(picture.width, picture.height, 0) + text(name)
            + words(VISIBLE, 4, 1, LINKED, 4, int(linked), OFFSETS, 8, 0, 0, END, 0))
    hierarchy = start + len(head) + 8
    level, tile = hierarchy + 20, hierarchy + 36
    return (head + words(hierarchy, 0) + words(picture.width, picture.height, 3, level, 0)
            + words(picture.width, picture.height, tile, 0) + picture.samples.tobytes())


def write(path, layers, linked):
    """A file of the oldest version: pictures by name, of RGB in 8 bits and a tile at most; 'linked' are names."""
    first = next(iter(layers.values()))
    assert all(picture.width <= TILE and picture.height <= TILE for picture in layers.values()), "larger than a tile"
    head = (b"gimp xcf file\0" + words(first.width, first.height, 0)
            + words(COMPRESSION, 1) + b"\0" + words(END, 0))
    start, bodies, places = len(head) + 4 * (len(layers) + 2), [], []
    for name, picture in layers.items():
        places.append(start)
        bodies.append(layer(name, picture, name in linked, start))
        start += len(bodies[-1])
    with open(path, "wb") as file:
        file.write(head + words(*places, 0, 0) + b"".join(bodies))


class Reader:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.at = 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def word(self):
        return struct.unpack(">I", self.take(4))[0]

    def text(self):
        return self.take(self.word())[:-1].decode()

    def properties(self):
        """[(property, its data)]"""
        found = []
        while True:
            kind, length = self.word(), self.word()
            if kind == END:
                return found
            found.append((kind, self.take(length)))


def sets(path):
    """{number of the set: the names of its layers}."""
    file = Reader(path)
    version = file.take(14)[9:13]
    wide = version != b"file" and int(version[1:]) >= 11   # places of 64 bits
    file.take(12 if version == b"file" or int(version[1:]) < 4 else 16)   # the size and kinds
    found = {number: [] for number in range(sum(kind == ITEM_SET for kind, _ in file.properties()))}
    places = []
    while not places or places[-1]:
        places.append(struct.unpack(">Q", file.take(8))[0] if wide else file.word())
    for place in places[:-1]:
        file.at = place + 12
        name = file.text()
        for kind, data in file.properties():
            if kind == ITEM_SET_ITEM:
                found[struct.unpack(">I", data)[0]].append(name)
    return found
