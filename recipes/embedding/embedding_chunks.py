"""Store the parts of an unfinished embedding, one complete file each, apart from those of other jobs."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from datamodules.contract import Split
from datamodules.errors import DatasetError
from datamodules.jobs.job_folder import JobFolder
from datamodules.jobs.job_shard import Shard, parts_of
from storage.atomic import write_bytes
from storage.checksums import json_sha256, tensor_sha256


@dataclass(frozen=True)
class Chunk:
    """The samples from `start` to `stop` of a split, in batches of `batch_size` (the last may be smaller)."""

    split: Split
    start: int
    stop: int
    batch_size: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def batches(self) -> list[list[int]]:
        """Indices in the split, batch by batch."""
        starts = range(self.start, self.stop, self.batch_size)
        return [list(range(first, min(first + self.batch_size, self.stop))) for first in starts]


@dataclass(frozen=True)
class ChunkFolder:
    """The folder of the chunks of a job until the table is written.

    The batches are the same for any number of processes and after any interruption, because the last bits of
    an embedding can depend on the batch that its sample is in.

    Attributes:
        root: folder of the parts of all jobs for one table.
        settings: everything that an embedding depends on.
        sizes: number of samples of each split, in the order of the table.
        batch_size: samples in a batch.
        chunk_size: samples in a chunk, rounded up to whole batches.
    """

    root: Path
    settings: Mapping[str, str]
    sizes: Mapping[Split, int]
    batch_size: int
    chunk_size: int

    @property
    def key(self) -> str:
        """sha256 of all attributes but `root`."""
        parts = [dict(self.settings), dict(self.sizes), self.batch_size, self.chunk_size]
        return json_sha256(parts)

    @property
    def place(self) -> JobFolder:
        """The job folder, which keeps processes that work on one table apart."""
        return JobFolder(self.root, self.root)

    @contextmanager
    def entered(self, shard: Shard | None) -> Iterator[None]:
        """Work on a shard, or alone on all that is left.

        Raises:
            DatasetError: see `JobFolder.entered`.
        """
        if shard is None and not self.place.facts.exists():
            with self.place.alone():
                yield
            return
        sizes: dict[str, Any] = {f"samples of {split}": size for split, size in self.sizes.items()}
        borders = {"batch_size": self.batch_size, "shard_size": self.chunk_size}
        with self.place.entered(shard, dict(self.settings) | sizes | borders):
            yield

    def missing(self, shard: Shard | None = None) -> list[int]:
        """List the numbers of the unfinished chunks of a shard, or of all."""
        chunks = self.chunks
        return [k for k in parts_of(shard, len(chunks)) if not self.is_done(chunks[k])]

    @property
    def folder(self) -> Path:
        """The folder of this job's chunks."""
        return self.root / self.key[:16]

    @property
    def chunks(self) -> list[Chunk]:
        """All chunks, in the order of the table."""
        step = -(-self.chunk_size // self.batch_size) * self.batch_size
        return [
            Chunk(split, start, min(start + step, size), self.batch_size)
            for split, size in self.sizes.items()
            for start in range(0, size, step)
        ]

    def _path(self, chunk: Chunk) -> Path:
        return self.folder / f"{chunk.split}_{chunk.start:09d}.safetensors"

    def is_done(self, chunk: Chunk) -> bool:
        """Return whether this job has written a chunk completely, with an intact checksum."""
        try:
            with safe_open(self._path(chunk), framework="pt") as file:
                rows = file.get_slice("embedding").get_shape()[0]
                facts = file.metadata() or {}
                if facts.get("key") != self.key or rows != len(chunk):
                    return False
                return "sha256" not in facts or facts["sha256"] == tensor_sha256(file.get_tensor("embedding"))
        except (OSError, SafetensorError):
            return False

    def write(self, chunk: Chunk, embedding: Tensor) -> None:
        """Write the embeddings (len(chunk), D) atomically."""
        facts = {"key": self.key, "sha256": tensor_sha256(embedding)}
        write_bytes(self._path(chunk), save({"embedding": embedding.contiguous()}, facts), shared=True)

    def merge(self) -> Tensor:
        """Concatenate the embeddings (n, D) of all samples.

        Raises:
            DatasetError: a chunk is missing.
        """
        missing = self.missing()
        if missing:
            raise DatasetError(
                f"{self.folder}: lacks {len(missing)} of {len(self.chunks)} parts; run the same command "
                "again, it goes on where it stopped"
            )
        return torch.cat([load_file(self._path(chunk))["embedding"] for chunk in self.chunks])

    def remove(self) -> None:
        """Remove this job's chunks, and those of jobs with other settings, which the table replaces."""
        shutil.rmtree(self.root, ignore_errors=True)
