"""The embedding table: a representation of each sample, with its labels, in one file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules.contract import SPLITS
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
    length) int32 code points, padded with zeros; `learned_from`, likewise, if it is recorded; and the header
    as JSON in the metadata.

    Attributes:
        embedding: (n, D) float32, or float16 to halve the file.
        labels: (n,) int64 for each attribute, -1 where unknown.
        attributes: class names of each attribute, in label order.
        sample_id: (n,) str, by which tables of several representations are joined.
        split: (n,) int8, index of the split in `contract.SPLITS`, -1 for a sample in none.
        provenance: origin of the table: model, config hash, dataset fingerprint, ...
        learned_from: (m,) str, ids of all samples that a network or an eraser learned from on the way to this
            table, as far as that is recorded; None without a record.

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
    learned_from: np.ndarray | None = None

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
        if self.learned_from is not None and (self.learned_from.dtype.kind, self.learned_from.ndim) != (
            "U",
            1,
        ):
            raise ValueError(f"learned_from must be strings, it is {_kind(self.learned_from)}")
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
        if self.learned_from is not None and len(self.learned_from):
            tensors["learned_from"] = code_points(self.learned_from)
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
        names = ["embedding", "split", "sample_id", *(f"labels.{name}" for name in header.attributes)]
        with opened(path) as file:
            if recorded := "learned_from" in file.keys():  # noqa: SIM118  # a handle, which cannot be iterated
                names.append("learned_from")
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
                learned_from=strings_of(tensors["learned_from"]) if recorded else None,
            )


def _kind(column: Tensor | np.ndarray) -> str:
    return f"{tuple(column.shape)} of {column.dtype}"
