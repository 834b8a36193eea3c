"""A checkpoint on FaceNet's pooled features: the same network without being told again, in every format."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.baseline import Baseline
from lightning_modules.sensitivenets import SensitiveNets
from lightning_modules.training.init_weights import init_weights_from
from recipes.embedding.embedder import embedder_facts, load_embedder
from storage.checkpoints import WeightsError
from tests.support.checkpoints import write_checkpoint
from tests.support.export_command import run_export
from tests.support.facenet import SIZE, write_facenet
from tests.support.methods import ATTRIBUTES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def facenet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Keywords of a method."""
    path = write_facenet(tmp_path_factory.mktemp("weights") / "facenet.safetensors")
    options = {"features": "pooled"}
    return {
        "attributes": ATTRIBUTES, "backbone": "inception_resnet_v1", "weights": str(path),
        "backbone_options": options,
    }  # fmt: skip


@pytest.fixture(scope="module")
def baseline(facenet, tmp_path_factory) -> tuple[Baseline, Path]:
    module = Baseline(**facenet, task="emotion", trainable="last_stage", hidden=4).eval()
    with torch.no_grad():
        module.backbone.network.block8.conv2d.weight.mul_(1.5)  # type: ignore[union-attr, operator]
    return module, write_checkpoint(module, tmp_path_factory.mktemp("baseline"))


def noise() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (2, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)


def test_a_checkpoint_needs_no_file_and_no_option(baseline):
    module, path = baseline
    again = load_embedder(path)
    assert torch.equal(again.embed(noise()), module.embed(noise()))
    facts = embedder_facts(again, path)
    assert (facts["features"], facts["normalisation"]) == ("pooled", "per_image")


def test_training_starts_from_such_a_checkpoint(baseline, facenet):
    module, path = baseline
    fresh = Baseline(**facenet, task="emotion", trainable="last_stage", hidden=4).eval()
    assert not torch.equal(fresh.embed(noise()), module.embed(noise()))
    init_weights_from(fresh, str(path), may_lack="none")
    assert torch.equal(fresh.embed(noise()), module.embed(noise()))
    unaware = Baseline(**facenet | {"weights": "checkpoint"}, task="emotion", hidden=4)
    with pytest.raises(WeightsError, match=r"normalises images per_image, the new network fixed"):
        init_weights_from(unaware, str(path), may_lack="none")


def test_every_format_holds_pooled_features(baseline, tmp_path):
    """The command itself compares each file with the checkpoint."""
    _, path = baseline
    run_export("--ckpt", path, "--out", tmp_path / "out")
    about = json.loads((tmp_path / "out" / "config.json").read_text())
    assert about["output"]["shape"] == ["batch", 1792]
    assert about["normalisation"] == {"channel_order": "rgb", "normalisation": "per_image"}
    assert about["facts"]["features"] == "pooled"
    assert len(about["files"]) == 3


def test_a_suppressor_behind_pooled_features_is_exported(facenet, tmp_path):
    module = SensitiveNets(**facenet, sensitive="emotion", target="sad", width=6, layers=2, hidden=4).eval()
    path = write_checkpoint(module, tmp_path / "run")
    run_export("--ckpt", path, "--out", tmp_path / "out", "--formats", "safetensors")
    again = load_embedder(backbone=str(tmp_path / "out" / "embedding.safetensors"))
    assert torch.equal(again.embed(noise()), module.embed(noise()))
    assert again.backbone.num_features == 6
