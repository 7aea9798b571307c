#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How far two pictures are apart by the features of SqueezeNet 1.0, as PyTorch computes it in double: with parameters and
# pictures by formula.py, the numbers in tests/train/test-perceptual-distance.c; or with a weight file and two picture files, for
# what 'atelier evaluate upscale --save DIR --perceptual WEIGHTS' says. Needs torch, and for files safetensors and Pillow.
#
#   squeezenet-distance.py [WEIGHTS DIR/NAME-hr.png DIR/NAME-sr.png]

import sys

import torch
import torch.nn.functional as F

from formula import noise, parameter

# Squeezed and expanded channels, and whether pooling follows, of fire2 to fire9: Iandola et al. 2016, table 1.
FIRES = ((16, 64, False), (16, 64, False), (32, 128, True), (32, 128, False),
         (48, 192, False), (48, 192, False), (64, 256, True), (64, 256, False))
MEANS = (104.0, 117.0, 123.0)  # blue, green, red


class Formula(dict):
    """Parameters that are made when they are asked for."""

    def conv(self, x, name, n_channels, kernel, stride=1, padding=0):
        if name not in self:
            self[name] = (parameter(f'{name}.weight', (n_channels, x.shape[1], kernel, kernel)).double(),
                          parameter(f'{name}.bias', (n_channels,)).double())
        return F.relu(F.conv2d(x, *self[name], stride, padding))


class File(Formula):
    def __init__(self, path):
        from safetensors.torch import load_file
        tensors = load_file(path)
        self.update({name[:-len('.weight')]: (tensors[name].double(), tensors[name[:-len('weight')] + 'bias'].double())
                     for name in tensors if name.endswith('.weight')})


def pool(x):
    """A side smaller than the kernel has one window, for which PyTorch wants padding."""
    missing = [max(0, 3 - side) for side in x.shape[:1:-1]]
    return F.max_pool2d(F.pad(x, (0, missing[0], 0, missing[1]), value=-float('inf')), 3, 2, ceil_mode=True)


def features(net, rgb):
    """Of bytes, 3 x H x W."""
    x = rgb.flip(0).double() - torch.tensor(MEANS).double()[:, None, None]
    x = net.conv(x[None], 'conv1', 96, 7, 2)
    taps = [x]
    x = pool(x)
    for i, (squeezed, expanded, pooled) in enumerate(FIRES):
        fire = f'fire{i + 2}'
        x = net.conv(x, f'{fire}_squeeze1x1', squeezed, 1)
        x = torch.cat([net.conv(x, f'{fire}_expand1x1', expanded, 1),
                       net.conv(x, f'{fire}_expand3x3', expanded, 3, 1, 1)], 1)
        if pooled:
            taps.append(x)
            x = pool(x)
    return taps + [x]


def distance(net, a, b):
    """Zhang et al., CVPR 2018, equation 1 with w = 1; the small number is that of the authors' code."""
    total = 0.0
    for p, q in zip(features(net, a), features(net, b)):
        p, q = (t / (t.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for t in (p, q))
        total += (p - q).pow(2).sum(1).mean().item()
    return total


def pictures(width, height):
    """Bytes, and others not far from them."""
    a, n = (torch.from_numpy((noise(name, 3 * height * width) + 0.5) * 256).floor()
            .reshape(height, width, 3).permute(2, 0, 1) for name in ('picture', 'change'))
    return a, ((3 * a + n) / 4).floor()


def read(path):
    import numpy
    from PIL import Image
    return torch.from_numpy(numpy.array(Image.open(path).convert('RGB'))).permute(2, 0, 1)


if len(sys.argv) == 4:
    print(distance(File(sys.argv[1]), read(sys.argv[2]), read(sys.argv[3])))
    sys.exit()

# The longest sides are more than one tile of perceptual-distance.c.
for width, height in ((75, 61), (11, 12), (1100, 24), (24, 540)):
    print(f'{{ {width}, {height}, {distance(Formula(), *pictures(width, height)):.8g} }},')
