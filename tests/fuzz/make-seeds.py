#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes small weight files, good and nearly good, into a folder: seeds for fuzz-weight-file.

import json
import pathlib
import struct
import sys

CARD = {
    'atelier.format': '1',
    'atelier.task': 'upscale',
    'atelier.arch': 'sr-resnet',
    'atelier.config': '{"scale": 2, "width": 4, "blocks": 1}',
    'atelier.input': 'rgb-perceptual-unit-1',
    'atelier.name': 'ü \U0001f5bc "quoted" \\ \n',
}


def tensor(dtype, shape, begin, end):
    return {'dtype': dtype, 'shape': shape, 'data_offsets': [begin, end]}


def weight_file(header, data, ascii_only=True):
    text = json.dumps(header, ensure_ascii=ascii_only).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + data


SEEDS = {
    'empty': weight_file({}, b''),
    'card': weight_file({'__metadata__': CARD}, b''),
    'card-utf8': weight_file({'__metadata__': CARD}, b'', ascii_only=False),
    'one': weight_file({'a': tensor('F32', [2], 0, 8)}, struct.pack('<2f', 1, -2.5)),
    'kinds': weight_file({'a': tensor('F32', [1, 1, 1, 1], 0, 4), 'b': tensor('F16', [], 4, 6),
                          'c': tensor('I64', [], 6, 14), '__metadata__': CARD},
                         struct.pack('<feq', 1, -2.5, 7)),
    'nan': weight_file({'a': tensor('F32', [1], 0, 4)}, struct.pack('<f', float('nan'))),
    'overlap': weight_file({'a': tensor('F32', [2], 0, 8), 'b': tensor('F32', [2], 4, 12)},
                           bytes(12)),
    'hole': weight_file({'a': tensor('F32', [1], 4, 8)}, bytes(8)),
    'bf16': weight_file({'a': tensor('BF16', [2], 0, 4)}, bytes(4)),
}

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, content in SEEDS.items():
    (folder / name).write_bytes(content)
