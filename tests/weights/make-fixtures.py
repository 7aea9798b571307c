#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes small.safetensors by the format's reference implementation; test-weight-file.c knows the numbers.
# Needs the packages torch and safetensors.

import pathlib

import torch
from safetensors.torch import save_file

tensors = {
    'b.weight': torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2) / 8 - 1,
    'b.half': torch.tensor([1.0, -2.5, 65504.0, 2.0 ** -24, 1.0 / 3.0], dtype=torch.float16),
    'a.scalar': torch.tensor(0.1),
    'a.num_batches_tracked': torch.tensor(7, dtype=torch.int64),
}
metadata = {
    'format': 'pt',
    'atelier.format': '1',
    'atelier.task': 'upscale',
    'atelier.arch': 'sr-resnet',
    'atelier.config': '{"scale": 2}',
    'atelier.input': 'rgb-perceptual-unit-1',
    'atelier.name': 'Ein "kleines" Netz für 2×, \U0001f5bc\n',
}
save_file(tensors, pathlib.Path(__file__).with_name('small.safetensors'), metadata)
