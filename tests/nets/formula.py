# SPDX-License-Identifier: GPL-3.0-or-later
#
# Parameters and pictures by a formula, as formula.c makes them: a network's golden values then need no weight file.

import numpy as np
import torch


def noise(name, n):
    """Numbers from -0.5 to 0.5 by a hash of the name and the index; see formula.c."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (np.arange(n, dtype=np.uint64) * 0x9E3779B9 + seed).astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint32(shift)
        x = (x.astype(np.uint64) * factor).astype(np.uint32)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**32 - 0.5


def parameter(name, shape):
    """Weights of deviation sqrt (2 / inputs), other numbers near those of a fresh network."""
    n = int(np.prod(shape))
    values = noise(name, n)
    if len(shape) == 4:
        values *= np.sqrt(24.0 / (n / shape[0]))
    elif name.endswith('running_var') or name.endswith('weight'):
        values = 1.0 + 0.5 * values
    else:
        values *= 0.2
    return torch.from_numpy(values).float().reshape(shape)


def fill(net):
    """A tensor that is registered twice has its first name."""
    filled = set()
    for name, tensor in net.state_dict().items():
        if not tensor.is_floating_point() or tensor.data_ptr() in filled:
            continue
        filled.add(tensor.data_ptr())
        tensor.copy_(parameter(name, tuple(tensor.shape)))
    return net.double().eval()
