"""ONNX recognisers: the same embedding as onnxruntime, and a last stage that trains."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from lightning_modules.backbones.factory import WeightsError, build_backbone, save_backbone
from tests.support.tiny_onnx import write_onnx


def runtime(path: str | Path, prepared: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: prepared})[0]


def noise(size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (3, 3, size, size), generator=generator, dtype=torch.uint8)


def test_embeddings_are_those_of_onnxruntime(tmp_path):
    path = write_onnx(tmp_path / "tiny.onnx")
    backbone = build_backbone("onnx", weights=path)
    expected = runtime(path, (noise(16).numpy().astype(np.float32) - 127.5) / 128)
    np.testing.assert_allclose(backbone(noise(16)).numpy(), expected, atol=1e-5)
    assert backbone.num_features == 6
    assert backbone.input_spec.input_size == 16
    options: dict[str, Any] = {"mean": [0.0] * 3, "std": [1.0] * 3, "scale": 1.0, "channel_order": "bgr"}
    backbone = build_backbone("onnx", weights=path, options=options)
    expected = runtime(path, noise(16).numpy()[:, ::-1].astype(np.float32) / 255)
    np.testing.assert_allclose(backbone(noise(16)).numpy(), expected, atol=1e-5)


def test_a_published_recogniser_embeds_as_in_onnxruntime(face_data_root):
    path = face_data_root / "weights" / "mobilefacenet_112.onnx"
    backbone = build_backbone("onnx", weights=str(path), trainable="last_stage").eval()
    expected = runtime(path, (noise(112).numpy().astype(np.float32) - 127.5) / 128)
    np.testing.assert_allclose(backbone(noise(112)).detach().numpy(), expected, atol=1e-4)
    assert np.abs(expected).max() > 0.1
    share = sum(p.numel() for p in backbone.parameters() if p.requires_grad)
    assert 0.2 < share / sum(p.numel() for p in backbone.parameters()) < 0.8


def test_the_last_stage_begins_where_the_last_resolution_does(tmp_path):
    backbone = build_backbone(
        "onnx", weights=write_onnx(tmp_path / "tiny.onnx"), trainable="last_stage"
    ).train()
    trained = {n for n, p in backbone.network.named_parameters() if p.requires_grad}
    assert trained == {"branch.weight", "shortcut.weight", "last.weight"}
    before = {n: p.detach().clone() for n, p in backbone.network.named_parameters()}
    backbone(noise(16)).square().sum().backward()
    torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], lr=0.1).step()
    moved = {n for n, p in backbone.network.named_parameters() if not torch.equal(p, before[n])}
    assert moved == trained


def test_a_graph_without_stages_has_no_last_one(tmp_path):
    path = write_onnx(tmp_path / "tiny.onnx", stride=1)
    assert not build_backbone("onnx", weights=path)(noise(16)).requires_grad
    with pytest.raises(ValueError, match="no last stage is known of onnx: set trainable to none or all"):
        build_backbone("onnx", weights=path, trainable="last_stage")


def test_graphs_that_give_no_embedding_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"one embedding \(n, D\); two images gave \(2, 6, 1, 1\)"):
        build_backbone("onnx", weights=write_onnx(tmp_path / "map.onnx", flat=False))
    with pytest.raises(WeightsError, match="needs weights: the path of an .onnx file"):
        build_backbone("onnx")
    with pytest.raises(WeightsError, match="nowhere.onnx: there is no such weights file"):
        build_backbone("onnx", weights="nowhere.onnx")
    for content in (b"", b"nonsense", Path(write_onnx(tmp_path / "whole.onnx")).read_bytes()[:-200]):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(WeightsError, match="bad.onnx: not an ONNX graph that can be converted"):
            build_backbone("onnx", weights=str(tmp_path / "bad.onnx"))


def old(path: Path, opset: int, *, channels_last: bool = False) -> str:
    """Writes a graph with a BatchNorm of an old opset, and turns images whose channels are last."""
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 3, 3, 3), "gain": (4,), "bias": (4,), "mean": (4,), "var": (4,), "slope": (4, 1, 1)}
    weights = [numpy_helper.from_array(rng.random(s).astype(np.float32), n) for n, s in shapes.items()]
    turn = [helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2])] if channels_last else []
    nodes = [
        *turn,
        helper.make_node("Conv", ["turned" if channels_last else "image", "w"], ["a"], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["a", "gain", "bias", "mean", "var"], ["b"]),
        helper.make_node("PRelu", ["b", "slope"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["embedding"]),
    ]
    size = ["n", 16, 16, 3] if channels_last else ["n", 3, 16, 16]
    graph = helper.make_graph(
        nodes,
        "old",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4])],
        weights,
    )
    imports = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=4), path)
    return str(path)


def test_an_old_opset_is_refused_with_a_command_that_mends_it(tmp_path, monkeypatch):
    path = old(tmp_path / "old.onnx", 8)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="its opset is 8: convert it to 13 or later") as refused:
        build_backbone("onnx", weights=path)
    assert "\n" not in str(refused.value)
    command = shlex.split(str(refused.value).partition("or later, ")[2])
    assert command[:2] == ["python", "-c"]
    exec(command[2])
    backbone = build_backbone("onnx", weights="old_opset13.onnx")
    expected = runtime(path, (noise(16).numpy().astype(np.float32) - 127.5) / 128)
    np.testing.assert_allclose(backbone(noise(16)).numpy(), expected, rtol=1e-6, atol=1e-6)


def test_channels_last_images_are_refused_with_what_to_do(tmp_path):
    for opset in (8, 13):
        path = old(tmp_path / "last.onnx", opset, channels_last=True)
        with pytest.raises(WeightsError, match=r"its input image takes .* --inputs-as-nchw image$"):
            build_backbone("onnx", weights=path)
        with pytest.raises(WeightsError, match="channels first"):
            build_backbone("onnx", weights=path, options={"input_size": 16})


def test_an_open_input_size_has_to_be_given(tmp_path):
    path = write_onnx(tmp_path / "tiny.onnx", size="side")
    with pytest.raises(ValueError, match="set input_size in backbone_options"):
        build_backbone("onnx", weights=path)
    assert build_backbone("onnx", weights=path, options={"input_size": 20})(noise(50)).shape == (3, 6)
    with pytest.raises(ValueError, match="the onnx backbone has no option input_sise"):
        build_backbone("onnx", weights=path, options={"input_size": 20, "input_sise": 20})


def test_a_graph_is_not_written_as_a_named_backbone(tmp_path):
    backbone = build_backbone("onnx", weights=write_onnx(tmp_path / "tiny.onnx"))
    with pytest.raises(ValueError, match="a backbone of kind onnx cannot be written"):
        save_backbone(backbone, tmp_path / "tiny.safetensors", made_by="", figures={})
