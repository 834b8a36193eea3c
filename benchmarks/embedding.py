"""Embed all images of a dataset."""

from collections.abc import Callable

import torch
from rich.progress import track
from torch import Tensor

from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from recipes.embedding.embedding_source import EmbeddingSource


@torch.inference_mode()
def embed(data: FaceDataModule, network: Callable[[Tensor], Tensor], mirror: bool = False) -> EmbeddingTable:
    """Embed all splits, with `mirror` as the sum over each image and its mirror image."""
    source = EmbeddingSource.build(data, list(SPLITS))
    parts = []
    for name in SPLITS:
        for batch in track(data.loader(name), f"embedding {name}", transient=True):
            found = network(batch["image"])
            parts.append((found + network(batch["image"].flip(-1)) if mirror else found).float())
    return source.table(torch.cat(parts), {"dataset": data.fingerprint})
