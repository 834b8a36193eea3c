"""Write crops so that a crash at any time leaves only complete files."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from datamodules.cropping.face_crop import CropOptions
from datamodules.errors import DatasetError
from storage.atomic import PARTIAL, write_bytes

CROPS = "crops.npy"

IMAGES = "images"


class ArrayWriter:
    """Writes all crops into one .npy file of known size, black where there is none.

    It uses ordinary writes: on a full disk these raise, where a memory map would kill the process.

    Args:
        folder: of the store.
        count: number of samples.
        side: of a crop, in pixels.
    """

    def __init__(self, folder: Path, count: int, side: int) -> None:
        self.path, self.partial = folder / CROPS, folder / (CROPS + PARTIAL)
        header, shape = BytesIO(), (count, side, side, 3)
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        self.header, self.crop_bytes = header.getvalue(), side * side * 3
        self.size = len(self.header) + count * self.crop_bytes

    def create(self, resumed: bool) -> None:
        """Create the file at its final size, sparse; if `resumed`, raise `DatasetError` if it is gone."""
        if resumed:
            if not any(
                path.exists() and path.stat().st_size == self.size for path in (self.partial, self.path)
            ):
                raise DatasetError(
                    f"{self.partial}: missing or damaged; delete {self.path.parent} and start again"
                )
            return
        with open(self.partial, "wb") as file:
            file.write(self.header)
            file.truncate(self.size)

    def write(self, start: int, crops: np.ndarray, cropped: np.ndarray) -> None:
        """Write `crops` (m, side, side, 3) of the samples from `start` on, and sync them to the disk."""
        with open(self.partial, "r+b") as file:
            file.seek(len(self.header) + start * self.crop_bytes)
            file.write(crops.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Rename the file, unless that was done before a crash."""
        if self.partial.exists():
            os.replace(self.partial, self.path)


def jpeg_name(sample: str) -> str:
    """Return the path of a sample's crop below the folder of the images."""
    return sample if sample.lower().endswith(".jpg") else f"{sample}.jpg"


class JpegWriter:
    """Writes a JPEG file for each crop, none where there is no crop.

    Args:
        folder: of the store.
        samples: (n,) str, sample ids.
        quality: of the JPEG files.

    Raises:
        DatasetError: a sample id leads out of the folder, or two ids mean the same file.
    """

    def __init__(self, folder: Path, samples: np.ndarray, quality: int) -> None:
        self.folder, self.quality = folder / IMAGES, quality
        self.names = [jpeg_name(str(sample)) for sample in samples]
        twice = len(set(self.names)) < len(self.names)
        outside = any(name.startswith("/") or ".." in Path(name).parts for name in self.names)
        if twice or outside:
            problem = (
                "two samples would get the same JPEG file" if twice else "a sample id leads out of the folder"
            )
            raise DatasetError(f"{problem}; use --format memmap")

    def create(self, resumed: bool) -> None:
        """Make the folder."""
        self.folder.mkdir(exist_ok=True)

    def write(self, start: int, crops: np.ndarray, cropped: np.ndarray) -> None:
        """Write a file for each of the `crops` (m, side, side, 3) that is `cropped` (m,)."""
        for row in np.flatnonzero(cropped).tolist():
            content = BytesIO()
            Image.fromarray(crops[row]).save(content, format="JPEG", quality=self.quality)
            write_bytes(self.folder / self.names[start + row], content.getvalue(), shared=True)

    def finish(self) -> None:
        """Remove files that crashes left incomplete."""
        for partial in self.folder.rglob(f"*{PARTIAL}"):
            partial.unlink()


CropWriter = ArrayWriter | JpegWriter
"""Writes the crops of a store, chunk by chunk, from any number of processes."""


def make_writer(folder: Path, samples: np.ndarray, options: CropOptions) -> CropWriter:
    """Make the writer for the format of the options."""
    if options.format == "jpeg":
        return JpegWriter(folder, samples, options.quality)
    return ArrayWriter(folder, len(samples), options.side)
