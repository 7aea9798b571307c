#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What 'atelier evaluate upscale --save DIR' measured, computed anew from the pictures that it saved:
#
#   tests/train/evaluate-reference.py DIR [--scale 2] [--degraded]
#
# Luma, PSNR, SSIM and the kernels are written from the papers with numpy alone (SSIM by a convolution in the frequency
# domain); that the small picture is the bicubic reduction of the original is checked too, by matrices.

import argparse
import pathlib

import numpy as np
from PIL import Image


def luma(rgb):
    """BT.601 in 8-bit studio range, as MATLAB's rgb2ycbcr, not rounded."""
    return 16 + rgb.astype(np.float64) / 255 @ np.array([65.481, 128.553, 24.966])


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a - b) ** 2))


def ssim(a, b):
    """Wang et al. 2004: a Gaussian window of 11 x 11 with deviation 1.5, where it lies inside."""
    d = np.arange(11) - 5
    window = np.exp(-(d[:, None] ** 2 + d[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def blur(x):
        size = (x.shape[0] + 10, x.shape[1] + 10)
        full = np.fft.irfft2(np.fft.rfft2(x, size) * np.fft.rfft2(window, size), size)
        return full[10 : x.shape[0], 10 : x.shape[1]]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma**2, blur(b * b) - mb**2, blur(a * b) - ma * mb
    return np.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))


def cubic(x):
    """Keys 1981, a = -1/2, of |x| < 2."""
    return np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2)


def lanczos(x):
    """Of |x| < 3."""
    return np.sinc(x) * np.sinc(x / 3)


def resize_matrix(n_out, n_in, kernel, radius):
    """imresize, antialiased, mirrored at the border."""
    scale = n_out / n_in
    stretch = min(1.0, scale)
    reach = radius / stretch
    matrix = np.zeros((n_out, n_in))
    for i in range(n_out):
        centre = (i + 0.5) / scale - 0.5
        taps = np.arange(int(np.floor(centre - reach)), int(np.ceil(centre + reach)) + 1)
        x = np.abs((centre - taps) * stretch)
        weight = np.where(x < radius, kernel(x), 0)
        weight /= weight.sum()
        for tap, w in zip(taps % (2 * n_in), weight):
            matrix[i, tap if tap < n_in else 2 * n_in - 1 - tap] += w
    return matrix


def resize(plane, height, width, kernel=cubic, radius=2):
    rows = resize_matrix(height, plane.shape[0], kernel, radius)
    return rows @ plane @ resize_matrix(width, plane.shape[1], kernel, radius).T


def to_bytes(plane):
    return np.clip(np.round(plane), 0, 255)


def measure(folder, name, scale, degraded):
    hr, lr, sr = (
        np.array(Image.open(folder / f"{name}-{what}.png").convert("RGB"))
        for what in ("hr", "lr", "sr")
    )
    height, width = hr.shape[:2]
    small = np.stack(
        [resize(hr[..., c].astype(float), height // scale, width // scale) for c in range(3)], -1
    )
    wrong = np.abs(to_bytes(small) - lr)

    inner = np.s_[scale:-scale, scale:-scale]
    a, b = luma(hr), luma(sr)
    rounded = np.round(a)
    shrunk = luma(lr) if degraded else resize(rounded, height // scale, width // scale)
    scores = [psnr(a[inner], b[inner]), ssim(a[inner], b[inner])]
    for kernel, radius in ((cubic, 2), (lanczos, 3)):
        enlarged = to_bytes(resize(shrunk, height, width, kernel, radius))
        scores += [psnr(rounded[inner], enlarged[inner]), ssim(rounded[inner], enlarged[inner])]
    return scores + [wrong.max()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--degraded", action="store_true", help="the small pictures were, by --degrade")
    arguments = parser.parse_args()

    names = sorted(p.name[: -len("-sr.png")] for p in arguments.folder.glob("*-sr.png"))
    rows = [measure(arguments.folder, name, arguments.scale, arguments.degraded) for name in names]
    print(f"{'':24} {'model':>18} {'bicubic':>18} {'Lanczos':>18}  small picture off by")
    for name, row in zip(names + ["mean"], rows + [np.mean(rows, 0)]):
        scores = " ".join(f"{row[i]:9.4f} {row[i + 1]:.6f}" for i in range(0, len(row) - 1, 2))
        print(f"{name:24} {scores}  {row[-1]:g}")


if __name__ == "__main__":
    main()
