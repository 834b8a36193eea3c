import contextlib
import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_modules import lntl
from lightning_modules.backbones.factory import build_backbone
from lightning_modules.lntl import LNTL
from lightning_modules.training.cached_frozen_outputs import cache_frozen_outputs


def count_calls(module: Any, name: str) -> list[int]:
    calls: list[int] = []
    inner = module.get_submodule(name)
    forward = type(inner).forward
    inner.__class__ = type(
        "Counted", (type(inner),), {"forward": lambda s, *a: calls.append(1) or forward(s, *a)}
    )
    return calls


def make(toy: dict[str, Any], trainable: str) -> Any:
    backbone = build_backbone(
        toy["backbone"], weights=toy["weights"], trainable=trainable, options=toy["backbone_options"]
    )
    return backbone.double().train()


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [("none", (1, 1, 1)), ("last_stage", (1, 1, 2)), ("all", (2, 2, 2))],
)
def test_frozen_layers_are_evaluated_once_and_others_each_time(trainable, expected, toy, batch):
    backbone = make(toy, trainable)
    plain = copy.deepcopy(backbone)
    names = ("conv1", "layer3.0.conv1", "layer4.0.conv1")
    calls = [count_calls(backbone.network, name) for name in names]
    prepared = count_calls(backbone, "preprocess")
    with cache_frozen_outputs(backbone):
        answers = [backbone(batch["image"]) for _ in range(2)]
    assert tuple(map(len, calls)) == expected
    assert len(prepared) == 1
    for answer in answers:
        assert torch.equal(answer, plain(batch["image"]))
    backbone(batch["image"])
    assert len(prepared) == 2, "nothing is remembered afterwards"


def test_other_images_and_changed_weights_get_their_own_answers(toy, batch):
    backbone = make(toy, "last_stage")
    plain = copy.deepcopy(backbone)
    with cache_frozen_outputs(backbone):
        first = backbone(batch["image"])
        other = backbone(batch["image"].flip(3).contiguous())
        for network in (backbone.network, plain.network):
            network.layer4[0].conv1.weight.data.mul_(1.1)
        changed = backbone(batch["image"])
    assert not torch.equal(first, other)
    assert torch.equal(changed, plain(batch["image"]))
    assert not torch.equal(changed, first)


def test_an_answer_that_someone_else_wrote_to_is_computed_again(toy, batch):
    backbone = make(toy, "last_stage")
    layer3: Any = backbone.network.layer3
    kept: list[Tensor] = []
    handle = layer3.register_forward_hook(lambda module, given, output: kept.append(output))
    with cache_frozen_outputs(backbone):
        expected = backbone(batch["image"]).detach()
        kept[0].mul_(2)
        again = backbone(batch["image"])
    handle.remove()
    assert torch.equal(again, expected)


def test_lntl_trains_the_same_with_and_without_it(toy, batch, fit, monkeypatch):
    options = {"task": "smiling", "sensitive": "emotion", "hidden": 8, "trainable": "last_stage"}
    states = []
    for shared in (True, False):
        if not shared:
            monkeypatch.setattr(lntl, "cache_frozen_outputs", lambda backbone: contextlib.nullcontext())
        torch.manual_seed(0)
        module = LNTL(**toy, **options)
        fit(module, batch, steps=3)
        states.append(module.state_dict())
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name
