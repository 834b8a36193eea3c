"""Adversarial training: an encoder and its adversary, each with an optimizer of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import nn

from lightning_modules.training.manual_optimization import ManualOptimization


@contextmanager
def without_gradients_of(module: nn.Module) -> Iterator[None]:
    """Compute losses that send no gradient to the parameters of a module, but through it to its input.

    The one way in which a method keeps a loss away from the other optimizer's parameters: the encoder's loss
    is computed within it, and the adversary's loss on features without a graph.
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


class AdversarialTraining(ManualOptimization):
    """Mixin with two optimizers, one of the adversary's parameters and one of all others; list it first.

    A method that uses it has an `adversary`. With several processes use the strategy
    `ddp_find_unused_parameters_true`, as each loss reaches the parameters of one optimizer alone.

    Args:
        adversary_optimizer: builds an optimizer from the adversary's parameters.
        **common: the other arguments of `ManualOptimization` and of the classifier; `scheduler` serves both
            optimizers.
    """

    optimizer: OptimizerCallable
    scheduler: LRSchedulerCallable | None

    def __init__(
        self,
        *,
        adversary_optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.adversary_optimizer = adversary_optimizer

    def encoder_and_adversary(self) -> list[LightningOptimizer]:
        """Return the encoder's optimizer, which trains the task's head too, and the adversary's."""
        return cast(list[LightningOptimizer], self.optimizers())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build both optimizers, over disjoint parameters, and their schedules."""
        adversary = list(cast(nn.Module, self.adversary).parameters())
        others = {id(parameter) for parameter in adversary}
        encoder = self.optimizer([p for p in self.parameters() if p.requires_grad and id(p) not in others])
        optimizers = [encoder, self.adversary_optimizer(adversary)]
        return optimizers, [self.scheduler(o) for o in optimizers] if self.scheduler else []
