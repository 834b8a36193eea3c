"""Base of the methods that keep one sensitive attribute out of an attribute classifier's embedding."""

from typing import Any, NamedTuple

from torch import Tensor, nn

from lightning_modules.backbones.factory import Trainable
from lightning_modules.layers.numerics import at_least_float32, masked_mean
from lightning_modules.training.adversarial import AdversarialTraining
from lightning_modules.training.attribute_classifier import AttributeClassifier
from lightning_modules.training.base import Batch


class ForwardOutput(NamedTuple):
    """Output of one forward pass."""

    embedding: Tensor
    """(N, D), of 32 bits or more."""
    logits: Tensor
    """(N, C) of the task, of 32 bits or more."""


class SensitiveClassifier(AttributeClassifier):
    """Classify one attribute, with a training that uses the labels of a sensitive attribute as well.

    Args:
        sensitive: the attribute to remove from the embedding.
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

    def forward_batch(self, batch: Batch) -> ForwardOutput:
        """Compute embeddings and task logits of a batch."""
        embedding = at_least_float32(self.backbone(self.inputs(batch)))
        return ForwardOutput(embedding, at_least_float32(self.head(embedding)))

    def log_terms(self, samples: int, **terms: Tensor) -> dict[str, Tensor]:
        """Log the terms of a step on `samples` samples, as means over an epoch, and return them."""
        for name, value in terms.items():
            self.log(f"train/{name}", value, on_step=False, on_epoch=True, batch_size=samples)
        return terms

    def task_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Compute the cross entropy of the samples whose task is known."""
        target = batch[self.task]
        return masked_mean(self.losses(logits, target), target)

    def sensitive_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Compute the cross entropy of logits (N, K) over samples with a known sensitive attribute."""
        target = batch[self.sensitive]
        return masked_mean(self.losses(logits, target), target)


class AdversarialClassifier(AdversarialTraining, SensitiveClassifier):
    """Base of the sensitive classifiers with an adversary that has an optimizer of its own.

    Args:
        **common: the arguments of `AdversarialTraining` and `SensitiveClassifier`.
    """

    adversary: nn.Module
