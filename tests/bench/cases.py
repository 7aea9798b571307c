# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is timed: those networks of 'atelier bench' that other engines run too. The names are the same.

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    network: str
    shape: tuple        # of the input: N, C, H, W
    loss: str = None    # of a training step; None for an inference


CASES = (
    Case("sr-resnet x2, 512x768", "sr-resnet x2", (1, 3, 512, 768)),
    Case("sr-resnet x2, 256x256", "sr-resnet x2", (1, 3, 256, 256)),
    Case("sr-resnet x4, 256x256", "sr-resnet x4", (1, 3, 256, 256)),
    Case("style-resnet, 632x1200", "style-resnet", (1, 3, 632, 1200)),
    Case("style-resnet, 256x256", "style-resnet", (1, 3, 256, 256)),
    Case("unet34, 512x512", "unet34", (1, 3, 512, 512)),
    Case("unet34, 1024x1024", "unet34", (1, 3, 1024, 1024)),
    Case("sr-resnet x2, step of 16 48x48, MSE", "sr-resnet x2", (16, 3, 48, 48), "MSE"),
    Case("unet34, step of 8 256x256, BCE", "unet34", (8, 3, 256, 256), "BCE"),
    Case("style-resnet, step of 4 256x256, VGG16-bn", "style-resnet", (4, 3, 256, 256), "style"),
)
