"""Domain-adversarial training (Ganin et al., JMLR 2016), with the sensitive attribute as the domain."""

import math
from typing import Any

from torch import Tensor

from lightning_modules.layers.gradient_reversal import dann_ramp, reverse_gradient
from lightning_modules.layers.heads import Head
from lightning_modules.layers.numerics import at_least_float32
from lightning_modules.training.base import Batch
from lightning_modules.training.sensitive_classifier import SensitiveClassifier


class DANN(SensitiveClassifier):
    """Train a classifier and, through a gradient reversal, a second head for the sensitive attribute.

    One optimizer minimises L_task + L_sensitive over all parameters; on its way into the backbone the
    gradient of L_sensitive is multiplied by -lambda_p, as in the paper, with lambda_p = strength *
    (2 / (1 + exp(-10 p)) - 1) at training progress p.

    The paper also decays the learning rate with p; here that is left to `optimizer` and `scheduler`. Its
    domain classifiers have one or two hidden layers, by dataset; here it is one.

    Args:
        strength: the limit of lambda_p.
        bias_hidden: units of the sensitive head's dense layer.
        **common: the other arguments of `SensitiveClassifier`.

    Raises:
        ValueError: a negative strength.
    """

    def __init__(self, *, strength: float = 1.0, bias_hidden: int = 1024, **common: Any) -> None:
        super().__init__(**common)
        if strength < 0:
            raise ValueError(f"strength cannot be negative: {strength}")
        self.strength = strength
        self.adversary = Head(self.backbone.num_features, len(self.sensitive_classes), bias_hidden)

    def training_step(  # type: ignore[override]  # Lightning takes a tensor or a dict with `loss`
        self, batch: Batch, batch_idx: int
    ) -> dict[str, Tensor]:
        """Train both heads, and the backbone for the task and against the sensitive head."""
        output = self.forward_batch(batch)
        task = self.task_loss(output.logits, batch)
        reversed_ = reverse_gradient(output.embedding, self.strength * dann_ramp(self.progress()))
        bias = self.sensitive_loss(at_least_float32(self.adversary(reversed_)), batch)
        return self.log_terms(len(output.logits), loss=task + bias, task=task, bias=bias)

    def progress(self) -> float:
        """Return the share of the training's steps that is done, in [0, 1).

        Raises:
            ValueError: the training has no end; the ramp would stay at 0, and so would the reversed gradient.
        """
        total = self.trainer.estimated_stepping_batches
        if math.isinf(total):
            raise ValueError("the ramp needs the end of the training: set max_epochs or max_steps")
        return self.global_step / total
