"""Writes a small embedding table."""

from pathlib import Path

import numpy as np
import torch

from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.tables.joined_tables import common_rows

ATTRIBUTES = {
    "identity": tuple(f"person_{i}" for i in range(36)),
    "gender": ("female", "male"),
    "smiling": ("no", "yes"),
    "attractive": ("no", "yes"),
    "emotion": ("neutral", "happy", "sad"),
}


def make_table(per_split: int = 48, dimension: int = 32) -> EmbeddingTable:
    """Splits in turn; people in one split each; every combination of the binary attributes in all of them.

    The first numbers of an embedding are the labels, the others are noise.
    """
    n = 3 * per_split
    place = torch.arange(n) // 3  # within the split
    split = torch.arange(n) % 3
    labels = {
        "identity": 12 * split + place % 12,
        "gender": place % 2,
        "smiling": place // 2 % 2,
        "attractive": place // 4 % 2,
        "emotion": place % 3,
    }
    embedding = torch.randn(n, dimension, generator=torch.Generator().manual_seed(5))
    embedding[:, : len(labels)] = torch.stack(list(labels.values()), dim=1).float()
    return EmbeddingTable(
        embedding=embedding,
        labels=labels,
        attributes=ATTRIBUTES,
        sample_id=np.array([f"{i % 7}/face_{i:04d}.jpg" for i in range(n)]),
        split=split.to(torch.int8),
        provenance={"model": "none", "config": "0" * 64},
    )


def write_embeddings(path: Path, per_split: int = 48, dimension: int = 32) -> EmbeddingTable:
    """The table written to `path`."""
    table = make_table(per_split, dimension)
    table.save(path)
    return table


def join(first: EmbeddingTable, second: EmbeddingTable) -> tuple[EmbeddingTable, EmbeddingTable]:
    """The samples that two tables share, of each."""
    rows, other = common_rows(first, second)
    return first.take(rows), second.take(other)
