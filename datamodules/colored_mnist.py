"""Coloured MNIST: digits whose colour reveals the class in training and nothing in testing."""

from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from datamodules.annotations.mnist_files import Digits, download_mnist, read_mnist
from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Attributes, FaceBatch, FaceDataset, Split
from datamodules.loading.digit_colors import COLORS, color_labels, draw_color, draw_jittered, paint
from storage.checksums import json_sha256


class ColoredDigits(FaceDataset):
    """One split; the colour of an image depends only on the seed, the split and its index.

    Args:
        digits: the grey images.
        split: in training each digit has its own colour, in the others colours are drawn at random.
        variance: of the jitter.
        seed: of the draws.
    """

    def __init__(self, digits: Digits, *, split: Split, variance: float, seed: int) -> None:
        self.digits, self.variance, self.seed = digits, variance, seed
        self.split, self.biased = SPLITS.index(split), split == "train"

    def __len__(self) -> int:
        return len(self.digits.digit)

    def labels(self, index: Tensor) -> FaceBatch:
        """Return `digit` and `color` (N,) at `index` (N,)."""
        digit = self.digits.digit[index]
        color = digit.clone() if self.biased else draw_color(self.seed, self.split, index)
        return {"digit": digit, "color": color}

    def read(self, index: Tensor) -> FaceBatch:
        """Return images (N, 3, 28, 28) uint8 at `index` (N,), labels, and `color_map` (N, 3, 14, 14)."""
        labels = self.labels(index)
        rgb = draw_jittered(labels["color"], self.variance, self.seed, self.split, index)
        image = paint(self.digits.image[index], rgb)
        return {"image": image, "color_map": color_labels(image), **labels}


class ColoredMNIST(FaceDataModule):
    """MNIST in colour, as in "Learning Not to Learn"; images are (3, 28, 28) uint8 RGB.

    In training each digit has its own of ten colours; each image is the grey image times (that colour + N(0,
    variance)), redrawn until it is in range. In testing the colour is one of the ten, drawn for each image,
    with the same jitter. The authors' files are not available and the paper does not say this much: the
    colours are those of a public re-implementation, the rule for testing is from memory, and the truncated
    normal distribution is the rule, of those in `benchmarks/colored_mnist_rules.py`, with which the plain
    classifier comes nearest to the published one. Expect the authors' ranking of methods, not their numbers.

    The authors have no validation split. Here it is the last share of the training file, coloured as in
    testing: coloured as in training, it would prefer a model that reads only the colour. A model chosen by it
    has therefore used what a biased data set does not offer; `last.ckpt` has not. (MNIST's training file does
    not say who wrote a digit: a writer may be in training and validation, but not in testing.)

    Attributes of a batch are `digit` and `color`, that of the mean used. It also has `color_map` (N, 3, 14,
    14) int64, the eighth of each channel, -1 where there is none; see `digit_colors.color_labels`.

    Args:
        root: folder that holds `MNIST/raw/`, as torchvision writes it.
        variance: of the jitter, on the scale from 0 to 1; the paper uses 0.020 to 0.050 in steps of 0.005,
            and the smaller it is, the stronger the bias.
        val_share: share of the training file that is kept for validation; 0 trains on all of it, as the
            authors do, and validates nothing.
        download: download the files with torchvision unless they exist.
        **loading: batch_size, num_workers, seed and train_order; see `FaceDataModule`.

    Raises:
        ValueError: a variance below 0, a share of 1 or more, or `flip`.
    """

    def __init__(
        self,
        root: str,
        variance: float = 0.03,
        val_share: float = 0.1,
        download: bool = False,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        if not 0 <= variance < float("inf"):
            raise ValueError(f"variance is {variance}, it must be 0 or more (the paper's: 0.020 to 0.050)")
        if not 0 <= val_share < 1:
            raise ValueError(f"val_share is {val_share}, it must be at least 0 and below 1")
        if self.flip:
            raise ValueError("flip: a mirrored digit is no digit; leave it out")
        self.root, self.download = Path(root).expanduser(), download
        self.variance, self.val_share = variance, val_share

    @property
    def attributes(self) -> Attributes:
        """The ten digits and the ten colours."""
        return {"digit": tuple("0123456789"), "color": tuple(COLORS)}

    @property
    def fingerprint(self) -> str:
        """sha256 of the files of MNIST and of every setting that an image depends on."""
        parts = [self._files[2], self.variance, self.val_share, self.seed, list(COLORS.values())]
        return json_sha256(parts)

    @cached_property
    def _files(self) -> tuple[Digits, Digits, str]:
        return read_mnist(self.root)

    def prepare_data(self) -> None:
        """Download the files, if asked to; raise `DatasetError` if that fails."""
        if self.download:
            download_mnist(self.root)

    def make_dataset(self, split: Split) -> ColoredDigits:
        """Build one split; raise `DatasetError` if files are missing or damaged."""
        train, test, _ = self._files
        kept = len(train.digit) - round(self.val_share * len(train.digit))
        part = {"train": slice(0, kept), "val": slice(kept, None)}
        digits = test if split == "test" else Digits(train.image[part[split]], train.digit[part[split]])
        return ColoredDigits(digits, split=split, variance=self.variance, seed=self.seed)
