"""Getting a model out: what the files give is what the checkpoint gives, or nothing is kept."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lightning_modules.baseline import Baseline
from lightning_modules.lntl import LNTL
from lightning_modules.sensitivenets import SensitiveNets
from recipes import export
from recipes.command_line.errors import report_errors
from recipes.embedding.embedder import load_embedder
from recipes.exporting import export_files
from tests.support.checkpoints import TOY_BACKBONE, Hostile, write_checkpoint
from tests.support.embed_faces import TOY
from tests.support.export_command import refusal, run_export
from tests.support.methods import ATTRIBUTES
from tests.support.tiny_onnx import write_onnx

NAMES = {"README.md", "config.json"}
FILES = {"embedding.safetensors", "embedding.onnx", "embedding.pt2"}


def faces(count: int, size: int, seed: int = 3) -> torch.Tensor:
    return torch.randint(
        256, (count, 3, size, size), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


def by_onnx(path, image) -> torch.Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["embedding"], {"image": image.numpy()})[0])


@pytest.fixture(scope="module")
def lntl(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    options = {"backbone": "synthetic_recogniser", "trainable": "last_stage", "hidden": 8}
    module = LNTL(attributes=ATTRIBUTES, task="smiling", sensitive="emotion", **options)
    return write_checkpoint(module, tmp_path_factory.mktemp("lntl"))


@pytest.fixture(scope="module")
def sensitivenets(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    module = SensitiveNets(**TOY_BACKBONE, sensitive="emotion", target="sad", width=6, layers=2, hidden=4)
    return write_checkpoint(module, tmp_path_factory.mktemp("sensitivenets"))


@pytest.fixture(scope="module")
def baseline(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    module = Baseline(**TOY_BACKBONE, task="emotion", hidden=8)
    return write_checkpoint(module, tmp_path_factory.mktemp("baseline"))


@pytest.fixture(scope="module")
def exported(lntl, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "lntl"
    export.main(["--ckpt", str(lntl), "--out", str(out)])
    return out


def test_every_file_embeds_as_the_checkpoint(exported, lntl):
    assert {path.name for path in exported.iterdir()} == NAMES | FILES
    original = load_embedder(lntl)
    program = torch.export.load(exported / "embedding.pt2").module()
    weights = load_embedder(backbone=str(exported / "embedding.safetensors"))
    for count in (1, 2, 7):
        image = faces(count, 64)
        floats = image.float() / 255
        with torch.no_grad():
            expected = original.embed(image)
            assert torch.equal(weights.embed(image), expected)
            assert torch.equal(weights.embed(faces(count, 50)), original.embed(faces(count, 50)))
            for found in (program(floats), by_onnx(exported / "embedding.onnx", floats)):
                assert found.dtype == torch.float32
                torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.1, "the faces are told apart, so agreement means something"


def test_an_export_records_that_the_weights_were_random(tmp_path, sensitivenets, capsys):
    trained = tmp_path / "trained"
    export.main([f"--ckpt={sensitivenets}", f"--out={trained}", "--formats=safetensors"])
    assert "random weights" in json.loads((trained / "config.json").read_text())["facts"]["random"]
    assert "random weights" in (trained / "README.md").read_text()
    assert load_embedder(backbone=str(trained / "embedding.safetensors")).backbone.random
    capsys.readouterr()
    arguments = ["--model.backbone=resnet10t", f"--model.options={json.dumps(TOY)}", "--formats=safetensors"]
    with pytest.raises(SystemExit) as stopped:
        report_errors(lambda: export.main([*arguments, f"--out={tmp_path / 'out'}"]))
    error = capsys.readouterr().err
    assert (stopped.value.code, error.count("\n")) == (2, 1)
    assert "say weights: random" in error
    export.main([*arguments, f"--out={tmp_path / 'out'}", "--model.weights=random"])
    again = load_embedder(backbone=str(tmp_path / "out" / "embedding.safetensors"))
    assert again.backbone.random


@pytest.mark.slow
def test_the_onnx_file_is_a_backbone_of_the_recipes_too(exported, lntl):
    options = {"scale": 1.0, "mean": [0.0] * 3, "std": [1.0] * 3}
    again = load_embedder(backbone="onnx", weights=str(exported / "embedding.onnx"), options=options)
    original = load_embedder(lntl)
    with torch.no_grad():
        expected = original.embed(faces(3, 64))
        torch.testing.assert_close(again.embed(faces(3, 64)), expected, rtol=0, atol=1e-5)


def test_the_files_say_what_goes_in_and_hold_no_head(exported, lntl):
    told = json.loads((exported / "config.json").read_text())
    assert told["input"]["shape"] == ["batch", 3, 64, 64]
    assert told["input"]["range"] == [0, 1]
    assert told["output"]["shape"] == ["batch", 256]
    model = onnx.load(exported / "embedding.onnx")
    (about,) = model.metadata_props
    extra = {"blindface": ""}
    program = torch.export.load(exported / "embedding.pt2", extra_files=extra)
    for text in (about.value, extra["blindface"]):
        assert json.loads(text) == {key: value for key, value in told.items() if key != "files"}
    assert not [name for name in program.state_dict if "head" in name]
    largest = sum(p.numel() for p in load_embedder(lntl).backbone.parameters())
    assert sum(np.prod(x.dims) for x in model.graph.initializer) <= largest
    assert str(lntl.parent) not in "".join(p.read_text("latin1") for p in exported.iterdir())


def test_sensitivenets_weights_hold_its_suppressor(sensitivenets, tmp_path):
    run_export("--ckpt", sensitivenets, "--out", tmp_path / "out", "--formats", "safetensors")
    again = load_embedder(backbone=str(tmp_path / "out" / "embedding.safetensors"))
    image = faces(5, 32)
    with torch.no_grad():
        assert torch.equal(again.embed(image), load_embedder(sensitivenets).embed(image))


@pytest.mark.slow
def test_sensitivenets_is_exported_with_its_suppressor(sensitivenets, tmp_path):
    run_export("--ckpt", sensitivenets, "--out", tmp_path / "out")
    original = load_embedder(sensitivenets)
    image = faces(5, 32)
    with torch.no_grad():
        expected = original.embed(image)
        scale = expected.abs().max()
        found = torch.export.load(tmp_path / "out" / "embedding.pt2").module()(image.float() / 255)
        again = load_embedder(backbone=str(tmp_path / "out" / "embedding.safetensors"))
        assert torch.equal(again.embed(image), expected)
    assert expected.shape == (5, 6)
    by_runtime = by_onnx(tmp_path / "out" / "embedding.onnx", image.float() / 255)
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)
    torch.testing.assert_close(by_runtime / scale, expected / scale, rtol=0, atol=1e-5)


def test_a_backbone_of_an_onnx_graph_is_exported_as_onnx(tmp_path, capsys):
    torch.manual_seed(0)
    graph = write_onnx(tmp_path / "tiny.onnx")
    module = Baseline(attributes=ATTRIBUTES, task="emotion", backbone="onnx", weights=graph, hidden=8)
    path = write_checkpoint(module, tmp_path / "run")
    run_export("--ckpt", path, "--out", tmp_path / "out", "--formats", "onnx")
    image = faces(3, 16)
    original = load_embedder(path)
    with torch.no_grad():
        expected = original.embed(image)
    found = by_onnx(tmp_path / "out" / "embedding.onnx", image.float() / 255)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    line = refusal(capsys, "--ckpt", path, "--out", tmp_path / "other")
    assert "cannot be written as safetensors: a backbone of kind onnx" in line
    assert "leave it out of --formats" in line
    assert not (tmp_path / "other").exists()


def test_a_table_of_embeddings_is_no_network(tmp_path, capsys):
    options = {"backbone": "precomputed", "backbone_options": {"num_features": 7}}
    path = write_checkpoint(
        Baseline(attributes=ATTRIBUTES, task="emotion", hidden=8, **options), tmp_path / "run"
    )
    assert "reads embeddings, not images" in refusal(capsys, "--ckpt", path, "--out", tmp_path / "out")


def _nudge_safetensors(path):
    with safe_open(path, "pt") as file:
        state, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    next(x for x in state.values() if x.ndim == 4).mul_(1.01)
    del metadata["sha256"]  # or the file would be refused as damaged
    save_file(state, path, metadata=metadata)


def _nudge_onnx(path):
    model = onnx.load(path)
    kernel = next(x for x in model.graph.initializer if len(x.dims) == 4)
    kernel.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(kernel) * 1.01, kernel.name))
    onnx.save(model, path)


def _nudge_torch_export(path):
    program = torch.export.load(path)
    next(x for x in program.state_dict.values() if x.ndim == 4).data.mul_(1.01)
    torch.export.save(program, path)


@pytest.mark.parametrize(
    "name", ["safetensors", "onnx", pytest.param("torch_export", marks=pytest.mark.slow)]
)
def test_a_file_with_another_weight_is_not_kept(name, baseline, tmp_path, capsys, monkeypatch):
    form, nudge = export_files.FORMATS[name], globals()[f"_nudge_{name}"]

    def write(network, about, path):
        form.write(network, about, path)
        nudge(path)

    monkeypatch.setitem(export_files.FORMATS, name, form._replace(write=write))
    line = refusal(capsys, "--ckpt", baseline, "--out", tmp_path / "out", "--formats", name)
    assert f"{name} does not embed as the original" in line
    assert list(tmp_path.iterdir()) == []


def test_without_onnxruntime_the_reference_is_asked(baseline, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    run_export("--ckpt", baseline, "--out", tmp_path / "out", "--formats", "onnx")
    assert "embedding.onnx: 0.1 MB; differs from the original by" in capsys.readouterr().out


@pytest.mark.parametrize("write", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_a_hostile_checkpoint_is_refused_in_one_line(write, tmp_path, capsys):
    path = tmp_path / "evil.ckpt"
    write({"state_dict": {}, "hyper_parameters": Hostile(str(tmp_path / "ran"))}, path)
    line = refusal(capsys, "--ckpt", path, "--out", tmp_path / "out")
    assert line.startswith(f"error: {path} is not a checkpoint that can be read safely")
    assert {p.name for p in tmp_path.iterdir()} == {"evil.ckpt"}


@pytest.mark.parametrize("formats", ["pickle", "onnx,h5", ""])
def test_formats_that_do_not_exist(formats, baseline, tmp_path, capsys):
    line = refusal(capsys, "--ckpt", baseline, "--out", tmp_path / "out", f"--formats={formats}")
    assert line.startswith("error: formats are safetensors, onnx, torch_export, not ")


def test_an_export_is_replaced_when_asked_and_nothing_else_ever(baseline, tmp_path, capsys):
    out = tmp_path / "out"
    command = ("--ckpt", baseline, "--out", out, "--formats", "safetensors")
    run_export(*command)
    (out / "README.md").write_text("mine")
    assert "replace it with --overwrite true" in refusal(capsys, *command)
    assert (out / "README.md").read_text() == "mine"
    run_export(*command, "--overwrite", "true")
    assert (out / "README.md").read_text().startswith("# A face embedding\n")
    (out / "notes.txt").write_text("mine")
    assert "holds something else than an export" in refusal(capsys, *command, "--overwrite", "true")
    assert (out / "notes.txt").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"out"}, "nothing is left beside it"
