"""Precomputed embeddings: batches of vectors instead of images, from an embedding table."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datamodules.annotations.group_split import check_shares
from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Attributes, FaceBatch, FaceDataset, Split
from datamodules.errors import DatasetError
from datamodules.sampling.split_samples import Sample, apply_sample
from datamodules.tables.embedding_file import TableHeader, read_header
from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.tables.table_options import cross_labels, dealt_image_by_image, with_crossed_names
from storage.checksums import file_sha256, json_sha256

OF_TABLE = "source/"
"""Prefix of the provenance of the table itself, except that of the dataset."""


def memory_bytes() -> int:
    """Return the memory of the machine in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class EmbeddingRows(FaceDataset):
    """One split of a table.

    Args:
        table: all samples; the splits share its embeddings without copying.
        rows: (n,) int64, the samples of the split.
    """

    def __init__(self, table: EmbeddingTable, rows: Tensor) -> None:
        self.embedding, self.rows = table.embedding, rows
        self.names = tuple(table.labels)
        columns = [column[rows] for column in table.labels.values()]
        self.columns = torch.stack(columns) if columns else torch.empty(0, len(rows), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def labels(self, index: Tensor) -> FaceBatch:
        """Return every attribute (N,) at `index` (N,)."""
        return dict(zip(self.names, self.columns[:, index].unbind(), strict=True))

    def read(self, index: Tensor) -> FaceBatch:
        """Return the `embedding` (N, D) float32 at `index` (N,), and every attribute."""
        embedding = self.embedding.index_select(0, self.rows[index])
        return {"embedding": embedding.float(), **self.labels(index)}


class Embeddings(FaceDataModule):
    """The samples of an embedding table; batches have `embedding` (N, D) float32 and no `image`.

    The splits and attributes are those of the dataset that was embedded.

    Args:
        table: file that `recipes/embed.py` wrote.
        max_memory_share: a table larger than this share of the machine's memory stays on disk and is read as
            it is used; a smaller one is read into memory.
        crossed: attributes that combine others, name -> their names, such as {group: [gender, ethnicity]}.
        image_shares: reassigns the images to train, val and test by these shares, one by one; for results
            that were published so, since subjects may then be in several splits.
        train_sample: a sample of the training split, such as a biased one, instead of the whole.
        val_sample: the same of the validation split.
        test_sample: the same of the test split.
        **loading: batch_size, num_workers, seed and train_order; see `FaceDataModule`.

    Raises:
        ValueError: a negative share, or `flip`.
    """

    def __init__(
        self,
        table: str,
        max_memory_share: float = 0.5,
        crossed: dict[str, list[str]] | None = None,
        image_shares: tuple[float, float, float] | None = None,
        train_sample: Sample | None = None,
        val_sample: Sample | None = None,
        test_sample: Sample | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        if not max_memory_share >= 0:
            raise ValueError(f"max_memory_share is {max_memory_share}, it must be 0 or more")
        if self.flip:
            raise ValueError("flip: an embedding cannot be mirrored; embed the mirrored images instead")
        if image_shares is not None:
            check_shares(image_shares)
        self.path, self.max_memory_share = Path(table).expanduser(), max_memory_share
        self.crossed, self.image_shares = crossed or {}, image_shares
        samples = (train_sample, val_sample, test_sample)
        self.samples: dict[Split, Sample | None] = dict(zip(SPLITS, samples, strict=True))
        self._drawn: dict[Split, Tensor] = {}

    @cached_property
    def header(self) -> TableHeader:
        """The header of the file; raises `DatasetError` if it cannot be read."""
        return read_header(self.path)

    @cached_property
    def table(self) -> EmbeddingTable:
        """All samples, read once; raises `DatasetError` if the file is missing or damaged."""
        fits = self.path.is_file() and self.path.stat().st_size <= self.max_memory_share * memory_bytes()
        table = EmbeddingTable.load(self.path, memory_map=not fits)
        if self.crossed:
            table = cross_labels(table, self.crossed)
        if self.image_shares is not None:
            table = replace(table, split=dealt_image_by_image(table.sample_id, self.image_shares))
        return table

    @property
    def attributes(self) -> Attributes:
        """Class names of each attribute, from the header only."""
        return with_crossed_names(self.header.attributes, self.crossed)

    @cached_property
    def _sha256(self) -> str:
        return file_sha256(self.path)

    @property
    def fingerprint(self) -> str:
        """sha256 of the file; if options change what is read, also of them and of the splits built."""
        if not (self.crossed or self.image_shares or any(self.samples.values())):
            return self._sha256
        rows = {name: hashlib.sha256(x.numpy().tobytes()).hexdigest() for name, x in self._drawn.items()}
        return json_sha256([self._sha256, self.crossed, sorted(rows.items())], sort_keys=False)

    def rows(self, split: Split) -> Tensor:
        """Return the table's rows of a split, or of its sample, (n,) int64; drawn once."""
        if split not in self._drawn:
            rows = (self.table.split == SPLITS.index(split)).nonzero()[:, 0].numpy()
            labels = {name: column.numpy() for name, column in self.table.labels.items()}
            rows = apply_sample(self.samples[split], split, rows, labels, self.attributes, self.seed)
            self._drawn[split] = torch.from_numpy(rows)
        return self._drawn[split]

    def sample_ids(self, split: Split) -> np.ndarray:
        """Name the samples (n,) str of a split as the table does."""
        return self.table.sample_id[self.rows(split).numpy()]

    def provenance(self, splits: Sequence[Split]) -> dict[str, str]:
        """State the origin of the samples: that of the data as the table states it, the rest as `source/...`.

        So embeddings before and after are recognised as embeddings of the same samples.
        """
        facts, origin = super().provenance(splits), self.header.provenance
        if "dataset" in origin:
            facts = {name: origin[name] for name in facts if name in origin}
        rest = {OF_TABLE + name: value for name, value in origin.items() if name not in facts}
        return facts | rest | {OF_TABLE + "table": self.fingerprint}

    def learned_from(self) -> np.ndarray | None:
        """Name the samples (m,) str that the table's network or eraser learned from, if it says so."""
        return self.table.learned_from

    def make_dataset(self, split: Split) -> EmbeddingRows:
        """Build one split; raise `DatasetError` if the table is missing, damaged or lacks the split."""
        if not (self.table.split == SPLITS.index(split)).any():
            counts = ((self.table.split == place).sum() for place in range(len(SPLITS)))
            has = ", ".join(f"{count:,} in {name}" for name, count in zip(SPLITS, counts, strict=True))
            raise DatasetError(f"{self.path}: no sample in the {split} split; the table has {has}")
        return EmbeddingRows(self.table, self.rows(split))
