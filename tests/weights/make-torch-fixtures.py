#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes files as PyTorch's programs leave them, for test-foreign-file.c: a state dict as an archive (state.pth), as
# before PyTorch 1.6 (state-old.pth) and by another protocol (state-protocol4.pth); a trainer's checkpoint around it
# (checkpoint.pth); one that runs a command when Python loads it (hostile.pth); and what their tensors are, as plain
# floats (state.safetensors), and of kinds that only safetensors of others have (kinds.safetensors). Needs torch and
# safetensors.

import os
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

here = pathlib.Path(__file__).parent


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)


class Command:
    def __reduce__(self):
        return os.system, ('touch /tmp/atelier-was-run',)


torch.manual_seed(3)
network = nn.DataParallel(Network())
state = network.state_dict()  # "module.conv.weight" ..., an integer, and versions as attributes of the dict
row = torch.arange(30, dtype=torch.float32) / 7
state['strided.transposed'] = row[:6].reshape(2, 3).t()
state['strided.inside'] = row[2:26].reshape(2, 3, 4)[:, 1:, ::2]
state['strided.last'] = torch.randn(5, 4, 3, 2).to(memory_format=torch.channels_last)
state['strided.repeated'] = row[5:6].expand(2, 3)
state['kind.half'] = torch.tensor([1.0, -2.5, 65504.0, 2.0 ** -24, 1.0 / 3.0], dtype=torch.float16)
state['kind.bfloat16'] = torch.tensor([1.0, -2.5, 3e38, 2.0 ** -133, 1.0 / 3.0], dtype=torch.bfloat16)
state['kind.double'] = torch.tensor([1.0, -2.5, 1e30, 1e-42, 1.0 / 3.0], dtype=torch.float64)
state['kind.scalar'] = torch.tensor(0.1)
state['kind.parameter'] = nn.Parameter(torch.tensor([0.5, 0.25]))
state['kind.integers'] = torch.arange(3)
state['kind.booleans'] = torch.tensor([True, False])

torch.save(state, here / 'state.pth')
torch.save(state, here / 'state-old.pth', _use_new_zipfile_serialization=False)
torch.save(state, here / 'state-protocol4.pth', pickle_protocol=4)
optimizer = torch.optim.Adam(network.parameters())
torch.save({'epoch': 3, 'rate': 1e-3, 'name': None, 'state_dict': state, 'optimizer': optimizer.state_dict()},
           here / 'checkpoint.pth')
torch.save({'weight': torch.zeros(2), 'command': Command()}, here / 'hostile.pth')

save_file({name.removeprefix('module.'): tensor.detach().float().contiguous() for name, tensor in state.items()
           if tensor.is_floating_point()}, here / 'state.safetensors')
save_file({name: state[name] for name in ('kind.bfloat16', 'kind.double', 'kind.half')}, here / 'kinds.safetensors')
