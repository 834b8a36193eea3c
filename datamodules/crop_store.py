"""Prepared crops on disk: one memory-mapped array or JPEG files, with a manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from datamodules.table_dataset import ImageSource


@dataclass(frozen=True)
class CropStore:
    """A finished folder of `recipes/prepare.py`.

    Attributes:
        folder: the folder.
        size: side of the crops in pixels.
        format: how the crops are kept.
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
        """Open a finished folder; raises `DatasetError` if there is none or it is not finished."""
        raise NotImplementedError

    def rows(self, files: np.ndarray) -> np.ndarray:
        """(n,) places of the samples `files` in the store, -1 where no face was found; raises `DatasetError`."""
        raise NotImplementedError

    def source(self, rows: np.ndarray) -> ImageSource:
        """The crops at `rows`, by their place in `rows`."""
        raise NotImplementedError
