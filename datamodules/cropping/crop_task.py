"""A cropping task in chunks, and the files that record its progress."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datamodules.cropping.crop_writer import CropWriter, make_writer
from datamodules.cropping.face_crop import CropOptions
from datamodules.errors import DatasetError
from datamodules.jobs.job_shard import Shard, parts_of

if TYPE_CHECKING:
    from datamodules.cropping.face_detector import FaceDetector

PARTS = "parts"


@dataclass(frozen=True)
class CropTask:
    """A cropping task, as every process needs to know it.

    Attributes:
        out: folder of the store.
        source: folder of the photographs.
        samples: (n,) str, sample ids: paths below `source`.
        options: of the crops.
        make_detector: called once in each process.
        batch_size: largest number of images that a detector sees at once.
        threads: number of threads that decode ahead of the detector when there is one process; 0 for none.
        chunk: number of samples that are recorded together.
        shard: of the chunks, for this machine; None for all.
    """

    out: Path
    source: Path
    samples: np.ndarray
    options: CropOptions
    make_detector: "Callable[[], FaceDetector]"
    batch_size: int = 16
    threads: int = 0
    chunk: int = 128
    shard: Shard | None = None

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-len(self.samples) // self.chunk)

    @property
    def mine(self) -> range:
        """The chunks of the shard."""
        return parts_of(self.shard, self.chunks)

    @cached_property
    def writer(self) -> CropWriter:
        """Writes crops to their final place; raises `DatasetError` for sample ids that cannot name files."""
        return make_writer(self.out, self.samples, self.options)

    @property
    def own_files(self) -> bool:
        """True if the crops of each chunk go to a file of their own, which is copied into the array later.

        On network file systems, two machines that write to one file can undo each other's bytes.
        """
        return self.shard is not None and self.options.format == "memmap"

    def piece(self, k: int) -> Path:
        """Return the file of the crops of chunk `k`, see `own_files`."""
        return self.out / PARTS / f"{k:06d}.crops"

    def read_piece(self, k: int) -> np.ndarray:
        """Read this file, (m, side, side, 3) uint8; raise `DatasetError` if it has another size."""
        shape = (len(self.rows(k)), self.options.side, self.options.side, 3)
        try:
            return np.fromfile(self.piece(k), dtype=np.uint8).reshape(shape)
        except ValueError:
            raise DatasetError(
                f"{self.piece(k)}: damaged; delete it and {self.record(k).name}, then run this again"
            ) from None

    def rows(self, k: int) -> range:
        """Return the samples of chunk `k`."""
        return range(k * self.chunk, min((k + 1) * self.chunk, len(self.samples)))

    def paths(self, chunks: Iterable[int]) -> Iterator[str]:
        """Yield the photographs of `chunks`."""
        return (f"{self.source}/{self.samples[row]}" for k in chunks for row in self.rows(k))

    def record(self, k: int) -> Path:
        """Return the file whose existence means that chunk `k` is done."""
        return self.out / PARTS / f"{k:06d}.parquet"

    def undone(self, chunks: Iterable[int]) -> list[int]:
        """List the unfinished ones of `chunks`."""
        return [k for k in chunks if not self.record(k).exists()]
