"""Prepared crops on disk: one memory-mapped array or JPEG files, with a manifest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from datamodules.cropping.crop_chunk import OK
from datamodules.cropping.crop_gather import CropArray
from datamodules.cropping.crop_writer import CROPS, IMAGES, jpeg_name
from datamodules.errors import DatasetError
from datamodules.loading.table_dataset import ImageFiles, ImageSource

MANIFEST, STORE = "manifest.parquet", "store.json"


@dataclass(frozen=True)
class CropStore:
    """A finished folder of `recipes/prepare.py`.

    Attributes:
        folder: the folder.
        size: side of the crops in pixels.
        format: how the crops are stored.
        manifest: one row a sample, indexed by sample id.
        key: digest of the source's annotations, of the parameters and of the code's version.
    """

    folder: Path
    size: int
    format: Literal["memmap", "jpeg"]
    manifest: pd.DataFrame
    key: str

    @classmethod
    def open(cls, folder: Path) -> "CropStore":
        """Open a finished folder.

        Raises:
            DatasetError: the folder does not exist, is not finished, or its files do not belong together.
        """
        if not folder.is_dir():
            raise DatasetError(
                f"{folder}: there is no such folder; recipes/prepare.py makes it with --out {folder}"
            )
        if not (folder / STORE).exists():
            raise DatasetError(
                f"{folder}: has no {STORE}, so it holds no crops or they are not finished; run the command "
                "of recipes/prepare.py that made it again, it goes on where it stopped"
            )
        try:
            store = json.loads((folder / STORE).read_bytes())
            images, size, format, key = (store[name] for name in ("images", "size", "format", "key"))
            manifest = pd.read_parquet(folder / MANIFEST).set_index("sample_id")
            if len(manifest) != images or not manifest.index.is_unique:
                raise ValueError(f"{MANIFEST} has {len(manifest)} rows, {STORE} says {images}")
            opened = cls(folder, size, format, manifest, key)
            if format == "memmap":
                opened._array()
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise DatasetError(
                f"{folder}: damaged ({reason}); delete it and prepare the crops again"
            ) from None
        return opened

    def _array(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        array = np.load(self.folder / CROPS, mmap_mode="r")
        shape = (len(self.manifest), self.size, self.size, 3)
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(f"{CROPS} is {array.shape} {array.dtype}, not {shape} uint8")
        return array

    def rows(self, files: np.ndarray) -> np.ndarray:
        """Return the index (n,) in the store of each of the samples `files`, -1 where there is no crop.

        Raises:
            DatasetError: the store was made from other samples.
        """
        rows = self.manifest.index.get_indexer(pd.Index(files.astype(object)))
        if (rows < 0).any():
            raise DatasetError(
                f"{self.folder}: was prepared from other images: it lacks {(rows < 0).sum():,} of "
                f"{len(files):,}, first {str(files[np.argmin(rows)])!r}; prepare the crops of this dataset "
                "into another folder"
            )
        cropped = (self.manifest["status"] == OK).to_numpy()
        return np.where(cropped[rows], rows, -1)

    def source(self, rows: np.ndarray) -> ImageSource:
        """Return the image source of the crops at `rows`, by their index in `rows`."""
        if self.format == "memmap":
            return CropArray(self._array(), rows)
        names = self.manifest.index[rows]
        return ImageFiles([f"{self.folder}/{IMAGES}/{jpeg_name(name)}" for name in names], _as_it_is)


def _as_it_is(crop: np.ndarray) -> np.ndarray:
    return crop
