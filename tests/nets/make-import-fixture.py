#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes sr-resnet-x2.pth: the network of sr-resnet-x2.safetensors as a trainer on several devices saves it with
# torch.save (). Needs torch and safetensors.

import pathlib

import torch
from safetensors.torch import load_file

here = pathlib.Path(__file__).parent
state = {f'module.{name}': tensor for name, tensor in load_file(here / 'sr-resnet-x2.safetensors').items()}
state['module.features.5.num_batches_tracked'] = torch.tensor(7)
torch.save({'epoch': 1, 'model': state}, here / 'sr-resnet-x2.pth')
