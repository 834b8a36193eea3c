"""Images that are their own numbers, a module that records what it is given, and its training."""

import threading

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules.base import already_a_batch
from datamodules.contract import FaceBatch, FaceDataset
from datamodules.loading.prefetch_loader import PrefetchLoader
from datamodules.loading.samplers import ShardedSampler
from tests.support.quiet_trainer import quiet_trainer

LENGTH = 45


class NumberedImages(FaceDataset):
    """Sample i has a grey image of value i; counts its batches, and can fail or wait."""

    def __init__(self, fails_at: int = -1) -> None:
        self.fails_at, self.reads = fails_at, 0
        self.go_on = threading.Event()
        self.go_on.set()

    def __len__(self) -> int:
        return LENGTH

    def labels(self, index: Tensor) -> FaceBatch:
        return {"label": index % 3}

    def read(self, index: Tensor) -> FaceBatch:
        self.go_on.wait()
        self.reads += 1
        if self.fails_at in index.tolist():
            raise ValueError(f"sample {self.fails_at} is damaged")
        image = index.to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
        return {"image": image, **self.labels(index)}


def make_loader(dataset: Dataset, kind: type[DataLoader] = PrefetchLoader, **options) -> DataLoader:
    shuffle = options.pop("shuffle", False)
    sampler = ShardedSampler(dataset, shuffle=shuffle, seed=3)
    return kind(dataset, batch_size=4, sampler=sampler, collate_fn=already_a_batch, **options)


class Recorder(pl.LightningModule):
    """Records what it is given; can fail in a training step."""

    def __init__(self, fails_at: int = -1) -> None:
        super().__init__()
        self.layer, self.fails_at = torch.nn.Linear(48, 3), fails_at
        self.seen: list[tuple[str, int, list[int]]] = []

    def _loss(self, batch: FaceBatch, stage: str) -> Tensor:
        self.seen.append((stage, self.current_epoch, batch["index"].tolist()))
        x = batch["image"].flatten(1) / 255
        return torch.nn.functional.cross_entropy(self.layer(x), batch["label"].clamp(min=0))

    def training_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        if batch_idx == self.fails_at:
            raise RuntimeError("this step fails")
        return self._loss(batch, "train")

    def validation_step(self, batch: FaceBatch, batch_idx: int) -> None:
        self._loss(batch, "val")

    def predict_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        return batch["index"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class NumberedData(pl.LightningDataModule):
    def __init__(self, kind: type[DataLoader] = PrefetchLoader, *, sharded: bool = True) -> None:
        super().__init__()
        self.kind, self.sharded = kind, sharded

    def train_dataloader(self) -> DataLoader:
        if self.sharded:
            return make_loader(NumberedImages(), self.kind, shuffle=True)
        return self.kind(NumberedImages(), batch_size=4, shuffle=True, collate_fn=already_a_batch)

    def val_dataloader(self) -> DataLoader:
        return make_loader(NumberedImages(), self.kind)

    def predict_dataloader(self) -> DataLoader:
        return self.val_dataloader()


def make_trainer(**options) -> pl.Trainer:
    return quiet_trainer(**{"max_epochs": 2, "devices": 1, "limit_val_batches": 2} | options)
