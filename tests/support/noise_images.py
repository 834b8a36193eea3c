"""Image files of smooth noise."""

from pathlib import Path

import cv2
import numpy as np


def write_noise(path: Path, rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, ...]) -> None:
    """Write an image of `size` (width, height), enlarged from `cells` (rows, columns[, 3]) of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = rng.integers(0, 256, cells, dtype=np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, size, interpolation=cv2.INTER_CUBIC))


def write_named_noise(path: Path, size: tuple[int, int] = (48, 40)) -> None:
    """Write an image that follows from the file's name."""
    write_noise(path, np.random.default_rng(list(path.name.encode())), size, (3, 4, 3))
