#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes training-step.safetensors: small SrResnets made by formulas, a batch, and what PyTorch computes of
# them in double precision: loss, every gradient, the running statistics and the parameters after a step of
# Adam. Needs torch and safetensors.

import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

# name -> scale, width, blocks, loss, frozen normalisation
CASES = {
    "x2-l1": (2, 8, 2, nn.L1Loss(), False),
    "x2-mse": (2, 8, 2, nn.MSELoss(), False),
    "x4-l1": (4, 8, 2, nn.L1Loss(), False),
    "x2-frozen": (2, 8, 2, nn.L1Loss(), True),
}


def conv(n_in, n_out, relu=False):
    layers = [nn.Conv2d(n_in, n_out, 3, padding=1)]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.m = nn.Sequential(conv(width, width, relu=True), conv(width, width))

    def forward(self, x):
        return x + 0.1 * self.m(x)


class SrResnet(nn.Module):
    def __init__(self, scale, width, blocks):
        super().__init__()
        doublings = []
        for _ in range(scale.bit_length() - 1):
            doublings += [conv(width, 4 * width), nn.PixelShuffle(2)]
        self.features = nn.Sequential(
            conv(3, width), *(Block(width) for _ in range(blocks)), conv(width, width),
            nn.Sequential(*doublings), nn.BatchNorm2d(width), conv(width, 3))

    def forward(self, x):
        return self.features(x)


def wave(shape, low, high, phase):
    """Numbers between low and high that repeat nowhere, rounded to float."""
    n = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    values = torch.sin(1.7 * n + phase) * torch.cos(0.013 * n * n + phase)
    return (low + (high - low) * (values + 1) / 2).reshape(shape).float().double()


def formula(name, shape, phase):
    if name.endswith("running_var"):
        return wave(shape, 0.5, 2.0, phase)
    if len(shape) == 1 and name.endswith("weight"):
        return wave(shape, 0.7, 1.3, phase)
    bound = 1.7 / (shape[1] * 9) ** 0.5 if len(shape) == 4 else 0.2
    return wave(shape, -bound, bound, phase)


def run(tensors, case, scale, width, blocks, loss_of, frozen):
    net = SrResnet(scale, width, blocks).double().train()
    norm = net.features[blocks + 3]
    with torch.no_grad():
        for phase, (name, values) in enumerate(net.state_dict().items()):
            if values.is_floating_point():
                values.copy_(formula(name, values.shape, phase))
    if frozen:
        norm.eval().requires_grad_(False)

    def store(kind, named):
        for name, values in named:
            if values is not None and values.is_floating_point():
                tensors[f"{case}:{kind}:{name}"] = values.detach().float().clone()

    store("weight", net.state_dict().items())
    x = wave((2, 3, 6, 7), 0.0, 1.0, 0.3)
    target = wave((2, 3, 6 * scale, 7 * scale), 0.0, 1.0, 0.9)
    loss = loss_of(net(x), target)
    loss.backward()
    store("gradient", ((name, p.grad) for name, p in net.named_parameters()))
    # A large epsilon: with the usual one the first step is the gradient's sign, which for a gradient near
    # zero is decided by rounding.
    trained = [p for p in net.parameters() if p.requires_grad]
    torch.optim.Adam(trained, lr=0.01, eps=1e-3).step()
    store("after", net.state_dict().items())
    tensors[f"{case}:input"] = x.float()
    tensors[f"{case}:target"] = target.float()
    tensors[f"{case}:loss"] = loss.detach().float().reshape(1)


def main():
    tensors = {}
    for case, arguments in CASES.items():
        run(tensors, case, *arguments)
    save_file(tensors, pathlib.Path(__file__).parent / "training-step.safetensors")


if __name__ == "__main__":
    main()
