"""Writes a miniature MNIST: the four idx files, unpacked."""

import struct
from pathlib import Path

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]


def write_mnist(root: Path, train: int = 80, test: int = 20) -> tuple[Pair, Pair]:
    """The images (n, 28, 28) and digits (n,) of both pairs; digit d is a bar at a place of its own."""
    rng = np.random.default_rng(3)
    pairs = []
    for part, count in (("train", train), ("t10k", test)):
        digit = np.arange(count, dtype=np.uint8) % 10
        image = np.zeros((count, 28, 28), dtype=np.uint8)
        for i, d in enumerate(digit):
            image[i, 4 + 2 * d : 7 + 2 * d, 5:23] = rng.integers(1, 256, (3, 18))
        write_idx(root / "MNIST" / "raw" / f"{part}-images-idx3-ubyte", image)
        write_idx(root / "MNIST" / "raw" / f"{part}-labels-idx1-ubyte", digit)
        pairs.append((image, digit))
    return pairs[0], pairs[1]


def write_idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())
