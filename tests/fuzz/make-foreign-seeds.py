#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes small files as PyTorch's torch.save () leaves them, good and nearly good, into a folder: seeds for
# fuzz-foreign-file.

import io
import pathlib
import struct
import sys
import zipfile


def text(string):
    return b'X' + struct.pack('<I', len(string)) + string.encode()


def storage(key, count, kind='FloatStorage', behind=b''):
    return (b'(' + text('storage') + f'ctorch\n{kind}\n'.encode() + text(key) + text('cpu')
            + b'K' + bytes([count]) + behind + b'tQ')


def tensor(stored, first, shape, strides):
    numbers = [b'(' + b''.join(b'K' + bytes([n]) for n in row) + b't' for row in (shape, strides)]
    return (b'ctorch._utils\n_rebuild_tensor_v2\n(' + stored + b'K' + bytes([first]) + b''.join(numbers)
            + b'\x89ccollections\nOrderedDict\n)RtR')


def pickle_of(**values):
    return (b'\x80\x02ccollections\nOrderedDict\n)Rq\x00('
            + b''.join(text(name) + value for name, value in values.items()) + b'u.')


def archive(pickle, **storages):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_STORED) as members:
        members.writestr('a/data.pkl', pickle)
        members.writestr('a/byteorder', 'little')
        for key, content in storages.items():
            members.writestr(f'a/data/{key[1:]}', content)
    return file.getvalue()


def row(pickle, keys, *storages):
    """A file as before PyTorch 1.6."""
    magic = b'\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'
    machine = b'\x80\x02}' + text('little_endian') + b'\x88s.'
    names = b'\x80\x02](' + b''.join(text(key) for key in keys) + b'e.'
    return magic + b'\x80\x02M\xe9\x03.' + machine + pickle + names + b''.join(storages)


FLOATS = struct.pack('<6f', 1, 2, 3, 4, 5, 6)
HALVES = struct.pack('<2e', 1, -2.5)
NONE = b'N'

SEEDS = {
    'plain': archive(pickle_of(a=tensor(storage('0', 6), 0, (2, 3), (3, 1))), _0=FLOATS),
    'kinds': archive(pickle_of(**{'module.a': tensor(storage('0', 6), 1, (5,), (1,)),
                                  'b': tensor(storage('1', 2, 'HalfStorage'), 0, (), ()),
                                  'c': tensor(storage('2', 3, 'LongStorage'), 0, (3,), (1,))}),
                     _0=FLOATS, _1=HALVES, _2=bytes(24)),
    'wrapped': archive(b'\x80\x02}(' + text('epoch') + b'K\x03' + text('rate') + b'G' + bytes(8) + text('state_dict')
                       + b'}' + text('a') + tensor(storage('0', 6), 0, (3, 2), (1, 3)) + b'su.', _0=FLOATS),
    'memo': archive(b'\x80\x04\x95' + bytes(8) + b'}\x94(\x8c\x01a\x94\x8c\x0ctorch._utils\x94'
                    + b'\x8c\x12_rebuild_tensor_v2\x93' + tensor(storage('0', 6), 0, (6,), (1,)).partition(b'v2\n')[2]
                    + b'h\x01h\x00u.', _0=FLOATS),
    'parameter': archive(pickle_of(a=b'ctorch._utils\n_rebuild_parameter\n('
                                   + tensor(storage('0', 6), 0, (2, 3), (3, 1)) + b'\x88}tR'), _0=FLOATS),
    'hostile': archive(b'\x80\x02cposix\nsystem\n' + text('true') + b'\x85R.'),
    'empty': archive(b'\x80\x02}.'),
    'row': row(pickle_of(a=tensor(storage('7', 6, behind=NONE), 0, (2, 3), (3, 1)),
                         b=tensor(storage('8', 2, 'LongStorage', NONE), 0, (2,), (1,))),
               ['8', '7'], struct.pack('<Q', 2) + bytes(16), struct.pack('<Q', 6) + FLOATS),
}

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, content in SEEDS.items():
    (folder / name).write_bytes(content)
