"""Embedders: any method's checkpoint or a bare backbone, without running code of a file."""

import hashlib
import pickle
import sys
from pathlib import Path

import pytest
import timm
import torch
import yaml

from datamodules.synthetic_faces import SyntheticFaces
from lightning_modules.backbones.factory import build_backbone, save_backbone
from lightning_modules.baseline import Baseline
from lightning_modules.lntl import LNTL
from lightning_modules.lntl_joint import LNTLJoint
from lightning_modules.sensitivenets import SensitiveNets
from lightning_modules.sensitivenets_variant import SensitiveNetsVariant
from recipes.command_line.errors import report_errors
from recipes.command_line.usage_error import UsageError
from recipes.embedding.embedder import embedder_facts, load_embedder
from storage.checkpoints import WeightsError
from tests.support.checkpoints import TOY_BACKBONE, Hostile, write_checkpoint
from tests.support.embed_faces import TOY, write_network
from tests.support.marks import slow_but
from tests.support.methods import ATTRIBUTES, METHODS
from tests.support.tiny_onnx import write_onnx


@pytest.fixture
def baseline() -> Baseline:
    torch.manual_seed(0)
    return Baseline(**TOY_BACKBONE, task="emotion", trainable="last_stage", hidden=8)


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randint(256, (3, 3, 40, 40), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_of_every_method_embeds(name, tmp_path, image):
    method = METHODS[name]
    options = method.options | method.unusual
    torch.manual_seed(0)
    weights = write_network(tmp_path / "mine.safetensors")
    module = method.kind(attributes=ATTRIBUTES, backbone=str(weights), trainable=method.trainable, **options)
    path = write_checkpoint(module, tmp_path / "run")
    weights.unlink()
    again = load_embedder(path)
    assert type(again) is method.kind
    assert not again.training
    embedding = again.embed(again.inputs({"image": image}))
    assert embedding.dtype == torch.float32
    assert embedding.shape[0] == 3
    assert torch.equal(embedding, module.eval().embed(image))


@pytest.mark.parametrize(
    ("method", "options", "older", "class_path"),
    [
        (
            LNTLJoint, {"task": "smiling", "hidden": 8, "feature_layer": "layer4"},
            {"scheme": "joint", "stage": "layer4"}, "lightning_modules.lntl.LNTL",
        ),
        (
            LNTL, {"task": "smiling", "hidden": 8},
            {"scheme": "official", "stage": None, "refresh_steps": 0, "pretrain_epochs": 0,
             "schedule": "constant"},
            "lightning_modules.lntl.LNTL",
        ),
        (
            SensitiveNetsVariant, {"target": "uniform", "keep": "similarities", "width": 8}, {},
            "lightning_modules.sensitivenets.SensitiveNets",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["checkpoint", "config"])
def test_a_checkpoint_of_an_older_version_embeds(method, options, older, class_path, place, tmp_path, image):
    torch.manual_seed(0)
    trainable = "none" if issubclass(method, SensitiveNets) else "last_stage"
    module = method(**TOY_BACKBONE, sensitive="emotion", trainable=trainable, **options)

    def change(checkpoint):
        stored = checkpoint["hyper_parameters"]
        if older:
            del stored["feature_layer"]
        stored |= older | ({"_class_path": class_path} if place == "checkpoint" else {})

    path = write_checkpoint(module, tmp_path / "run", change)
    if place == "config":
        config = {"model": {"class_path": class_path, "init_args": {}}}
        (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    again = load_embedder(path)
    assert type(again) is method
    assert torch.equal(again.embed(image), module.eval().embed(image))


def _says(name):
    return lambda checkpoint: checkpoint["hyper_parameters"].update(
        _class_path=name, _instantiator="os.system"
    )


def test_the_method_is_read_from_the_checkpoint(baseline, tmp_path, image):
    path = write_checkpoint(baseline, tmp_path / "run", _says("lightning_modules.baseline.Baseline"))
    (tmp_path / "run" / "config.yaml").unlink()
    moved = path.rename(tmp_path / "a.ckpt")
    assert torch.equal(load_embedder(moved).embed(image), baseline.eval().embed(image))


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "evil.Thing",
        "lightning_modules.evil.Thing",
        "lightning_modules.layers.heads.Head",
        "Baseline",
        "",
        3,
    ],
)
@pytest.mark.parametrize("place", ["checkpoint", "config"])
def test_a_class_from_elsewhere_is_refused_before_it_is_imported(
    name, place, baseline, tmp_path, monkeypatch
):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Thing: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = write_checkpoint(baseline, tmp_path / "run", _says(name) if place == "checkpoint" else None)
    config = {"model": {"class_path": name if place == "config" else "evil.Thing"}}
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(UsageError, match="no method of lightning_modules/"):
        load_embedder(path)
    assert "evil" not in sys.modules
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("config", [None, "", "model: 3", "[", "\xff", "data: {}"])
def test_a_checkpoint_that_does_not_say_its_method(config, baseline, tmp_path):
    path = write_checkpoint(baseline, tmp_path / "run")
    (tmp_path / "run" / "config.yaml").unlink()
    if config is not None:
        (tmp_path / "run" / "config.yaml").write_bytes(config.encode("latin1"))
    with pytest.raises(UsageError, match="does not say which method it is of"):
        load_embedder(path)


@pytest.mark.parametrize("write", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_a_hostile_checkpoint_is_refused_in_one_line(write, tmp_path, capsys):
    path = tmp_path / "evil.ckpt"
    write({"state_dict": {}, "hyper_parameters": Hostile(str(tmp_path / "ran"))}, path)
    with pytest.raises(SystemExit) as stopped:
        report_errors(lambda: load_embedder(path))
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path} is not a checkpoint that can be read safely")
    assert not (tmp_path / "ran").exists()


DAMAGE = {
    "fewer weights": (lambda c: c["state_dict"].popitem(), "not the weights of this network: 1 missing"),
    "no tensors": (
        lambda c: c["state_dict"].update(dict.fromkeys(c["state_dict"], 3)),
        "does not fit Baseline",
    ),
    "no options": (lambda c: c.pop("hyper_parameters"), "does not fit Baseline .* missing 2 required"),
    "odd options": (lambda c: c.update(hyper_parameters=3), "does not fit Baseline"),
    "an unknown option": (lambda c: c["hyper_parameters"].update(x=1), "unexpected keyword argument 'x'"),
    "another task": (lambda c: c["hyper_parameters"].update(task="age"), "no attribute 'age'"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_checkpoint_that_does_not_fit_is_one_line(case, baseline, tmp_path):
    change, message = DAMAGE[case]
    path = write_checkpoint(baseline, tmp_path / "run", change)
    with pytest.raises(WeightsError, match=message) as caught:
        load_embedder(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_bare_backbone_embeds(tmp_path, image):
    path = write_network(tmp_path / "mine.safetensors")
    assert torch.equal(
        load_embedder(backbone=str(path)).embed(image), build_backbone(str(path)).eval()(image)
    )
    rows = torch.randn(4, 7)
    table = load_embedder(backbone="precomputed", options={"num_features": 7})
    assert torch.equal(table.embed(table.inputs({"embedding": rows})), rows)


def test_an_onnx_graph_may_have_moved(tmp_path, image):
    graph = Path(write_onnx(tmp_path / "tiny.onnx"))
    module = Baseline(attributes=ATTRIBUTES, task="emotion", backbone="onnx", weights=str(graph), hidden=8)
    path = write_checkpoint(module, tmp_path / "run")
    facts = embedder_facts(load_embedder(path), path)
    moved = graph.rename(tmp_path / "elsewhere.onnx")
    with pytest.raises(WeightsError, match="tiny.onnx: there is no such weights file"):
        load_embedder(path)
    again = load_embedder(path, weights=str(moved))
    assert torch.equal(again.embed(image), module.eval().embed(image))
    assert embedder_facts(again, path) == facts
    assert facts["graph"] == hashlib.sha256(moved.read_bytes()).hexdigest()
    bare = load_embedder(backbone="onnx", weights=str(moved))
    assert torch.equal(bare.embed(image), again.embed(image))
    assert embedder_facts(bare, None)["model"] == "onnx"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either a checkpoint"),
        ({"ckpt": "a", "backbone": "b"}, "either a checkpoint"),
        ({"ckpt": "a", "options": {"num_features": 3}}, "leave out --model.options"),
        ({"backbone": "resnet999"}, "resnet999"),
        ({"backbone": "precomputed"}, "num_features"),
    ],
)
def test_what_cannot_be_asked_for(options, message):
    with pytest.raises(UsageError, match=message):
        load_embedder(**options)


@pytest.mark.parametrize("name", ["hf_hub:owner/model", "hf-hub:owner/model"])
def test_a_checkpoint_cannot_ask_the_hub_unless_allowed(name, baseline, tmp_path, monkeypatch):
    asked = []

    def contacted(*arguments, **options):
        asked.append(arguments)
        raise OSError("no route to host")

    monkeypatch.setattr("lightning_modules.backbones.timm_backbone.load_model_config_from_hf", contacted)

    def names_it(checkpoint) -> None:
        checkpoint["hyper_parameters"].update(backbone=name, weights=None)

    path = write_checkpoint(baseline, tmp_path / "run", names_it)
    with pytest.raises(UsageError, match=f"names the backbone {name}, .* by --model.hub true") as refused:
        load_embedder(path)
    assert "\n" not in str(refused.value)
    assert asked == []
    with pytest.raises(WeightsError, match="no route to host"):
        load_embedder(path, hub=True)
    assert len(asked) == 1


def test_a_checkpoint_cannot_have_published_weights_fetched(baseline, tmp_path, monkeypatch, image):
    made, create = [], timm.create_model

    def noted(name, **options):
        made.append(options["pretrained"])
        return create(name, **options | {"pretrained": False})

    monkeypatch.setattr(timm, "create_model", noted)

    def asks(checkpoint) -> None:
        checkpoint["hyper_parameters"]["weights"] = "pretrained"

    path = write_checkpoint(baseline, tmp_path / "run", asks)
    assert torch.equal(load_embedder(path).embed(image), baseline.eval().embed(image))
    assert made == [False]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    slow_but("resnet10t", ["resnet10t", "vggface2_resnet50", "inception_resnet_v1", "lntl_convnet"]),
)
def test_a_bare_backbone_needs_weights_unless_random_is_asked(name, image):
    for weights, message in (
        (None, "has no weights.*weights: random"),
        ("checkpoint", "there is no checkpoint"),
    ):
        with pytest.raises(UsageError, match=message) as refused:
            load_embedder(backbone=name, weights=weights)
        assert "\n" not in str(refused.value)
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one, other = (
        load_embedder(backbone=name, weights="random"),
        load_embedder(backbone=name, weights="random"),
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert embedder_facts(one, None) == embedder_facts(other, None), "the same in every process and start"
    assert "random weights" in embedder_facts(one, None)["random"]


@pytest.mark.parametrize(("trainable", "random"), [("none", True), ("last_stage", True), ("all", False)])
def test_a_checkpoint_says_that_what_is_frozen_is_random(trainable, random, tmp_path):
    module = Baseline(**TOY_BACKBONE, task="emotion", trainable=trainable, hidden=8)
    path = write_checkpoint(module, tmp_path / "run")
    assert ("random" in embedder_facts(load_embedder(path), path)) == random
    exported = tmp_path / "exported.safetensors"
    save_backbone(load_embedder(path).backbone, exported, made_by="", figures={})
    assert ("random" in embedder_facts(load_embedder(backbone=str(exported)), None)) == random


@pytest.mark.slow
def test_the_toy_has_no_dead_unit_whatever_its_weights() -> None:
    data = SyntheticFaces(train_identities=12, val_identities=12, test_identities=12, images_per_identity=6)
    image = data.make_dataset("test").__getitems__([0, 7, 14, 21, 28, 35])["image"]
    for seed in range(40):
        torch.manual_seed(seed)
        network = build_backbone("resnet10t", weights="random", options=TOY).eval()
        embedding = network(image)
        assert (embedding.std(0) > 0).all(), seed
        assert (embedding != 0).all(), seed


def test_a_checkpoint_has_its_own_weights(baseline, tmp_path):
    path = write_checkpoint(baseline, tmp_path / "run")
    with pytest.raises(UsageError, match="holds its backbone's weights"):
        load_embedder(path, weights="other.pth")


def test_facts_of_an_embedder_identify_it_but_not_its_place(baseline, tmp_path):
    path = write_checkpoint(baseline, tmp_path / "run")
    facts = embedder_facts(load_embedder(path), path)
    assert facts["model"] == "Baseline"
    assert facts["checkpoint"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(tmp_path) not in "".join(facts.values())
    (tmp_path / "run").rename(tmp_path / "moved")
    path = tmp_path / "moved" / "checkpoints" / "best.ckpt"
    assert embedder_facts(load_embedder(path), path) == facts
    with torch.no_grad():
        next(iter(baseline.parameters()))[0, 0, 0, 0] += 1e-3
    path = write_checkpoint(baseline, tmp_path / "other")
    other = embedder_facts(load_embedder(path), path)
    assert {name for name in facts if facts[name] != other[name]} == {"weights", "checkpoint"}


def test_backbones_of_one_architecture_differ_by_their_weights(tmp_path):
    (tmp_path / "b").mkdir()
    paths = [
        write_network(tmp_path / "mine.safetensors"),
        write_network(tmp_path / "b" / "mine.safetensors", 1),
    ]
    one, other = (embedder_facts(load_embedder(backbone=str(path)), None) for path in paths)
    assert one.keys() == {"model", "config", "weights"}
    assert {name for name in one if one[name] != other[name]} == {"weights"}
