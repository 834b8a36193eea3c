"""Weights meet the classes that they were trained on, in their order, or are refused in one line."""

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from lightning_modules.attractiveness import Attractiveness
from lightning_modules.baseline import Baseline
from lightning_modules.dann import DANN
from lightning_modules.face_recognition import FaceRecognition
from lightning_modules.lntl import LNTL
from storage.checkpoints import WeightsError

OTHERS = {
    "other names": (["no", "zz_yes"], r"\(no, yes\) of smiling, and the data have \(no, zz_yes\): give it"),
    "another order": (
        ["yes", "no"],
        r"\(no, yes\) of smiling, and the data have \(yes, no\): .*another order",
    ),
    "more": (["no", "yes", "so"], r"\(no, yes\) of smiling, and the data have \(no, yes, so\)"),
}


def with_classes(toy: dict[str, Any], **classes: list[str]) -> dict[str, Any]:
    return {**toy, "attributes": toy["attributes"] | classes}


@pytest.fixture
def trained(toy, batch, fit, tmp_path):
    """Writes the checkpoint of a method and says where."""

    def write(method: Any, **options: Any) -> str:
        fit(method(**toy, **options), batch).save_checkpoint(tmp_path / "a.ckpt")
        return str(tmp_path / "a.ckpt")

    return write


def loader(batch: Any) -> DataLoader:
    return DataLoader([batch], batch_size=None)


def refused(act: Any, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as error:
        act()
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("names", OTHERS)
@pytest.mark.parametrize("role", ["task", "sensitive"])
def test_going_on_and_testing_want_the_classes_of_the_training(names, role, toy, batch, fit, trained):
    roles = {"task": "smiling", "sensitive": "emotion"}
    roles = roles if role == "task" else {"task": "emotion", "sensitive": "smiling"}
    options = {**roles, "hidden": 8, "trainable": "all"}
    path = trained(DANN, **options)
    classes, message = OTHERS[names]
    other = DANN(**with_classes(toy, smiling=classes), **options)
    trainer = fit(DANN(**toy, **options), batch)
    refused(lambda: trainer.fit(other, loader(batch), ckpt_path=path, weights_only=True), message)
    refused(lambda: trainer.test(other, loader(batch), ckpt_path=path, weights_only=True), message)
    same = DANN(**with_classes(toy, attractive=["b", "a"]), **options)
    trainer.test(same, loader(batch), ckpt_path=path, weights_only=True, verbose=False)


@pytest.mark.parametrize("names", OTHERS)
def test_a_start_wants_the_classes_of_the_training(names, toy, trained):
    path = trained(Baseline, task="smiling", hidden=8, trainable="last_stage")
    classes, message = OTHERS[names]
    options = {"task": "smiling", "sensitive": "emotion", "hidden": 8, "start_from": path}
    refused(lambda: LNTL(**with_classes(toy, smiling=classes), **options).setup("fit"), message)
    LNTL(**with_classes(toy, emotion=["a", "b"]), **options).setup("fit")  # of which it has no weights


def test_weights_of_another_task_are_refused_though_they_fit(toy, batch, fit, trained):
    path = trained(Baseline, task="smiling", hidden=8, trainable="all")
    other = Baseline(**toy, task="attractive", hidden=8, trainable="all")
    message = "was trained with task smiling, and here task is attractive"
    refused(lambda: fit(other, batch).test(other, loader(batch), ckpt_path=path, weights_only=True), message)
    options = {"sensitive": "emotion", "hidden": 8, "start_from": path}
    refused(lambda: LNTL(**toy, task="attractive", **options).setup("fit"), f"start_from: .*{message}")


def test_weights_of_another_sensitive_attribute_are_refused(toy, batch, fit, trained):
    names = {"task": "smiling", "hidden": 8, "trainable": "all"}
    path = trained(DANN, **names, sensitive="attractive")
    other = DANN(**with_classes(toy, blond=["no", "yes"]), **names, sensitive="blond")
    message = "was trained with sensitive attractive, and here sensitive is blond"
    refused(lambda: fit(other, batch | {"blond": batch["smiling"]}).fit(
        other, loader(batch), ckpt_path=path, weights_only=True), message)  # fmt: skip
    path = trained(Attractiveness, sensitive="smiling", hidden=8, trainable="all")
    watched = Attractiveness(**toy, sensitive="emotion", hidden=8, trainable="all")
    fit(watched, batch).test(watched, loader(batch), ckpt_path=path, weights_only=True, verbose=False)


def test_of_many_people_the_first_that_differs_is_named(toy, batch, fit, trained):
    people = [f"p{k:04d}" for k in range(2000)]
    path = trained(FaceRecognition)
    other = FaceRecognition(**with_classes(toy, identity=people))
    message = r"\(a, b, c, d\) of identity, and the data have \(p0000, p0001, p0002, ...: 2000\)"
    refused(lambda: fit(other, batch).test(other, loader(batch), ckpt_path=path, weights_only=True), message)
    toy = with_classes(toy, identity=people)
    trainer = fit(FaceRecognition(**toy), batch)
    trainer.save_checkpoint(path)
    people = [*people[:1000], *people[1001:], "late"]
    other = FaceRecognition(**with_classes(toy, identity=people))
    message = r"\(..., p1000, p1001, p1002, ...: 2000\) of identity, and the data have \(..., p1001, "
    refused(lambda: trainer.test(other, loader(batch), ckpt_path=path, weights_only=True), message)


def test_a_start_brings_the_weights_of_the_backbone(toy, trained):
    path = trained(Baseline, task="smiling", hidden=8, trainable="last_stage")
    options = {"task": "smiling", "sensitive": "emotion", "hidden": 8}
    with pytest.raises(WeightsError, match="weights: random"):
        LNTL(**toy | {"weights": None}, **options)
    module = LNTL(**toy | {"weights": None}, **options, start_from=path)
    module.setup("fit")
    stored = torch.load(path, weights_only=True)
    name = "backbone.network.conv1.0.weight"
    assert torch.equal(module.state_dict()[name], stored["state_dict"][name])
    assert module.backbone.random, "what was frozen there, nobody trained"
