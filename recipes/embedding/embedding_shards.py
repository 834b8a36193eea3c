"""The parts of an embedding that is being made: one file each, whole or not there, of one job alone."""

import hashlib
import json
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
from datamodules.jobs.job_share import Share, parts_of
from storage.atomic import write_bytes
from storage.checksums import tensor_sha256


@dataclass(frozen=True)
class Shard:
    """The samples from `start` to `stop` of a split, in batches of `batch_size` but for a split's last."""

    split: Split
    start: int
    stop: int
    batch_size: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def batches(self) -> list[list[int]]:
        """Places in the split."""
        starts = range(self.start, self.stop, self.batch_size)
        return [list(range(first, min(first + self.batch_size, self.stop))) for first in starts]


@dataclass(frozen=True)
class ShardFolder:
    """Where the shards of a job are until the table is written.

    The batches are the same whatever the number of processes and whatever was done before, because what a
    sample's embedding is can depend, in its last bits, on the batch that it is in.

    Attributes:
        root: folder of the parts of all jobs for one table.
        settings: all that an embedding depends on, and all that the shards' borders depend on.
        sizes: samples of each split, in the order of the table.
        batch_size: samples a batch.
        shard_size: samples a shard, rounded up to whole batches.
    """

    root: Path
    settings: Mapping[str, str]
    sizes: Mapping[Split, int]
    batch_size: int
    shard_size: int

    @property
    def key(self) -> str:
        """sha256 of all attributes but the place."""
        parts = [dict(self.settings), dict(self.sizes), self.batch_size, self.shard_size]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def place(self) -> JobFolder:
        """Keeps apart the processes that work for one table."""
        return JobFolder(self.root, self.root)

    @contextmanager
    def entered(self, share: Share | None) -> Iterator[None]:
        """Work on a share, or alone on all that is left.

        Raises:
            DatasetError: see `JobFolder.entered`.
        """
        if share is None and not self.place.facts.exists():
            with self.place.alone():
                yield
            return
        sizes: dict[str, Any] = {f"samples of {split}": size for split, size in self.sizes.items()}
        borders = {"batch_size": self.batch_size, "shard_size": self.shard_size}
        with self.place.entered(share, dict(self.settings) | sizes | borders):
            yield

    def missing(self, share: Share | None = None) -> list[int]:
        """Numbers of the shards of a share, or of all, that are not done."""
        shards = self.shards
        return [k for k in parts_of(share, len(shards)) if not self.is_done(shards[k])]

    @property
    def folder(self) -> Path:
        """Of this job."""
        return self.root / self.key[:16]

    @property
    def shards(self) -> list[Shard]:
        """All, in the order of the table."""
        step = -(-self.shard_size // self.batch_size) * self.batch_size
        return [
            Shard(split, start, min(start + step, size), self.batch_size)
            for split, size in self.sizes.items()
            for start in range(0, size, step)
        ]

    def _path(self, shard: Shard) -> Path:
        return self.folder / f"{shard.split}_{shard.start:09d}.safetensors"

    def is_done(self, shard: Shard) -> bool:
        """Whether it was written, by this job, whole and with the numbers that were written."""
        try:
            with safe_open(self._path(shard), framework="pt") as file:
                rows = file.get_slice("embedding").get_shape()[0]
                facts = file.metadata() or {}
                if facts.get("key") != self.key or rows != len(shard):
                    return False
                return "sha256" not in facts or facts["sha256"] == tensor_sha256(file.get_tensor("embedding"))
        except (OSError, SafetensorError):
            return False

    def write(self, shard: Shard, embedding: Tensor) -> None:
        """Write (len(shard), D) at once or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = {"key": self.key, "sha256": tensor_sha256(embedding)}
        write_bytes(self._path(shard), save({"embedding": embedding.contiguous()}, facts), shared=True)

    def merge(self) -> Tensor:
        """The embeddings (n, D) of all samples.

        Raises:
            DatasetError: a shard is missing.
        """
        missing = self.missing()
        if missing:
            raise DatasetError(
                f"{self.folder}: lacks {len(missing)} of {len(self.shards)} parts; run the same command "
                "again, it goes on where it stopped"
            )
        return torch.cat(list(self._read()))

    def _read(self) -> Iterator[Tensor]:
        for shard in self.shards:
            yield load_file(self._path(shard))["embedding"]

    def remove(self) -> None:
        """Remove this job's parts, and those of jobs with other settings, which this table replaces."""
        shutil.rmtree(self.root, ignore_errors=True)
