#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What 'atelier evaluate upscale --save DIR' measured, computed anew from the pictures that it saved:
#
#   tests/train/evaluate-reference.py DIR [--scale 2]
#
# Luma, PSNR and SSIM are written from the papers with numpy alone (SSIM by a convolution in the frequency
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


def resize_matrix(n_out, n_in):
    """imresize's bicubic, antialiased, mirrored at the border."""
    scale = n_out / n_in
    stretch = min(1.0, scale)
    matrix = np.zeros((n_out, n_in))
    for i in range(n_out):
        centre = (i + 0.5) / scale - 0.5
        taps = np.arange(int(np.floor(centre - 2 / stretch)), int(np.ceil(centre + 2 / stretch)) + 1)
        x = np.abs((centre - taps) * stretch)
        weight = np.where(
            x <= 1,
            1.5 * x**3 - 2.5 * x**2 + 1,
            np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0),
        )
        weight /= weight.sum()
        for tap, w in zip(taps % (2 * n_in), weight):
            matrix[i, tap if tap < n_in else 2 * n_in - 1 - tap] += w
    return matrix


def resize(plane, height, width):
    return resize_matrix(height, plane.shape[0]) @ plane @ resize_matrix(width, plane.shape[1]).T


def to_bytes(plane):
    return np.clip(np.round(plane), 0, 255)


def measure(folder, name, scale):
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
    bicubic = to_bytes(resize(resize(rounded, height // scale, width // scale), height, width))
    return (
        psnr(a[inner], b[inner]),
        ssim(a[inner], b[inner]),
        psnr(rounded[inner], bicubic[inner]),
        ssim(rounded[inner], bicubic[inner]),
        wrong.max(),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scale", type=int, default=2)
    arguments = parser.parse_args()

    names = sorted(p.name[: -len("-sr.png")] for p in arguments.folder.glob("*-sr.png"))
    rows = [measure(arguments.folder, name, arguments.scale) for name in names]
    print(f"{'':24} {'model':>18} {'bicubic':>18}  small picture off by")
    for name, row in zip(names + ["mean"], rows + [np.mean(rows, 0)]):
        print(f"{name:24} {row[0]:9.4f} {row[1]:.6f} {row[2]:9.4f} {row[3]:.6f}  {row[4]:g}")


if __name__ == "__main__":
    main()
