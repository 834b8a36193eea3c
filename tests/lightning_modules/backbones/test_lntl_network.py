import math

import pytest
import torch
from torch import nn

from lightning_modules.backbones.factory import build_backbone
from lightning_modules.backbones.lntl_network import FEATURE_LAYER, build_lntl_convnet
from lightning_modules.training.feature_layer import extract_features


def test_it_is_the_official_network_but_for_the_classifier():
    state = build_lntl_convnet().network.state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items() if name.endswith("weight")}
    assert shapes == {
        "bn0.weight": (3,), "conv1.weight": (32, 3, 5, 5), "conv2.weight": (32, 32, 3, 3),
        "conv3.weight": (64, 32, 3, 3), "conv4.weight": (64, 64, 3, 3),
    }  # fmt: skip


def test_features_and_embedding_are_the_official_ones():
    torch.manual_seed(0)
    backbone = build_lntl_convnet().eval()
    image = torch.randint(256, (5, 3, 28, 28), dtype=torch.uint8)
    n = backbone.network
    mean, std = torch.tensor([[0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]]).view(2, 3, 1, 1)
    x = n.bn0((image / 255 - mean) / std)
    features = n.conv2(nn.functional.max_pool2d(n.conv1(x).relu(), 3, 2, 1)).relu()
    expected = n.conv4(n.conv3(features).relu()).relu().mean((2, 3))
    embedding, read = extract_features(backbone, image, FEATURE_LAYER)
    torch.testing.assert_close(embedding, expected)
    torch.testing.assert_close(read, features)
    assert (embedding.shape, read.shape) == ((5, 64), (5, 32, 14, 14))
    assert backbone.num_features == 64


def test_convolutions_start_as_he_et_al_propose():
    torch.manual_seed(0)
    network = build_lntl_convnet().network
    for name, size in {"conv1": 5, "conv2": 3, "conv3": 3, "conv4": 3}.items():
        weight = network.get_submodule(name).weight
        assert weight.std().item() == pytest.approx(math.sqrt(2 / (size * size * weight.shape[0])), rel=0.05)


def test_the_last_stage_trains_alone():
    backbone = build_lntl_convnet("checkpoint")
    backbone.set_trainable("last_stage")
    trains = {name for name, p in backbone.network.named_parameters() if p.requires_grad}
    assert trains == {f"{layer}.{kind}" for layer in ("conv3", "conv4") for kind in ("weight", "bias")}
    assert not backbone.train().network.bn0.training


def test_weights_are_refused():
    with pytest.raises(ValueError, match="no published weights"):
        build_lntl_convnet("mine.pth")


def test_the_factory_knows_it_by_name() -> None:
    backbone = build_backbone("lntl_convnet", trainable="all")
    assert type(backbone.network) is type(build_lntl_convnet().network)
    with pytest.raises(ValueError, match="no published weights"):
        build_backbone("lntl_convnet", weights="pretrained")
    with pytest.raises(ValueError, match="has no options"):
        build_backbone("lntl_convnet", options={"width": 2})
