"""The base class of datasets of image files: annotations, samples, and raw images or prepared crops."""

import hashlib
from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.face_table import FaceTable
from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Attributes, Split
from datamodules.cropping.crop_store import CropStore
from datamodules.errors import DatasetError
from datamodules.loading.augmentation import Augmentation
from datamodules.loading.face_alignment import centre_square
from datamodules.loading.image_files import unusable
from datamodules.loading.table_dataset import ImageFiles, TableDataset
from datamodules.sampling.split_samples import Sample, apply_sample
from storage.checksums import json_sha256

DEFAULT_SIZE = 112


def _identities(table: FaceTable, split: Split) -> set[int]:
    identity = table.labels.get("identity", np.full(len(table), -1))
    return set(identity[(table.split == SPLITS.index(split)) & (identity >= 0)].tolist())


class FileFaces(FaceDataModule):
    """Base class of the datasets of image files; images are (3, size, size) uint8 RGB.

    A subclass reads its annotation files into a `FaceTable`; everything else is here. The images are the
    dataset's own files, each brought to `size` by `fit`, or the crops that `recipes/prepare.py` made of them.

    Args:
        root: folder of the dataset's files, as its authors ship them.
        size: side of the images in pixels; null is 112, or that of the prepared crops.
        crops: folder that `recipes/prepare.py` wrote; null reads the dataset's own images.
        augment: flip, shift, scale and rotate training images a little, and change their light.
        bad_images: at set-up, refuse (`raise`) or leave out (`skip`) missing, empty or truncated image files.
        train_sample: a sample of the training split, such as a biased one, instead of the whole.
        val_sample: the same of the validation split.
        test_sample: the same of the test split.
        **loading: batch_size, num_workers, seed, flip and train_order; see `FaceDataModule`.
    """

    crop: str = "center"
    """The part of an original image that `fit` takes; covered by the fingerprint."""

    def __init__(
        self,
        root: str,
        size: int | None = None,
        crops: str | None = None,
        augment: bool = False,
        bad_images: Literal["raise", "skip"] = "raise",
        train_sample: Sample | None = None,
        val_sample: Sample | None = None,
        test_sample: Sample | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        if size is not None and size < 1:
            raise ValueError(f"size is {size} pixels, it must be at least 1")
        self.root, self.bad_images, self.augment = Path(root).expanduser(), bad_images, augment
        self._size, self.crops = size, crops
        samples = (train_sample, val_sample, test_sample)
        self.samples: dict[Split, Sample | None] = dict(zip(SPLITS, samples, strict=True))
        self._rows: dict[Split, np.ndarray] = {}
        self._left_out: dict[Split, dict[str, str]] = {}

    @abstractmethod
    def read_table(self) -> FaceTable:
        """Read the annotation files; raise `DatasetError` if they are missing or damaged."""

    def check_samples(self, attributes: Attributes) -> None:
        """Raise a ValueError if a sample needs attributes or classes that are not among `attributes`."""
        for sample in self.samples.values():
            if sample is not None:
                sample.check(attributes)

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Crop an original image (H, W, 3) to (size, size, 3): its centre square."""
        return centre_square(image, self.size)

    @cached_property
    def table(self) -> FaceTable:
        """The annotations, read once."""
        table = self.read_table()
        if table.published is not None and len(table) != table.published:
            rank_zero_warn(f"{self.root}: a subset of {len(table):,} of {table.published:,} images is used")
        train, test = _identities(table, "train"), _identities(table, "test")
        if again := len(train & test):
            rank_zero_warn(
                f"{self.root}: {again:,} of the {len(test):,} people in test are in training too, so figures "
                "on it are not those of new people; use splits by person if the data offer them"
            )
        return table

    @cached_property
    def store(self) -> CropStore | None:
        """The prepared crops, if any."""
        store = None if self.crops is None else CropStore.open(Path(self.crops).expanduser())
        if store is not None and self._size not in (None, store.size):
            raise DatasetError(
                f"{store.folder}: the crops have {store.size} pixels a side, not {self._size}; leave out "
                "--data.init_args.size, or prepare crops of that size"
            )
        return store

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return self.store.size if self.store else self._size or DEFAULT_SIZE

    @property
    def fingerprint(self) -> str:
        """sha256 of the annotation files, the crops, the size and the images of each split built so far."""
        rows = {split: hashlib.sha256(rows.tobytes()).hexdigest() for split, rows in self._rows.items()}
        images = self.store.key if self.store else self.crop
        parts = [self.table.digest, images, self.size, sorted(rows.items())]
        return json_sha256(parts)

    def sample_ids(self, split: Split) -> np.ndarray:
        """Name the samples (n,) str of a split that was built by their paths below the dataset's folder."""
        return self.table.file[self._rows[split]]

    def left_out(self) -> list[tuple[Split, str, str]]:
        """List split, file and reason of every image of the splits that were built that cannot be used."""
        return [(split, name, why) for split, files in self._left_out.items() for name, why in files.items()]

    def without_augmentation(self) -> None:
        """Build training splits without random changes from now on."""
        self.augment = False

    def _draw(self, split: Split, rows: np.ndarray) -> np.ndarray:
        return apply_sample(self.samples[split], split, rows, self.table.labels, self.attributes, self.seed)

    def _usable(self, split: Split, rows: np.ndarray) -> np.ndarray:
        """Drop the rows (M,) without a usable image, and record why."""
        files = self.table.file[rows]
        if self.store:  # reported when the crops were made
            kept = self.store.rows(files) >= 0
            reasons = self.store.manifest["status"].reindex(files[~kept].astype(object)).tolist()
        else:
            paths = [str(path) for path in self.table.paths(rows)]
            bad = unusable(paths, self.bad_images)
            kept = np.array([path not in bad for path in paths], dtype=bool)
            reasons = [bad[path] for path, keep in zip(paths, kept, strict=True) if not keep]
        self._left_out[split] = dict(zip(files[~kept].tolist(), map(str, reasons), strict=True))
        return rows[kept]

    def make_dataset(self, split: Split) -> TableDataset:
        """Build one split; raise `DatasetError` if files are missing, damaged or too few for a sample."""
        rows = np.flatnonzero(self.table.split == SPLITS.index(split))
        if self.store or self.bad_images == "skip":  # a sample of the remaining images keeps its composition
            rows = self._draw(split, self._usable(split, rows))
        else:
            rows = self._usable(split, self._draw(split, rows))
        if not len(rows):
            raise DatasetError(f"{self.root}: no image to use in the {split} split")
        self._rows[split] = rows
        labels = {name: column[rows] for name, column in self.table.labels.items()}
        if self.store:
            source = self.store.source(self.store.rows(self.table.file[rows]))
        else:
            source = ImageFiles(self.table.paths(rows), self.fit)
        augmentation = Augmentation(self.seed) if self.augment and split == "train" else None
        return TableDataset(labels, source, augmentation)
