"""Read MNIST's four idx files, as its authors ship them; refuse damaged ones."""

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor
from torchvision.datasets import MNIST

from datamodules.annotations.label_table import read_bytes, refuse
from datamodules.errors import DatasetError

SIDE = 28
IMAGES = {"train": 60_000, "t10k": 10_000}

_MD5 = {  # of the unpacked files; torchvision publishes those of the packed ones
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

_HOW_TO_GET = """MNIST is missing: there is no {path}
Expected under `root`
  MNIST/raw/train-images-idx3-ubyte    MNIST/raw/train-labels-idx1-ubyte
  MNIST/raw/t10k-images-idx3-ubyte     MNIST/raw/t10k-labels-idx1-ubyte
Set --data.init_args.root to the folder that holds MNIST/, or let torchvision fetch the files with
--data.init_args.download true."""


@dataclass(frozen=True)
class Digits:
    """The images of one pair of files.

    Attributes:
        image: (n, 28, 28) uint8, grey; ink is bright.
        digit: (n,) int64, 0 to 9.
    """

    image: Tensor
    digit: Tensor


def _content(path: Path) -> bytes:
    packed = path.with_name(f"{path.name}.gz")
    if not path.exists() and packed.exists():
        raise DatasetError(f"{packed}: the file is still packed; unpack it with gunzip --keep {packed}")
    return read_bytes(path, _HOW_TO_GET)


def _values(path: Path, content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Read the values (n, *shape) uint8 of an idx file: type and number of axes, their sizes, the values."""
    count = int.from_bytes(content[4:8], "big")
    header = struct.pack(f">{2 + len(shape)}I", 0x0801 + len(shape), count, *shape)
    if not content.startswith(header):
        refuse(path, None, f"not an idx file of {'28x28 images' if shape else 'labels'}")
    values = np.frombuffer(content, dtype=np.uint8, offset=len(header))
    if len(values) != count * math.prod(shape):
        refuse(path, None, f"{len(values):,} bytes of data instead of {count * math.prod(shape):,}")
    return values.reshape(-1, *shape)


def _read_pair(folder: Path, part: str, digest: "hashlib._Hash") -> Digits:
    arrays = []
    for kind, shape in (("images-idx3", (SIDE, SIDE)), ("labels-idx1", ())):
        path = folder / f"{part}-{kind}-ubyte"
        content = _content(path)
        arrays.append(_values(path, content, shape))
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if len(arrays[-1]) == IMAGES[part] and md5 != _MD5[path.name]:
            refuse(path, None, f"damaged or not MNIST's (md5 {md5} instead of {_MD5[path.name]})")
        digest.update(f"{path.name} {md5} ".encode())
    image, digit = arrays
    if len(image) != len(digit):
        refuse(path, None, f"{len(digit):,} labels for {len(image):,} images")
    if not len(digit) or digit.max() > 9:
        refuse(path, None, f"the label {digit.max()} is no digit" if len(digit) else "no labels")
    return Digits(torch.from_numpy(image.copy()), torch.from_numpy(digit.astype(np.int64)))


def read_mnist(root: Path) -> tuple[Digits, Digits, str]:
    """Read and check the files under `root`; warn if they hold only a part of MNIST.

    Returns:
        The images for training, those for testing, and a digest of the files.

    Raises:
        DatasetError: a file is missing (says what is expected and how to get it) or damaged (one line with
            the file and what to do).
    """
    digest = hashlib.sha256()
    train, test = (_read_pair(root / "MNIST" / "raw", part, digest) for part in IMAGES)
    found = (len(train.digit), len(test.digit))
    if found != tuple(IMAGES.values()):
        rank_zero_warn(f"{root}: a subset of {found[0]:,} + {found[1]:,} of MNIST's 60,000 + 10,000 is used")
    return train, test, digest.hexdigest()


def download_mnist(root: Path) -> None:
    """Download and unpack the files unless they exist; raise `DatasetError` if that fails."""
    try:
        MNIST(str(root), download=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise DatasetError(f"MNIST could not be fetched into {root}: {reason}") from error
