"""Heads that predict a bias from features, and their losses: "h" of Learning Not to Learn."""

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.layers.entropy import negative_entropy
from lightning_modules.layers.numerics import at_least_float32


class VectorBiasHead(nn.Sequential):
    """Predict a label from vectors: the official `Predictor` with linear layers in place of convolutions.

    Without its BatchNorm the head would miss what the features encode at a small scale, where a standardised
    probe still finds it.

    Args:
        features: length of the vectors.
        classes: number of classes of the label.
        hidden: units of the hidden layer.
    """

    def __init__(self, features: int, classes: int, hidden: int) -> None:
        super().__init__(
            nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, classes)
        )


class MapBiasHead(nn.Module):
    """Predict label maps from feature maps, one class per position (the official `Predictor`).

    The official code has one predictor per map; one grouped convolution computes the same.

    Args:
        channels: number of feature maps.
        classes: number of classes of each label map.
        maps: number of label maps.
        hidden: channels of the hidden layer for each map.
    """

    def __init__(self, channels: int, classes: int, maps: int, hidden: int) -> None:
        super().__init__()
        self.maps = maps
        self.dense = nn.Conv2d(channels, maps * hidden, 3, padding=1)
        self.norm = nn.BatchNorm2d(maps * hidden)
        self.output = nn.Conv2d(maps * hidden, maps * classes, 3, padding=1, groups=maps)

    def forward(self, features: Tensor) -> Tensor:
        """Compute logits (N, classes, maps, H, W) of features (N, channels, H, W)."""
        logits = self.output(self.norm(self.dense(features)).relu())
        return logits.unflatten(1, (self.maps, -1)).transpose(1, 2)


class AveragedBiasHead(MapBiasHead):
    """Predict one label of the whole image from feature maps: the mean of the logits of all positions."""

    def forward(self, features: Tensor) -> Tensor:
        """Compute logits (N, classes) of features (N, channels, H, W)."""
        return super().forward(features).mean((2, 3, 4))


def build_bias_head(
    features: tuple[int, ...], classes: int, *, maps: int = 0, hidden: int | None = None
) -> nn.Module:
    """Build the head for the shape of features and labels.

    Args:
        features: shape of a batch of features, (N, D) or (N, channels, H, W).
        classes: number of classes of the label.
        maps: number of label maps; 0 where an image has one label.
        hidden: units of the hidden layer; None takes 1024 on vectors and, as the official code, as many
            channels as the features have on maps.

    Raises:
        ValueError: label maps with features that are vectors.
    """
    channels = features[1]
    if len(features) == 2:
        if maps:
            raise ValueError(
                "feature_layer: label maps are read from feature maps, the embedding is a vector"
            )
        return VectorBiasHead(channels, classes, hidden or 1024)
    hidden = hidden or channels
    head = (
        MapBiasHead(channels, classes, maps, hidden)
        if maps
        else AveragedBiasHead(channels, classes, 1, hidden)
    )
    return head.to(memory_format=torch.channels_last)


class BiasHeads(nn.ModuleDict):
    """One head per sensitive attribute, by name, all with the same features as input."""

    def confidence(self, features: Tensor) -> Tensor:
        """Sum the heads' negative entropies."""
        return _total(negative_entropy(at_least_float32(head(features))) for head in self.values())

    def cross_entropy(self, features: Tensor, labels: dict[str, Tensor]) -> Tensor:
        """Sum the heads' cross entropies."""
        return _total(
            bias_cross_entropy(at_least_float32(head(features)), labels[name]) for name, head in self.items()
        )


def _total(losses: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, losses)  # no operation for one head


def bias_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Compute the cross entropy over known labels; of several label maps the sum, as in the official code.

    Args:
        logits: (N, C) or (N, C, maps, H, W).
        target: (N,) or (N, maps, H, W) int64, -1 where unknown. Without any known the loss is 0.
    """
    losses = functional.cross_entropy(logits, target, ignore_index=-1, reduction="none")
    each = [dimension for dimension in range(target.ndim) if dimension != 1]
    return (losses.sum(each) / (target >= 0).sum(each).clamp(min=1)).sum()
