#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes architectures.safetensors: what PyTorch's networks compute in double from a small picture, with parameters
# made by a formula from their names, so that they need no file. A case is INPUT and OUTPUT tensors named
# ARCHITECTURE.input, ARCHITECTURE.output and, for loss networks, ARCHITECTURE.tapN. Needs torch and safetensors.

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from formula import fill, noise

results = {}


def conv(n_in, n_out, kernel=3, stride=1, relu=True, padding=None):
    padding = kernel // 2 if padding is None else padding
    layers = [nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False)]
    layers += [nn.ReLU()] if relu else []
    return nn.Sequential(*layers, nn.BatchNorm2d(n_out))


class CentreBlock(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.m = nn.Sequential(conv(n, n, padding=0), conv(n, n, padding=0))

    def forward(self, x):
        return x[:, :, 2:-2, 2:-2] + self.m(x)


class StyleResnet(nn.Module):
    def __init__(self, w):
        super().__init__()
        grow = [nn.Sequential(nn.Upsample(scale_factor=2), conv(n, n // 2)) for n in (4 * w, 2 * w)]
        self.features = nn.Sequential(
            nn.ReflectionPad2d(40), conv(3, w, 9), conv(w, 2 * w, stride=2), conv(2 * w, 4 * w, stride=2),
            *(CentreBlock(4 * w) for _ in range(5)), *grow, conv(w, 3, 9, relu=False))

    def forward(self, x):
        return self.features(x)


class BasicBlock(nn.Module):
    def __init__(self, n_in, n, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, n, 3, stride, 1, bias=False), nn.BatchNorm2d(n)
        self.conv2, self.bn2 = nn.Conv2d(n, n, 3, 1, 1, bias=False), nn.BatchNorm2d(n)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(n_in, n, 1, stride, bias=False), nn.BatchNorm2d(n))

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(h + (x if self.downsample is None else self.downsample(x)))


def trunk(blocks):
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    n_in = 64
    for i, count in enumerate(blocks):
        n = 64 << i
        layers.append(nn.Sequential(BasicBlock(n_in, n, 1 if i == 0 else 2),
                                    *(BasicBlock(n, n, 1) for _ in range(count - 1))))
        n_in = n
    return nn.Sequential(*layers)


class UnetBlock(nn.Module):
    def __init__(self, up_in, x_in, n):
        super().__init__()
        self.x_conv = nn.Conv2d(x_in, n // 2, 1)
        self.tr_conv = nn.ConvTranspose2d(up_in, n // 2, 2, stride=2)
        self.bn = nn.BatchNorm2d(n)

    def forward(self, up, x):
        return self.bn(F.relu(torch.cat([self.tr_conv(up), self.x_conv(x)], 1)))


class Unet34(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.rn = trunk((3, 4, 6, 3))
        self.up1, self.up2 = UnetBlock(512, 256, 256), UnetBlock(256, 128, 256)
        self.up3, self.up4 = UnetBlock(256, 64, 256), UnetBlock(256, 64, 256)
        self.up5 = nn.ConvTranspose2d(256, classes, 2, stride=2)

    def forward(self, x):
        seen = []
        for i, layer in enumerate(self.rn):
            x = layer(x)
            if i in (2, 4, 5, 6):
                seen.append(x)
        x = F.relu(x)
        for up in (self.up1, self.up2, self.up3, self.up4):
            x = up(x, seen.pop())
        return self.up5(x)


class StdUpsample(nn.Module):
    def __init__(self, n_in, n):
        super().__init__()
        self.conv, self.bn = nn.ConvTranspose2d(n_in, n, 2, stride=2), nn.BatchNorm2d(n)

    def forward(self, x):
        return self.bn(F.relu(self.conv(x)))


class Upsample34(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.rn = trunk((3, 4, 6, 3))
        self.features = nn.Sequential(self.rn, nn.ReLU(), StdUpsample(512, 256),
                                      *(StdUpsample(256, 256) for _ in range(3)),
                                      nn.ConvTranspose2d(256, classes, 2, stride=2))

    def forward(self, x):
        return self.features(x)


class Vgg16(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = nn.BatchNorm2d(3)
        layers, n_in = [], 3
        for stage, (count, n) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))):
            layers += [nn.MaxPool2d(2)] if stage > 0 else []
            for _ in range(count):
                layers += [nn.Conv2d(n_in, n, 3, padding=1), nn.BatchNorm2d(n), nn.ReLU()]
                n_in = n
        self.features = nn.Sequential(*layers)

    def forward(self, x):
        x, taps = self.input(x), []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in (5, 12, 22, 32, 42):
                taps.append(x)
        return taps


class Vgg19Thin(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0, n_in = nn.Conv2d(3, 3, 1), 3
        self.stages = []
        for stage, (count, n) in enumerate(((2, 16), (2, 32), (4, 64), (4, 128), (1, 128))):
            self.stages.append([f'conv{stage + 1}{i + 1}' for i in range(count)])
            for name in self.stages[-1]:
                self.add_module(name, nn.Conv2d(n_in, n, 3))
                n_in = n

    def forward(self, x):
        x, taps = self.conv0(x), []
        for stage, names in enumerate(self.stages):
            x = F.max_pool2d(x, 2) if stage > 0 else x
            for name in names:
                x = F.relu(getattr(self, name)(F.pad(x, (1, 1, 1, 1), mode='reflect')))
            taps.append(x)
        return taps


def case(name, net, height, width):
    picture = torch.from_numpy(noise(name, 3 * height * width) + 0.5).float().reshape(1, 3, height, width)
    with torch.no_grad():
        output = fill(net)(picture.double())
    results[f'{name}.input'] = picture
    if isinstance(output, list):
        # The sums over each tap's pixels are enough, and small.
        for i, tap in enumerate(output):
            results[f'{name}.tap{i}'] = tap.mean((2, 3)).float().contiguous()
        output = output[-1]
    results[f'{name}.output'] = output.float().contiguous()


# PyTorch mirrors only pictures larger than the margin.
case('style-resnet', StyleResnet(8), 44, 48)
case('unet34', Unet34(3), 32, 64)
case('upsample34', Upsample34(2), 64, 32)
case('vgg16-bn', Vgg16(), 32, 48)
case('vgg19-16x', Vgg19Thin(), 32, 48)

save_file(results, pathlib.Path(__file__).with_name('architectures.safetensors'))
