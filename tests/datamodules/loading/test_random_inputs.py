"""Every random draw on the way in follows from seed, epoch and index, whatever the workers and restarts."""

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader

from datamodules.base import FaceDataModule
from datamodules.celeba import CelebA
from datamodules.colored_mnist import ColoredMNIST
from datamodules.contract import FaceBatch, TrainIndex, Visit
from datamodules.loading.late_loader import LateLoader
from datamodules.loading.prefetch_loader import PrefetchLoader
from datamodules.loading.samplers import ShardedSampler
from datamodules.sampling.biased_sample import BiasedSample
from datamodules.sampling.mixed_sample import MixedSample
from datamodules.synthetic_faces import SyntheticFaces
from datamodules.train_orders import IdentityBatches, MixedOrder
from datamodules.two_streams import TwoStreams
from tests.support.celeba_tree import write_celeba
from tests.support.marks import slow
from tests.support.mnist_tree import write_mnist

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")

FACES = {"size": 32, "train_identities": 12, "val_identities": 12, "test_identities": 12}
Make = Callable[[Path, int], FaceDataModule]


def _celeba(root: Path, workers: int, **options: Any) -> CelebA:
    if not root.exists():
        write_celeba(root, count=240)
    options = {"batch_size": 16, "size": 32, "augment": True, "flip": True} | options
    return CelebA(str(root), num_workers=workers, seed=5, **options)


def _mnist(root: Path, workers: int) -> ColoredMNIST:
    if not root.exists():
        write_mnist(root, train=60)
    return ColoredMNIST(str(root), batch_size=16, num_workers=workers, seed=5)


def _streams(root: Path, workers: int) -> TwoStreams:
    long = _celeba(root / "a", workers, train_order=IdentityBatches(2))
    short = _celeba(root / "b", workers, train_sample=MixedSample({"female": 1, "male": 1}, "gender", 36))
    return TwoStreams(identity=long, sensitive=short, seed=5)


def _faces(_: Path, workers: int) -> SyntheticFaces:
    return SyntheticFaces(
        batch_size=16, num_workers=workers, seed=5, flip=True, images_per_identity=6,
        train_order=MixedOrder(["gender"]), **FACES,
    )  # fmt: skip


INPUTS: dict[str, Make] = {
    "shuffled, augmented and mirrored": _celeba,
    "identity batches": lambda root, n: _celeba(root, n, train_order=IdentityBatches(2)),
    "a mix that shows some samples again": lambda root, n: _celeba(
        root, n, train_order=MixedOrder(["gender"], {"female": 0.9, "male": 0.1})
    ),
    "a biased sample": lambda root, n: _celeba(root, n, train_sample=BiasedSample(n=40, share=0.7)),
    "a mixed sample": lambda root, n: _celeba(
        root, n, train_sample=MixedSample({"female": 3, "male": 1}, "gender", 40)
    ),
    "two streams": _streams,
    "synthetic faces": _faces,
    "coloured MNIST": _mnist,
}


def _digest(batch: Any) -> str:
    if isinstance(batch, Tensor):
        return hashlib.sha256(batch.numpy().tobytes()).hexdigest()
    return hashlib.sha256("".join(f"{k}{_digest(batch[k])}" for k in sorted(batch)).encode()).hexdigest()


