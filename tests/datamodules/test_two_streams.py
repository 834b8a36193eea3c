"""Two streams: whose samples and labels they are, their order, resuming, the command line."""

from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from datamodules.base import FaceDataModule
from datamodules.contract import FaceDataset
from datamodules.train_orders import IdentityBatches
from datamodules.two_streams import TwoStreams
from lightning_modules.sensitivenets import SensitiveNets
from tests.support import toy

NAMES = {
    "photos": {"identity": ("ann", "bob", "cid", "dan"), "gender": ("female", "male")},
    "lab": {"identity": ("s1", "s2", "s3"), "gender": ("female", "male"), "emotion": ("neutral", "happy")},
}
SIZES = {"photos": {"train": 32, "val": 8, "test": 12}, "lab": {"train": 12, "val": 10, "test": 6}}


class Rows(FaceDataset):
    def __init__(self, attributes, n, first):
        self.attributes, self.n, self.first = attributes, n, first

    def __len__(self):
        return self.n

    def labels(self, index):
        return {name: index % len(classes) for name, classes in self.attributes.items()}

    def read(self, index):
        return {"embedding": (self.first + index)[:, None].float().expand(-1, 3), **self.labels(index)}


class Small(FaceDataModule):
    """The first number of an embedding says which sample of which dataset and split it is."""

    fingerprint = "0"

    def __init__(self, name, attributes=None, **options):
        super().__init__(**{"batch_size": 4, **options})
        self.name, self.own = name, attributes or NAMES[name]

    @property
    def attributes(self):
        return self.own

    def make_dataset(self, split):
        first = 1000 * (self.name == "lab") + 100 * ["train", "val", "test"].index(split)
        return Rows(self.own, SIZES[self.name][split], first)


def make(**options):
    own = {"identity": Small("photos", train_order=IdentityBatches(2)), "sensitive": Small("lab")}
    data = TwoStreams(**{**own, **options})
    data.setup("fit")
    return data


def which(batches):
    return torch.cat([batch["embedding"][:, 0] for batch in batches]).int().tolist()


def test_each_stream_is_its_dataset_and_the_shorter_starts_over():
    data = make()
    batches = [batch for batch, _, _ in data.train_dataloader()]
    assert len(batches) == 8
    identity = which([batch["identity_stream"] for batch in batches])
    sensitive = which([batch["sensitive_stream"] for batch in batches])
    assert sorted(identity) == list(range(32))
    assert sorted(sensitive[:12]) == list(range(1000, 1012))
    assert sensitive[:12] == sensitive[12:24]
    for batch in batches:
        people = batch["identity_stream"]["identity"]
        assert sorted(people.bincount()[people.unique()].tolist()) == [2, 2], "the stream's own order"


def test_labels_mean_the_same_in_both_streams():
    data = make()
    names = data.attributes
    assert list(names["identity"]) == [f"identity/{n}" for n in NAMES["photos"]["identity"]] + [
        f"sensitive/{n}" for n in NAMES["lab"]["identity"]
    ]
    assert (list(names["gender"]), list(names["emotion"])) == (["female", "male"], ["neutral", "happy"])
    batch, _, _ = next(iter(data.train_dataloader()))
    photos, lab = batch["identity_stream"], batch["sensitive_stream"]
    place, other = photos["embedding"][:, 0].long(), lab["embedding"][:, 0].long() - 1000
    assert torch.equal(photos["identity"], place % 4)
    assert torch.equal(lab["identity"], 4 + other % 3)
    assert photos["emotion"].tolist() == [-1] * 4
    assert torch.equal(lab["emotion"], other % 2)
    assert photos.keys() == lab.keys()


@pytest.mark.parametrize(("evaluate", "first", "people"), [("sensitive", 1000, 4), ("identity", 0, 0)])
def test_validation_and_test_are_the_chosen_streams(evaluate, first, people):
    data = make(evaluate=evaluate)
    data.setup("test")
    name = {"sensitive": "lab", "identity": "photos"}[evaluate]
    for split, loader in (("val", data.val_dataloader()), ("test", data.test_dataloader())):
        batches, n = list(loader), SIZES[name][split]
        start = first + 100 * ["train", "val", "test"].index(split)
        assert which(batches) == list(range(start, start + n))
        identity = torch.cat([batch["identity"] for batch in batches])
        assert torch.equal(identity, people + torch.arange(n) % len(NAMES[name]["identity"]))
    assert which(data.predict_dataloader()) == which(data.test_dataloader())


def test_a_stream_without_evaluation_needs_no_validation_split():
    class TrainingAlone(Small):
        def make_dataset(self, split):
            assert split == "train"
            return super().make_dataset(split)

    data = make(identity=TrainingAlone("photos"))
    data.setup("test")
    assert len(which(data.val_dataloader())) == 10


def test_padding_is_nobody():
    data = make()
    batch = data.streams["sensitive"].datasets["val"].__getitems__([0, -1])
    assert [batch[name][1].item() for name in ("identity", "emotion", "gender", "index")] == [-1] * 4


