#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes training-run.safetensors: a training of 200 steps as PyTorch does it in double precision, with the recipe
# of 'atelier train upscale' (L1, Adam, cosine with a warm-up, normalisation frozen) on pictures made by a formula:
# the losses of all steps, and the weights, loss and gradients at some. Needs torch and safetensors.

import importlib.util
import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
STEPS, SHOWN = 200, (0, 50, 150)
BATCH, SIDE = 3, 12              # of the small pictures
RATE, WARM_UP = 1e-3, 0.05

spec = importlib.util.spec_from_file_location("step", HERE / "make-training-step.py")
step_script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(step_script)


def pictures(step):
    """The large pictures of a step, and the small ones: means of 2 x 2 pixels."""
    b = torch.arange(BATCH, dtype=torch.float64).reshape(-1, 1, 1, 1)
    c = torch.arange(3, dtype=torch.float64).reshape(1, -1, 1, 1)
    y = torch.arange(2 * SIDE, dtype=torch.float64).reshape(1, 1, -1, 1)
    x = torch.arange(2 * SIDE, dtype=torch.float64).reshape(1, 1, 1, -1)
    large = (0.5 + 0.3 * torch.sin(0.11 * (x + 1) * (1 + 0.3 * b) + 0.9 * step + c) * torch.cos(0.17 * y - 0.5 * step * b)
             + 0.1 * torch.sin(1.3 * x + 0.7 * y + step))
    return large.float().double(), nn.functional.avg_pool2d(large, 2).float().double()


def rate(step):
    progress = step / STEPS
    if progress < WARM_UP:
        return RATE * progress / WARM_UP
    return RATE * 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def main():
    net = step_script.SrResnet(2, 8, 2).double()
    with torch.no_grad():
        for phase, (name, values) in enumerate(net.state_dict().items()):
            if values.is_floating_point():
                values.copy_(step_script.formula(name, values.shape, phase))
    net.features[5].eval().requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad])
    tensors, losses = {}, []

    for step in range(STEPS):
        large, small = pictures(step)
        optimizer.zero_grad()
        loss = nn.functional.l1_loss(net(small), large)
        loss.backward()
        losses.append(loss.item())
        if step in SHOWN:
            for name, values in net.state_dict().items():
                if values.is_floating_point():
                    tensors[f"{step}:weight:{name}"] = values.float().clone()
            for name, p in net.named_parameters():
                if p.grad is not None:
                    tensors[f"{step}:gradient:{name}"] = p.grad.float().clone()
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.step()

    tensors["losses"] = torch.tensor(losses, dtype=torch.float32)
    save_file(tensors, HERE / "training-run.safetensors")


if __name__ == "__main__":
    main()
