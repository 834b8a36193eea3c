"""FaceNets of any width: facenet-pytorch's own numbers, pooled features, what a file states, clear errors."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lightning_modules.backbones.factory import Backbone, WeightsError, build_backbone, save_backbone
from tests.support.facenet import SIZE, STATED, WIDTH, write_facenet
from tests.support.marks import slow

NAME = "inception_resnet_v1"


def build(path: Path | None, trainable: Any = "none", **options: Any) -> Backbone:
    weights = None if path is None else str(path)
    return build_backbone(NAME, weights=weights, trainable=trainable, options=options).eval()


def images(size: int = SIZE, count: int = 2) -> Tensor:
    """Dark noise, whose own mean and deviation are not those of the fixed normalisation."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(64, (count, 3, size, size), generator=generator, dtype=torch.uint8)


def theirs(path: Path, width: int = WIDTH) -> tuple[InceptionResnetV1, list[Tensor]]:
    """The package's own module with the weights of a file, and the inputs that its last layer gets."""
    network = InceptionResnetV1().eval()
    network.last_linear = nn.Linear(1792, width, bias=False)
    network.last_bn = nn.BatchNorm1d(width, eps=0.001)
    network.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    pooled: list[Tensor] = []
    network.last_linear.register_forward_hook(lambda module, inputs, output: pooled.append(inputs[0]))
    return network.eval(), pooled