def test_attributes_that_contradict_each_other_are_refused():
    swapped = {**NAMES["lab"], "gender": ("male", "female")}
    data = TwoStreams(identity=Small("photos"), sensitive=Small("lab", swapped))
    with pytest.raises(ValueError, match="gender has the classes female, male in .*, but male, female"):
        _ = data.attributes
    one = Small("photos")
    with pytest.raises(ValueError, match="same DataModule"):
        TwoStreams(identity=one, sensitive=one)


def test_the_seed_moves_both_streams_unless_they_have_their_own():
    data = TwoStreams(identity=Small("photos", seed=2), sensitive=Small("lab", seed=30), seed=5)
    assert [stream.seed for stream in data.streams.values()] == [7, 35]
    orders = []
    for seed in (0, 1):
        batches = [batch for batch, _, _ in make(seed=seed).train_dataloader()]
        orders.append([which([b[f"{s}_stream"] for b in batches]) for s in ("identity", "sensitive")])
    assert orders[0][0] != orders[1][0]
    assert orders[0][1] != orders[1][1]


def test_the_fingerprint_follows_both_datasets():
    class Other(Small):
        fingerprint = "1"

    one = make().fingerprint
    changed = [make(identity=Other("photos")), make(sensitive=Other("lab")), make(evaluate="identity")]
    prints = {one, *(data.fingerprint for data in changed)}
    assert len(prints) == 4
    assert one == make().fingerprint
    assert len(one) == 64


def module(attributes):
    torch.manual_seed(0)
    return SensitiveNets(
        attributes=attributes, sensitive="emotion", target="neutral", width=5, hidden=4, rounds=2,
        steps_per_round=4, classifier_steps=4, warmup_rounds=1, backbone="precomputed",
        backbone_options={"num_features": 3}, mining="random",
    )  # fmt: skip


def fit(folder, steps, ckpt=None):
    data = make()
    keep = ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", devices=1, max_steps=steps, logger=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[keep],
    )  # fmt: skip
    trainer.fit(module(data.attributes), datamodule=data, ckpt_path=ckpt, weights_only=True)
    return trainer.lightning_module


@pytest.mark.slow
def test_going_on_from_any_step_is_going_on_without_a_break(tmp_path):
    whole = fit(tmp_path / "whole", 24)
    assert whole.trainer.global_step == 24
    assert whole.trainer.current_epoch == 3
    for step in (2, 3, 7, 8, 13):  # of 8 an epoch, in which the shorter stream starts over after 3 and 6
        rest = fit(tmp_path / f"rest{step}", 24, tmp_path / "whole" / f"step={step}.ckpt")
        for name, value in whole.state_dict().items():
            assert torch.equal(rest.state_dict()[name], value), (step, name)


def test_each_streams_own_images_are_mirrored(monkeypatch):
    data = make(identity=Small("photos", flip=True))
    data.trainer = type("T", (), {"training": True, "current_epoch": 0})()
    data.setup("fit")
    image = torch.arange(6.0).view(1, 1, 1, 6).expand(64, 3, 1, 6)
    batch = {"image": image, "index": torch.arange(64)}
    moved = data.on_after_batch_transfer({"identity_stream": dict(batch), "sensitive_stream": dict(batch)}, 0)
    assert torch.equal(moved["sensitive_stream"]["image"], image)
    mirrored = (moved["identity_stream"]["image"] != image).flatten(1).any(1)
    assert 16 < mirrored.sum() < 48
    assert data.on_after_batch_transfer(batch, 0) is batch


SMALL_FACES = ["size=32", "train_identities=24", "val_identities=12", "test_identities=12", "batch_size=16"]


@pytest.mark.slow
def test_the_shipped_configuration_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    faces = [
        f"--data.init_args.{stream}.init_args.{option}"
        for stream in ("identity", "sensitive")
        for option in [*SMALL_FACES, "images_per_identity=6"]
    ]
    toy.run(
        monkeypatch, "--config", "sensitivenets.yaml", "--config", "data/two_streams.yaml", *faces,
        *toy.BACKBONE, *toy.QUIET, "--trainer.max_epochs=2", "--trainer.limit_train_batches=2",
        "--model.init_args.steps_per_round=1", "--model.init_args.classifier_steps=1",
        "--seed_everything=3",
    )  # fmt: skip
    folder = toy.only_run(Path("runs"))
    record = toy.environment(folder)["dataset"]
    assert record["class"] == "TwoStreams"
    assert len(record["fingerprint"]) == 64
    config = yaml.safe_load((folder / "config.yaml").read_text())["data"]["init_args"]
    assert (config["identity"]["init_args"]["seed"], config["sensitive"]["init_args"]["seed"]) == (0, 500)
    logged = set().union(*({k for k, v in row.items() if v} for row in toy.metrics(folder)))
    assert {"train/delta", "train/sensitive_accuracy"} <= logged
    named = ("verification_auc", "leakage/emotion", "embedding_scale", "effective_rank", "admissible_leakage")
    assert {f"val/{name}" for name in named} <= logged
    assert {"test/leakage/emotion", "test/admissible_leakage"} <= logged
