from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from datamodules.base import FaceDataModule
from datamodules.contract import Attributes, FaceBatch, FaceDataset
from datamodules.loading.samplers import PADDING, ShardedSampler


def _order(rank: int, world_size: int, length: int, epoch: int = 0, **kwargs) -> list[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dist, "is_initialized", lambda: world_size > 1)
        patch.setattr(dist, "get_world_size", lambda: world_size)
        patch.setattr(dist, "get_rank", lambda: rank)
        sampler = ShardedSampler(range(length), **kwargs)
        sampler.set_epoch(epoch)
        order = list(sampler)
    assert len(order) == len(sampler)
    return order


@given(
    st.integers(0, 60), st.integers(1, 5), st.booleans(), st.booleans(), st.integers(0, 3), st.integers(0, 3)
)
def test_ranks_together_walk_the_order_of_one_process(
    length: int, world_size: int, shuffle: bool, drop_last: bool, seed: int, epoch: int
) -> None:
    options = {"shuffle": shuffle, "seed": seed, "epoch": epoch}
    alone = _order(0, 1, length, **options, drop_last=drop_last)
    assert sorted(alone) == list(range(length))
    shares = [_order(rank, world_size, length, **options, drop_last=drop_last) for rank in range(world_size)]
    together = [index for step in zip(*shares, strict=True) for index in step]
    if drop_last:
        assert together == alone[: length - length % world_size]
    else:
        assert together == alone + [PADDING] * (-length % world_size)


def test_global_batches_are_the_same_for_one_and_two_processes() -> None:
    def batches(order: list[int], size: int) -> list[list[int]]:
        return [order[i : i + size] for i in range(0, len(order), size)]

    alone = batches(_order(0, 1, 50, shuffle=True, drop_last=True), 8)
    shares = [batches(_order(rank, 2, 50, shuffle=True, drop_last=True), 4) for rank in (0, 1)]
    assert [sorted(batch) for batch in alone] == [sorted(a + b) for a, b in zip(*shares, strict=True)]


