"""Embeds datasets on any number of devices, and goes on where it was stopped."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from datamodules.contract import FaceBatch, FaceDataset, Split
from datamodules.jobs.job_share import Share, parts_of
from datamodules.loading.late_loader import LateLoader
from datamodules.loading.prefetch_loader import PrefetchLoader
from lightning_modules.training.base import FaceModule
from recipes.command_line.errors import UsageError
from recipes.embedding.embedder import embedding_of
from recipes.embedding.embedding_shards import Shard, ShardFolder


class ShardBatches:
    """What a network reads of some shards, batch by batch; no loader whose sampler Lightning replaces."""

    def __init__(
        self, shards: list[Shard], datasets: Mapping[Split, FaceDataset], num_workers: int, pin_memory: bool
    ) -> None:
        self.shards, self.datasets = shards, datasets
        self.num_workers, self.pin_memory = num_workers, pin_memory

    def __len__(self) -> int:
        return sum(len(shard.batches) for shard in self.shards)

    def __iter__(self) -> Iterator[FaceBatch]:
        kind = PrefetchLoader if self.pin_memory else LateLoader
        for split, shards in groupby(self.shards, lambda shard: shard.split):
            yield from kind(
                self.datasets[split],
                batch_sampler=[batch for shard in shards for batch in shard.batches],
                collate_fn=_inputs,
                num_workers=self.num_workers,
                pin_memory=self.pin_memory,
            )


def _inputs(batch: Any) -> FaceBatch:
    return {name: batch[name] for name in ("image", "embedding") if name in batch}


class EmbeddingJob(LightningModule):
    """For `Trainer.predict`: each process embeds its share of the shards that are not done yet.

    Args:
        embedder: the network.
        datasets: splits to embed.
        folder: of their shards.
        mirror: add the embedding of the mirrored image.
        num_workers: loader processes.
        share: of the shards; None for all.

    Raises:
        UsageError: `mirror` of embeddings that are given; while it runs, embeddings that are not finite.
    """

    def __init__(
        self,
        embedder: FaceModule,
        datasets: Mapping[Split, FaceDataset],
        folder: ShardFolder,
        *,
        mirror: bool = False,
        num_workers: int = 0,
        share: Share | None = None,
    ) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True  # shards may be fewer than processes
        if mirror and embedder.backbone.reads != "image":
            raise UsageError(
                "--mirror: an embedding cannot be mirrored; mirror where the images are embedded"
            )
        self.embedder, self.datasets, self.folder = embedder, datasets, folder
        self.mirror, self.num_workers, self.share = mirror, num_workers, share
        self.finished = False  # nothing is left, as the first process knows; it tells the others
        self.mine: list[Shard] = []
        self.ready: list[Tensor] = []

    def predict_dataloader(self) -> ShardBatches:
        """The batches of this process; the first one says what is left, or others might see it later."""
        shards = self.folder.shards
        missing = [] if self.finished else self.folder.missing(self.share)
        todo = [shards[k] for k in self.trainer.strategy.broadcast(missing)]
        every = sum(len(shards[k]) for k in parts_of(self.share, len(shards)))
        before = every - sum(map(len, todo))
        if before and not self.finished and self.trainer.is_global_zero:
            print(f"{before:,} of {every:,} samples were embedded before, going on")
        self.mine = todo[self.trainer.global_rank :: self.trainer.world_size]
        return ShardBatches(self.mine, self.datasets, self.num_workers, self.device.type == "cuda")

    def predict_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        """The embedding (N, D) float32 of a batch; the last one of a shard writes it."""
        embedding = embedding_of(self.embedder, self.embedder.inputs(batch), self.mirror)
        self.ready.append(embedding)
        shard = self.mine[0]
        if sum(map(len, self.ready)) == len(shard):
            self._write(shard, torch.cat(self.ready).cpu())
            self.mine, self.ready = self.mine[1:], []
        return embedding

    def _write(self, shard: Shard, embedding: Tensor) -> None:
        bad = int((~embedding.isfinite()).any(1).sum())
        if bad:
            precision: Any = self.trainer.precision
            raise UsageError(
                f"{bad} of {len(shard)} embeddings of the {shard.split} split from sample {shard.start} are "
                f"not finite (the precision is {precision}; 32-true has the largest range)"
            )
        self.folder.write(shard, embedding)
