"""Features from inside a backbone, beside its embedding."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_modules.backbones.backbone_base import Backbone


class StageFeatures(NamedTuple):
    """What one pass gives: the `embedding` (N, D) and the `features`, (N, C) or (N, C, H, W)."""

    embedding: Tensor
    features: Tensor


def read_stage(backbone: Backbone, image: Tensor, stage: str | None) -> StageFeatures:
    """A forward pass over images (N, 3, H, W).

    Args:
        backbone: of any kind.
        image: as the backbone takes it.
        stage: name of the module of its network whose output is wanted; None is the embedding itself.
    """
    if stage is None:
        embedding = backbone(image)
        return StageFeatures(embedding, embedding)
    kept: list[Tensor] = []
    module = backbone.network.get_submodule(stage)
    handle = module.register_forward_hook(lambda module, given, output: kept.append(output))
    try:
        embedding = backbone(image)
    finally:
        handle.remove()
    return StageFeatures(embedding, kept[0])


def shape_of_stage(backbone: Backbone, stage: str | None) -> tuple[int, ...]:
    """The shape of the features of one image, from a trial.

    Raises:
        ValueError: there is no such stage, its output is neither (N, C) nor (N, C, H, W), or no weight that
            trains comes before it.
    """
    if stage is not None and stage not in dict(backbone.network.named_modules()):
        children = ", ".join(name for name, _ in backbone.network.named_children())
        raise ValueError(f"stage: the network has no module {stage!r}; it has {children}")
    if not any(parameter.requires_grad for parameter in backbone.parameters()):
        raise ValueError("trainable: nothing of the backbone trains, so it cannot lose an attribute")
    size, training = backbone.input_spec.input_size, backbone.training
    features = read_stage(backbone.eval(), torch.zeros(1, 3, size, size), stage).features
    backbone.train(training)
    if not features.requires_grad:
        raise ValueError(f"stage: {stage!r} comes before the part of the backbone that trains")
    if features.ndim not in (2, 4):
        raise ValueError(f"stage: {stage!r} gives neither vectors nor maps, but {tuple(features.shape)}")
    return tuple(features.shape)