def standardised(image: Tensor) -> Tensor:
    x = image.numpy().astype(np.float64)
    mean, std = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True)
    return torch.from_numpy((x - mean) / np.maximum(std, 1 / np.sqrt(x[0].size))).float()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FaceNet with 24 outputs in float16 whose metadata state per-image standardisation."""
    return write_facenet(tmp_path_factory.mktemp("facenet") / "facenet.safetensors")


@torch.no_grad()
def test_both_outputs_are_those_of_facenet_pytorch(file):
    network, hooked = theirs(file)
    expected = network(standardised(images()))
    embedding, pooled = build(file), build(file, features="pooled")
    torch.testing.assert_close(embedding(images()), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pooled(images()), hooked[0], rtol=1e-4, atol=1e-5)
    assert (embedding.num_features, pooled.num_features) == (WIDTH, 1792)
    assert hooked[0].norm(dim=1).min() > 1.5, "the pooled features are not of unit length"
    fixed = network((images() - 127.5) / 128)
    assert (fixed - expected).abs().max() > 1e-3, "100 times the tolerance, or nothing would be tested"


@torch.no_grad()
def test_the_published_facenet_is_that_of_facenet_pytorch(face_data_root):
    path = face_data_root / "weights" / "inception_resnet_v1_128_fp16.safetensors"
    network, hooked = theirs(path, 128)
    expected = network(standardised(images(160)))
    embedding, pooled = build(path), build(path, features="pooled")
    assert embedding.recipe["options"] == {
        "features": "embedding", "width": 128, "input_size": 160, "channel_order": "rgb",
        "normalisation": "per_image",
    }  # fmt: skip
    torch.testing.assert_close(embedding(images(160)), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pooled(images(160)), hooked[0], rtol=1e-4, atol=1e-5)


def test_half_precision_is_widened_without_a_change(file):
    backbone, stored = build(file), load_file(file)
    assert stored["last_linear.weight"].dtype == torch.float16
    for name, tensor in backbone.network.state_dict().items():
        assert tensor.dtype in (torch.float32, torch.int64)
        assert torch.equal(tensor, stored[name].to(tensor.dtype)), name


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("features", ["embedding", "pooled"])
def test_the_recipe_rebuilds_the_network_alone(file, features, tmp_path):
    backbone = build(file, features=features)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = build_backbone(**json.loads(json.dumps(backbone.recipe))).eval()
    again.load_state_dict(backbone.state_dict())
    assert again.recipe == backbone.recipe
    assert torch.equal(again(images()), backbone(images()))
    save_backbone(backbone, tmp_path / "own.safetensors", made_by="", figures={})
    own = build_backbone(str(tmp_path / "own.safetensors")).eval()
    assert torch.equal(own(images()), backbone(images()))


def test_a_recipe_without_options_is_the_published_network():
    backbone = build_backbone(NAME, weights="checkpoint")
    assert backbone.num_features == 512
    assert backbone.input_spec.mean == (127.5,) * 3
    assert backbone.input_spec.normalisation == "fixed"


@pytest.mark.parametrize("trainable", ["last_stage", slow("all")])
@pytest.mark.parametrize("features", ["embedding", slow("pooled")])
def test_every_parameter_that_trains_gets_a_gradient(file, features, trainable):
    backbone = build(file, trainable, features=features).train()
    backbone(images()).sin().sum().backward()
    trained = {name for name, p in backbone.network.named_parameters() if p.requires_grad}
    assert trained
    assert all(p.grad is not None for p in backbone.parameters() if p.requires_grad)
    assert any(name.startswith("last_linear") for name in trained) == (features == "embedding")
    if trainable == "last_stage":
        head = {"last_linear", "last_bn"} if features == "embedding" else set()
        assert {name.split(".")[0] for name in trained} == {"mixed_7a", "repeat_3", "block8"} | head


def test_pooled_features_drop_nothing_out(file):
    for features, dropouts in (("embedding", 1), ("pooled", 0)):
        network = build(file, "last_stage", features=features).network
        assert sum(isinstance(module, nn.Dropout) for module in network.modules()) == dropouts


def test_a_file_of_the_trunk_alone_gives_pooled_features(file, tmp_path):
    path = tmp_path / "trunk.safetensors"
    save_file({k: v for k, v in load_file(file).items() if not k.startswith("last_")}, path)
    with torch.no_grad():
        found = build(path, features="pooled", input_size=SIZE, normalisation="per_image")(images())
        assert torch.equal(found, build(file, features="pooled")(images()))
    with pytest.raises(WeightsError, match=r"trunk.safetensors: holds no last_linear.*features to pooled"):
        build(path)


@pytest.mark.slow
def test_an_option_goes_before_the_metadata_with_a_warning(file):
    with pytest.warns(UserWarning, match=r"metadata say normalisation per_image, and the option .* fixed"):
        backbone = build(file, normalisation="fixed")
    assert backbone.input_spec.mean == (127.5,) * 3
    with pytest.warns(UserWarning, match=f"metadata say input_size {SIZE}, and the option input_size 96"):
        assert build(file, input_size=96).input_spec.input_size == 96
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build(file, normalisation="per_image", width=WIDTH).recipe == build(file).recipe


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": "poled"}, "features of .* are embedding or pooled, not 'poled'"),
        ({"features": "pooled", "width": 128}, "width is for features embedding"),
        ({"width": 0}, "width of .* is a number of outputs, 1 to 16,384, not 0"),
        ({"width": True}, "width of .* is a number of outputs, 1 to 16,384, not True"),
        ({"normalisation": "per_pixel"}, "normalisation is fixed or per_image, not 'per_pixel'"),
        ({"normalisation": "per_image", "mean": [1, 2, 3]}, "per_image takes no scale, mean or std"),
        ({"input_size": 74}, "takes images of 75 pixels or more, not 74"),
        ({"input_size": 10**9}, "input_size is a number of pixels, 1 to 4096"),
        ({"pooled": True}, "has no option pooled"),
    ],
)
def test_options_that_are_not_possible_are_refused(options, message):
    with pytest.raises(ValueError, match=message) as error:
        build_backbone(NAME, weights="checkpoint", options=options)
    assert "\n" not in str(error.value)


def test_a_width_that_the_file_does_not_have_is_refused(file, monkeypatch):
    with pytest.raises(WeightsError, match=r"facenet.safetensors: its embedding has 24 numbers, not the 512"):
        build(file, width=512)
    monkeypatch.setattr("facenet_pytorch.models.inception_resnet_v1.load_weights", lambda *given: None)
    with pytest.raises(WeightsError, match="vggface2: its embedding has 512 numbers, not the 24"):
        build_backbone(NAME, weights="vggface2", options={"width": 24})
    with torch.no_grad():
        published = build_backbone(NAME, weights="vggface2", options={"features": "pooled"}).eval()
        assert published(images()).shape == (2, 1792)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_linear.weight": torch.ones(24, 2048)}, r"1 of another shape \(last_linear.weight\)"),
        slow({"last_linear.weight": torch.ones(24)}, "of another shape"),
        slow({"last_linear.weight": torch.ones(16, 1792)}, r"of another shape \(last_bn"),
        ({"last_linear.bias": torch.ones(24)}, r"1 unexpected \(last_linear.bias\)"),
        ({"conv2d_1a.conv.weight": torch.full((32, 3, 3, 3), torch.nan)}, "not finite"),
    ],
)
def test_tensors_of_another_network_are_refused(file, tmp_path, change, message):
    save_file(load_file(file) | change, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=message) as error:
        build(tmp_path / "w.safetensors")
    assert "\n" not in str(error.value)


def test_a_classifier_alone_and_half_a_file_are_refused(file, tmp_path):
    save_file({"logits.weight": torch.ones(3, 512)}, tmp_path / "head.safetensors")
    with pytest.raises(WeightsError, match=r"not the weights of this network: \d+ missing"):
        build(tmp_path / "head.safetensors", features="pooled")
    content = file.read_bytes()
    for size in (len(content) // 2, 20):
        (tmp_path / "half.safetensors").write_bytes(content[:size])
        with pytest.raises(WeightsError, match="half.safetensors: not a readable state dict") as error:
            build(tmp_path / "half.safetensors", features="pooled")
        assert "\n" not in str(error.value)


def test_the_metadata_give_the_defaults(file):
    assert STATED["normalisation"].startswith("per-image")
    spec = build(file).input_spec
    assert (spec.input_size, spec.normalisation) == (SIZE, "per_image")
