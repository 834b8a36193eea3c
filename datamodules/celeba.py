"""CelebA: 202,599 faces of 10,177 people with 40 binary attributes (Liu et al., ICCV 2015)."""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from datamodules.augmentation import Augmentation
from datamodules.base import Attributes, FaceBatch, FaceDataModule, FaceDataset, Split
from datamodules.biased_sample import BiasedSample, draw_biased_sample
from datamodules.celeba_files import ATTRIBUTES, IMAGES, CelebAFiles, read_celeba_files
from datamodules.errors import DatasetError
from datamodules.face_alignment import align, centre_square, rescale_points
from datamodules.image_files import read_rgb, usable

Crop = Literal["aligned", "center"]

SPLITS: tuple[Split, ...] = ("train", "val", "test")  # in the order of the partition's numbers

WIDTH, HEIGHT = 178, 218

MEAN_LANDMARKS = np.array([[69.5, 111.4], [107.5, 111.2], [88.1, 135.2], [72.5, 152.0], [104.4, 151.7]])
"""(5, 2) pixels in an official 178 x 218 image, in the order of `face_alignment.TEMPLATE`."""


def crop_face(image: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """A (size, size, 3) crop of an aligned CelebA image at any uniform scale.

    `aligned` moves CelebA's mean landmarks as near as can be (1.8 of 112 pixels, root mean square) to the
    template of recognisers, alike in all images (they are aligned already); `center` takes the centre square.

    Raises:
        ValueError: if `aligned` meets an image without the shape of CelebA's aligned ones.
    """
    if crop == "center":
        return centre_square(image, size)
    height, width = image.shape[:2]
    if abs(width / height * HEIGHT / WIDTH - 1) > 0.03:
        raise ValueError(
            f"{width}x{height} pixels are not a scaled {WIDTH}x{HEIGHT}; use the aligned and cropped "
            "images of CelebA, or --data.init_args.crop center"
        )
    return align(image, rescale_points(MEAN_LANDMARKS, np.array([width / WIDTH, height / HEIGHT])), size)


class CelebADataset(FaceDataset):
    """One split.

    Args:
        files: the annotations.
        rows: (n,) places in them of the split's images.
        crop: see `crop_face`.
        size: side of the images in pixels.
        augmentation: changes training images; None leaves them as they are.
    """

    def __init__(
        self, files: CelebAFiles, rows: np.ndarray, crop: Crop, size: int, augmentation: Augmentation | None
    ) -> None:
        self.folder, self.file = files.folder, files.file[rows]
        self.crop, self.size, self.augmentation = crop, size, augmentation
        self.labels = torch.from_numpy(np.stack([files.labels[name][rows] for name in ATTRIBUTES])).long()

    def __len__(self) -> int:
        return len(self.file)

    def _image(self, index: int) -> np.ndarray:
        path = self.folder / str(self.file[index])
        image = read_rgb(path)
        try:
            image = crop_face(image, self.crop, self.size)
        except ValueError as error:
            raise DatasetError(f"{path}: {error}") from None
        return image if self.augmentation is None else self.augmentation(image, index)

    def read(self, index: Tensor) -> FaceBatch:
        """The samples at `index`: uint8 images and every attribute."""
        images = np.stack([self._image(i) for i in index.tolist()])
        labels = self.labels[:, index]  # one storage for all, so that it crosses processes once
        return {
            "image": torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
            **dict(zip(ATTRIBUTES, labels.unbind(), strict=True)),
        }


class CelebA(FaceDataModule):
    """CelebA with its official partition; images as (3, size, size) uint8 RGB.

    Attributes of a batch are the 40 official ones in lower case (`smiling`, `male`, ...; no 0, yes 1),
    `gender` (that is `male`) and `identity` (-1 throughout in Kaggle's variant, which has none).

    Args:
        root: folder of the annotation files and `img_align_celeba/`; the authors' layout or Kaggle's.
        size: side of the images in pixels.
        crop: `aligned` puts the features where recognisers expect them, `center` takes the centre square.
        augment: mirror, shift, scale, turn and re-light training images a little.
        bad_images: what to do at set-up about missing, empty or cut-short image files.
        train_sample: a balanced and skewed sample in place of the whole training split.
        val_sample: the same of the validation split.
        test_sample: the same of the test split.
        batch_size: samples a batch and process.
        num_workers: loader processes; 0 loads in the training process.
        seed: of the samples, the order and the augmentation.
    """

    def __init__(
        self,
        root: str,
        size: int = 112,
        crop: Crop = "aligned",
        augment: bool = False,
        bad_images: Literal["raise", "skip"] = "raise",
        train_sample: BiasedSample | None = None,
        val_sample: BiasedSample | None = None,
        test_sample: BiasedSample | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size=batch_size, num_workers=num_workers, seed=seed)
        self.root, self.bad_images = Path(root).expanduser(), bad_images
        self.size, self.crop, self.augment = size, crop, augment
        if size < 1:
            raise ValueError(f"size is {size} pixels, it must be at least 1")
        self.samples = dict(zip(SPLITS, (train_sample, val_sample, test_sample), strict=True))
        for sample in filter(None, self.samples.values()):
            sample.check(ATTRIBUTES)
        self._rows: dict[Split, np.ndarray] = {}

    @property
    def attributes(self) -> Attributes:
        """Class names of the 42 attributes."""
        return ATTRIBUTES

    @cached_property
    def files(self) -> CelebAFiles:
        """The annotations, read once; raises `DatasetError` if they are missing or damaged."""
        files = read_celeba_files(self.root)
        if len(files.file) != IMAGES:
            rank_zero_warn(f"{self.root}: a subset of {len(files.file):,} of {IMAGES:,} images is used")
        return files

    @property
    def fingerprint(self) -> str:
        """sha256 of the annotation files, `crop`, `size` and the images of each split built so far."""
        rows = {split: hashlib.sha256(rows.tobytes()).hexdigest() for split, rows in self._rows.items()}
        parts = [self.files.digest, self.crop, self.size, sorted(rows.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _draw(self, split: Split, rows: np.ndarray) -> np.ndarray:
        if (sample := self.samples[split]) is None:
            return rows
        labels = {name: self.files.labels[name][rows] for name in sample.names}
        try:
            return rows[draw_biased_sample(labels, sample, self.seed)]
        except DatasetError as error:
            raise DatasetError(f"{split}_sample: {error}") from None

    def _usable(self, rows: np.ndarray) -> np.ndarray:
        paths = [f"{self.files.folder}/{name}" for name in self.files.file[rows]]
        return rows[usable(paths, self.bad_images)]

    def make_dataset(self, split: Split) -> CelebADataset:
        """Build one split; raises `DatasetError` when files are missing, damaged or too few for a sample."""
        rows = np.flatnonzero(self.files.partition == SPLITS.index(split))
        if self.bad_images == "skip":  # a sample is drawn from what is left, so that it stays balanced
            rows = self._draw(split, self._usable(rows))
        else:
            rows = self._usable(self._draw(split, rows))
        if not len(rows):
            raise DatasetError(f"{self.root}: no image to use in the {split} split; see list_eval_partition")
        self._rows[split] = rows
        augmentation = Augmentation(len(rows), self.seed) if self.augment and split == "train" else None
        return CelebADataset(self.files, rows, self.crop, self.size, augmentation)
