"""The batch contract and the one loader factory of every DataModule."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules.loading.counter_rng import uniform
from datamodules.loading.late_loader import LateLoader
from datamodules.loading.prefetch_loader import PrefetchLoader
from datamodules.loading.samplers import Position, ShardedSampler, TrainIndex, Visit
from datamodules.train_orders import TrainOrder

FaceBatch = dict[str, Tensor]
"""What every loader yields.

`image` (N, 3, H, W) RGB, uint8 or float32 in [0, 1]; `index` (N,) int64, the sample's place in its split;
and an int64 (N,) tensor for each attribute that the dataset has (`identity`, `gender`, `smiling`, ...): the
place of the class in the DataModule's `attributes[name]`, or -1 where it is unknown. Losses and metrics
ignore -1. Padding samples (see `samplers`) have -1 everywhere but in `image` and `embedding`.

`embedding` (N, D) float32 stands in place of `image` when the data are an embedding table; coloured MNIST
adds `color_map` (N, 3, 14, 14) int64.
"""

Split = Literal["train", "val", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)

Attributes = Mapping[str, Sequence[str]]
"""Class names of each attribute, in label order: `{"gender": ("female", "male"), ...}`."""


_FLIP_STREAM = 200
_INPUTS = ("image", "embedding")  # what a network reads; the rest of a batch says what is known of a sample


def _masked(values: Tensor, padding: Tensor) -> Tensor:
    return values.masked_fill(padding.view(-1, *[1] * (values.ndim - 1)), -1)  # maps (N, ...) have more axes


class FaceDataset(Dataset[FaceBatch], ABC):
    """A dataset that is read by whole batches, so that no work is done per sample in Python."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def labels(self, index: Tensor) -> FaceBatch:
        """Every attribute (N,) at `index` (N,) int64, without reading an image."""

    @abstractmethod
    def read(self, index: Tensor) -> FaceBatch:
        """The samples at `index` (N,) int64, all within `range(len(self))`."""

    def read_visits(self, index: Tensor, visits: Sequence[Visit]) -> FaceBatch:
        """The samples at `index` (N,), each as one visit of the training sees it.

        A dataset that changes samples at random draws by the visit, and keeps no count of its own.
        """
        return self.read(index)

    def __getitems__(self, indices: Sequence[int]) -> FaceBatch:
        """The batch at `indices`; DataLoader calls this once a batch. Index -1 is padding."""
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


def _already_a_batch(batch: Any) -> Any:
    return batch


class FaceDataModule(LightningDataModule, ABC):
    """Base of every DataModule: keeps the loaders in one place.

    Args:
        batch_size: samples a batch and process.
        num_workers: loader processes; 0 loads in the training process.
        seed: of the draws and of the order; the command line sets it from `seed_everything`.
        flip: mirror half of the training images, on the device and anew in every epoch.
        train_order: which training samples an epoch reads, in what order; null shuffles all of them.

    Raises:
        ValueError: batches of less than one sample, or fewer than no processes.
    """

    def __init__(
        self,
        batch_size: int = 64,
        num_workers: int = 0,
        seed: int = 0,
        flip: bool = False,
        train_order: TrainOrder | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1 or num_workers < 0:
            raise ValueError(
                f"batch_size is 1 or more and num_workers 0 or more, not {batch_size} and {num_workers}"
            )
        self.batch_size, self.num_workers, self.seed = batch_size, num_workers, seed
        self.flip, self.train_order = flip, train_order
        self.datasets: dict[Split, FaceDataset] = {}

    @property
    @abstractmethod
    def attributes(self) -> Attributes:
        """Class names of each attribute of the batch; known before any data is read."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A hexadecimal digest of what the data are (label files, draws, settings), after `setup`."""

    @abstractmethod
    def make_dataset(self, split: Split) -> FaceDataset:
        """Build one split; raises `DatasetError` when files are missing or damaged."""

    def setup(self, stage: str) -> None:
        """Build the splits of a stage: `fit` (train, val), `validate`, `test`, `predict` (test)."""
        wanted: dict[str, tuple[Split, ...]] = {"fit": ("train", "val"), "validate": ("val",)}
        for split in wanted.get(stage, ("test",)):
            if split not in self.datasets:
                self.datasets[split] = self.make_dataset(split)

    def loader(self, split: Split, *, shuffle: bool = False) -> DataLoader[FaceBatch]:
        """The loader of a split that `setup` built; shuffled loaders drop an incomplete last batch.

        While training, a shuffled one leaves out the batches of the epoch that were done before.
        """
        dataset = self.datasets[split]
        if shuffle and self.train_order is not None:
            labels = dataset.labels(torch.arange(len(dataset)))
            sampler = self.train_order.sampler(labels, self.attributes, self.batch_size, self.seed)
        else:
            sampler = ShardedSampler(dataset, shuffle=shuffle, seed=self.seed, drop_last=shuffle)
        if shuffle and self.trainer is not None and self.trainer.training:
            sampler.position = self._position
        # on a processor the model keeps all cores busy, and reading ahead gained nothing (benchmarks/)
        kind = PrefetchLoader if torch.cuda.is_available() else LateLoader
        return kind(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            drop_last=shuffle and len(sampler) >= self.batch_size,
            collate_fn=_already_a_batch,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # or an epoch would move the state that the model draws from
        )

    def on_after_batch_transfer(self, batch: FaceBatch, dataloader_idx: int) -> FaceBatch:
        """Mirror training images where they are: each by a draw from the seed, the epoch and its index."""
        trainer = self.trainer
        if self.flip and trainer is not None and trainer.training:
            index, image = batch["index"], batch["image"]
            draw = uniform(self.seed, _FLIP_STREAM, torch.tensor(trainer.current_epoch), index)
            batch["image"] = torch.where((draw < 0.5).view(-1, 1, 1, 1), image.flip(3), image)
        return batch

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        """Shuffled training batches."""
        return self.loader("train", shuffle=True)

    def _position(self) -> Position:
        """The epoch, and the samples of it that this process has trained on already; from the trainer.

        Not from `sampler.epoch`: Lightning sets that of another epoch if it goes on with `max_steps`.
        """
        trainer = self.trainer
        assert trainer is not None
        return Position(trainer.current_epoch, (trainer.fit_loop.batch_idx + 1) * self.batch_size)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        """Validation batches in order, padded across ranks."""
        return self.loader("val")

    def test_dataloader(self) -> DataLoader[FaceBatch]:
        """Test batches in order, padded across ranks."""
        return self.loader("test")

    def predict_dataloader(self) -> DataLoader[FaceBatch]:
        """The test batches again, for `Trainer.predict`."""
        return self.test_dataloader()
