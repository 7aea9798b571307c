#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes small networks made by PyTorch with random weights, sr-resnet-xSCALE.safetensors, and what they
# compute from a random picture, sr-resnet-xSCALE.expected.safetensors. Needs torch and safetensors.

import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).parent


def conv(n_in, n_out, relu=False):
    layers = [nn.Conv2d(n_in, n_out, 3, padding=1)]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.m = nn.Sequential(conv(width, width, relu=True), conv(width, width))

    def forward(self, x):
        return x + 0.1 * self.m(x)


def upsample(width, scale):
    layers = []
    for _ in range(scale.bit_length() - 1):
        layers += [conv(width, 4 * width), nn.PixelShuffle(2)]
    return nn.Sequential(*layers)


class SrResnet(nn.Module):
    def __init__(self, scale, width, blocks):
        super().__init__()
        self.features = nn.Sequential(
            conv(3, width), *(Block(width) for _ in range(blocks)), conv(width, width),
            upsample(width, scale), nn.BatchNorm2d(width), conv(width, 3))

    def forward(self, x):
        return self.features(x)


def make(scale, width, blocks):
    torch.manual_seed(scale)
    net = SrResnet(scale, width, blocks).double().eval()
    norm = net.features[blocks + 3]
    for values, low, high in ((norm.weight, 0.5, 1.5), (norm.bias, -0.5, 0.5),
                              (norm.running_mean, -0.5, 0.5), (norm.running_var, 0.2, 2.0)):
        nn.init.uniform_(values, low, high)
    net.float().double()  # the numbers that the file will hold
    picture = torch.rand(1, 3, 5, 7).float()
    with torch.no_grad():
        output = net(picture.double())

    card = {
        'atelier.format': '1',
        'atelier.task': 'upscale',
        'atelier.arch': 'sr-resnet',
        'atelier.config': json.dumps({'scale': scale, 'width': width, 'blocks': blocks}),
        'atelier.input': 'rgb-perceptual-unit-1',
    }
    weights = {name: t.float() if t.is_floating_point() else t
               for name, t in net.state_dict().items()}
    save_file(weights, FOLDER / f'sr-resnet-x{scale}.safetensors', card)
    save_file({'input': picture, 'output': output.float()},
              FOLDER / f'sr-resnet-x{scale}.expected.safetensors')


make(scale=2, width=4, blocks=2)
make(scale=4, width=5, blocks=1)
