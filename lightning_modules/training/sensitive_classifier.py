"""What the methods share that keep one sensitive attribute out of an attribute classifier's embedding."""

from typing import Any, NamedTuple

from torch import Tensor, nn

from lightning_modules.backbones.factory import Trainable
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.attribute_classifier import AttributeClassifier
from lightning_modules.training.base import Batch
from lightning_modules.training.two_players import TwoPlayers


class Reading(NamedTuple):
    """What one forward pass gives."""

    embedding: Tensor
    """(N, D), of 32 bits or more."""
    logits: Tensor
    """(N, C) of the task, of 32 bits or more."""


class SensitiveClassifier(AttributeClassifier):
    """A classifier whose training looks at a sensitive attribute as well.

    Args:
        sensitive: the attribute that the embedding is to lose.
        trainable: the part of the backbone that trains: last_stage or all.
        **common: the other arguments of `AttributeClassifier`.

    Raises:
        ValueError: `sensitive` is the task or no attribute of the data, or nothing of the backbone trains.
    """

    def __init__(self, *, sensitive: str, trainable: Trainable = "last_stage", **common: Any) -> None:
        super().__init__(trainable=trainable, **common)
        self.sensitive = sensitive
        self.sensitive_classes = self.classes_of("sensitive", sensitive)
        if sensitive == self.task:
            raise ValueError(f"sensitive: name another attribute than the task, which is {self.task!r}")
        if not any(parameter.requires_grad for parameter in self.backbone.parameters()):
            raise ValueError("nothing of the backbone trains, so it cannot unlearn: see trainable, backbone")

    def read(self, batch: Batch) -> Reading:
        """A forward pass."""
        embedding = at_least_float32(self.backbone(self.inputs(batch)))
        return Reading(embedding, at_least_float32(self.head(embedding)))

    def task_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Cross entropy of the samples whose task is known."""
        target = batch[self.task]
        return masked_mean(self.losses(logits, target), target)

    def sensitive_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Cross entropy of logits (N, K) over the samples whose sensitive attribute is known."""
        target = batch[self.sensitive]
        return masked_mean(self.losses(logits, target), target)


class AdversarialClassifier(TwoPlayers, SensitiveClassifier):
    """A sensitive classifier with an adversary that has an optimizer of its own.

    Args:
        **common: the arguments of `TwoPlayers` and `SensitiveClassifier`.
    """

    adversary: nn.Module
