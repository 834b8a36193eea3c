"""The factory: names, input preparation, which part trains, files that describe themselves."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
import timm
import torch
from facenet_pytorch import InceptionResnetV1
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lightning_modules.backbones.factory import (
    SYNTHETIC_FILE,
    Backbone,
    WeightsError,
    build_backbone,
    save_backbone,
)
from lightning_modules.backbones.preprocessing import InputSpec, Preprocess

# zero_init_last would leave the residual branches without a gradient in the first step
OPTIONS: dict[str, Any] = {
    "channels": [8, 8, 16, 16],
    "stem_width": 8,
    "input_size": 32,
    "zero_init_last": False,
    "act_layer": "leaky_relu",  # or a unit can be dead
}


def build(trainable: Any = "all", **options: Any) -> Backbone:
    torch.manual_seed(0)
    return build_backbone("resnet10t", weights="random", trainable=trainable, options=OPTIONS | options)


def images(size: int = 32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (4, 3, size, size), generator=generator, dtype=torch.uint8)


def test_images_become_what_the_network_was_trained_on():
    spec = InputSpec(2, channel_order="bgr", scale=255.0, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0))
    image = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    expected = torch.tensor([(30 - 1) / 1, (20 - 2) / 2, (10 - 3) / 4]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    torch.testing.assert_close(Preprocess(spec)(image), expected)
    torch.testing.assert_close(Preprocess(spec)(image / 255), expected)


@pytest.mark.parametrize("size", [24, 61, 150])
def test_resizing_is_that_of_pillow(size):
    noise = images(size)[:1]
    pillow = Image.fromarray(noise[0].permute(1, 2, 0).numpy()).resize((61, 61), Image.Resampling.BILINEAR)
    ours = Preprocess(InputSpec(61, scale=255.0))(noise)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - np.asarray(pillow)).max() <= 1.0  # Pillow rounds after each direction
    if size > 61:
        plain = nn.functional.interpolate(noise.float(), (61, 61), mode="bilinear")[0].permute(1, 2, 0)
        assert np.abs(plain.numpy() - np.asarray(pillow)).max() > 20, "noise must tell antialiasing apart"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(3, 8, 8), r"\(N, 3, H, W\)"),
        (torch.zeros(2, 1, 8, 8), r"\(N, 3, H, W\)"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "uint8"),
    ],
)
def test_other_images_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        Preprocess(InputSpec(8))(image)


@pytest.mark.parametrize(
    "fields",
    [{"channel_order": "rbg"}, {"input_size": 0}, {"input_size": [3, 8, 8]}, {"std": (1.0, 0.0, 1.0)}],
)
def test_impossible_inputs_are_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        InputSpec(**{"input_size": 8} | fields)


def test_a_timm_network_gives_timms_features():
    ours = build().eval()
    options: dict[str, Any] = {"channels": (8, 8, 16, 16), "stem_width": 8, "act_layer": "leaky_relu"}
    theirs = timm.create_model("resnet10t", num_classes=0, **options).eval()
    theirs.load_state_dict(ours.network.state_dict())
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    torch.testing.assert_close(ours(images()), theirs((images() / 255 - mean) / std))
    assert ours.num_features == 16
    assert build(mean=[0.5] * 3, std=[0.5] * 3).input_spec.mean == (0.5, 0.5, 0.5)


def test_a_network_in_another_precision_gets_its_images_in_it():
    expected = build().eval()(images())
    for dtype, tolerance in ((torch.bfloat16, 0.05), (torch.float64, 1e-5)):
        converted = build().eval().to(dtype)(images())
        assert converted.dtype == dtype
        torch.testing.assert_close(converted.float(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "vit_tiny_patch16_224"])
def test_the_number_of_features_is_that_of_the_output(name):
    backbone = build_backbone(name, trainable="all").eval()
    assert backbone(images(224)[:1]).shape == (1, backbone.num_features)


def test_nothing_is_fetched_unless_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(timm, "create_model", lambda name, **k: asked.append(k["pretrained"]) or 1 / 0)
    for weights in (None, "random", "checkpoint", "pretrained"):
        with pytest.raises(ZeroDivisionError):
            build_backbone("resnet10t", weights=weights)
    assert asked == [False, False, False, True]


def test_a_hub_checkpoint_does_not_need_the_hub(tmp_path, monkeypatch):
    network = timm.create_model("resnet10t", num_classes=0, channels=(8, 8, 16, 16), stem_width=8)
    stated = {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.5] * 3, "num_classes": 0}
    arguments = {"channels": [8, 8, 16, 16], "stem_width": 8}
    config = {"architecture": "resnet10t", "model_args": arguments, "pretrained_cfg": stated}
    cached = tmp_path / "models--owner--model"  # as huggingface_hub keeps what it fetched
    (cached / "snapshots" / "1").mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("1")
    (cached / "snapshots" / "1" / "config.json").write_text(json.dumps(config))
    save_file(network.state_dict(), cached / "snapshots" / "1" / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone = build_backbone("hf_hub:owner/model").eval()
    assert torch.equal(backbone.network.conv1[0].weight, network.conv1[0].weight)  # type: ignore
    assert backbone.input_spec == InputSpec(32, mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(ValueError, match="timm cannot build hf_hub:owner/other"):
        build_backbone("hf_hub:owner/other")
    cached.rename(tmp_path / "gone")
    again = build_backbone(**backbone.recipe).eval()
    again.load_state_dict(backbone.state_dict())
    assert torch.equal(again(images()), backbone(images()))


def test_weights_that_cannot_be_downloaded_are_one_line(monkeypatch):
    def offline(*arguments: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("facenet_pytorch.models.inception_resnet_v1.load_weights", offline)
    with pytest.raises(WeightsError, match="vggface2 of inception_resnet_v1 cannot be fetched: no route"):
        build_backbone("inception_resnet_v1", weights="vggface2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "resnet51"}, "no backbone 'resnet51'; did you mean .*resnet50,"),
        ({"name": "vgface2_resnet50"}, "did you mean vggface2_resnet50"),
        ({"name": "resnet10t", "options": {"chanels": [8]}}, "timm cannot build resnet10t with .*chanels"),
        ({"name": "resnet10t", "options": {"checkpoint_path": "hostile.pth"}}, "checkpoint_path: no option"),
        ({"name": "resnet10t", "weights": "w.pth"}, "null, random or pretrained, not 'w.pth'"),
        ({"name": "vggface2_resnet50", "options": {"input_size": 3}}, "has no options, but got input_size"),
        ({"name": "vggface2_resnet50", "weights": "w.pkl"}, "w.pkl: there is no such"),
        ({"name": "inception_resnet_v1", "weights": "w.pt"}, "w.pt: there is no such"),
        ({"name": "mine.safetensors"}, "mine.safetensors: there is no such"),
        ({"name": "mine.safetensors", "weights": "w"}, "holds its own weights"),
    ],
)
def test_errors_say_what_to_do(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        build_backbone(**arguments)
    assert "\n" not in str(error.value)


RANDOM = {
    "resnet10t": "set weights to pretrained",
    "vggface2_resnet50": "set weights to the path of resnet50_ft_weight.pkl",
    "inception_resnet_v1": "set weights to vggface2 or casia-webface",
    "lntl_convnet": "random values: train all of it",
}


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["none", "last_stage"])
@pytest.mark.parametrize("name", RANDOM)
def test_random_values_that_would_stay_are_refused(name, trainable):
    with pytest.raises(
        WeightsError, match=f"{name} has no weights.*{RANDOM[name]}.*weights: random"
    ) as error:
        build_backbone(name, trainable=trainable)
    assert "\n" not in str(error.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build_backbone(name, weights="random", trainable=trainable).random
        assert not build_backbone(name, weights="checkpoint", trainable=trainable).random


@pytest.mark.parametrize("name", RANDOM)
def test_what_trains_as_a_whole_starts_from_random_values(name):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert not build_backbone(name, trainable="all").random
        assert not build_backbone(name, weights="random", trainable="all").random
    published = name in ("vggface2_resnet50", "inception_resnet_v1")
    assert len([w for w in said if "starts from random values" in str(w.message)]) == published


@pytest.mark.parametrize("name", ["synthetic_recogniser", "hf_hub:owner/model", "precomputed", "onnx"])
def test_what_brings_its_values_cannot_have_random_ones(name):
    with pytest.raises(ValueError, match="weights cannot be random"):
        build_backbone(name, weights="random")


def test_a_file_of_a_random_network_says_that_it_is_one(tmp_path):
    for name, trainable in (("frozen", "none"), ("trained", "all")):
        save_backbone(build(trainable), tmp_path / f"{name}.safetensors", made_by="", figures={})
    assert build_backbone(str(tmp_path / "frozen.safetensors")).random
    assert not build_backbone(str(tmp_path / "trained.safetensors")).random


def test_a_file_cannot_have_the_hub_asked(tmp_path):
    backbone = build()
    backbone.recipe["name"] = "hf_hub:owner/model"
    save_backbone(backbone, tmp_path / "mine.safetensors", made_by="", figures={})
    with pytest.raises(WeightsError, match="names the network hf_hub:owner/model, and a file may not"):
        build_backbone(str(tmp_path / "mine.safetensors"))


def test_inception_takes_a_state_dict_and_drops_its_classifier(tmp_path):
    torch.manual_seed(0)
    theirs = InceptionResnetV1(classify=True, num_classes=3).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
    torch.save(theirs.state_dict(), tmp_path / "w.pt")
    ours = build_backbone("inception_resnet_v1", weights=str(tmp_path / "w.pt"), trainable="last_stage")
    theirs.classify = False
    prepared = (images(160)[:1].float() - 127.5) / 128
    torch.testing.assert_close(ours.eval()(images(160)[:1]), theirs(prepared))
    trained = {n.split(".")[0] for n, p in ours.network.named_parameters() if p.requires_grad}
    assert trained == {"mixed_7a", "repeat_3", "block8", "last_linear", "last_bn"}
    ours.train()
    assert ours.network.dropout.training
    assert not ours.network.repeat_2.training


LAST = {
    "resnet10t": ("layer4",),
    "vit_tiny_patch16_224": ("blocks.11", "norm."),
    "convnext_atto": ("stages.3", "head.norm"),
    "mobilenetv3_small_050": ("conv_head",),
}


@pytest.mark.parametrize("name", LAST)
def test_the_last_stage_is_the_last_that_multiplies_and_its_norm(name):
    backbone = build_backbone(name, weights="checkpoint", trainable="last_stage")
    for parameter_name, parameter in backbone.network.named_parameters():
        assert parameter.requires_grad == parameter_name.startswith(LAST[name]), parameter_name


@pytest.mark.parametrize("trainable", ["none", "last_stage", "all"])
def test_one_step_moves_the_chosen_part_and_no_other_statistic(trainable):
    backbone = build(trainable)
    before = {name: tensor.clone() for name, tensor in backbone.network.state_dict().items()}
    backbone.eval().train()  # as Lightning does around a validation
    output = backbone(images())
    assert output.requires_grad == (trainable != "none")
    if trainable != "none":
        output.square().sum().backward()
        torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], lr=1.0).step()
    moved = {n for n, tensor in backbone.network.state_dict().items() if not torch.equal(tensor, before[n])}
    chosen = {"none": "nothing", "last_stage": "layer4", "all": ""}[trainable]
    assert moved == {name for name in before if name.startswith(chosen)}


def test_dropout_of_the_frozen_part_drops_nothing():
    backbone = build("last_stage", drop_block_rate=0.5, drop_path_rate=0.5).train()
    prefix = nn.Sequential(*list(backbone.network.children())[:7])  # up to layer3
    prepared = backbone.preprocess(images())
    assert torch.equal(prefix(prepared), prefix(prepared))
    assert any(m.training for m in backbone.network.layer4.modules())


def test_dropout_is_frozen_before_the_last_stage_only():
    network: Any = build_backbone(
        "vit_tiny_patch16_224", weights="checkpoint", trainable="last_stage"
    ).network
    assert not network.pos_drop.training
    assert not network.blocks[10].training
    assert network.blocks[11].training
    assert network.head_drop.training


def test_autograd_keeps_nothing_of_the_frozen_part():
    backbone = build("last_stage").train()
    network: Any = backbone.network
    middle = []
    network.layer3.register_forward_hook(lambda module, inputs, output: middle.append(output))

    def kept(run: Any) -> int:
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            run()
        return sum(sizes)

    whole = kept(lambda: backbone(images()))
    assert not middle[0].requires_grad
    assert whole == kept(lambda: network.global_pool(network.layer4(middle[0])))
    backbone.set_trainable("all")
    assert kept(lambda: backbone(images())) > 2 * whole


def test_a_saved_backbone_describes_itself(tmp_path):
    backbone = build("last_stage", channel_order="bgr").train()
    backbone(images())  # statistics that are not the initial ones
    path = tmp_path / "folder" / "mine.safetensors"
    save_backbone(backbone, path, made_by="python train.py", figures={"auc": 0.9}, half=False)
    again = build_backbone(str(path), trainable="none").eval()
    assert torch.equal(again(images(40)), backbone.eval()(images(40)))
    assert again.recipe == backbone.recipe
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["made_by"]) == "python train.py"
        assert json.loads(file.metadata()["figures"]) == {"auc": 0.9}


def test_half_precision_halves_the_file_and_loads_as_single(tmp_path):
    backbone, sizes = build().eval(), {}
    for half in (False, True):
        save_backbone(backbone, tmp_path / "mine.safetensors", made_by="", figures={}, half=half)
        sizes[half] = (tmp_path / "mine.safetensors").stat().st_size
    again = build_backbone(str(tmp_path / "mine.safetensors")).eval()
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    torch.testing.assert_close(again(images()), backbone(images()), rtol=0.02, atol=2e-3)
    assert not torch.equal(again(images()), backbone(images()))
    assert sizes[True] < 0.75 * sizes[False]
    backbone.network.bn1.running_var[0] = 1e5  # type: ignore[index,union-attr]
    with pytest.raises(ValueError, match="bn1.running_var exceeds the 16-bit range"):
        save_backbone(backbone, tmp_path / "mine.safetensors", made_by="", figures={})


def test_files_that_do_not_describe_themselves_are_refused(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="does not say which network"):
        build_backbone(str(path))
    path.write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="not a readable safetensors"):
        build_backbone(str(path))
    with pytest.raises(ValueError, match="written as .safetensors"):
        save_backbone(build(), tmp_path / "mine.pt", made_by="", figures={})


def test_a_bit_that_flipped_in_a_weights_file_is_noticed(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_backbone(build(), path, made_by="", figures={}, half=False)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="mine.safetensors: .* is damaged: its checksum"):
        build_backbone(str(path))


@pytest.mark.parametrize("recipe", ['{"name": "resn', "[1]", '{"name": "resnet10t", "channel": 3}'])
def test_a_weights_file_with_a_damaged_header_is_refused(tmp_path, recipe):
    path = tmp_path / "mine.safetensors"
    save_file({"a": torch.ones(1)}, path, metadata={"backbone": recipe})
    with pytest.raises(WeightsError, match="mine.safetensors: its header"):
        build_backbone(str(path))


def test_the_shipped_recogniser_is_small_and_describes_itself():
    assert SYNTHETIC_FILE.stat().st_size < 3_000_000
    backbone = build_backbone("synthetic_recogniser").eval()
    assert backbone(images(64)).shape == (4, backbone.num_features)
    assert sum(p.numel() for p in backbone.parameters()) < 1_400_000
