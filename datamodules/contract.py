"""The batch contract: what every dataset returns and every method reads."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.utils.data import Dataset


class Visit(NamedTuple):
    """A visit of a sample by the training: random changes depend on it and the seed alone."""

    epoch: int = 0
    repeat: int = 0
    """Number of times that the epoch has shown the sample before, on all ranks together."""


class TrainIndex(int):
    """The index of a sample together with its visit, so that it reaches any loader process."""

    visit: Visit

    def __new__(cls, index: int, visit: Visit) -> "TrainIndex":
        """Make the integer `index` with its visit."""
        made = super().__new__(cls, index)
        made.visit = visit
        return made

    def __getnewargs__(self) -> tuple[int, Visit]:  # type: ignore[override]  # for pickle; int's has one
        return int(self), self.visit


FaceBatch = dict[str, Tensor]
"""The batch that every loader yields.

`image` (N, 3, H, W) RGB, uint8 or float32 in [0, 1]; `index` (N,) int64, the index of the sample in its
split; and an int64 (N,) tensor for each attribute of the dataset (`identity`, `gender`, `smiling`, ...): the
index of the class in the DataModule's `attributes[name]`, or -1 where it is unknown. Losses and metrics
ignore -1. Padding samples (see `samplers`) have -1 everywhere but in `image` and `embedding`.

`embedding` (N, D) float32 replaces `image` when the data are an embedding table; coloured MNIST
adds `color_map` (N, 3, 14, 14) int64.
"""


Split = Literal["train", "val", "test"]


SPLITS: tuple[Split, ...] = get_args(Split)


Attributes = Mapping[str, Sequence[str]]
"""Class names of each attribute, in label order: `{"gender": ("female", "male"), ...}`."""


_INPUTS = ("image", "embedding")  # what a network reads; the rest of a batch are labels


def _masked(values: Tensor, padding: Tensor) -> Tensor:
    return values.masked_fill(padding.view(-1, *[1] * (values.ndim - 1)), -1)  # maps (N, ...) have more axes


class FaceDataset(Dataset[FaceBatch], ABC):
    """A dataset that is read by whole batches, so that Python does no work per sample."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def labels(self, index: Tensor) -> FaceBatch:
        """Return every attribute (N,) at `index` (N,) int64, without reading an image."""

    @abstractmethod
    def read(self, index: Tensor) -> FaceBatch:
        """Return the samples at `index` (N,) int64, all within `range(len(self))`."""

    def read_visits(self, index: Tensor, visits: Sequence[Visit]) -> FaceBatch:
        """Return the samples at `index` (N,), each as one visit of the training sees it.

        A dataset that changes samples at random draws by the visit, and keeps no count of its own.
        """
        return self.read(index)

    def __getitems__(self, indices: Sequence[int]) -> FaceBatch:
        """Return the batch at `indices`; DataLoader calls this once per batch. Index -1 is padding."""
        index = torch.as_tensor(indices, dtype=torch.int64)
        visits = [i.visit if isinstance(i, TrainIndex) else Visit() for i in indices]
        batch = self.read_visits(index.clamp(min=0), visits)
        batch["index"] = index.clone()
        padding = index < 0
        if padding.any():
            batch = {k: v if k in _INPUTS else _masked(v, padding) for k, v in batch.items()}
        return batch

    def __getitem__(self, index: int) -> FaceBatch:
        return {k: v[0] for k, v in self.__getitems__([range(len(self))[index]]).items()}
