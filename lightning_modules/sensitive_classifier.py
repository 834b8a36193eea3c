"""What the methods share that keep one sensitive attribute out of an attribute classifier's embedding."""

from typing import Any, NamedTuple, cast

import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from lightning_modules.backbones import Trainable
from lightning_modules.base import Batch, mean_of_known
from lightning_modules.baseline import Baseline
from lightning_modules.manual_optimization import ManualOptimization


class Reading(NamedTuple):
    """What one forward pass gives."""

    embedding: Tensor
    """(N, D), of 32 bits or more."""
    logits: Tensor
    """(N, C) of the task, of 32 bits or more."""


class SensitiveClassifier(Baseline):
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
        embedding = wide(self.backbone(self.inputs(batch)))
        return Reading(embedding, wide(self.head(embedding)))

    def task_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Cross entropy of the samples whose task is known."""
        target = batch[self.task]
        return mean_of_known(self.losses(logits, target), target)

    def sensitive_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Cross entropy of logits (N, K) over the samples whose sensitive attribute is known."""
        target = batch[self.sensitive]
        return mean_of_known(self.losses(logits, target), target)


class AdversarialClassifier(ManualOptimization, SensitiveClassifier):
    """A sensitive classifier with an adversary that has an optimizer of its own.

    A method makes its `adversary`. With several processes use the strategy `ddp_find_unused_parameters_true`:
    the two players' losses reach different parameters.

    Args:
        adversary_optimizer: from the adversary's parameters to an optimizer.
        **common: the other arguments of `ManualOptimization` and `SensitiveClassifier`; `scheduler` serves
            both players.
    """

    adversary: nn.Module

    def __init__(
        self,
        *,
        adversary_optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.hparams.pop("adversary_optimizer", None)  # a callable, as the base's optimizer
        self.adversary_optimizer = adversary_optimizer

    def players(self) -> list[LightningOptimizer]:
        """The main player's optimizer and the adversary's."""
        return cast(list[LightningOptimizer], self.optimizers())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The main player's optimizer, the adversary's, and their schedules."""
        adversary = list(self.adversary.parameters())
        others = {id(parameter) for parameter in adversary}
        main = self.optimizer([p for p in self.trainable_parameters() if id(p) not in others])
        optimizers = [main, self.adversary_optimizer(adversary)]
        return optimizers, [self.scheduler(o) for o in optimizers] if self.scheduler else []


def wide(x: Tensor) -> Tensor:
    """At least 32 bits, for the losses of mixed-precision training."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