def test_epoch_and_seed_change_a_shuffled_order_alone() -> None:
    orders = [_order(0, 1, 50, shuffle=True, seed=seed, epoch=epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert _order(0, 1, 50, shuffle=True, seed=1, epoch=1) == orders[3]
    assert _order(0, 1, 5, shuffle=False, seed=1, epoch=1) == list(range(5))


class _Numbers(FaceDataset):
    """Sample i has a grey image of value i, identity 10 i and an even/odd gender."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def labels(self, index: Tensor) -> FaceBatch:
        return {"identity": 10 * index, "gender": index % 2}

    def read(self, index: Tensor) -> FaceBatch:
        assert ((index >= 0) & (index < self.length)).all()
        image = index.to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)
        return {"image": image, **self.labels(index)}


class _NumbersModule(FaceDataModule):
    built: tuple[str, ...] = ()
    fingerprint = "0"

    @property
    def attributes(self) -> Attributes:
        return {"gender": ("female", "male")}

    def make_dataset(self, split) -> _Numbers:
        self.built += (split,)
        return _Numbers({"train": 21, "val": 10, "test": 7}[split])


def test_padding_is_unknown_everywhere_but_in_the_image() -> None:
    batch = _Numbers(5).__getitems__([3, PADDING, 4])
    assert batch["index"].tolist() == [3, -1, 4]
    assert batch["identity"].tolist() == [30, -1, 40]
    assert batch["gender"].tolist() == [1, -1, 0]
    assert batch["image"].shape == (3, 3, 2, 2)


def test_a_single_sample_is_a_row_of_a_batch() -> None:
    data = _Numbers(5)
    assert {k: v.tolist() for k, v in data[3].items() if k != "image"} == {
        "index": 3,
        "identity": 30,
        "gender": 1,
    }
    assert data[-1]["index"].item() == 4  # counted from the end, not padding
    with pytest.raises(IndexError):
        data[5]


@pytest.mark.parametrize(
    ("stage", "splits"),
    [("fit", ("train", "val")), ("validate", ("val",)), ("test", ("test",)), ("predict", ("test",))],
)
def test_each_stage_builds_its_splits_once(stage: str, splits: tuple[str, ...]) -> None:
    datamodule = _NumbersModule()
    datamodule.setup(stage)
    datamodule.setup(stage)
    assert datamodule.built == splits


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loaders_of_one_process(workers: int) -> None:
    datamodule = _NumbersModule(batch_size=4, num_workers=workers)
    datamodule.setup("fit")
    datamodule.setup("test")
    train = [batch["index"].tolist() for batch in datamodule.train_dataloader()]
    assert [len(batch) for batch in train] == [4] * 5
    assert len(set(sum(train, []))) == 20
    assert sum(train, []) != sorted(sum(train, []))
    assert [batch["index"].tolist() for batch in datamodule.val_dataloader()] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]
    for loader in (datamodule.test_dataloader(), datamodule.predict_dataloader()):
        assert [batch["identity"].tolist() for batch in loader] == [[0, 10, 20, 30], [40, 50, 60]]


def test_a_training_split_smaller_than_a_batch_still_gives_one() -> None:
    datamodule = _NumbersModule(batch_size=64)
    datamodule.setup("fit")
    assert [len(batch["index"]) for batch in datamodule.train_dataloader()] == [21]


def test_counts_over_two_ranks_see_every_sample_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    for rank in (0, 1):
        monkeypatch.setattr(dist, "is_initialized", lambda: True)
        monkeypatch.setattr(dist, "get_world_size", lambda: 2)
        monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
        datamodule = _NumbersModule(batch_size=3)
        datamodule.setup("test")
        gender = torch.cat([batch["gender"] for batch in datamodule.test_dataloader()])
        assert len(gender) == 4
        seen += gender[gender >= 0].tolist()
    assert sorted(seen) == [0, 0, 0, 0, 1, 1, 1]


class _Watcher(LightningModule):
    """Keeps the batches as the steps get them; pixel (0, 0) tells mirrored images."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.mirrored: dict[tuple[str, int, int], bool] = {}

    def _watch(self, stage: str, batch: FaceBatch) -> None:
        for i, image in zip(batch["index"].tolist(), batch["image"], strict=True):
            assert sorted(image[0, 0].tolist()) == [0, 1]
            self.mirrored[stage, self.current_epoch, i] = image[0, 0, 0].item() == 1

    def training_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        self._watch("train", batch)
        return self.weight.square().sum()

    def validation_step(self, batch: FaceBatch, batch_idx: int) -> None:
        self._watch("val", batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class _Gradients(_Numbers):
    """Images that are dark on the left and light on the right."""

    def read(self, index: Tensor) -> FaceBatch:
        image = torch.tensor([0, 1], dtype=torch.uint8).expand(len(index), 3, 2, 2)
        return {"image": image, **self.labels(index)}


class _GradientsModule(_NumbersModule):
    def make_dataset(self, split) -> _Numbers:
        return _Gradients(200)


def _mirrored(tmp_path: Path, **options) -> dict[tuple[str, int, int], bool]:
    watcher = _Watcher()
    trainer = Trainer(
        default_root_dir=tmp_path, max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(watcher, _GradientsModule(**options))
    return watcher.mirrored


def test_half_of_the_images_are_mirrored_anew_in_every_epoch(tmp_path) -> None:
    seen = _mirrored(tmp_path, flip=True, batch_size=50)
    train = {key[1:]: mirrored for key, mirrored in seen.items() if key[0] == "train"}
    assert len(train) == 400
    assert 160 < sum(train.values()) < 240  # 4 standard deviations
    changed = sum(train[0, i] != train[1, i] for i in range(200))
    assert 72 < changed < 128
    assert not any(mirrored for key, mirrored in seen.items() if key[0] == "val")
    assert seen == _mirrored(tmp_path, flip=True, batch_size=20)
    assert seen != _mirrored(tmp_path, flip=True, batch_size=50, seed=1)
    assert not any(_mirrored(tmp_path, batch_size=50).values())
