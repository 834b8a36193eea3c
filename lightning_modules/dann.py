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
    """A classifier with a second head that reads the sensitive attribute through a gradient reversal.

    One optimizer descends L_task + L_sensitive for all parameters; on its way into the backbone the gradient
    of L_sensitive is multiplied by -lambda_p, with lambda_p = strength * (2 / (1 + exp(-10 p)) - 1) at the
    share p of the training that is done, as in the paper.

    The paper also lets the learning rate fall with p; here that is left to `optimizer` and `scheduler`. Its
    domain classifiers have one or two hidden layers, by dataset; here it is one.

    Args:
        strength: what lambda_p rises to.
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
        """Both heads learn; the backbone learns the task and unlearns the sensitive attribute."""
        reading = self.read(batch)
        task = self.task_loss(reading.logits, batch)
        reversed_ = reverse_gradient(reading.embedding, self.strength * dann_ramp(self.progress()))
        bias = self.sensitive_loss(at_least_float32(self.adversary(reversed_)), batch)
        terms = {"loss": task + bias, "task": task, "bias": bias}
        for name, value in terms.items():
            self.log(f"train/{name}", value, on_step=False, on_epoch=True, batch_size=len(reading.logits))
        return terms

    def progress(self) -> float:
        """The share of the training's steps that is done, in [0, 1).

        Raises:
            ValueError: the training has no end; the ramp would stay at 0 and nothing be unlearned.
        """
        total = self.trainer.estimated_stepping_batches
        if math.isinf(total):
            raise ValueError("the ramp needs the end of the training: set max_epochs or max_steps")
        return self.global_step / total
