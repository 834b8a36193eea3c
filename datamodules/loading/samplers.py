"""The sampler that gives one process and many processes the same global batches."""

from collections.abc import Callable, Iterator, Sized
from typing import NamedTuple

import pandas as pd
import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import DistributedSampler

from datamodules.contract import TrainIndex, Visit

PADDING = -1
"""Index of a padding sample: a dataset returns unknown (-1) attributes for it, so that no count sees it."""


class Position(NamedTuple):
    """Position of a training in its data.

    Computed from the trainer instead of stored in checkpoints, as a StatefulDataLoader would: see
    `late_loader`.
    """

    epoch: int
    done: int
    """Number of indices of this rank to skip in this pass, because they were trained on already."""
    passes: int = 0
    """Number of complete passes through the data that the epoch has made before."""


def _earlier(order: Tensor) -> Tensor:
    """Count how often each index (n,) int64 of an order occurs before its own place."""
    samples = order.numpy()
    return torch.from_numpy(pd.Series(samples).groupby(samples).cumcount().to_numpy())


class ShardedSampler(DistributedSampler[int]):
    """Indices of this rank's part of a dataset: `order[rank::world_size]`, in runs of `chunk` indices.

    Batch k of all ranks together holds the same samples as batch k of one process with the batch size times
    the number of ranks. Every rank gets the same number of indices: the last ones are `PADDING` if the
    dataset does not divide evenly, or with `drop_last` (training) the tail is left out. (torch's own sampler
    pads with repeated samples, which a count then sees twice. As a subclass of it, this one is not replaced
    by Lightning.)

    Args:
        dataset: anything with a length.
        shuffle: use a new order in each epoch, the same on all ranks.
        seed: of the order, together with the epoch.
        drop_last: leave out the last samples that do not divide evenly instead of padding.
        chunk: number of consecutive indices that stay together on one rank.

    A DataModule sets `position` to that of its trainer, so that training can resume within an epoch. With
    `shuffle`, indices come as `TrainIndex`, which says which visit of the sample it is.
    """

    def __init__(
        self, dataset: Sized, *, shuffle: bool, seed: int = 0, drop_last: bool = False, chunk: int = 1
    ) -> None:
        distributed = dist.is_available() and dist.is_initialized()
        super().__init__(
            dataset,  # type: ignore[arg-type]  # torch asks for a Dataset but needs only its length
            num_replicas=dist.get_world_size() if distributed else 1,
            rank=dist.get_rank() if distributed else 0,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
        )
        self.length, self.chunk = len(dataset), chunk
        self.position: Callable[[], Position] = lambda: Position(self.epoch, 0)

    def epoch_order(self, generator: torch.Generator) -> Tensor:
        """Order the indices (length,) of an epoch over all ranks; `generator` is the same on all of them."""
        return torch.randperm(self.length, generator=generator) if self.shuffle else torch.arange(self.length)

    def __len__(self) -> int:
        shared = self.chunk * self.num_replicas
        return self.chunk * (self.length // shared if self.drop_last else -(-self.length // shared))

    def __iter__(self) -> Iterator[int]:
        epoch, done, passes = self.position()
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        total = len(self) * self.num_replicas
        order = self.epoch_order(generator)[:total]
        order = torch.cat([order, order.new_full((total - len(order),), PADDING)])
        mine = self._share(order)[done:].tolist()
        if not self.shuffle:
            return iter(mine)
        earlier = _earlier(order)
        repeats = self._share(earlier + passes * (int(earlier.max()) + 1 if total else 0))[done:].tolist()
        return (TrainIndex(i, Visit(epoch, repeat)) for i, repeat in zip(mine, repeats, strict=True))

    def _share(self, order: Tensor) -> Tensor:
        return order.view(-1, self.num_replicas, self.chunk)[:, self.rank].flatten()
