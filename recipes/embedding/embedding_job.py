"""Embed datasets on any number of devices, and resume where the work stopped."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from datamodules.contract import FaceBatch, FaceDataset, Split
from datamodules.jobs.job_shard import Shard, parts_of
from datamodules.loading.late_loader import LateLoader
from datamodules.loading.prefetch_loader import PrefetchLoader
from lightning_modules.training.base import FaceModule
from recipes.command_line.usage_error import UsageError
from recipes.embedding.embedder import embedding_of
from recipes.embedding.embedding_chunks import Chunk, ChunkFolder


class ChunkBatches:
    """Load the batches of some chunks; not a DataLoader, so that Lightning does not replace its sampler."""

    def __init__(
        self, chunks: list[Chunk], datasets: Mapping[Split, FaceDataset], num_workers: int, pin_memory: bool
    ) -> None:
        self.chunks, self.datasets = chunks, datasets
        self.num_workers, self.pin_memory = num_workers, pin_memory

    def __len__(self) -> int:
        return sum(len(chunk.batches) for chunk in self.chunks)

    def __iter__(self) -> Iterator[FaceBatch]:
        kind = PrefetchLoader if self.pin_memory else LateLoader
        for split, chunks in groupby(self.chunks, lambda chunk: chunk.split):
            yield from kind(
                self.datasets[split],
                batch_sampler=[batch for chunk in chunks for batch in chunk.batches],
                collate_fn=_inputs,
                num_workers=self.num_workers,
                pin_memory=self.pin_memory,
            )


def _inputs(batch: Any) -> FaceBatch:
    return {name: batch[name] for name in ("image", "embedding") if name in batch}


class EmbeddingJob(LightningModule):
    """Embed with `Trainer.predict`: each process takes its part of the unfinished chunks.

    Args:
        embedder: the network.
        datasets: splits to embed.
        folder: of their chunks.
        mirror: add the embedding of the mirrored image.
        num_workers: number of loader processes.
        shard: of the chunks; None for all.

    Raises:
        UsageError: `mirror` with a network that reads embeddings; at run time, embeddings that are not
            finite.
    """

    def __init__(
        self,
        embedder: FaceModule,
        datasets: Mapping[Split, FaceDataset],
        folder: ChunkFolder,
        *,
        mirror: bool = False,
        num_workers: int = 0,
        shard: Shard | None = None,
    ) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True  # chunks may be fewer than processes
        if mirror and embedder.backbone.reads != "image":
            raise UsageError(
                "--mirror: an embedding cannot be mirrored; mirror where the images are embedded"
            )
        self.embedder, self.datasets, self.folder = embedder, datasets, folder
        self.mirror, self.num_workers, self.shard = mirror, num_workers, shard
        self.finished = False  # nothing is left; the first process knows and broadcasts it
        self.mine: list[Chunk] = []
        self.ready: list[Tensor] = []

    def predict_dataloader(self) -> ChunkBatches:
        """Load the batches of this process; only the first one decides what is left, and broadcasts it."""
        chunks = self.folder.chunks
        missing = [] if self.finished else self.folder.missing(self.shard)
        todo = [chunks[k] for k in self.trainer.strategy.broadcast(missing)]
        every = sum(len(chunks[k]) for k in parts_of(self.shard, len(chunks)))
        before = every - sum(map(len, todo))
        if before and not self.finished and self.trainer.is_global_zero:
            print(f"{before:,} of {every:,} samples were embedded before, going on")
        self.mine = todo[self.trainer.global_rank :: self.trainer.world_size]
        return ChunkBatches(self.mine, self.datasets, self.num_workers, self.device.type == "cuda")

    def predict_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        """Embed a batch as (N, D) float32; the last batch of a chunk writes it."""
        embedding = embedding_of(self.embedder, self.embedder.inputs(batch), self.mirror)
        self.ready.append(embedding)
        chunk = self.mine[0]
        if sum(map(len, self.ready)) == len(chunk):
            self._write(chunk, torch.cat(self.ready).cpu())
            self.mine, self.ready = self.mine[1:], []
        return embedding

    def _write(self, chunk: Chunk, embedding: Tensor) -> None:
        bad = int((~embedding.isfinite()).any(1).sum())
        if bad:
            precision: Any = self.trainer.precision
            raise UsageError(
                f"{bad} of {len(chunk)} embeddings of the {chunk.split} split from sample {chunk.start} are "
                f"not finite (the precision is {precision}; 32-true has the largest range)"
            )
        self.folder.write(chunk, embedding)
