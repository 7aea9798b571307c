#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes golden.safetensors: every operator forward and backward as PyTorch computes it in double, for
# test-reference-golden.c. A case is a group of tensors named OPERATOR.CASE.ARRAY; the array 'settings'
# holds the numbers that the operator takes, in the order of the comment above its function here.
# Needs the packages torch and safetensors.

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(14)
golden = {}


def draw(*shape):
    """Numbers that are floats, in double, with a gradient."""
    return torch.randn(*shape).double().requires_grad_()


def settings(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def store(operator, case, **arrays):
    for name, array in arrays.items():
        golden[f'{operator}.{case}.{name}'] = array.detach().float().contiguous()


def per_channel(vector):
    return vector.reshape(1, -1, 1, 1)


# Settings: stride, pad_top, pad_left, relu, residual_top, residual_left, gain. dx, dw and db are those of
# gain (conv (x) + bias), without the rest of the epilogue.
def conv2d(case, n, c_in, c_out, kernel, stride, size_in, size_out, pads, epilogue=(), frame=(0, 0)):
    top, left = pads
    bottom, right = ((size_out[i] - 1) * stride + kernel - size_in[i] - pads[i] for i in (0, 1))
    x, w, bias = draw(n, c_in, *size_in), draw(c_out, c_in, kernel, kernel), draw(c_out)
    gain = -0.75
    z = F.conv2d(F.pad(x, (left, right, top, bottom)), w, bias, stride)
    assert z.shape[2:] == tuple(size_out)

    dy = draw(*z.shape)
    dx, dw, db = torch.autograd.grad((gain * z * dy).sum(), (x, w, bias))
    arrays = {}
    if 'bias' in epilogue:
        arrays['bias'] = bias
    else:
        z = z - per_channel(bias)
    if 'relu' in epilogue:
        z = z.relu()
    if 'scale' in epilogue:
        arrays['scale'], arrays['shift'] = draw(c_out), draw(c_out)
        z = z * per_channel(arrays['scale']) + per_channel(arrays['shift'])
    if 'residual' in epilogue:
        residual = draw(n, c_out, size_out[0] + 2 * frame[0], size_out[1] + 2 * frame[1])
        arrays['residual'] = residual
        z = residual[:, :, frame[0]:frame[0] + size_out[0], frame[1]:frame[1] + size_out[1]] + gain * z
    store('conv2d', case, x=x, w=w, y=z, dy=dy, dx=dx, dw=dw, db=db, **arrays,
          settings=settings(stride, top, left, 'relu' in epilogue, *frame, gain))


# A block of a residual network: relu (residual + conv (x)). The transposed convolution has the bias too. Settings:
# stride.
def conv_transpose2d(case, shape, c_out, kernel, stride):
    x, w, bias = draw(*shape), draw(shape[1], c_out, kernel, kernel), draw(c_out)
    z = F.conv_transpose2d(x, w, bias, stride)
    residual = draw(*z.shape)
    y = (residual + z).relu()
    dz = draw(*z.shape)
    dx, dw, db = torch.autograd.grad(z, (x, w, bias), dz)
    store('conv-transpose2d', case, x=x, w=w, bias=bias, residual=residual, y=y, dz=dz, dx=dx, dw=dw, db=db,
          settings=settings(stride))


def relu(case, *shape):
    x, dy = draw(*shape), draw(*shape)
    y = x.relu()
    dx, = torch.autograd.grad(y, x, dy)
    store('relu', case, x=x, y=y, dy=dy, dx=dx)


# Settings: top, left, gain.
def scaled_add(case, shape, frame, gain):
    a, b = draw(shape[0], shape[1], shape[2] + 3 * frame[0], shape[3] + 3 * frame[1]), draw(*shape)
    y = a[:, :, frame[0]:frame[0] + shape[2], frame[1]:frame[1] + shape[3]] + gain * b
    dy = draw(*shape)
    da, db = torch.autograd.grad(y, (a, b), dy)
    store('scaled-add', case, a=a, b=b, y=y, dy=dy, da=da, db=db, settings=settings(*frame, gain))


# Settings: factor.
def pixel_shuffle(case, shape, factor):
    x = draw(*shape)
    y = F.pixel_shuffle(x, factor)
    dy = draw(*y.shape)
    dx, = torch.autograd.grad(y, x, dy)
    store('pixel-shuffle', case, x=x, y=y, dy=dy, dx=dx, settings=settings(factor))


def scale_shift(case, *shape):
    x, scale, shift = draw(*shape), draw(shape[1]), draw(shape[1])
    store('scale-shift', case, x=x, scale=scale, shift=shift,
          y=x * per_channel(scale) + per_channel(shift))


# Settings: factor.
def upsample(case, shape, factor):
    x = draw(*shape)
    y = F.interpolate(x, scale_factor=factor, mode='nearest')
    dy = draw(*y.shape)
    dx, = torch.autograd.grad(y, x, dy)
    store('upsample', case, x=x, y=y, dy=dy, dx=dx, settings=settings(factor))


# Settings: kernel, stride, pad_top, pad_left. Some numbers of x are equal.
def max_pool(case, shape, kernel, stride, padding):
    x = draw(*shape)
    with torch.no_grad():
        x[:, :, ::2, ::3] = 1.0
    y = F.max_pool2d(x, kernel, stride, padding)
    dy = draw(*y.shape)
    dx, = torch.autograd.grad(y, x, dy)
    store('max-pool', case, x=x, y=y, dy=dy, dx=dx, settings=settings(kernel, stride, padding, padding))


# Settings: top, left. PyTorch refuses pads as large as the picture, which ours does not: see far_reflection_pad () in the test.
def reflection_pad(case, shape, pads):
    x = draw(*shape)
    y = F.pad(x, (pads[0], pads[1], pads[2], pads[3]), mode='reflect')
    dy = draw(*y.shape)
    dx, = torch.autograd.grad(y, x, dy)
    store('reflection-pad', case, x=x, y=y, dy=dy, dx=dx, settings=settings(-pads[2], -pads[0]))


# Settings: top, left, channel of the tensor whose gradient is dx.
def concat(case, shape, frame, channels):
    parts = [draw(shape[0], c, shape[1], shape[2]) for c in channels]
    large = draw(shape[0], channels[1], shape[1] + 2 * frame[0], shape[2] + 2 * frame[1])
    parts[1] = large[:, :, frame[0]:frame[0] + shape[1], frame[1]:frame[1] + shape[2]]
    y = torch.cat(parts, 1)
    dy = draw(*y.shape)
    dx, = torch.autograd.grad(y, large, dy)
    store('concat', case, a=parts[0], x=large, b=parts[2], y=y, dy=dy, dx=dx,
          settings=settings(*frame, channels[0]))


def gram(case, *shape):
    f = draw(*shape)
    n, c, h, w = shape
    flat = f.reshape(n, c, h * w)
    g = flat @ flat.transpose(1, 2) / (c * h * w)
    dg = draw(*g.shape)
    df, = torch.autograd.grad(g, f, dg)
    store('gram', case, f=f, g=g, dg=dg, df=df)


# Settings: epsilon.
def batch_norm(case, shape, epsilon):
    x, gamma, beta = draw(*shape), draw(shape[1]), draw(shape[1])
    running_mean, running_var = torch.zeros(shape[1]).double(), torch.ones(shape[1]).double()
    y = F.batch_norm(x, running_mean, running_var, gamma, beta, True, 1.0, epsilon)
    count = x.numel() // shape[1]
    dy = draw(*shape)
    dx, dgamma, dbeta = torch.autograd.grad(y, (x, gamma, beta), dy)
    # With momentum 1 the running statistics are the batch's; PyTorch's variance divides by count - 1.
    store('batch-norm', case, x=x, gamma=gamma, beta=beta, y=y, mean=running_mean,
          variance=running_var * (count - 1) / count, dy=dy, dx=dx, dgamma=dgamma, dbeta=dbeta,
          settings=settings(epsilon))


# Settings: gain.
def losses(case, shape, gain):
    y, t = draw(*shape), draw(*shape)
    with torch.no_grad():
        y[:, 0] = t[:, 0]
    l1, mse = F.l1_loss(y, t), F.mse_loss(y, t)
    l1_dy, = torch.autograd.grad(gain * l1, y)
    mse_dy, = torch.autograd.grad(gain * mse, y)
    p = (t * 0.3 + 0.5).clamp(0, 1).detach().float().double()
    bce = F.binary_cross_entropy_with_logits(y, p)
    bce_dy, = torch.autograd.grad(gain * bce, y)
    store('loss', case, y=y, t=t, l1=l1.reshape(1), l1_dy=l1_dy, mse=mse.reshape(1), mse_dy=mse_dy,
          p=p, bce=bce.reshape(1), bce_dy=bce_dy, settings=settings(gain))


# Settings: learning rate, beta1, beta2, epsilon, weight decay, decoupled. gradients, weights: one row a
# step; weights are those after the step.
def adam(case, optimizer, n, n_steps, rate, betas, epsilon, decay):
    w, gradients, weights = draw(n), draw(n_steps, n), []
    arrays = {'w': w.detach().clone()}
    step = optimizer([w], lr=rate, betas=betas, eps=epsilon, weight_decay=decay)
    for gradient in gradients:
        w.grad = gradient.detach().clone()
        step.step()
        weights.append(w.detach().clone())
    store('adam', case, **arrays, gradients=gradients, weights=torch.stack(weights),
          settings=settings(rate, *betas, epsilon, decay, optimizer is torch.optim.AdamW))


everything = ('bias', 'relu', 'scale', 'residual')
conv2d('3x3', 2, 5, 8, 3, 1, (7, 9), (7, 9), (1, 1), ('bias',))
conv2d('3x3-stride-2', 2, 3, 5, 3, 2, (9, 8), (5, 4), (1, 1), ('bias',))
conv2d('9x9', 1, 3, 5, 9, 1, (7, 10), (7, 10), (4, 4), ('bias', 'relu'))
conv2d('1x1', 3, 9, 4, 1, 1, (4, 3), (4, 3), (0, 0), ('bias', 'scale'))
conv2d('negative-pads', 2, 3, 4, 3, 1, (9, 10), (4, 5), (-2, -1), ('relu', 'scale'))
conv2d('mixed-pads', 1, 3, 4, 3, 2, (8, 9), (4, 3), (1, -1), ('bias', 'residual'))
conv2d('whole-epilogue', 2, 8, 10, 3, 1, (6, 5), (6, 5), (1, 1), everything)
conv2d('cropped-residual', 2, 4, 3, 3, 1, (7, 8), (5, 6), (0, 0), everything, (2, 1))
conv2d('plain', 1, 2, 3, 3, 1, (5, 5), (5, 5), (1, 1))
relu('pixels', 2, 5, 4, 7)
scaled_add('equal-sizes', (2, 3, 4, 5), (0, 0), 0.1)
scaled_add('cropped', (2, 3, 4, 5), (2, 1), -0.3)
pixel_shuffle('by-2', (2, 12, 3, 4), 2)
pixel_shuffle('by-3', (1, 18, 3, 2), 3)
scale_shift('pixels', 2, 5, 3, 4)
batch_norm('batch', (3, 5, 4, 6), 1e-5)
batch_norm('large-epsilon', (1, 3, 5, 4), 0.5)
losses('pixels', (2, 3, 4, 5), 1.5)
adam('l2', torch.optim.Adam, 7, 6, 1e-2, (0.9, 0.999), 1e-8, 0.1)
adam('decoupled', torch.optim.AdamW, 7, 6, 1e-2, (0.8, 0.99), 1e-3, 0.1)
upsample('by-2', (2, 3, 4, 5), 2)
upsample('by-3', (1, 9, 2, 3), 3)
max_pool('2-by-2', (2, 5, 6, 7), 2, 2, 0)
max_pool('3-by-3', (2, 3, 7, 8), 3, 2, 1)
reflection_pad('all-sides', (2, 3, 5, 6), (3, 4, 2, 4))
reflection_pad('one-side', (1, 9, 4, 3), (0, 0, 0, 3))
concat('three', (2, 4, 5), (1, 2), (3, 6, 8))
concat('blocks', (1, 3, 4), (0, 0), (8, 16, 5))
gram('features', 2, 5, 4, 3)
conv_transpose2d('2x2', (2, 5, 3, 4), 6, 2, 2)
conv_transpose2d('3x3', (1, 3, 4, 3), 4, 3, 1)

save_file(golden, pathlib.Path(__file__).with_name('golden.safetensors'))
