"""The base class of every DataModule, with its one factory of loaders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from datamodules.contract import Attributes, FaceBatch, FaceDataset, Split
from datamodules.loading.counter_rng import uniform
from datamodules.loading.late_loader import LateLoader
from datamodules.loading.prefetch_loader import PrefetchLoader
from datamodules.loading.samplers import Position, ShardedSampler
from datamodules.train_orders import TrainOrder

_FLIP_STREAM = 200


def already_a_batch(batch: Any) -> Any:
    """Return what the dataset made: its `__getitems__` returns whole batches."""
    return batch


class FaceDataModule(LightningDataModule, ABC):
    """Base class of every DataModule: builds the loaders in one place.

    Args:
        batch_size: samples in a batch of one process.
        num_workers: number of loader processes; 0 loads in the training process.
        seed: of the draws and of the order; the command line sets it from `seed_everything`.
        flip: mirror half of the training images, on the device and anew in every epoch.
        train_order: which training samples an epoch reads, in what order; null shuffles all of them.

    Raises:
        ValueError: a batch size below 1, or a negative number of processes.
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
        """Hexadecimal digest of the data (label files, draws, settings), after `setup`."""

    @abstractmethod
    def make_dataset(self, split: Split) -> FaceDataset:
        """Build one split; raise `DatasetError` if files are missing or damaged."""

    def sample_ids(self, split: Split) -> np.ndarray:
        """Name the samples (n,) str of a split that was built; without names they are numbered."""
        return np.array([f"{split}/{index:06d}" for index in range(len(self.datasets[split]))], dtype=np.str_)

    def provenance(self, splits: Sequence[Split]) -> dict[str, str]:
        """State the origin of the samples of some splits, which were built.

        Returns:
            `data` (the class), `dataset` (the fingerprint) and `splits` (those that the fingerprint covers).
        """
        return {"data": type(self).__name__, "dataset": self.fingerprint, "splits": ",".join(splits)}

    def learned_from(self) -> np.ndarray | None:
        """Name the samples (m,) str that the data were learned from, if they are embeddings with a record."""
        return None

    def left_out(self) -> list[tuple[Split, str, str]]:
        """List split, file and reason of every unused image of the splits that were built."""
        return []

    def without_augmentation(self) -> None:
        """Build training splits without random changes from now on."""

    def setup(self, stage: str) -> None:
        """Build the splits of a stage: `fit` (train, val), `validate`, `test`, `predict` (test)."""
        wanted: dict[str, tuple[Split, ...]] = {"fit": ("train", "val"), "validate": ("val",)}
        for split in wanted.get(stage, ("test",)):
            if split not in self.datasets:
                self.datasets[split] = self.make_dataset(split)

    def loader(self, split: Split, *, shuffle: bool = False) -> DataLoader[FaceBatch]:
        """Build the loader of a split that `setup` built; shuffled loaders drop an incomplete last batch.

        During training, a shuffled loader skips the batches of the epoch that were already trained on.
        """
        dataset = self.datasets[split]
        if shuffle and self.train_order is not None:
            labels = dataset.labels(torch.arange(len(dataset)))
            sampler = self.train_order.sampler(labels, self.attributes, self.batch_size, self.seed)
        else:
            sampler = ShardedSampler(dataset, shuffle=shuffle, seed=self.seed, drop_last=shuffle)
        if shuffle and self.trainer is not None and self.trainer.training:
            sampler.position = self._position
        # on a CPU the model keeps all cores busy, and reading ahead gains nothing (benchmarks/)
        kind = PrefetchLoader if torch.cuda.is_available() else LateLoader
        return kind(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            drop_last=shuffle and len(sampler) >= self.batch_size,
            collate_fn=already_a_batch,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # so that an epoch leaves the model's random state alone
        )

    def on_after_batch_transfer(self, batch: FaceBatch, dataloader_idx: int) -> FaceBatch:
        """Mirror training images on their device, by a draw from the seed, the epoch and their index."""
        trainer = self.trainer
        if self.flip and trainer is not None and trainer.training:
            index, image = batch["index"], batch["image"]
            draw = uniform(self.seed, _FLIP_STREAM, torch.tensor(trainer.current_epoch), index)
            batch["image"] = torch.where((draw < 0.5).view(-1, 1, 1, 1), image.flip(3), image)
        return batch

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        """Load shuffled training batches."""
        return self.loader("train", shuffle=True)

    def _position(self) -> Position:
        """Return the epoch, and how many of its samples this process has trained on, from the trainer.

        Not from `sampler.epoch`: Lightning sets that to another epoch when it resumes with `max_steps`.
        """
        trainer = self.trainer
        assert trainer is not None
        return Position(trainer.current_epoch, (trainer.fit_loop.batch_idx + 1) * self.batch_size)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        """Load validation batches in order, padded across ranks."""
        return self.loader("val")

    def test_dataloader(self) -> DataLoader[FaceBatch]:
        """Load test batches in order, padded across ranks."""
        return self.loader("test")

    def predict_dataloader(self) -> DataLoader[FaceBatch]:
        """Load the test batches, for `Trainer.predict`."""
        return self.test_dataloader()