class _Seen(LightningModule):
    """Keeps a digest of every training batch, as the step gets it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.batches: dict[tuple[int, int], str] = {}

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        self.batches[self.current_epoch, batch_idx] = _digest(batch)
        return self.weight.square().sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _fit(
    folder: Path, data: FaceDataModule, epochs: int, start: Path | None = None
) -> dict[tuple[int, int], str]:
    module = _Seen()
    trainer = Trainer(
        default_root_dir=folder, max_epochs=epochs, accelerator="cpu", logger=False, limit_val_batches=0,
        enable_progress_bar=False, enable_model_summary=False,
        callbacks=[ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)],
    )  # fmt: skip
    trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
    return module.batches


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_a_resumed_training_sees_the_same_with_any_workers(name: str, tmp_path: Path):
    make = INPUTS[name]
    whole = _fit(tmp_path / "whole", make(tmp_path / "data", 0), 3)
    a_epoch = len(whole) // 3
    assert a_epoch >= 2
    assert len(set(whole.values())) == len(whole), "two batches are alike, so the test could not fail"
    for steps, workers in ((a_epoch, 2), (a_epoch + 1, 0)):
        start = tmp_path / "whole" / f"step={steps}.ckpt"
        rest = _fit(tmp_path / f"rest{steps}", make(tmp_path / "data", workers), 3, start)
        assert rest == {at: digest for i, (at, digest) in enumerate(whole.items()) if i >= steps}


@pytest.mark.parametrize("order", [None, slow(IdentityBatches(2)), slow(MixedOrder(["gender"], {"male": 1}))])
def test_two_ranks_see_what_one_does(order: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def epoch(size: int) -> list[FaceBatch]:
        data = _celeba(tmp_path / "data", 0, batch_size=size, train_order=order)
        data.setup("fit")
        loader = data.train_dataloader()
        loader.sampler.set_epoch(2)
        return list(loader)

    together, ranks = epoch(8), []
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    for rank in (0, 1):
        monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
        ranks.append(epoch(4))
    assert len(together) == len(ranks[0]) == len(ranks[1]) > 5
    for whole, *parts in zip(together, *ranks, strict=True):

        def images(batches: list[FaceBatch]) -> list[tuple[int, bytes]]:
            pairs = [zip(b["index"].tolist(), b["image"], strict=True) for b in batches]
            return sorted((i, image.numpy().tobytes()) for part in pairs for i, image in part)

        assert images([whole]) == images(parts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [DataLoader, LateLoader, PrefetchLoader])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_given_up_midway_changes_nothing_of_the_next(kind: Any, workers: int, tmp_path: Path):
    data = _celeba(tmp_path / "data", 0)
    data.setup("fit")
    dataset = data.datasets["train"]

    def loader() -> DataLoader[FaceBatch]:
        return kind(
            dataset, batch_size=16, sampler=ShardedSampler(dataset, shuffle=True), num_workers=workers,
            collate_fn=dict, persistent_workers=workers > 0,
        )  # fmt: skip

    def second_epoch(loader: DataLoader[FaceBatch]) -> list[str]:
        loader.sampler.set_epoch(1)  # type: ignore[attr-defined]
        return [_digest(batch) for batch in loader]

    left = loader()
    next(iter(left))
    assert second_epoch(left) == second_epoch(loader())


def test_a_repeated_sample_is_augmented_differently(tmp_path: Path):
    data = _celeba(tmp_path / "data", 0, train_order=MixedOrder(["gender"], {"male": 1}))
    data.setup("fit")
    shown: dict[int, list[bytes]] = {}
    for batch in data.train_dataloader():
        for i, image in zip(batch["index"].tolist(), batch["image"], strict=True):
            shown.setdefault(i, []).append(image.numpy().tobytes())
    again = [images for images in shown.values() if len(images) > 1]
    assert len(again) > 10
    differ = sum(len(set(images)) > 1 for images in again)
    assert differ > len(again) / 2  # an eighth of the draws leave the image as it is


def test_an_index_knows_its_visit_and_is_otherwise_plain():
    sampler = ShardedSampler(range(40), shuffle=True)
    sampler.set_epoch(3)
    indices = list(sampler)
    assert sorted(indices) == list(range(40))
    assert all(isinstance(i, TrainIndex) and i.visit == Visit(epoch=3) for i in indices)
    assert not any(isinstance(i, TrainIndex) for i in ShardedSampler(range(40), shuffle=False))
    assert any(a > b for a, b in pairwise(indices))
