"""The embedding table: a representation of each sample, with its labels, in one file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from datamodules.contract import SPLITS
from datamodules.errors import DatasetError
from datamodules.tables.embedding_file import (
    TableHeader,
    check_sums,
    code_points,
    opened,
    read_header,
    strings_of,
    write,
)


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """Embeddings and labels of n samples.

    On disk it is a safetensors file: `embedding`; `labels.<attribute>` (n,) int64; `split`; `sample_id` (n,
    length) int32 code points, padded with zeros; and the header as JSON in the metadata.

    Attributes:
        embedding: (n, D) float32, or float16 to halve the file.
        labels: (n,) int64 for each attribute, -1 where unknown.
        attributes: class names of each attribute, in label order.
        sample_id: (n,) str, by which tables of several representations are joined.
        split: (n,) int8, index of the split in `contract.SPLITS`, -1 for a sample in none.
        provenance: origin of the table: model, config hash, dataset fingerprint, ...

    Raises:
        ValueError: columns of other lengths or types, labels without a class, or embeddings that are not
            finite (says how many).
    """

    embedding: Tensor
    labels: dict[str, Tensor]
    attributes: dict[str, tuple[str, ...]]
    sample_id: np.ndarray
    split: Tensor
    provenance: dict[str, str]

    def __post_init__(self) -> None:
        if self.embedding.ndim != 2 or 0 in self.embedding.shape:
            raise ValueError(f"embedding is {tuple(self.embedding.shape)}, it must be (n, D) with n, D > 0")
        if self.embedding.dtype not in (torch.float32, torch.float16):
            raise ValueError(f"embedding is {self.embedding.dtype}, it must be float32 or float16")
        TableHeader(self.attributes, self.provenance)  # refuses anything but text
        if self.labels.keys() != self.attributes.keys():
            raise ValueError(f"labels of {sorted(self.labels)} but class names of {sorted(self.attributes)}")
        if self.sample_id.dtype.kind != "U" or self.sample_id.shape != (len(self),):
            raise ValueError(f"sample_id must be {len(self)} strings, it is {_kind(self.sample_id)}")
        self._check_column("split", self.split, torch.int8, len(SPLITS))
        for name, column in self.labels.items():
            self._check_column(f"labels of {name}", column, torch.int64, len(self.attributes[name]))
        if not self.embedding.sum(dtype=torch.float32).isfinite():  # 40 times faster than isfinite() of each
            bad = int((~self.embedding.isfinite()).any(1).sum())
            if bad:
                raise ValueError(f"{bad} of {len(self)} embeddings are not finite (NaN or infinity)")

    def _check_column(self, what: str, column: Tensor, dtype: torch.dtype, classes: int) -> None:
        if column.dtype != dtype or column.shape != (len(self),):
            raise ValueError(f"{what} must be {len(self)} of {dtype}, it is {_kind(column)}")
        low, high = int(column.min()), int(column.max())
        if low < -1 or high >= classes:
            raise ValueError(f"{what}: from {low} to {high}, but there are {classes} classes")

    def __len__(self) -> int:
        return len(self.embedding)

    def take(self, rows: Tensor) -> "EmbeddingTable":
        """Return the table of the samples at `rows` (m,) int64, in that order."""
        return replace(
            self,
            embedding=self.embedding.index_select(0, rows),
            labels={name: column[rows] for name, column in self.labels.items()},
            sample_id=self.sample_id[rows.numpy()],
            split=self.split[rows],
        )

    def save(self, path: Path) -> None:
        """Write the file atomically; equal tables give equal bytes."""
        tensors = {
            "embedding": self.embedding.contiguous(),
            "split": self.split.contiguous(),
            "sample_id": code_points(self.sample_id),
            # one column may go by two names (gender, male), and safetensors refuses tensors that overlap
            **{
                f"labels.{name}": column.clone(memory_format=torch.contiguous_format)
                for name, column in self.labels.items()
            },
        }
        write(path, TableHeader(self.attributes, self.provenance), tensors)

    @classmethod
    def load(cls, path: Path, *, memory_map: bool = False) -> "EmbeddingTable":
        """Read and check a file.

        Args:
            path: of the file.
            memory_map: leave the numbers on disk until they are used, for tables larger than the memory; the
                checksum of the embeddings is then not verified.

        Raises:
            DatasetError: the file is missing, truncated, of another kind or version, or inconsistent; one
                line that names it.
        """
        header = read_header(path)
        names = ("embedding", "split", "sample_id", *(f"labels.{name}" for name in header.attributes))
        with opened(path) as file:
            tensors = {name: file.get_tensor(name) for name in names}
            if not memory_map:  # numpy's large pages take a fifth of the time of torch's memory
                tensors = {name: torch.from_numpy(x.numpy().copy()) for name, x in tensors.items()}
            check_sums(file, {n: x for n, x in tensors.items() if not memory_map or n != "embedding"})
            return cls(
                embedding=tensors["embedding"],
                labels={name: tensors[f"labels.{name}"] for name in header.attributes},
                attributes=header.attributes,
                sample_id=strings_of(tensors["sample_id"]),
                split=tensors["split"],
                provenance=header.provenance,
            )


def _kind(column: Tensor | np.ndarray) -> str:
    return f"{tuple(column.shape)} of {column.dtype}"


def check_unique(table: EmbeddingTable, called: str) -> None:
    """Raise a `DatasetError` if a table has a sample twice."""
    names, counts = np.unique(table.sample_id, return_counts=True)
    if len(twice := names[counts > 1]):
        raise DatasetError(f"{called} has {len(twice)} sample id(s) more than once, first {str(twice[0])!r}")


def join(first: EmbeddingTable, second: EmbeddingTable) -> tuple[EmbeddingTable, EmbeddingTable]:
    """Join two tables: the samples of both, in the order of the first; a warning counts those left out.

    Raises:
        DatasetError: a table has a sample twice, there is no common sample, or samples of the same id are not
            the same: of data with another fingerprint, or with other labels. Says how many match.
    """
    for which, table in (("first", first), ("second", second)):
        check_unique(table, f"the {which} table")
    _, left, right = np.intersect1d(
        first.sample_id, second.sample_id, assume_unique=True, return_indices=True
    )
    sizes = f"of {len(first):,} and {len(second):,}"
    if not len(left):
        examples = f"{str(first.sample_id[0])!r} and {str(second.sample_id[0])!r}"
        raise DatasetError(f"the tables have no sample in common, {sizes}; their first are {examples}")
    order = left.argsort()
    joined = first.take(torch.from_numpy(left[order])), second.take(torch.from_numpy(right[order]))
    if problem := _difference(*joined):
        raise DatasetError(
            f"the tables are of other samples: {len(left):,} sample ids match, {sizes}, but {problem}; "
            "embed the same data twice"
        )
    lost = (len(first) - len(left), len(second) - len(right))
    if any(lost):
        rank_zero_warn(
            f"joined {len(left):,} samples; the second table lacks {lost[0]:,} of the first, "
            f"the first lacks {lost[1]:,} of the second"
        )
    return joined


def _difference(first: EmbeddingTable, second: EmbeddingTable) -> str | None:
    """Explain why samples of the same ids, in the same order, differ; None if nothing says so."""
    data, other = (table.provenance.get("dataset") for table in (first, second))
    of, of_other = (table.provenance.get("splits") for table in (first, second))
    # the fingerprint of image files depends on the embedded splits
    if data and other and data != other and of == of_other:
        return f"the fingerprints of the data differ ({data[:12]}... and {other[:12]}...)"
    for name in sorted(first.attributes.keys() & second.attributes.keys()):
        one, two = (np.array((*t.attributes[name], ""))[t.labels[name].numpy()] for t in (first, second))
        differs = (one != two) & (one != "") & (two != "")  # a label that only one knows is no contradiction
        if differs.any():
            return f"{name} differs in {differs.sum():,} of them"
    return None
