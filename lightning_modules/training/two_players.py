"""A classifier and its adversary, each with an optimizer of its own."""

from typing import Any, cast

import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import nn

from lightning_modules.training.manual_optimization import ManualOptimization


class TwoPlayers(ManualOptimization):
    """Goes before a classifier among a method's bases; the method makes its `adversary`.

    With several processes use the strategy `ddp_find_unused_parameters_true`: the two players' losses reach
    different parameters.

    Args:
        adversary_optimizer: from the adversary's parameters to an optimizer.
        **common: the other arguments of `ManualOptimization` and the classifier; `scheduler` serves both
            players.
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

    def players(self) -> list[LightningOptimizer]:
        """The main player's optimizer and the adversary's."""
        return cast(list[LightningOptimizer], self.optimizers())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The main player's optimizer, of all else that trains, the adversary's, and their schedules."""
        adversary = list(cast(nn.Module, self.adversary).parameters())
        others = {id(parameter) for parameter in adversary}
        main = self.optimizer([p for p in self.parameters() if p.requires_grad and id(p) not in others])
        optimizers = [main, self.adversary_optimizer(adversary)]
        return optimizers, [self.scheduler(o) for o in optimizers] if self.scheduler else []
