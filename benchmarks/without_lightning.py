"""LNTL's step without Lightning around it, for timing and comparison."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from torch import Tensor
from torch.optim import SGD, Optimizer

from lightning_modules.lntl import LNTL
from lightning_modules.training.cached_frozen_outputs import cache_frozen_outputs

Batch = dict[str, Tensor]
Step = Callable[[Batch], None]


def sgd(parameters: Any) -> Optimizer:
    """Make the optimizer of LNTL's authors."""
    return SGD(parameters, lr=0.01, momentum=0.9, weight_decay=5e-4)


class PlainLNTL(LNTL):
    """LNTL without a trainer."""

    def backward_and_step(self, loss: Tensor, optimizers: Sequence[Any], *, last: bool) -> None:
        """Backward, and one step of each optimizer."""
        loss.backward()
        for optimizer in optimizers:
            optimizer.optimizer.step()


def step_of(module: PlainLNTL, *, once: bool = True) -> Step:
    """Take a step of the published algorithm, as `training_step` does.

    Args:
        module: in training mode.
        once: evaluate the frozen part of the backbone once for both passes, as `training_step` does.
    """
    heads = list(module.bias_heads.parameters())
    rest = [p for p in (*module.backbone.parameters(), *module.head.parameters()) if p.requires_grad]
    main, adversary = (SimpleNamespace(optimizer=sgd(parameters)) for parameters in (rest, heads))

    def step(batch: Batch) -> None:
        with cache_frozen_outputs(module.backbone) if once else nullcontext():
            module.step(batch, main, adversary)  # type: ignore[arg-type]  # all it asks of them

    return step
