"""Features from inside a backbone, beside its embedding."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_modules.backbones.backbone_base import Backbone


class FeatureOutput(NamedTuple):
    """Output of one pass: the `embedding` (N, D) and the `features`, (N, C) or (N, C, H, W)."""

    embedding: Tensor
    features: Tensor


def extract_features(backbone: Backbone, image: Tensor, layer: str | None) -> FeatureOutput:
    """Run a forward pass over images (N, 3, H, W), and keep the output of a layer.

    Args:
        backbone: of any kind.
        image: as the backbone takes it.
        layer: name of the module of its network whose output is wanted; None is the embedding itself.
    """
    if layer is None:
        embedding = backbone(image)
        return FeatureOutput(embedding, embedding)
    kept: list[Tensor] = []
    module = backbone.network.get_submodule(layer)
    handle = module.register_forward_hook(lambda module, given, output: kept.append(output))
    try:
        embedding = backbone(image)
    finally:
        handle.remove()
    return FeatureOutput(embedding, kept[0])


def feature_shape(backbone: Backbone, layer: str | None) -> tuple[int, ...]:
    """Return the shape of the features of one image, from a forward pass over a blank one.

    Raises:
        ValueError: there is no such layer, its output is neither (N, C) nor (N, C, H, W), or no weight that
            trains comes before it.
    """
    if layer is not None and layer not in dict(backbone.network.named_modules()):
        children = ", ".join(name for name, _ in backbone.network.named_children())
        raise ValueError(f"feature_layer: the network has no module {layer!r}; it has {children}")
    if not any(parameter.requires_grad for parameter in backbone.parameters()):
        raise ValueError("trainable: nothing of the backbone trains, so it cannot lose an attribute")
    size, training = backbone.input_spec.input_size, backbone.training
    features = extract_features(backbone.eval(), torch.zeros(1, 3, size, size), layer).features
    backbone.train(training)
    if not features.requires_grad:
        raise ValueError(f"feature_layer: {layer!r} comes before the part of the backbone that trains")
    if features.ndim not in (2, 4):
        raise ValueError(
            f"feature_layer: {layer!r} gives neither vectors nor maps, but {tuple(features.shape)}"
        )
    return tuple(features.shape)
